"""The web server of a desk that is both sides, on a database of its own: `manage.py up` without the rest."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.databases import ROOT, OwnDatabase
from tests.intake.visitor import Visitor
from tests.machine import free_port


@dataclass(frozen=True)
class Server:
    """A running gunicorn, its database, its log."""

    port: int
    database: OwnDatabase
    log: Path

    @property
    def url(self) -> str:
        """Where the public pages begin."""
        return f"http://127.0.0.1:{self.port}/help/"

    def visitor(self) -> Visitor:
        """Somebody new."""
        return Visitor(self.port, root="/help/")

    def on_the_desk(self, code: str) -> str:
        """What Python code prints in a process of the desk."""
        start = "from intake.models import *; from django.utils import timezone; "
        done = self.database.manage("shell", "-v", "0", "-c", start + code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextlib.contextmanager
def server(database: OwnDatabase) -> Iterator[Server]:
    """Until the end of the block."""
    made = database.manage("vault", "mailbox")
    assert made.returncode == 0, made.stderr
    port, log = free_port(), database.var / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi",
             f"--bind=127.0.0.1:{port}"],
            env=database.env | {"DESK_PREPARED": "1"},
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        running = Server(port, database, log)
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError):
                if running.visitor().get("")[0] == 200:
                    break
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
