"""Step-up: what could do lasting harm asks for a fresh code, even of somebody who is signed in."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from staff import again

FRESH_SECONDS = 5 * 60
SESSION_KEY = "stepped_up_at"


def mark(request: HttpRequest) -> None:
    """Remember that a second-factor code was right just now."""
    request.session[SESSION_KEY] = int(time.time())


def is_fresh(request: HttpRequest) -> bool:
    """Whether the last right code is younger than five minutes."""
    verified = getattr(request.user, "is_verified", bool)()
    return bool(verified) and 0 <= time.time() - request.session.get(SESSION_KEY, 0) < FRESH_SECONDS


def step_up_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask for a code before `view` unless one was given in the last five minutes, then come back by GET.

    The page that carries the form must have it too, so that it is asked for before somebody types. A form
    that comes late is kept on the answer all the same (staff/interrupted_form.py), and sent after the code.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            page = request.resolver_match.view_name if request.resolver_match else ""
            if carried_on := again.answer(request, page):
                return carried_on
            messages.warning(request, _("Nothing was changed yet: enter a code first, then do it again."))
        return redirect(f"{reverse('verify')}?{urlencode({'next': request.get_full_path()})}")

    return wrapper
