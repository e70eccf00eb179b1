"""The whole tree as `manage.py up` starts it, with a real SMTP server and a real browser in front of it."""

import atexit
import base64
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django_otp.oath import TOTP

from tests.databases import PASSED_ON, ROOT, OwnDatabase, compiled_files
from tests.end_to_end.office import wait_for
from tests.machine import free_port
from tests.mailroom import Mailroom, open_mailroom


@dataclass
class RunningDesk:
    """A started desk: where it answers, who may sign in, where it keeps its files, what it mailed."""

    url: str
    accounts: list[dict[str, str]]
    var: Path
    output: Path
    mailroom: Mailroom
    used_codes: dict[str, int] = field(default_factory=dict)

    def account(self, username: str) -> dict[str, str]:
        """The demo account of this name."""
        return next(account for account in self.accounts if account["username"] == username)

    def code(self, account: dict[str, str]) -> str:
        """A fresh code of the account's app: waits for the next half minute where this one was used."""
        totp = TOTP(base64.b32decode(account["totp_secret"]), 30, 0, 6, 0)
        while True:
            totp.time = time.time()
            if totp.t() > self.used_codes.get(account["username"], -1):
                self.used_codes[account["username"]] = totp.t()
                return f"{totp.token():06d}"
            time.sleep(0.5)


@functools.cache
def installation() -> Path:
    """A var folder as the first start makes it: tables, keys, demo, by the functions of `up`; to be copied.

    tests/house/test_up.py and `fresh` start from nothing.
    """
    folder = Path(tempfile.mkdtemp(prefix="installation-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env = passed_on | compiled_files() | {"DESK_VAR": str(folder / "var"), "DESK_PREPARED": "1"}
    code = "from django.conf import settings; from config import demo, installation as made\n"
    code += "with made.only_start_on(settings.VAR_DIR): made.prepare(); demo.load()"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", code]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder / "var"


@contextmanager
def running_desk(
    folder: Path,
    *options: str,
    ready_file: bool = True,
    database: OwnDatabase | None = None,
    fresh: bool = False,
    **env: str,
) -> Iterator[RunningDesk]:
    """`manage.py up` until every part answers: on a copy of `installation`, an empty folder or `database`.

    Without `ready_file` no accounts are known; the desk is ready when /healthz says so.
    """
    ready, output = folder / "ready.json", folder / "output.txt"
    port = free_port()
    url, var = f"http://127.0.0.1:{port}", database.var if database else folder / "var"
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment = database.env if database else passed_on | compiled_files() | {"DESK_VAR": str(var)}
    if not (database or fresh):
        shutil.copytree(installation(), var)
    if ready_file:
        options += ("--json-ready", str(ready))
    with open_mailroom() as mailroom, output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *options],
            env=environment
            | {"DESK_PREPARED": "1", "EMAIL_URL": f"smtp://{mailroom.host}:{mailroom.port}"}
            | env,
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
                    seconds=90,
                    what="the desk is ready",
                )
            except AssertionError as late:
                raise AssertionError(f"{late}\n{output.read_text(errors='replace')}") from None
            assert process.poll() is None, output.read_text(errors="replace")
            told = json.loads(ready.read_text()) if ready_file else {"url": url, "accounts": []}
            yield RunningDesk(told["url"].rstrip("/"), told["accounts"], var, output, mailroom)
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
