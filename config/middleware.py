"""Who is not answered at all: another machine by the trial installation, anybody by a locked desk."""

import ipaddress
import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from config import errors, startup
from reminders import health

log = logging.getLogger(__name__)
RETRY_SECONDS = "60"


class ThisMachineOnlyMiddleware:
    """Refuses a request from another machine, or through a proxy, while the database is the embedded one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.EMBEDDED:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "X-Forwarded-For" in request.headers or not _is_this_machine(request.META.get("REMOTE_ADDR", "")):
            # No template: pages are for those who may be here.
            return HttpResponse(_("This trial desk answers on its own machine only."), status=403)
        return self.get_response(request)


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class LockedDeskMiddleware:
    """One calm page until somebody runs `manage.py vault unlock`; then the desk opens without a restart.

    Asked at the start only: a desk that began with its keys has them until it ends.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.locked, self._told = startup.is_locked(), ""
        if not self.locked:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.locked and not self._opens():
            answer = self._health() if request.path == reverse("healthz") else self._page(request)
            answer["Retry-After"], answer["Cache-Control"] = RETRY_SECONDS, "no-store"
            return answer
        return self.get_response(request)

    def _opens(self) -> bool:
        """Whether the root is there by now, and is the right one."""
        if startup.is_locked():
            return False
        try:
            startup.refuse_unless_safe()
        except ImproperlyConfigured as problem:
            if str(problem) != self._told:  # once, not at every click
                self._told = str(problem)
                log.error("The desk stays locked. %s", problem)
            return False
        self.locked = False
        return True

    @staticmethod
    def _page(request: HttpRequest) -> HttpResponse:
        # Nobody is known yet, so that the browser says the language.
        with translation.override(translation.get_language_from_request(request)):
            return errors.locked_page()

    @staticmethod
    def _health() -> HttpResponse:
        well, words = health.report()
        said = f"The desk is locked until somebody unlocks it. {'Reminders go out.' if well else words}"
        return HttpResponse(said + "\n", status=503, content_type="text/plain; charset=utf-8")
