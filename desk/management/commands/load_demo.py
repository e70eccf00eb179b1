"""manage.py load_demo: invented cases around today, for a trial and for measuring."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo import cases
from reminders import planning


class Command(BaseCommand):
    """Loads the fictional demo; a second call adds nothing."""

    help = "Load invented cases and people around today into the embedded database. Never in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many cases there shall be."""
        parser.add_argument("--cases", type=int, default=cases.DEMO_CASES, help="how many cases (default 40)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, plan the reminders, say what was done."""
        try:
            added = cases.load(options["cases"])
        except cases.DemoRefused as refused:
            raise CommandError(str(refused)) from None
        if added:
            planning.plan()
        if options["verbosity"]:
            self.stdout.write(f"Added {added} invented cases." if added else "The demo is loaded already.")
