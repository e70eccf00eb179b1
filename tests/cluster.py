"""A throw-away Postgres cluster from the machine's own binaries: in a 0700 folder, on a Unix socket only."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
# Nothing in it outlives the tests, so nothing needs to reach the disk.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


class NoCluster(Exception):
    """The binaries are there but do not work; the message is what they said."""


@contextmanager
def cluster(bin_folder: Path) -> Iterator[str]:
    """Gives the DATABASE_URL of an empty database `desk`; nothing is left of it, even if we are killed."""
    as_user = _other_user()
    # Another user must reach it, and a Unix socket's path may not pass 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="desk-pg-", dir="/tmp" if as_user else None))  # noqa: S108
    try:
        if as_user:
            shutil.chown(folder, as_user["user"], as_user["group"])
        _run(
            [bin_folder / "initdb", "-D", folder / "data", "-U", "desk", "-A", "trust", "-E", "UTF8"]
            + ["--no-locale", "--no-sync"],
            as_user,
        )
        settings = SETTINGS | {"unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", folder / "data", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=_die_with_us, **as_user,
            )  # fmt: skip
        try:
            _wait_until_it_answers(bin_folder, folder, server)
            _run([bin_folder / "createdb", "-h", folder, "-U", "desk", "desk"], as_user)
            yield f"postgres://desk@/desk?host={folder}"
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> dict[str, Any]:
    """Postgres refuses to run as root; then another user is lent to it."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    raise NoCluster("there is neither a user postgres nor a user nobody to run it as")


def _die_with_us() -> None:
    """A killed test run must not leave a server behind (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _run(command: list[Any], as_user: dict[str, Any]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **as_user
    )
    if done.returncode:
        raise NoCluster(f"{Path(command[0]).name}: {done.stderr.strip()}")


def _wait_until_it_answers(bin_folder: Path, folder: Path, server: subprocess.Popen) -> None:
    ask = [bin_folder / "psql", "-h", folder, "-U", "desk", "-d", "postgres", "-c", "SELECT 1"]
    for _ in range(150):
        if server.poll() is not None:
            break
        if subprocess.run(ask, capture_output=True, cwd="/").returncode == 0:
            return
        time.sleep(0.2)
    raise NoCluster(f"postgres did not start: {(folder / 'log').read_text(errors='replace')[-500:]}")


def _stop(server: subprocess.Popen) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
            return
