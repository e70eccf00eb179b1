"""The trial installation answers to this machine only, whatever address its server was bound to."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _


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
