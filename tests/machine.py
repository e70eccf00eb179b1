"""What this machine has: a test that needs more is skipped with a line that says how to get it.

With CI=true what is missing is a failure: there a skipped test is a hole nobody looks at.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from config import environment

ON_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
OLDEST_POSTGRES = 15
# Program: the names it goes by, and the Debian package it comes in.
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "redis": (("redis-server", "valkey-server"), "redis-server"),
    "msgfmt": (("msgfmt",), "gettext"),
    "openssl": (("openssl",), "openssl"),
}


def lacking(what: str, package: str) -> str:
    """The sentence for a person whose machine lacks `what`."""
    return f"{what} is not on this machine. Install it (Debian: apt install {package}) and run it again."


def program(name: str) -> str | None:
    """The path of a program of PROGRAMS, or None."""
    names, _package = PROGRAMS[name]
    return next(filter(None, (os.environ.get(name.upper()), *map(shutil.which, names))), None)


def need(name: str) -> str:
    """The path of a program that the running test cannot do without."""
    found = program(name)
    if not found:
        do_without(lacking(name, PROGRAMS[name][1]))
    return str(found)


def do_without(sentence: str) -> None:
    """Skip the running test; on CI fail it."""
    if ON_CI:
        pytest.fail(sentence)
    pytest.skip(sentence)


def postgres_bin() -> Path | None:
    """The folder with initdb and postgres, version 15 or newer; POSTGRES_BIN names one that is elsewhere."""
    on_path = shutil.which("initdb")
    folders = [Path(os.environ["POSTGRES_BIN"])] if os.environ.get("POSTGRES_BIN") else []
    folders += [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True).stdout
            version = re.search(r"\d+", said)
            if version and int(version[0]) >= OLDEST_POSTGRES:
                return folder
    return None


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_environment(var: Path, database_url: str = "") -> dict[str, str]:
    """The environment of a process that works on nothing of this installation: no setting of it, no file.

    Its files lie under `var`; its database is a SQLite file there, or the empty one of `database_url`.
    """
    env = {name: value for name, value in os.environ.items() if name not in environment.asked_for}
    env |= {"DESK_VAR": str(var), "DJANGO_SETTINGS_MODULE": "config.settings", "DESK_PREPARED": "1"}
    if not database_url:
        return env
    return (
        env
        | {
            "DATABASE_URL": database_url,
            "SITE": "both",
            "SECURE": "false",
            "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
            "SECRET_KEY": os.urandom(40).hex(),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "DEFAULT_FROM_EMAIL": "desk@localhost",
        }
        | {f"{name.upper()}_KEY_FILE": f"{var}/{name}.key" for name in settings.VAULT_KEY_FILES}
    )
