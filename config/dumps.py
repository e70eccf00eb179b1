"""The database as one stream, and back: a consistent snapshot, without the record keys, which go apart."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.db import connection

# What libpq knows of Django's parameters; the password travels in the environment.
LIBPQ = ("host", "port", "user", "dbname", "service", "connect_timeout", "sslmode", "sslrootcert", "sslcert")
KEYS_TABLE, CANARIES_TABLE = "vault_recordkey", "vault_canary"
# Record keys go apart; a session is nobody's business after a fire.
LEFT_OUT = (KEYS_TABLE, "staff_session")
KEYS = f"SELECT owner, wrapped FROM {KEYS_TABLE}"  # noqa: S608 (a name of this module)
ROOT_CANARY = f"SELECT sealed FROM {CANARIES_TABLE} WHERE key_name = 'root'"  # noqa: S608


class CannotDump(Exception):
    """The database could not be dumped or loaded. The text says what is missing and what to do."""


class Snapshot:
    """One moment of the database: `stream` is all of it but the record keys; `keys` are (owner, wrapped)."""

    def __init__(self, stream: IO[bytes], keys: list[tuple[str, bytes | None]], canary: bytes) -> None:
        self.stream, self.keys, self.root_canary = stream, keys, canary


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """The database as it is now, while everybody goes on working. Raises CannotDump."""
    with _postgres() if connection.vendor == "postgresql" else _sqlite() as taken:
        yield taken


def load(stream: IO[bytes]) -> None:
    """Fill the empty database with what `snapshot` gave; all or nothing. Raises CannotDump."""
    if connection.vendor == "postgresql":
        _load_postgres(stream)
    else:
        _load_sqlite(stream)


# -- SQLite: in memory, because a copy on the disk would have to be destroyed again


@contextmanager
def _sqlite() -> Iterator[Snapshot]:
    source = sqlite3.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)
    memory = sqlite3.connect(":memory:")
    try:
        source.backup(memory)
        keys = [(str(owner), wrapped) for owner, wrapped in memory.execute(KEYS)]
        [(canary,)] = memory.execute(ROOT_CANARY).fetchall() or [(b"",)]
        for table in LEFT_OUT:
            memory.execute(f"DELETE FROM {table}")  # noqa: S608 (names of this module)
        memory.commit()
        memory.execute("VACUUM")  # what was deleted must not travel in free pages
        yield Snapshot(io.BytesIO(memory.serialize()), keys, canary)
    except sqlite3.Error as problem:
        raise CannotDump(f"The database cannot be read: {problem}.") from None
    finally:
        memory.close()
        source.close()


def _load_sqlite(stream: IO[bytes]) -> None:
    connection.close()
    memory, target = sqlite3.connect(":memory:"), sqlite3.connect(connection.settings_dict["NAME"])
    try:
        memory.deserialize(stream.read())
        memory.backup(target)
    except sqlite3.Error as problem:
        raise CannotDump(f"The database cannot be written: {problem}.") from None
    finally:
        target.close()
        memory.close()


# -- Postgres: its own tools, in one exported snapshot


def _program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise CannotDump(
            f"{name} is not on this machine. Install the client programs of Postgres "
            "(Debian: apt install postgresql-client), not older than the server."
        )
    return found


def _access() -> tuple[str, dict[str, str]]:
    """The address as the tools take it, and their environment with the password."""
    from psycopg.conninfo import make_conninfo

    params = connection.get_connection_params()
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    if params.get("password"):
        env["PGPASSWORD"] = str(params["password"])
    return make_conninfo(**{name: params[name] for name in LIBPQ if params.get(name)}), env


@contextmanager
def _postgres() -> Iterator[Snapshot]:
    import psycopg

    program = _program("pg_dump")
    address, env = _access()
    password = {"password": env["PGPASSWORD"]} if "PGPASSWORD" in env else {}
    with psycopg.connect(address, **password) as held:  # type: ignore[arg-type]
        held.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held.read_only = True
        [(name,)] = held.execute("SELECT pg_export_snapshot()").fetchall()
        keys = [(owner.hex, wrapped) for owner, wrapped in held.execute(KEYS)]
        [(canary,)] = held.execute(ROOT_CANARY).fetchall() or [(b"",)]
        command = [program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}"]
        command += [f"--exclude-table-data={table}" for table in LEFT_OUT] + [f"--dbname={address}"]
        with _running(command, env, stdout=subprocess.PIPE) as process:
            yield Snapshot(process.stdout, keys, canary)


def _load_postgres(stream: IO[bytes]) -> None:
    address, env = _access()
    command = [_program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error"]
    command += ["--single-transaction", f"--dbname={address}"]
    connection.close()
    with _running(command, env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            shutil.copyfileobj(stream, process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # its own words say why


@contextmanager
def _running(command: list[str], env: dict[str, str], **pipes: Any) -> Iterator[Any]:
    """The program, and its first words where it ended badly. They name tables, never what is in them."""
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, **pipes)
    try:
        yield process
        said = (process.stderr.read() if process.stderr else b"").decode(errors="replace").splitlines()
        if process.wait():
            raise CannotDump((said or [f"{command[0]} ended with {process.returncode}"])[0] + ".")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe and not pipe.closed:
                pipe.close()
