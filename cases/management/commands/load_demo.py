"""manage.py load_demo: invented cases around today, for a trial and for measuring."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import demo, reminders


class Command(BaseCommand):
    """Loads the fictional demo; a second call adds nothing."""

    help = "Load invented cases and people around today into the embedded database. Never in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many cases there shall be."""
        parser.add_argument("--cases", type=int, default=demo.DEMO_CASES, help="how many cases (default 40)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, plan the reminders, say what was done."""
        try:
            added = demo.load(options["cases"])
        except demo.DemoRefused as refused:
            raise CommandError(str(refused)) from None
        if added:
            reminders.plan()
        if options["verbosity"]:
            self.stdout.write(f"Added {added} invented cases." if added else "The demo is loaded already.")
