"""How a page of the public side is made: in the language of its address, kept nowhere, of no telling size."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from intake.models import Language

# A mailbox with an answer and one without are as long as each other, up to so many bytes, then in such steps.
STEP_BYTES: Final = 16 * 1024
# Far from anything: what a glance over the shoulder may see, in any country.
ELSEWHERE: Final = {
    "en": "https://www.google.com/search?q=weather",
    "ru": "https://www.google.com/search?q=погода",
}


def language_of(request: HttpRequest) -> str:
    """The language that the browser asks for; English if it asks for none of ours."""
    asked = translation.get_language_from_request(request)
    return asked if asked in Language.values else Language.ENGLISH.value


def page(
    language: str, template: str, context: dict[str, Any], *, status: int = 200, padded: bool = False
) -> HttpResponse:
    """The page `template` of templates/intake/ in `language`, which no browser or proxy keeps.

    Rendered without the request, so that nothing of a session or an account can come into it.
    """
    around = {
        "site_name": settings.SITE_NAME,
        "language": language,
        "languages": Language.choices,
        "elsewhere": ELSEWHERE[language],
    }
    with translation.override(language):
        text = render_to_string(f"intake/{template}", around | context).encode()
    if padded:
        text += b"\n" + b" " * (-(len(text) + 1) % STEP_BYTES)
    response = HttpResponse(text, status=status, content_type="text/html; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["Content-Language"] = language
    return response
