"""`manage.py invite`: the first people. Later ones are invited on the desk."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from staff.models import Invitation, User
from staff.models.grants import INVITATION_HOURS, count_holders
from staff.roles import Role

ENOUGH = {Role.ADMINISTRATOR: 1, Role.COORDINATOR: 2}


class Command(BaseCommand):
    help = "Invite the first administrator and the first two coordinators. Prints a code that works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--role", required=True, choices=[str(role) for role in ENOUGH])
        parser.add_argument("--username", required=True, help="not a real name: it shows on the trail")
        parser.add_argument("--language", default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        role = Role(options["role"])
        with transaction.atomic():
            if count_holders(role) >= ENOUGH[role]:
                raise CommandError(
                    f"Enough people have the role {role} ({ENOUGH[role]}). Invite others on the desk."
                )
            user = self._account(options["username"], role, options["language"])
            code = Invitation.objects.issue(user, by=None)
        self.stdout.write(f"Username: {user.username}\nCode:     {code}")
        self.stdout.write(f"Type it on the page /invitation/ within {INVITATION_HOURS} hours.")
        self.stdout.write("It works once and is shown only here.")

    @staticmethod
    def _account(username: str, role: Role, language: str) -> User:
        """A new account, or one invited before for the same role whose code ran out."""
        known = User.objects.filter(username=User.normalize_username(username)).first()
        if known is not None:
            if known.has_usable_password() or known.role != role:
                raise CommandError(f"The username {known.username} is taken. Choose another one.")
            return known
        user = User(username=User.normalize_username(username), language=language)
        user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        return User.objects.create_user(user.username, None, role=role, language=language)
