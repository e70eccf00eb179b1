"""Who signs in with a password: Django's backend, for accounts that are as the desk wrote them."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.backends import ModelBackend

from staff import access
from staff.models import User

log = logging.getLogger(__name__)


class AccountBackend(ModelBackend):
    """Asked at sign-in and at every request of a session: an account that SQL changed is nobody's."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **others: Any) -> Any:
        """As Django's; None as well for an account that was put back to what it was before an act."""
        account: Any = super().authenticate(request, username=username, password=password, **others)
        if account is not None and access.is_put_back(account):
            log.error("An account was put back to an older state; it signs nobody in. See the runbook.")
            return None
        return account

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account is open and its access seal fits."""
        if not super().user_can_authenticate(user):
            return False
        account: User = user
        if not account.access_holds():
            log.error("An account was changed from outside; it signs nobody in. See the runbook.")
            return False
        return True
