"""Sessions with a column for their account, so that the own ones are found without opening all of them.

Also the engine that Django keeps them with (SESSION_ENGINE). The column tells a dump nothing new: the data of
a session is signed, not encrypted, and names its account too.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _


class SessionStore(DatabaseStore):
    """Django's, which writes down whose a session is."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)
        known = data.get(SESSION_KEY)
        row.account = UUID(known) if known else None
        return row


class Session(AbstractBaseSession):
    """A session; `account` is NULL until a password was given. No foreign key: nothing is asked of it."""

    account = models.UUIDField(null=True, editable=False)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [models.Index(fields=["account", "-expire_date"], name="sessions_of_an_account")]

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore
