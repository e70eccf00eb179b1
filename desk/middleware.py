"""What the desk does around every page of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.http import HttpRequest, HttpResponse

from cases.models.sharing import one_look


class OneLookMiddleware:
    """A page that only reads asks once what colleagues let its reader see; one that acts asks each time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        reads = request.method in ("GET", "HEAD") and user.is_authenticated
        with one_look(user) if reads else nullcontext():
            return self.get_response(request)
