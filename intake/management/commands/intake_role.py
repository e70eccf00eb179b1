"""`manage.py intake_role NAME`: the database role of the public process, with no right too many."""

import getpass
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from intake import roles

SHORTEST_PASSWORD = 24


class Command(BaseCommand):
    help = (
        "Make the Postgres role of the public process, or give an existing one exactly the rights it needs. "
        "The password of a new one is read from standard input"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Only the name: what the role may do is not up to the operator."""
        parser.add_argument("name", help="such as public_form")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        """May be run again at any time, also after an update that brought new tables."""
        if connection.vendor != "postgresql":
            raise CommandError("Roles are for Postgres. Set DATABASE_URL; the trial installation needs none.")
        if settings.SITE == "public":
            raise CommandError("Run this on the desk: the public process must not give rights to itself.")
        if not name.isidentifier() or name == connection.settings_dict["USER"]:
            raise CommandError(f"{name} cannot be the role's name. Take a word like public_form.")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            if not cursor.fetchone():
                self.make(cursor, name)
            roles.grant(connection, name)
        self.stdout.write(f"{name} may, and no more:")
        for table, (rights, readable) in roles.GRANTS.items():
            columns = f", SELECT of {', '.join(readable)}" if readable else ""
            self.stdout.write(f"  {table}: {', '.join(sorted(rights))}{columns}")

    def make(self, cursor: Any, name: str) -> None:
        """A role that may log in and nothing else."""
        typed = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline()
        password = typed.strip()
        if len(password) < SHORTEST_PASSWORD:
            raise CommandError(
                f"The password has fewer than {SHORTEST_PASSWORD} characters. "
                "Make one with: openssl rand -hex 24"
            )
        # The server's own quoting: CREATE ROLE takes no parameters. Neither word is logged by us.
        cursor.execute(
            "SELECT format('CREATE ROLE %%I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION "
            "NOBYPASSRLS NOINHERIT PASSWORD %%L', %s::text, %s::text)",
            [name, password],
        )
        cursor.execute(cursor.fetchone()[0])
