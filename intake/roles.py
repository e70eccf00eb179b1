"""What the public process may do in Postgres: a role of its own, which this module grants and measures.

It may put requests, additions, photographs, first readings and withdrawals in; read lookup ids, public keys
and answers (which it cannot open); and delete what a person withdraws. To delete one person's rows Postgres
asks for SELECT on the columns by which they are found, so those are granted too: ids that mean nothing by
themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper


class Grant(NamedTuple):
    """The rights to one table: to whole rows, and the columns that may be read."""

    rights: frozenset[str]
    readable: tuple[str, ...] = ()


GRANTS: Final = {
    "intake_helprequest": Grant(frozenset({"INSERT", "DELETE"}), ("id", "lookup", "public_key")),
    "intake_message": Grant(frozenset({"INSERT", "DELETE"}), ("request_id",)),
    "intake_photograph": Grant(frozenset({"INSERT", "DELETE"}), ("request_id",)),
    "intake_answer": Grant(frozenset({"DELETE"}), ("id", "request_id", "box")),
    "intake_reading": Grant(frozenset({"INSERT", "DELETE"}), ("answer_id", "read_on")),
    "intake_withdrawal": Grant(frozenset({"INSERT"})),
}
_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_OF_COLUMNS: Final = ("SELECT", "INSERT", "UPDATE", "REFERENCES")


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give the existing `role` exactly these rights in this database, taking every other one away."""
    quote = connection.ops.quote_name
    name = quote(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        database = quote(cursor.fetchone()[0])
        for schema_objects in ("TABLES", "SEQUENCES"):
            cursor.execute(f"REVOKE ALL ON ALL {schema_objects} IN SCHEMA public FROM {name}")
        cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}")
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
        cursor.execute(f"GRANT CONNECT ON DATABASE {database} TO {name}")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        for table, (rights, readable) in GRANTS.items():
            columns = ", ".join(map(quote, readable))
            given = [*sorted(rights), *([f"SELECT ({columns})"] if readable else [])]
            cursor.execute(f"GRANT {', '.join(given)} ON {quote(table)} TO {name}")


def excess(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """What the role of this connection may do beyond GRANTS, such as `SELECT intake_helprequest.box`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        if any(cursor.fetchone()):
            yield "everything: it is a superuser, or as good as one"
            return
        cursor.execute(
            "SELECT c.relname, r.name FROM pg_class c CROSS JOIN unnest(%s::text[]) AS r(name) "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = 'public'::regnamespace "
            "AND has_table_privilege(c.oid, r.name)",
            [list(_RIGHTS)],
        )
        for table, right in sorted(cursor.fetchall()):
            if table not in GRANTS or right not in GRANTS[table].rights:
                yield f"{right} {table}"
        cursor.execute(
            "SELECT c.relname, a.attname, r.name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "CROSS JOIN unnest(%s::text[]) AS r(name) WHERE c.relkind IN ('r', 'p', 'v', 'm') "
            "AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped "
            "AND has_column_privilege(c.oid, a.attnum, r.name)",
            [list(_OF_COLUMNS)],
        )
        for table, column, right in sorted(cursor.fetchall()):
            wanted = GRANTS.get(table, Grant(frozenset()))
            if right not in wanted.rights and not (right == "SELECT" and column in wanted.readable):
                yield f"{right} {table}.{column}"
