"""`manage.py chores`: the desk's own jobs, once or for as long as the desk runs."""

import signal
import sys
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config import startup
from desk.chores import Rota

ROUND_SECONDS = 15


class Command(BaseCommand):
    help = "Run the desk's own jobs (they need its keys): once, or --forever beside the web server"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs there are, and how often each runs, stands in desk/chores.py."""
        parser.add_argument("--forever", action="store_true", help="until it is stopped")

    def handle(self, *args: Any, forever: bool, **options: Any) -> None:
        """Nothing is lost when it is killed: each job goes on from what the database says."""
        if settings.SITE not in ("desk", "both"):
            raise CommandError(f"SITE={settings.SITE} holds no keys of the desk. Run it with SITE=desk.")
        signal.signal(signal.SIGTERM, _stop)
        startup.refuse_unless_safe(may_be_locked=forever)
        rota = Rota(timezone.now)
        if forever and startup.is_locked():
            while startup.is_locked():
                rota.show_life()
                time.sleep(ROUND_SECONDS)
            startup.refuse_unless_safe()
        rota.round()
        while forever:
            time.sleep(ROUND_SECONDS)
            rota.round()
        if rota.failing:
            raise CommandError(f"Failed: {', '.join(sorted(rota.failing))}. The lines above say where.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """As Ctrl-C: the transaction at hand is rolled back and done again next time."""
    sys.exit(0)
