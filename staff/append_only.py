"""Tables that only grow: database triggers refuse UPDATE, DELETE and, on Postgres, TRUNCATE.

Whoever owns the database can drop a trigger; the chain over the trail exists to prove that afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

# Each with its unique columns.
TABLES = {
    "staff_trailrow": ("id", "seal_id"),
    "staff_traillink": ("position", "row_id"),
    "staff_checkpoint": ("id", "signature"),
    "law_legalrule": ("id", "ref"),
    "law_ruleconfirmation": ("id",),
    "figures_publication": ("id", "place"),
}
MESSAGE = "this table only grows"


class KeptForGood(Exception):
    """A row that is kept for good was to be deleted, or overwritten behind its history's back."""


def _sqlite(table: str) -> dict[str, str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    same = " OR ".join(f"{column} = NEW.{column}" for column in TABLES[table])
    taken = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 (names from this module only)
    return {
        f"{table}_no_update": f"BEFORE UPDATE ON {table} {refuse}",
        f"{table}_no_delete": f"BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes the old row without firing a DELETE trigger.
        f"{table}_no_replace": f"BEFORE INSERT ON {table} WHEN EXISTS ({taken}) {refuse}",
    }


def _postgres(table: str) -> dict[str, str]:
    refuse = f"EXECUTE FUNCTION {table}_grows()"
    return {
        f"{table}_no_change": f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}",
        # TRUNCATE passes row triggers.
        f"{table}_no_truncate": f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}",
    }


def _triggers(vendor: str, table: str) -> dict[str, str]:
    if vendor == "sqlite":
        return _sqlite(table)
    if vendor == "postgresql":
        return _postgres(table)
    raise NotImplementedError(f"{vendor}: append-only tables are written for SQLite and Postgres only.")


def install(connection: BaseDatabaseWrapper, table: str) -> None:
    """Make the triggers of `table`; those that stand already are made anew."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {table}_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        for name, body in _triggers(connection.vendor, table).items():
            where = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")
            cursor.execute(f"CREATE TRIGGER {name} {body}")


def remove(connection: BaseDatabaseWrapper, table: str) -> None:
    """Drop the triggers of `table`, to migrate backwards."""
    with connection.cursor() as cursor:
        for name in _triggers(connection.vendor, table):
            where = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")


@contextmanager
def without_triggers(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> Iterator[None]:
    """Without the triggers of `tables`, for the one audited path: staff/retention.py.

    Only inside a transaction: others never see the tables unguarded, and a failure puts the triggers back.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("The triggers are lifted inside a transaction only.")
    names = list(tables)
    _settle(connection)
    for table in names:
        remove(connection, table)
    yield
    _settle(connection)
    for table in names:
        install(connection, table)


def _settle(connection: BaseDatabaseWrapper) -> None:
    """Postgres changes no trigger of a table whose foreign keys are still to be checked: check them now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that should stand and do not; a table that is not made yet needs none.

    SQLite drops a table's triggers when a migration remakes the table: ask at every start.
    """
    if connection.vendor == "sqlite":
        asked = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        asked = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(asked)
        standing = {name for (name,) in cursor.fetchall()}
    wanted = [name for table in TABLES if table in tables for name in _triggers(connection.vendor, table)]
    return sorted(set(wanted) - standing)


def tables_without(connection: BaseDatabaseWrapper, leave: Collection[str]) -> list[str]:
    """The tables that lack triggers, but for those whose lacking triggers are among `leave`."""
    lacking = set(missing(connection))
    return [
        table
        for table in TABLES
        if (fallen := lacking & _triggers(connection.vendor, table).keys()) and not fallen & set(leave)
    ]
