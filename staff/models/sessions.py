"""Sessions that a dump gives nobody: a row's key is an HMAC of the cookie, and its data are sealed for it.

Also the engine that Django keeps them with (SESSION_ENGINE). A column names the account, so that the own
sessions are found without opening all of them. Without the codes key no cookie leads to a row, and data that
were put under another key do not open. Whoever rotates that key signs everybody out.
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.contrib.sessions.serializers import JSONSerializer
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vault.cipher import CannotOpen, open_under, seal_under
from vault.keyring import keyed_hash

log = logging.getLogger(__name__)
# Django's column has room for 40 characters: 160 bits.
STORED_CHARACTERS = 40


def stored_key(cookie: str) -> str:
    """The key of the row that a cookie's session lies under; nobody comes back from it to the cookie."""
    return keyed_hash("codes", "session", cookie).hex()[:STORED_CHARACTERS]


class SessionStore(DatabaseStore):
    """Django's, but for what stands in the database."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing where its row is gone, too old, or not sealed for this cookie."""
        row = self._get_session_from_db()
        return row.get_decoded() if row else {}

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = Session.objects.of_cookie(self.session_key).living().first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return bool(Session.objects.of_cookie(session_key).exists())

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        known = data.get(SESSION_KEY)
        row = Session(
            session_key=stored_key(self._get_or_create_session_key()),
            expire_date=self.get_expiry_date(),
            account=UUID(known) if known else None,
        )
        row.seal(data)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """End the session of `session_key`, or this one."""
        Session.objects.of_cookie(session_key or self.session_key).delete()


class SessionQuerySet(models.QuerySet["Session"]):
    """Questions to sessions."""

    def of_cookie(self, cookie: str | None) -> SessionQuerySet:
        """The session of a cookie's value, if there is one."""
        return self.filter(session_key=stored_key(cookie)) if cookie else self.none()

    def living(self) -> SessionQuerySet:
        """Those that are not too old."""
        return self.filter(expire_date__gt=timezone.now())


class Session(AbstractBaseSession):
    """A session; `account` is NULL until a password was given. No foreign key: nothing is asked of it."""

    account = models.UUIDField(null=True, editable=False)

    objects = BaseSessionManager.from_queryset(SessionQuerySet)()

    class Meta(AbstractBaseSession.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [models.Index(fields=["account", "-expire_date"], name="sessions_of_an_account")]

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore

    def seal(self, data: dict[str, Any]) -> None:
        """Let the row hold `data`; the caller saves it."""
        sealed = seal_under("codes", "sessions", JSONSerializer().dumps(data), _bound_to(self.session_key))
        self.session_data = base64.b64encode(sealed).decode()

    def get_decoded(self) -> dict[str, Any]:
        """What it holds; nothing where the data were not sealed for this row."""
        try:
            sealed = base64.b64decode(self.session_data, validate=True)
            plain = open_under("codes", "sessions", sealed, _bound_to(self.session_key))
        except (CannotOpen, binascii.Error, ValueError):
            log.warning("A session does not open: its row was changed from outside, or the codes key was.")
            return {}
        data: dict[str, Any] = JSONSerializer().loads(plain)
        return data


def _bound_to(key: str) -> bytes:
    return f"v1|session|{key}".encode()
