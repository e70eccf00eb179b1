"""django-axes counts wrong passwords; here is what it is told about the client: no more than that needs."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from vault.keyring import keyed_hash

KEPT = timedelta(days=1)


def client_address(request: HttpRequest) -> str:
    """Stands for the client's address during one day (UTC): its HMAC, written like an IPv6 address.

    axes stores what it is given in an address column, whatever its access-log setting says.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        # Our own proxy appends the address it saw; everything before the last comma is the client's word.
        seen = request.META.get("HTTP_X_FORWARDED_FOR", seen).rpartition(",")[2].strip()
    today = timezone.now().date().isoformat()
    return str(ipaddress.IPv6Address(keyed_hash("codes", "client-address", today, seen)[:16]))


def client_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Stands for the username that was typed: people type passwords into that field."""
    from staff.models import User

    typed = (credentials or {}).get("username") or ""
    return keyed_hash("codes", "client-name", User.normalize_username(str(typed))).hex()


class QuietHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """axes' own counting, without form data, query, user agent, accepted types and path."""

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        if request is None:
            return
        forget_old_attempts()
        kept = request.GET, request.POST
        request.GET = request.POST = QueryDict()
        request.axes_user_agent = request.axes_http_accept = request.axes_path_info = ""
        try:
            super().user_login_failed(sender, credentials, request, **kwargs)
        finally:
            request.GET, request.POST = kept


def forget_old_attempts() -> int:
    """Delete counted failures older than a day; axes itself keeps those of people who never come back."""
    return AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - KEPT).delete()[0]


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None, *args: Any
) -> HttpResponse:
    """The page after too many wrong passwords."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    context = {"minutes": minutes, "site_header": settings.SITE_NAME}
    return render(request, "staff/locked.html", context, status=429)
