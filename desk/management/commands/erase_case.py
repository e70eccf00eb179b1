"""`manage.py erase_case CODE_NAME --reason …`: where nobody can do it on the desk. It is on the trail."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from cases.models import Case
from desk import erasing


class Command(BaseCommand):
    help = "Erase a case for good: its key, files, dates and reminders. Give its code name in full."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The code name, typed in full, is the confirmation."""
        parser.add_argument("code_name")
        parser.add_argument("--reason", required=True, help="stands on the trail, sealed; write no name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase it, or say what is wrong."""
        try:
            case = Case.objects.get(code_name=options["code_name"])
            erasing.erase(case, by=None, reason=options["reason"])
        except Case.DoesNotExist:
            raise CommandError("No case has exactly this code name. Look at the list of cases.") from None
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        self.stdout.write("The case is erased. Old backups open it until their record keys have run out.")
