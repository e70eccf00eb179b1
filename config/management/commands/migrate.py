"""`manage.py migrate`: Django's own, between a look at what stands there and what tables alone do not give.

A database of a version that no longer goes on is refused before anything is touched. Tables that only grow
get their triggers whenever a migration has made or remade them (SQLite drops the triggers of a remade table),
and a database without a single legal rule gets those that ship.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connection

from config import history
from staff import append_only


class Command(migrate.Command):
    """As Django's, with its options."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        """What it did to the tables; triggers that were missing before it are left to `trail guard`."""
        for problem in history.problems(connection):
            raise CommandError(problem)
        fallen = set(append_only.missing(connection))
        said = super().handle(*args, **options)
        if options["check_unapplied"] or options["plan"] or settings.SITE == "public":
            return said
        # Somebody dropped what had fallen before: the next start says so, and asks to find out why.
        for table in append_only.tables_without(connection, fallen):
            append_only.install(connection, table)
        if self._rules_are_wanted():
            call_command("load_rules", write=True, stdout=self.stdout, verbosity=options["verbosity"])
        return said

    def _rules_are_wanted(self) -> bool:
        from law.models import LegalRule  # a public process has no such table, and no such model

        made = LegalRule._meta.db_table in connection.introspection.table_names()
        return made and not LegalRule.objects.exists()
