"""The trail for auditors: who did what, when, to which case by its id alone; and its signed checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from staff import chain, trail
from staff.models import Checkpoint, TrailRow, User
from staff.roles import Permission, may
from staff.trail import Verb
from staff.views.account import page
from vault.cipher import CannotOpen
from vault.show import marker

PAGE_ROWS = 100
# Of these the reason speaks of accounts and of the house. Elsewhere it may speak of a person's file.
REASON_SHOWN = frozenset(
    {
        *(Verb.ROLE_REQUESTED, Verb.ROLE_GRANTED, Verb.ROLE_LAPSED, Verb.TRAIL_CUT),
        *(Verb.DEVICE_RESET_REQUESTED, Verb.DEVICE_RESET, Verb.DEVICE_RESET_REFUSED),
    }
)


class TrailFilter(forms.Form):
    """What of the trail somebody wants to read. Everything may stay empty."""

    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    verb = forms.ChoiceField(label=gettext_lazy("Did what"), required=False)
    since_on = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until_on = forms.DateField(
        label=gettext_lazy("Until, counted in"),
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    case = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anybody: list[tuple[str, Any]] = [("", _("anybody")), ("console", _("the console"))]
        verbs = sorted(((verb.value, str(verb.label)) for verb in Verb), key=lambda pair: pair[1])
        self.fields["who"].choices = anybody + list(people.items())  # type: ignore[attr-defined]
        self.fields["verb"].choices = [("", _("anything")), *verbs]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Days in their order."""
        given = super().clean() or {}
        since_on, until_on = given.get("since_on"), given.get("until_on")
        if since_on and until_on and since_on > until_on:
            self.add_error("until_on", _("The last day lies before the first one."))
        return given

    def rows(self) -> Any:
        """The rows asked for, the newest first; days are those of the reader's zone."""
        given = self.cleaned_data
        rows = TrailRow.objects.order_by("-id")
        if given["who"] == "console":
            rows = rows.filter(actor=None)
        elif given["who"]:
            rows = rows.filter(actor=given["who"])
        if given["verb"]:
            rows = rows.filter(verb=given["verb"])
        if given["case"]:
            rows = rows.filter(case=given["case"])
        if given["since_on"]:
            rows = rows.filter(at__gte=_midnight(given["since_on"]))
        if given["until_on"]:
            rows = rows.filter(at__lt=_midnight(given["until_on"] + timedelta(days=1)))
        return rows


@dataclass(frozen=True)
class Line:
    """A row as an auditor sees it: `case` is the id, `about` what it says of accounts and of the house."""

    at: datetime
    who: str
    what: str
    case: UUID | None
    about: str

    @property
    def short_case(self) -> str:
        """Enough of the id to tell cases apart; the file behind it stays closed to auditors."""
        return str(self.case)[:8] if self.case else ""


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The trail, a page at a time. That it was read is on the trail too."""
    user: Any = request.user
    if not may(user, Permission.READ_TRAIL):
        raise trail.Refused(_("The trail is for auditors. Ask one of them."))
    people = {str(pk): name for pk, name in User.objects.values_list("pk", "username")}
    form = TrailFilter(request.GET, people=people)
    good = form.is_valid()
    found, older, newer = _page(form.rows(), request.GET) if good else ([], None, None)
    # The house's key alone: those of cases stay closed.
    TrailRow.hold_keys([row for row in found if row.case is None], using=DEFAULT_DB_ALIAS)
    trail.append(user, Verb.TRAIL_READ, fields=[name for name in form.fields if request.GET.get(name)])
    asked = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "title": _("Trail"),
        "form": form,
        "lines": [_line(row, people) for row in found],
        "case": form.cleaned_data.get("case") if good else None,
        "filtered": bool(asked),
        "older": _address(asked, before=older) if older else "",
        "newer": _address(asked, after=newer) if newer else "",
        "without_case": _address({name: value for name, value in asked.items() if name != "case"}),
        "late": chain.late_rows(recent=True),
        "head": chain.head(),
        "checkpoint": Checkpoint.objects.newest(),
    }
    return page(request, "trail", context, wrong=not good)


def _page(rows: Any, asked: Any) -> tuple[list[TrailRow], int | None, int | None]:
    """A page of rows, and from where the older and the newer ones go on. Nothing is counted: it is long."""
    before, after = _number(asked.get("before")), _number(asked.get("after"))
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE_ROWS + 1])
        more = len(found) > PAGE_ROWS
        found = found[:PAGE_ROWS][::-1]
        return found, found[-1].pk if found else None, found[0].pk if found and more else None
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_ROWS + 1])
    more, found = len(found) > PAGE_ROWS, found[:PAGE_ROWS]
    return found, found[-1].pk if more else None, found[0].pk if found and before else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _address(asked: dict[str, str], **more: int) -> str:
    query = urlencode(asked | {name: str(value) for name, value in more.items()})
    return f"{reverse('trail')}?{query}" if query else reverse("trail")


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _line(row: TrailRow, people: dict[str, str]) -> Line:
    who = people.get(str(row.actor_id), "?") if row.actor_id else _("the console")
    return Line(row.at, who, row.get_verb_display(), row.case, _about(row, people))


def _about(row: TrailRow, people: dict[str, str]) -> str:
    """Names of fields and pages, the account concerned. Never what lies under a case's key, nor a search."""
    if row.case is not None:
        return ""
    try:
        details = row.details
    except CannotOpen as problem:
        return str(marker(problem))
    parts = [people[details["about"]]] if details.get("about") in people else []
    parts += details.get("fields", [])
    if row.verb in REASON_SHOWN and details.get("reason"):
        parts.append(details["reason"])
    return " · ".join(parts)


@require_GET
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint, as a small text to keep outside the house."""
    user: Any = request.user
    if not (may(user, Permission.READ_TRAIL) or may(user, Permission.SIGN_DIGEST)):
        raise trail.Refused(_("Checkpoints are for auditors and coordinators. Ask one of them."))
    newest = Checkpoint.objects.newest()
    if newest is None:
        messages.info(
            request, _("No checkpoint is signed yet. The desk signs one every hour; try again then.")
        )
        return redirect("trail" if may(user, Permission.READ_TRAIL) else "admin:index")
    trail.append(user, Verb.CHECKPOINT_TAKEN)
    answer = HttpResponse(str(newest.as_signed), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="checkpoint-{newest.position}.txt"'
    return answer
