"""Error pages of our own: Django's have inline styles, which the content policy forbids, and say too much."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from staff import again
from staff.trail import Refused


def _page(status: int, title: str, text: str, more: str = "") -> HttpResponse:
    """Rendered without the request: the page must stand when the session or the database does not."""
    context = {"site_name": settings.SITE_NAME, "status": status, "title": title, "text": text, "more": more}
    return HttpResponse(render_to_string("errors/error.html", context), status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400: also what a host name outside ALLOWED_HOSTS gets."""
    return _page(400, _("This request makes no sense here"), _("Go back and try again from the start page."))


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403, with no word about whether the thing asked for exists; what refused may say what to do instead."""
    said = str(exception) if isinstance(exception, Refused) else ""
    usual = _("Your role or team does not cover it. If you need it for your work, ask a coordinator.")
    return _page(403, _("You may not do this"), said or usual)


def page_not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404: the same page for what never was and for what this person may not see."""
    return _page(404, _("There is no such page"), _("It does not exist, or it is not for your eyes."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500; where it broke is in the log, what was in it is not."""
    return _page(
        500,
        _("Something broke"),
        _("What you just typed may not be saved: check it. If it happens again, tell your administrator."),
    )


def locked_page() -> HttpResponse:
    """503: the root key is not in memory yet. No details; whom to call, where the installation says it."""
    return _page(
        503,
        _("The desk is locked"),
        _("It opens once it is unlocked. Nothing is lost, and reminders do not wait for it."),
        settings.LOCKED_NOTE,
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token: mostly a page that was left open too long, or of an earlier
    sign-in.
    """
    return again.stale_token(request) or _page(
        403,
        _("This form is no longer valid"),
        _("Go back, load the page again and send the form once more. Your browser must accept cookies."),
    )
