"""Two clicks, one act: a form carries the id of the row that sending it makes, signed for its reader.

Sent a second time it asks for a row that is there already, and is answered as the first time.
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


def fresh(request: HttpRequest) -> str:
    """A token for a form: a new id that only this reader can send back."""
    return _signer(request).sign(str(uuid4()))


def kept(request: HttpRequest) -> str:
    """The token that was sent, for a page that is shown again; a new one in place of a bad one."""
    sent = request.POST.get(FIELD, "")
    return sent if _read(request, sent) else fresh(request)


def key(request: HttpRequest) -> UUID:
    """The id in the token that was sent. Without a good one a new id: the act is done, but not only once."""
    return _read(request, request.POST.get(FIELD, "")) or uuid4()


def _read(request: HttpRequest, token: str) -> UUID | None:
    try:
        return UUID(_signer(request).unsign(token, max_age=GOOD_SECONDS))
    except (signing.BadSignature, ValueError):
        return None
