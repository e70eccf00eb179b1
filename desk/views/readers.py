"""Who has seen a case: for the coordinators of its team, person by person, from the trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_resolver, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases.models import Case
from staff import trail
from staff.models import TrailRow, User
from staff.sites import desk
from staff.trail import Verb


@dataclass(frozen=True)
class Reader:
    """What one person did with a case. `opened` counts openings of the file, `acts` everything but
    refusals.
    """

    name: str
    role: str
    first_at: datetime
    last_at: datetime
    opened: int
    acts: int
    refused: int


@require_GET
def show(request: HttpRequest, key: UUID) -> HttpResponse:
    """Everybody who stands on the trail of one case, the last one first. The question is on the trail too."""
    user: Any = request.user
    case = Case.objects.visible_to(user).filter(pk=key).first()
    if case is None:
        return _not_found(request, key)
    if not case.shows_readers_to(user):
        raise trail.Refused(_("Who has seen a case, its team's coordinators read. Ask one."), case_id=case.pk)
    trail.append(user, Verb.TRAIL_READ, case_id=case.pk)
    people = readers(case)
    context = {
        "title": _("Who has seen this case"),
        "subtitle": case.code_name,
        "case": case,
        "people": [person for person in people if person.acts],
        "turned_away": [person for person in people if not person.acts],
        "back": reverse("admin:cases_case_change", args=[case.pk]),
    }
    return render(request, "desk/readers.html", desk.each_context(request) | context)


def readers(case: Case) -> list[Reader]:
    """By person, the last act first: by one question, however long the trail is."""
    refused = Q(verb=Verb.REFUSED)
    rows = (
        TrailRow.objects.filter(case=case.pk)
        .order_by()
        .values("actor__username", "actor__role")
        .annotate(
            first=Min("at"),
            last=Max("at"),
            opened=Count("pk", filter=Q(verb=Verb.CASE_OPENED)),
            refused=Count("pk", filter=refused),
            acts=Count("pk", filter=~refused),
        )
    )
    roles = dict(User._meta.get_field("role").flatchoices)  # type: ignore[union-attr]
    found = [
        Reader(
            row["actor__username"] or _("the desk itself"),
            str(roles.get(row["actor__role"] or "", "")),
            *(row["first"], row["last"], row["opened"], row["acts"], row["refused"]),
        )
        for row in rows
    ]
    return sorted(found, key=lambda person: person.last_at, reverse=True)


def _not_found(request: HttpRequest, key: UUID) -> HttpResponse:
    """The same page for a case that never was and for one that is not theirs; the trail knows."""
    if Case.objects.filter(pk=key).exists():
        user: Any = request.user
        trail.append(user, Verb.REFUSED, case_id=key, fields=["readers"])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]
