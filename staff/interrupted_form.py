"""What somebody typed while the session ended: the answer itself carries it, sealed, until they are back.

Nothing of it is put into the session, the database or an address. It opens for the account that typed it
only, and for an hour: whoever sits down at an open laptop reads nothing that the page did not show already.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from staff.models import Session
from vault.cipher import CannotOpen, open_under, seal_under

FIELD = "kept"
GOOD_SECONDS = 3600
NOT_CARRIED = frozenset({"csrfmiddlewaretoken", FIELD})


@dataclass(frozen=True)
class InterruptedForm:
    """A form as it was sent: where to, which fields; `had_files` says that files have to be chosen again."""

    path: str
    fields: list[tuple[str, str]]
    had_files: bool


class TypedByMiddleware:
    """Notes whose session sent a form, before anybody looks whether that session is still good."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.typed_by = _owner(request) if request.method == "POST" else ""  # type: ignore[attr-defined]
        return self.get_response(request)


def _owner(request: HttpRequest) -> str:
    key = request.session.session_key
    known = request.session.get(SESSION_KEY)
    if known is None and key:
        # Past its last day the row still says whose it was; it signs nobody in.
        row = Session.objects.of_cookie(key).first()
        known = row.get_decoded().get(SESSION_KEY) if row else None
    return str(known or "")


def of(request: HttpRequest) -> InterruptedForm:
    """What `request` sent, without what must not be sent twice."""
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, str(value)) for name, value in fields if name not in NOT_CARRIED]
    return InterruptedForm(request.get_full_path(), fields, bool(request.FILES))


def seal(kept: InterruptedForm, owner: str) -> str:
    """`kept` as text for a hidden field, for the account with the id `owner` only."""
    text = json.dumps([int(time.time()), kept.path, kept.fields, kept.had_files])
    return base64.b64encode(seal_under("codes", "kept-form", text.encode(), _bound_to(owner))).decode()


def unseal(text: str, owner: str) -> InterruptedForm | None:
    """What was sealed for `owner`; None if it is somebody else's, damaged or older than an hour."""
    try:
        sealed = base64.b64decode(text, validate=True)
        made_at, path, fields, had_files = json.loads(
            open_under("codes", "kept-form", sealed, _bound_to(owner))
        )
    except (CannotOpen, ValueError):
        return None
    if not 0 <= time.time() - made_at < GOOD_SECONDS:
        return None
    return InterruptedForm(path, [(name, value) for name, value in fields], had_files)


def _bound_to(owner: str) -> bytes:
    return b"v1|kept-form|" + owner.encode()


def sealed_form(request: HttpRequest) -> str:
    """The sealed form that a page of the sign-in sent along, or ""."""
    return request.POST.get(FIELD, "") if request.method == "POST" else ""


def is_own_page(request: HttpRequest) -> bool:
    """Whether the browser says that a page of ours sent this form: then nobody forged it."""
    here = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") == here
