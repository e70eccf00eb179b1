"""`manage.py access`: is what decides who reads as the desk wrote it? Name what is not, or seal it anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from staff import access
from vault.keyring import KeyProblem, keyring


class Command(BaseCommand):
    help = "Check the seals of accounts, roles, shares and cases; or seal anew what was looked at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command each."""
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("verify", help="name each row that was changed from outside or put back")
        reseal = acts.add_parser("reseal", help="let those rows count again, as they stand now")
        reseal.add_argument("--reason", required=True, help="stands on the trail, sealed")

    def handle(self, *args: Any, act: str, reason: str = "", **options: Any) -> None:
        """Ends with an error while anything is broken."""
        try:
            if not keyring().holds("root"):
                raise CommandError("This process holds no root key. Run this on the desk.")
            if act == "reseal":
                self.reseal(reason)
            else:
                self.verify()
        except KeyProblem as problem:
            raise CommandError(str(problem)) from None

    def verify(self) -> None:
        """Raises CommandError after naming what does not fit."""
        found = access.broken()
        for one in found:
            self.stdout.write(str(one))
        if found:
            raise CommandError(
                f"{len(found)} rows count for nothing or are older than the trail knows. Look into each "
                "before you run: manage.py access reseal --reason TEXT (RUNBOOK, “A broken access seal”)"
            )
        self.stdout.write("Every row that decides who reads is as the desk wrote it.")

    def reseal(self, reason: str) -> None:
        """What stands in the database counts from now on."""
        if not reason.strip():
            raise CommandError("Say why: it stands on the trail.")
        found = access.reseal(by=None, reason=reason.strip())
        for one in found:
            self.stdout.write(f"{one.model} {one.row} counts again as it stands now")
        self.stdout.write(f"Sealed {len(found)} rows anew.")
