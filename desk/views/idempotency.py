"""Two clicks, one act: a form carries an idempotency key, signed for its reader.

The key is the id of the row that sending the form makes. Sent a second time it asks for a row that is there
already, and is answered as the first time.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4

from django.core import signing
from django.http import HttpRequest

FIELD: Final = "once"
# As long as a form may lie open in a browser.
GOOD_SECONDS: Final = 24 * 3600


def _signer(request: HttpRequest) -> signing.TimestampSigner:
    user: Any = request.user
    return signing.TimestampSigner(salt=f"desk.once.{user.pk}")


def new_token(request: HttpRequest) -> str:
    """A token for a form: a new key that only this reader can send back."""
    return _signer(request).sign(str(uuid4()))


def same_token(request: HttpRequest) -> str:
    """The token that was sent, for a page that is shown again; a new one in place of a bad one."""
    sent = request.POST.get(FIELD, "")
    return sent if _key_in(request, sent) else new_token(request)


def key(request: HttpRequest) -> UUID:
    """The idempotency key that was sent. Without a good one a new key: the act is done, but not only once."""
    return _key_in(request, request.POST.get(FIELD, "")) or uuid4()


def _key_in(request: HttpRequest, token: str) -> UUID | None:
    try:
        return UUID(_signer(request).unsign(token, max_age=GOOD_SECONDS))
    except (signing.BadSignature, ValueError):
        return None
