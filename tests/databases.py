"""Databases of their own for tests with real commits: copies of one migrated template, SQLite or Postgres."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests import ready_schema

ROOT = Path(__file__).resolve().parent.parent
# What a test process passes on; the rest of the developer's environment must not reach it.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "CI", "CHROMIUM", "POSTGRES_BIN")


@dataclass(frozen=True)
class OwnDatabase:
    """One copy: the environment that leads to it, its DESK_VAR folder, and how to throw it away."""

    env: dict[str, str]
    var: Path
    name: str
    drop: Callable[[], None]

    def manage(self, *arguments: str, timeout: float = 120, **changes: str) -> subprocess.CompletedProcess:
        """Run `manage.py` on this database to its end; `changes` go into the environment."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.env | changes,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


@contextmanager
def fresh_databases(folder: Path, keys: Path) -> Iterator[Callable[[], OwnDatabase]]:
    """Gives a function that makes a fresh database each time it is called; the template is migrated once."""
    if os.environ.get("DATABASE_URL"):
        ready = migrated_on_postgres(folder / "ready", keys)
        make, migrated = _postgres_copy, bool(ready)
        template = make(folder / "template", keys, ready)
    else:
        make = _sqlite_copy
        template = make(folder / "template", keys, None)
        migrated = ready_schema.copy_to(Path(template.name))
    commands = [["vault", "init"]] if migrated else [["migrate", "--verbosity", "0"], ["vault", "init"]]
    for command in commands:
        _done(template, *command)
    count = iter(range(1_000_000))
    try:
        yield lambda: make(folder / f"copy{next(count)}", keys, template)
    finally:
        template.drop()


def migrated_on_postgres(folder: Path, keys: Path) -> OwnDatabase | None:
    """The database of the run's own cluster that all lanes copy, migrated by whoever comes first."""
    if not ready_schema.shared():
        return None
    with ready_schema.alone():
        name = ready_schema.READY
        there = _on_the_server("SELECT 1 FROM pg_database WHERE datname = %s", name)
        database = _on_postgres(folder, keys, name)
        if not there:
            _on_the_server(f'CREATE DATABASE "{name}"')
            _done(database, "migrate", "--verbosity", "0")
    return database


def _done(database: OwnDatabase, *command: str) -> None:
    done = database.manage(*command)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def empty_database(var: Path, keys: Path) -> Iterator[OwnDatabase]:
    """A database without a single table, as a new machine has it; its folder `var` is made."""
    database = (_postgres_copy if os.environ.get("DATABASE_URL") else _sqlite_copy)(var, keys, None)
    try:
        yield database
    finally:
        database.drop()


def compiled_files() -> dict[str, str]:
    """For the environment of a process: where compiled files lie, so that each is compiled once."""
    prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    return {"PYTHONPYCACHEPREFIX": prefix} if prefix else {"PYTHONDONTWRITEBYTECODE": "1"}


def _environment(var: Path, keys: Path) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    key_files = {f"{path.stem.upper()}_KEY_FILE": str(path) for path in keys.glob("*.key")}
    var.mkdir(mode=0o700)
    return passed_on | key_files | compiled_files() | {"DESK_VAR": str(var)}


def _sqlite_copy(var: Path, keys: Path, template: OwnDatabase | None) -> OwnDatabase:
    env = _environment(var, keys)
    name = str(var / "desk.sqlite3")
    if template:
        shutil.copyfile(template.name, name)
    return OwnDatabase(env, var, name, lambda: shutil.rmtree(var, ignore_errors=True))


def _postgres_copy(var: Path, keys: Path, template: OwnDatabase | None) -> OwnDatabase:
    name = f"own_{secrets.token_hex(6)}"
    _on_the_server(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template.name}"' if template else ""))
    return _on_postgres(var, keys, name)


def _on_postgres(var: Path, keys: Path, name: str) -> OwnDatabase:
    env = _environment(var, keys) | {
        "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl(),
        "SITE": "both",
        "SECURE": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "REDIS_URL": f"redis+socket://{var}/broker/broker.sock",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "DEFAULT_FROM_EMAIL": "desk@localhost",
    }
    return OwnDatabase(env, var, name, lambda: _drop(name, var))


def _drop(name: str, var: Path) -> None:
    _on_the_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(var, ignore_errors=True)


def _on_the_server(statement: str, *values: str) -> bool:
    """Run outside every test's transaction, on a connection of its own; whether a row came back."""
    import psycopg
    from django.db import connection

    params = connection.get_connection_params() | {"dbname": "postgres"}
    keep = {key: params[key] for key in ("dbname", "host", "port", "user", "password") if params.get(key)}
    with psycopg.connect(**keep, autocommit=True) as server:
        return server.execute(statement, values or None).rowcount > 0


@contextmanager
def use_in_this_process(database: OwnDatabase) -> Iterator[None]:
    """Point every thread's default connection at `database`; threads close what they opened."""
    from django.db import connections

    before, wrapper = connections.settings["default"], connections["default"]
    del connections["default"]
    connections.settings["default"] = before | {"NAME": database.name, "TEST": dict(before["TEST"])}
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = wrapper
