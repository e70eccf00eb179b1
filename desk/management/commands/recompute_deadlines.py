"""manage.py recompute_deadlines: derive dates again, to the end, on the desk (it needs the desk's keys)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cases.models import Cause, Recomputation
from desk import recompute
from law.models import LegalRule


class Command(BaseCommand):
    """Finishes what waits. Started again it goes on where it was killed; beside the chores it takes over."""

    help = "Derive the deadlines of open cases again: what waits after changes of rules, or what is asked for"

    def add_arguments(self, parser: CommandParser) -> None:
        """Without any of these it finishes what waits."""
        parser.add_argument(
            "--rule", metavar="kz-2023@2", help="also for the cases that this version concerns"
        )
        parser.add_argument("--all", action="store_true", help="also for every open case")

    def handle(self, *args: Any, rule: str | None, all: bool, **options: Any) -> None:  # noqa: A002
        """Ask, work to the end, say how far it is."""
        now = timezone.now()
        if rule:
            try:
                Recomputation.objects.request(LegalRule.objects.version(rule), Cause.BY_HAND)
            except LegalRule.DoesNotExist:
                raise CommandError(
                    f"There is no version {rule!r}. The pages of the rules name them."
                ) from None
        if all:
            Recomputation.objects.request(None, Cause.BY_HAND)
        Recomputation.objects.request_due(now)
        recompute.work(now, take_over=True, told=self.say)
        self.stdout.write("All dates are derived.")

    def say(self, row: Recomputation) -> None:
        """One line a batch: how far, how many cases moved, how many are damaged. No names."""
        kept = row.kept.count()
        damaged = row.kept.filter(damaged=True).count()
        self.stdout.write(
            f"{row.done} of {row.total} cases; dates moved in {kept - damaged}, damaged {damaged}"
        )
        self.stdout.flush()
