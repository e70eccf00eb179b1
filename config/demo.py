"""The accounts of the fictional demo: who they are to a newcomer, and new passwords for them."""

import secrets

from django.core.management import call_command
from django.db import transaction

from staff.models import TotpDevice, User
from staff.models.user import UserQuerySet


def accounts() -> UserQuerySet:
    """The demo's people."""
    return User.objects.filter(demo=True).order_by("role", "username")


def load() -> bool:
    """The fictional cases and their caseworkers, where nobody is yet, whole or not at all; whether it did."""
    if User.objects.exists():
        return False
    with transaction.atomic():
        call_command("load_demo", verbosity=0)
    return True


def renew(*, enrolled: bool) -> list[dict[str, str]]:
    """New passwords for the demo's people, old sessions ended; `enrolled` gives them a TOTP secret as well.

    Without `enrolled` whoever has set up a second factor keeps it.
    """
    found = []
    for user in accounts():
        password = secrets.token_urlsafe(15)
        with transaction.atomic():
            user.set_password(password)
            user.save(update_fields=["password"])
            account = {"username": user.username, "password": password, "role": str(user.role)}
            if enrolled:
                account["totp_secret"] = TotpDevice.enrol(user).secret_b32
        found.append(account)
    return found
