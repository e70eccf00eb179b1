"""The whole tree as `manage.py up` starts it, with a real SMTP server and a real browser in front of it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from django_otp.oath import TOTP

from tests.databases import PASSED_ON, ROOT, OwnDatabase
from tests.end_to_end.office import free_port, wait_for


class Mailbox:
    """What an SMTP server was given: (recipient, bytes of the mail), in order of arrival."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails += [(recipient, envelope.original_content) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def to(self, recipient: str) -> list[bytes]:
        """The mails for one address."""
        return [content for address, content in self.mails if address == recipient]


@dataclass
class RunningDesk:
    """A started desk: where it answers, who may sign in, where it keeps its files, what it mailed."""

    url: str
    accounts: list[dict[str, str]]
    var: Path
    output: Path
    mailbox: Mailbox
    used_codes: dict[str, int] = field(default_factory=dict)

    def account(self, username: str) -> dict[str, str]:
        """The demo account of this name."""
        return next(account for account in self.accounts if account["username"] == username)

    def code(self, account: dict[str, str]) -> str:
        """A fresh code of the account's app: waits for the next half minute where this one was used."""
        import base64

        totp = TOTP(base64.b32decode(account["totp_secret"]), 30, 0, 6, 0)
        while True:
            totp.time = time.time()
            if totp.t() > self.used_codes.get(account["username"], -1):
                self.used_codes[account["username"]] = totp.t()
                return f"{totp.token():06d}"
            time.sleep(0.5)


@contextmanager
def smtp_server() -> Iterator[tuple[Mailbox, int]]:
    """A real SMTP server on the loopback: the mailbox and its port."""
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield mailbox, server.port
    finally:
        server.stop()


@contextmanager
def running_desk(
    folder: Path, *options: str, ready_file: bool = True, database: OwnDatabase | None = None, **env: str
) -> Iterator[RunningDesk]:
    """`manage.py up` until every part answers: on a new var folder with the demo, or on `database`.

    Without `ready_file` no accounts are known; the desk is ready when /healthz says so.
    """
    ready, output = folder / "ready.json", folder / "output.txt"
    port = free_port()
    url, var = f"http://127.0.0.1:{port}", database.var if database else folder / "var"
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment = database.env if database else passed_on | {"DESK_VAR": str(var)}
    if ready_file:
        options += ("--json-ready", str(ready))
    with smtp_server() as (mailbox, smtp_port), output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *options],
            env=environment | {"DESK_PREPARED": "1", "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}"} | env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            try:
                wait_for(
                    lambda: process.poll() is not None or (ready.exists() if ready_file else healthy(url)),
                    seconds=45,
                    what="the desk is ready",
                )
            except AssertionError as late:
                raise AssertionError(f"{late}\n{output.read_text(errors='replace')}") from None
            assert process.poll() is None, output.read_text(errors="replace")
            told = json.loads(ready.read_text()) if ready_file else {"url": url, "accounts": []}
            yield RunningDesk(told["url"].rstrip("/"), told["accounts"], var, output, mailbox)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
    assert not ready.exists(), "--json-ready must delete its file when the desk stops"


def healthy(url: str) -> bool:
    """Whether /healthz says that beat, broker, worker and database all work."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310 (our own loopback)
            return bool(answer.status == 200)
    except OSError:
        return False
