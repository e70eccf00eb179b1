"""The search: a box in the head of every page, one page of answers. What was typed goes no further."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from cases import search
from cases.models import Status
from desk import board
from desk.views.forms import SearchForm
from law import countries
from staff import trail
from staff.roles import Permission, may, sees_cases
from staff.sites import desk


@sensitive_variables()
@sensitive_post_parameters("q")
@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The empty box, or the cases that match what was sent in a POST; an address never holds a name."""
    user: Any = request.user
    if not sees_cases(user):
        raise trail.Refused(_("Your account may not see cases. Ask a coordinator."))
    form = SearchForm(request.POST if request.method == "POST" else None)
    found = None
    if form.is_valid():
        found = search.cases(form.cleaned_data["q"], by=user, today=timezone.localdate())
    context = {
        "title": _("Search"),
        "form": form,
        "found": found,
        "cards": [_card(hit) for hit in found.hits] if found else [],
        "searched_for": request.POST.get("q", "") if form.is_bound else "",
        "searching": True,
        "sees_duplicates": may(user, Permission.SEE_DUPLICATES),
    }
    status = 422 if form.errors else 200
    return render(request, "desk/search.html", desk.each_context(request) | context, status=status)


def _card(hit: search.Hit) -> dict[str, Any]:
    """What a card shows of a case: what lists show anyway, and by what it matched."""
    case: Any = hit.case
    return {
        "case": case,
        "urgency": board.URGENCY_CLASS.get(case.colour, ""),
        "country": countries.name(case.country),
        "closed": case.status == Status.CLOSED,
        "reasons": ", ".join(str(reason) for reason in hit.reasons),
    }
