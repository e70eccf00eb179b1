"""The export of a case for the person themselves: a reason, a fresh code, one archive."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import get_resolver, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases import export
from cases.models import Case, Compartment, CompartmentOpening
from cases.models.compartment import ACTS
from staff import trail
from staff.roles import Permission, may
from staff.sites import desk
from staff.stepup import step_up_required

# Links speak of other people's cases, vetting of what was thought of this one: neither is the person's file.
OFFERED = (Compartment.IDENTITY, Compartment.ROUTE)


class ExportForm(forms.Form):
    """Why, and whether the notes go along."""

    reason = forms.CharField(
        label=gettext_lazy("Who asked for it, and when (write no name)"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    notes = forms.BooleanField(
        label=gettext_lazy("With the notes"),
        required=False,
        help_text=gettext_lazy("Read them first: they may speak of other people."),
    )


@step_up_required
@require_http_methods(["GET", "POST"])
def of_case(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """What the archive will hold; a POST makes it, streams it and writes it on the trail."""
    user: Any = request.user
    case = Case.objects.visible_to(user).filter(pk=key).with_keys().first()
    if case is None:
        return _not_found(request, key)
    if not may(user, Permission.EXPORT_CASES):
        raise trail.Refused(_("Your role exports no case. Ask its caseworker."), case_id=case.pk)
    case.require_held_by(user)
    now = timezone.now()
    opened = [
        which for which in OFFERED if CompartmentOpening.objects.until(case, which, user, now=now) is not None
    ]
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        found = export.parts(case, opened=opened, notes=form.cleaned_data["notes"])
        trail.append(
            user,
            trail.Verb.CASE_EXPORTED,
            case_id=case.pk,
            fields=[part.name for part in found],
            reason=form.cleaned_data["reason"].strip(),
        )
        return StreamingHttpResponse(
            list_of(found),
            content_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="file.zip"'},
        )
    context = {
        "title": _("Export for the person"),
        "case": case,
        "form": form,
        "opened": [which.label for which in opened],
        "closed": [
            (which.value, which.label) for which in OFFERED if which not in opened and may(user, ACTS[which])
        ],
        "back": reverse("admin:cases_case_change", args=[case.pk]),
    }
    status = 422 if form.errors else 200
    return render(request, "desk/export.html", desk.each_context(request) | context, status=status)


def list_of(found: list[export.Part]) -> Any:
    """The archive in the reader's language, as pieces."""
    return export.stream(found, language=translation.get_language() or "en", today=timezone.localdate())


def _not_found(request: HttpRequest, key: UUID) -> HttpResponse:
    """The same page for a case that never was and for somebody else's; the trail knows."""
    user: Any = request.user
    if Case._base_manager.filter(pk=key).exists():
        trail.append(user, trail.Verb.REFUSED, case_id=key, fields=["case_export"])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]
