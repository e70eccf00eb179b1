"""Whether the public process can take a request: for the watchers, not for people."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from intake.models import HelpRequest
from vault import dropbox
from vault.keyring import KeyProblem


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the database answers and there is a key to seal to, else 503."""
    try:
        dropbox.public_key()
        HelpRequest.objects.mailbox("")
    except (DatabaseError, KeyProblem):
        return HttpResponse("down\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
