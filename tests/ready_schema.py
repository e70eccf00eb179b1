"""Tests start from tables that were migrated once: migrating again takes longer than most tests.

A SQLite file for each state of the migrations and of what they read; on Postgres a database that all lanes
copy. CI makes its tables anew each time, once for all lanes: KEPT_TABLES is then a folder of that run.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

from tests.machine import ON_CI

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("KEPT_TABLES") or ROOT / ".pytest_cache" / "schema")
# The migrated database of the throw-away cluster; nobody works on it.
READY = "ready"
# What decides how the tables look and what lies in them: migrations, and what they import or load.
SOURCES = (
    "*/migrations/*.py",
    "staff/append_only.py",
    "law/data/*.json",
    "law/rules/*.py",
    "requirements.txt",
)


def _kept() -> Path | None:
    """Where the tables of today's migrations are kept, or None where they have to be made anew."""
    if (ON_CI and not shared()) or os.environ.get("DATABASE_URL"):
        return None
    state = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                state.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return FOLDER / f"{state.hexdigest()}.sqlite3"


def shared() -> bool:
    """Whether this is one lane of a run that keeps its tables for all of them."""
    return "KEPT_TABLES" in os.environ


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time makes tables to keep; the others wait, then find them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def migrated_once() -> Iterator[None]:
    """The first `migrate` in this process copies the kept tables, or keeps those that it makes."""
    from django.core import management
    from django.db import connection

    kept, migrate = _kept(), management.call_command

    def call(name: str, *arguments: object, **options: object) -> object:
        if name != "migrate" or kept is None:
            return migrate(name, *arguments, **options)
        patched.stop()
        connection.ensure_connection()
        with alone():
            if kept.exists():
                with closing(sqlite3.connect(kept)) as source:
                    source.backup(connection.connection)
                return None
            said = migrate(name, *arguments, **options)
            unfinished = kept.with_suffix(f".{os.getpid()}")
            with closing(sqlite3.connect(unfinished)) as target:
                connection.connection.backup(target)
            unfinished.replace(kept)
        return said

    patched = mock.patch.object(management, "call_command", call)
    patched.start()
    try:
        yield
    finally:
        patched.stop()


def copy_to(database: Path) -> bool:
    """Put the kept tables where another process will look for its database; whether there are any."""
    kept = _kept()
    if kept is None or not kept.exists():
        return False
    shutil.copyfile(kept, database)
    return True
