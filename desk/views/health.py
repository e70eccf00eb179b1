"""`/healthz`: for a machine that watches the desk. It is open to everyone and says nothing about anyone."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reminders import health


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while reminders go out, 503 with the part that fails otherwise."""
    well, words = health.report()
    return HttpResponse(words + "\n", status=200 if well else 503, content_type="text/plain; charset=utf-8")
