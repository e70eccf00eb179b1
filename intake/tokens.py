"""What a page carries hidden instead of a cookie: signed, dated, and worth nothing elsewhere."""

import secrets
from typing import Final

from django.core import signing
from django.http import HttpRequest

# Long enough to write slowly and to sleep over it; a page from last week may be an archive's copy.
FORM_SECONDS: Final = 24 * 3600
# How long one may add to a mailbox after its phrase was typed.
PASS_SECONDS: Final = 30 * 60
_FORM, _PASS = "intake.form", "intake.mailbox"


def form_token() -> str:
    """A fresh token for a form."""
    return signing.TimestampSigner(salt=_FORM).sign(secrets.token_urlsafe(9))


def is_form_token(token: str) -> bool:
    """Whether we made `token`, less than a day ago."""
    try:
        signing.TimestampSigner(salt=_FORM).unsign(token, max_age=FORM_SECONDS)
    except signing.BadSignature:
        return False
    return True


def mailbox_pass(lookup: str, public_key: bytes) -> str:
    """What lets the page of a mailbox add to it without the phrase being typed again; it opens no answer."""
    return signing.dumps([lookup, public_key.hex()], salt=_PASS)


def read_pass(token: str) -> tuple[str, bytes] | None:
    """The lookup id and the public key in a pass; None if it is not ours or older than half an hour."""
    try:
        lookup, public_key = signing.loads(token, salt=_PASS, max_age=PASS_SECONDS)
        return str(lookup), bytes.fromhex(public_key)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def comes_from_here(request: HttpRequest) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says it.

    Hosts are compared and not schemes: behind an onion service the browser speaks HTTP and the proxy HTTPS.
    """
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin.partition("://")[2].lower() == request.get_host().lower()
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
