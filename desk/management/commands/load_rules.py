"""manage.py load_rules: what the shipped files say otherwise than the database; if told, as new versions."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from cases.models import Case, Cause, Recomputation
from law.models import LegalRule
from law.rules.versions import Version, file_versions, news, tables_of


class Command(BaseCommand):
    """Shows by default, writes with --write. What a lawyer changed on the desk is never touched."""

    help = "Compare the shipped rules with the database; --write adds what is new as further versions"

    def add_arguments(self, parser: CommandParser) -> None:
        """Nothing is written unless it is asked for."""
        parser.add_argument("--write", action="store_true", help="add the new versions")

    def handle(self, *args: Any, write: bool, verbosity: int, **options: Any) -> None:
        """One line for each difference; run again after --write it finds none."""
        say = self.stdout.write if verbosity else lambda line: None
        say(f"The files that ship: {', '.join(map(' '.join, file_versions().items()))}.")
        known = LegalRule.objects.versions()
        by_hand = set(LegalRule.objects.exclude(made_by=None).values_list("code", flat=True))
        found = [each for each in news(known) if each.code not in by_hand]
        for code in sorted({each.code for each in news(known)} & by_hand):
            say(f"{code}: the file differs, but a lawyer has changed it on the desk; left alone")
        for each in found:
            say(f"{each.ref}: {'new rule' if each.number == 1 else 'new version of the file'}")
        if not found:
            say("Nothing new in the shipped rules.")
        elif write:
            tables_of([*known, *found])
            self._add(found)
            say(f"Added {len(found)}. The chores derive the dates of the cases concerned.")
        else:
            say("Nothing was written. Run it with --write to add these.")

    @transaction.atomic
    def _add(self, found: list[Version]) -> None:
        cases = Case.objects.exists()  # the first rules come before the first case
        for each in found:
            rule = LegalRule.objects.add(each, by=None)
            if cases:
                Recomputation.objects.request(rule, Cause.CHANGED)
