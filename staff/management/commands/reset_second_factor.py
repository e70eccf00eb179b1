"""`manage.py reset_second_factor`: where too few people are left to do it on the desk. It is on the trail."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from staff.models import DeviceReset, User


class Command(BaseCommand):
    help = "Take away the second factor of an account, where two people cannot do it on the desk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--reason", required=True, help="stands on the trail, sealed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["username"])
            DeviceReset.objects.reset_from_console(user, reason=options["reason"])
        except User.DoesNotExist:
            raise CommandError("There is no such account. Look at the list of accounts.") from None
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        self.stdout.write(f"{user.username} sets up a new second factor at the next sign-in.")
