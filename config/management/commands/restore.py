"""`manage.py restore FOLDER --identity FILE`: a backup comes back, into an empty installation only."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config import restore
from config.backup import CannotBackUp
from config.dumps import CannotDump
from vault import age


class Command(BaseCommand):
    help = "Restore a backup into an empty database and an empty folder for files, and verify all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to restore, and what opens it."""
        parser.add_argument("folder", type=Path, help="one backup: desk-...")
        parser.add_argument("--identity", type=Path, required=True, help="the file of an age or SSH identity")
        parser.add_argument(
            "--record-keys",
            type=Path,
            metavar="FOLDER",
            help="a newer backup whose record keys to use: whom it says is erased stays erased",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Says what came back; ends with an error if anything is not as it should be."""
        folder = options["folder"].absolute()
        keys_from = (options["record_keys"] or folder).absolute()
        try:
            done = restore.restore(folder, keys_from, age.identities(options["identity"]))
        except (
            CannotBackUp,
            CannotDump,
            restore.CannotRestore,
            age.CannotUnseal,
            age.WrongIdentity,
            ImproperlyConfigured,
        ) as problem:
            raise CommandError(f"{problem}") from None
        except DatabaseError as problem:
            cause = type(problem).__name__
            raise CommandError(f"The database refused ({cause}). Empty it and begin anew.") from None
        except OSError as problem:
            raise CommandError(
                f"{problem.filename or 'The disk'}: {problem.strerror}. Empty both and begin anew."
            ) from None
        for finding in done.findings:
            self.stdout.write(finding)
        summary = (
            f"Restored {done.owners} owners, {done.cells} cells, {done.files} files, a trail of {done.links} "
            f"links; {done.erased} erased cases were erased again"
        )
        if done.findings:
            raise CommandError(f"{summary}; {len(done.findings)} things are not as they should be.")
        if done.unsealed:
            self.stdout.write(
                f"{done.unsealed} rows that decide who reads were sealed under a root that is gone. Nobody "
                "signs in before you have looked at them and run: manage.py access reseal --reason TEXT"
            )
        self.stdout.write(f"{summary}. Everything opens. Sign in anew; start worker and timetable.")
