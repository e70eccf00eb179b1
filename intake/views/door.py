"""What every form of the public side goes through before its words are read."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from intake import throttle, tokens, uploads
from intake.pages import page
from vault import dropbox
from vault.keyring import KeyProblem

# What passes by itself: too many at once, a database or a key that is away (`healthz` says which is meant).
TROUBLE = (throttle.Busy, OperationalError, InterfaceError, KeyProblem)


def refusal(request: HttpRequest, language: str) -> HttpResponse | None:
    """The page that says why the sent form is not read at all; None, and it may be read now."""
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = uploads.MAX_BODY_BYTES + 1
    if size > uploads.MAX_BODY_BYTES:
        return _message_page(
            language,
            413,
            _("This is too much at once"),
            _(
                "All photographs together may have %(limit)s MB. Nothing was sent. Go back and choose fewer, "
                "or send screenshots of them."
            )
            % {"limit": uploads.MAX_BODY_BYTES // 1_000_000},
        )
    if not tokens.comes_from_here(request):
        return _message_page(
            language,
            403,
            _("This form came from another site"),
            _("Nothing was sent. Open our page yourself and write there."),
        )
    # A made-up charset would end in an error of its decoder.
    request.encoding = "utf-8"
    request.upload_handlers = [uploads.InMemory(request)]
    if sum(len(words) for _name, sent in request.POST.lists() for words in sent) > uploads.MAX_WORDS:
        return _message_page(
            language,
            413,
            _("These are too many words at once"),
            _("Nothing was sent. Go back, make it shorter, and send the rest as a second message."),
        )
    return None


def _message_page(language: str, status: int, title: str, text: str) -> HttpResponse:
    return page(language, "message.html", {"title": title, "text": text}, status=status)


def keys(phrase: str) -> tuple[str, dropbox.KeyPair]:
    """The lookup id and the key pair of a phrase, when our turn comes. Raises Busy."""
    with throttle.DERIVATIONS.turn():
        return dropbox.phrase_keys(phrase)


def too_busy() -> str:
    """Said when nothing was kept because too much came at once, or the database is away."""
    return _("Too many people write to us right now. Nothing was sent yet. Wait a minute, then send again.")


def limits() -> dict[str, int]:
    """What a form says about photographs."""
    return {"most_photographs": uploads.MOST, "max_megabytes": uploads.MAX_BYTES // 1_000_000}
