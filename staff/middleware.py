"""What happens to every request: headers, who it is, how long a session lives, which pages it reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_otp.middleware import OTPMiddleware

from staff import again, trail
from staff.models import BackupSheet, TotpDevice

Next = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "manifest-src 'self'",
    ]
)
# For what is downloaded and may come from strangers: should a browser open it after all, nothing in it runs.
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
# Those that browsers know: an unknown name is an error on the console.
FEATURES = """
accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid
idle-detection magnetometer microphone midi payment picture-in-picture publickey-credentials-get
screen-wake-lock serial usb xr-spatial-tracking
""".split()  # noqa: SIM905 (a list of 20 words reads better as words)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
    # Not no-referrer: over HTTPS every form would then send `Origin: null` and be refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

IDLE_SECONDS = 30 * 60
ABSOLUTE_SECONDS = 10 * 3600
# Between the password and the code.
PASSWORD_ONLY_SECONDS = 10 * 60
# A session is written at most once a minute, not at every click.
NOTICE_SECONDS = 60


class HeadersMiddleware:
    """Puts the headers on every response, errors and static files too: it stands before everything else."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response[name] = value
        if response.get("Content-Disposition", "").startswith("attachment"):
            response["Content-Security-Policy"] = FILE_POLICY
        # A static file never gets as far as the session; the rest may show what only one person may see.
        if hasattr(request, "session"):
            response["Cache-Control"] = "no-store"
        return response


class DeviceMiddleware(OTPMiddleware):  # type: ignore[misc]
    """django-otp's, for devices with UUID keys: its own lookup does int(id) and would never verify."""

    MODELS = {model.model_label(): model for model in (TotpDevice, BackupSheet)}

    def _device_from_persistent_id(self, persistent_id: str) -> Any:
        label, _slash, key = persistent_id.rpartition("/")
        model = self.MODELS.get(label)
        try:
            return model.objects.intact().filter(pk=UUID(key)).first() if model else None
        except ValueError:
            return None


class SessionLimitsMiddleware:
    """Ends a session after 30 minutes without a click, 10 hours in all, 10 minutes on the password alone."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and self._too_old(request):
            logout(request)
            messages.info(request, _("You were signed out because the session was too old. Sign in again."))
        response = self.get_response(request)
        if request.user.is_authenticated:
            # In the answer to the password already: the time until the next request counts too.
            self._session_times(request)
        return response

    @staticmethod
    def _session_times(request: HttpRequest) -> tuple[int, int]:
        now = int(time.time())
        return request.session.setdefault("began_at", now), request.session.setdefault("seen_at", now)

    def _too_old(self, request: HttpRequest) -> bool:
        session, now = request.session, int(time.time())
        began_at, seen_at = self._session_times(request)
        longest = ABSOLUTE_SECONDS if request.user.is_verified() else PASSWORD_ONLY_SECONDS
        if now - began_at >= longest or now - seen_at >= IDLE_SECONDS:
            return True
        if now - seen_at >= NOTICE_SECONDS:
            session["seen_at"] = now
        return False


class PreferencesMiddleware:
    """Speaks the account's language and shows times in its zone."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = request.user.language
        with timezone.override(request.user.time_zone):
            return self.get_response(request)


class DefaultDenyMiddleware:
    """Lets a request through only as far as its session came; a new page is closed until it is named here.

    Nobody signed in → password given → code given → with a role in effect: everything the roles allow.
    """

    ANYBODY = frozenset({"login", "invitation", "healthz"})
    # The form for strangers, where one process is both sides.
    ANYBODY |= {"public_start", "public_ask", "public_mailbox"}
    PASSWORD_ONLY = frozenset({"enrol", "verify", "logout"})
    WITHOUT_A_ROLE = frozenset(
        {"account", "password", "backup_codes", "void_codes", "new_phone", "end_sessions", "panic"}
    )

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in self.ANYBODY:
            return None
        user = request.user
        if not user.is_authenticated:
            return self._send(request, "login")
        if name in self.PASSWORD_ONLY:
            return None
        if not user.is_verified():
            return self._send(request, "verify" if TotpDevice.in_force(user) else "enrol")
        if user.is_staff or name in self.WITHOUT_A_ROLE:
            return None
        return self._send(request, "account")

    @staticmethod
    def _send(request: HttpRequest, name: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            if request.user.is_authenticated:
                _record_refusal(request)
            page = request.resolver_match.view_name if request.resolver_match else ""
            if name != "account" and (carried_on := again.answer(request, page)):
                return carried_on
            raise trail.Refused(
                _("You are not signed in as far as this needs. Sign in in another tab, then send it again.")
            )
        if request.path == "/":
            return redirect(name)
        return redirect(f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}")


class RefusalsMiddleware:
    """Writes every refusal of a signed-in person on the trail, after the refused act was rolled back."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        user = getattr(request, "user", None)
        if isinstance(exception, PermissionDenied) and user is not None and user.is_authenticated:
            _record_refusal(request, getattr(exception, "case_id", None))


def _record_refusal(request: HttpRequest, case_id: UUID | None = None) -> None:
    """Names the page, never its address: that would hold the id of a record."""
    page = request.resolver_match.view_name if request.resolver_match else ""
    actor: Any = request.user
    trail.append(actor, trail.Verb.REFUSED, case_id=case_id, fields=[page] if page else [])
