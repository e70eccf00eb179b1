"""The sign-in in place: a form came after its session ended, or after its code was fresh enough, and is sent
once more when the person is back.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from staff import interrupted_form
from staff.forms import CodeForm, SignInForm
from staff.interrupted_form import InterruptedForm
from staff.models import TotpDevice

# Their fields are secrets, or there is nothing worth keeping in them.
NEVER_KEPT = frozenset(
    {
        "login",
        "logout",
        "invitation",
        "verify",
        "enrol",
        "password",
        "panic",
        "backup_codes",
        "healthz",
        "new_phone",
    }
)


def answer(request: HttpRequest, name: str) -> HttpResponse | None:
    """The page that carries a form on, which came to the page `name` from a session that is not good enough
    (any more).

    None where nothing is to be carried: an empty form, a page of the sign-in, a session that nobody knows.
    """
    typed_by = getattr(request, "typed_by", "")
    if request.method != "POST" or name in NEVER_KEPT or not typed_by:
        return None
    form = interrupted_form.of(request)
    if not form.fields:
        return None
    sealed = interrupted_form.seal(form, typed_by)
    if request.user.is_authenticated:
        return code_page(request, sealed, status=403) if TotpDevice.in_force(request.user) else None  # type: ignore[arg-type]
    return sign_in_page(request, sealed)


def _page_context(title: str, sealed: str) -> dict[str, Any]:
    return {
        "title": title,
        "kept": sealed,
        "site_header": settings.SITE_NAME,
        "site_title": settings.SITE_NAME,
        "next": reverse("admin:index"),
    }


def sign_in_page(request: HttpRequest, sealed: str) -> HttpResponse:
    """Username and password, with the sealed form."""
    context = _page_context(_("Sign in to send it"), sealed) | {"form": SignInForm(request)}
    return render(request, "staff/login.html", context, status=403)


def code_page(request: HttpRequest, sealed: str, *, status: int = 200) -> HttpResponse:
    """The second step, with the sealed form."""
    user: Any = request.user
    once_more = getattr(user, "is_verified", bool)()
    title = _("Confirm that it is you") if once_more else _("Second step")
    context = _page_context(title, sealed) | {"form": CodeForm(paper=True), "again": once_more}
    return render(request, "staff/verify.html", context, status=status)


def go_on(request: HttpRequest, sealed: str) -> HttpResponse:
    """As far as the session came by now: the second step, or the form to send again."""
    user: Any = request.user
    if not TotpDevice.in_force(user):
        messages.warning(request, _("What you had typed could not be kept: set up your second factor first."))
        return redirect("enrol")
    # A person who signed in during this very request has not been asked yet.
    if not getattr(user, "is_verified", bool)():
        return code_page(request, sealed)
    form = interrupted_form.unseal(sealed, str(user.pk))
    if form is None:
        messages.warning(
            request, _("What was typed belongs to another account or is older than an hour. It is gone.")
        )
        return redirect("admin:index")
    return send_again(request, form)


def send_again(request: HttpRequest, form: InterruptedForm, *, status: int = 200) -> HttpResponse:
    """The form once more, with a button: nothing is sent that the person did not send themselves."""
    context = _page_context(_("Send it again"), "") | {"again": form, "username": request.user.get_username()}
    return render(request, "staff/again.html", context, status=status)


def stale_token(request: HttpRequest) -> HttpResponse | None:
    """After a sign-in in another tab: the form's token is of the session before. None for everything else.

    Only for forms that a page of ours sent, as the browser says: a foreign page cannot fill this one.
    """
    if request.method != "POST" or not interrupted_form.is_own_page(request):
        return None
    if (sealed := interrupted_form.sealed_form(request)) and request.user.is_authenticated:
        return go_on(request, sealed)
    name = request.resolver_match.view_name if request.resolver_match else ""
    verified = getattr(request.user, "is_verified", bool)()
    if not verified:
        return answer(request, name)
    form = interrupted_form.of(request)
    return send_again(request, form, status=403) if form.fields and name not in NEVER_KEPT else None
