"""The sessions of one account, as its owner may see and end them: when they began, when they were used, no
more.

They are found by their account (staff/models/sessions.py), and the expired ones are cleared by a chore.
Nothing says where a session is: no address and no browser is ever kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp import DEVICE_ID_SESSION_KEY

from staff.models import Session, User
from staff.models.sessions import stored_key
from vault.keyring import keyed_hash

# The last use is shown in steps of five minutes: what a colleague did to the minute is nobody's business.
STEP_SECONDS = 300
# So many are listed, the newest; whoever has more ends them all at once.
MOST_LISTED = 50


@dataclass(frozen=True)
class OwnSession:
    """One session. `handle` stands for its key, which is a secret even on its owner's own page."""

    handle: str
    began_at: datetime
    used_at: datetime
    verified: bool
    here: bool


def of(user: User, *, current: str | None = None, now: datetime | None = None) -> list[OwnSession]:
    """The living sessions of `user`, this one first, then by last use. `current` is this session's cookie.

    Of more than MOST_LISTED the oldest are left out, never this one.
    """
    here = stored_key(current) if current else None
    found = [_own_session(key, data, here) for key, data in _living(user, now or timezone.now())]
    return sorted(found, key=lambda one: (one.here, one.used_at), reverse=True)[:MOST_LISTED]


def end(user: User, handle: str, *, now: datetime | None = None) -> bool:
    """End the session of `user` that `handle` stands for; False if there is none (any more)."""
    for key, _data in _living(user, now or timezone.now()):
        if constant_time_compare(_handle(key), handle):
            return bool(Session.objects.filter(session_key=key).delete()[0])
    return False


def _living(user: User, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys and contents of the sessions that would let `user` in: neither expired nor of an earlier epoch."""
    good = user.get_session_auth_hash()
    for row in Session.objects.filter(account=user.pk, expire_date__gt=now).iterator():
        data = row.get_decoded()
        # The column finds it; the sealed data says whose it is.
        if data.get(SESSION_KEY) == str(user.pk) and constant_time_compare(
            data.get(HASH_SESSION_KEY, ""), good
        ):
            yield row.session_key, data


def _own_session(key: str, data: dict[str, Any], current: str | None) -> OwnSession:
    used = int(data.get("seen_at", 0)) // STEP_SECONDS * STEP_SECONDS
    return OwnSession(
        _handle(key),
        datetime.fromtimestamp(data.get("began_at", 0), UTC),
        datetime.fromtimestamp(max(used, data.get("began_at", 0)), UTC),
        DEVICE_ID_SESSION_KEY in data,
        key == current,
    )


def _handle(key: str) -> str:
    return keyed_hash("codes", "session-handle", key).hex()[:32]
