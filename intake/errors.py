"""Error pages of the public process: one sentence, a way back, and no word about what runs here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from intake.pages import language_of, page


def _error_page(request: HttpRequest, status: int) -> HttpResponse:
    language = language_of(request)
    with translation.override(language):
        title, text = {
            400: (_("This cannot be read"), _("Nothing was sent. Go back and send it again.")),
            403: (_("This is not open"), _("Go to the start page.")),
            404: (_("There is no such page"), _("Go to the start page.")),
            500: (
                _("Something broke"),
                _("What you sent may not have arrived. Go back, wait a minute and send it again."),
            ),
        }[status]
    return page(language, "message.html", {"title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400: also what a host name outside ALLOWED_HOSTS gets."""
    return _error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403."""
    return _error_page(request, 403)


def page_not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404, also for every address of the desk."""
    return _error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; where it broke is in the log, what was in it is not."""
    return _error_page(request, 500)
