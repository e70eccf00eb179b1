"""`manage.py backup FOLDER --to age1…`: all that is needed to begin elsewhere, but for the key files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import backup
from config.dumps import CannotDump
from vault import age
from vault.recovery import WrongRecipient

KEEP_DAYS = 30


class Command(BaseCommand):
    help = "Write database, record keys and files into a new folder, sealed to age recipients."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, for whom, and how long the record keys stay."""
        parser.add_argument("folder", type=Path, help="where backups lie; each becomes a folder in it")
        parser.add_argument(
            "--to", action="append", default=[], metavar="age1...", help="who may open it; may be repeated"
        )
        parser.add_argument(
            "--keep-days",
            type=int,
            default=KEEP_DAYS,
            metavar="DAYS",
            help=f"destroy record keys in backups older than this (default {KEEP_DAYS})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One line about what was written."""
        if "root" not in settings.VAULT_KEY_FILES or settings.SITE in ("worker", "public"):
            raise CommandError("Only the desk makes backups. Run this on the desk.")
        if options["keep_days"] < 0:
            raise CommandError("--keep-days has at least 0 days.")
        try:
            made = backup.make(
                options["folder"].absolute(),
                to=age.recipients(options["to"]),
                now=timezone.now(),
                keep_days=options["keep_days"],
            )
        except (backup.CannotBackUp, CannotDump, WrongRecipient) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(
            f"{made.folder} ({made.bytes / 1e6:.1f} MB). "
            f"Record keys of {made.expired} older backups destroyed. "
            "The key files are not in it: keep them, or the recovery file, elsewhere."
        )
