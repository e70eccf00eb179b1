"""The deadline board: the landing page of whoever works on cases, and one page for each date on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cases import provenance
from cases.models import Case, Deadline, DeadlineKind, DeadlineState
from desk import board, explanations, law_book
from desk.board import Mark, Part, Whose
from desk.drawings import month
from desk.views.forms import CareForm
from reminders import doorbell, planning
from staff import trail
from staff.roles import Permission, may, sees_cases
from staff.sites import desk
from vault.show import display_value

FIRST_LINES, PAGE_LINES = 10, 30


@dataclass(frozen=True)
class BoardQuery:
    """What of the board the address asks for; anything it does not know is left out."""

    whose: Whose
    part: Part | None
    day: date | None
    page: str
    month_text: str

    @classmethod
    def of(cls, given: Any, user: Any) -> BoardQuery:
        """Read the query string; a view that the role has no use for is the widest one."""
        allowed = board.choices_of(user)
        whose = given.get("whose", "")
        part = given.get("part", "")
        try:
            day = date.fromisoformat(given.get("day", ""))
        except ValueError:
            day = None
        return cls(
            Whose(whose) if whose in allowed else allowed[0],
            Part(part) if part in Part.values and day is None else None,
            day,
            given.get("page", "1"),
            given.get("month", "")[:7],
        )

    def address(self, **changed: Any) -> str:
        """The board with this choice, but for what is `changed`; None takes something away."""
        day = self.day.isoformat() if self.day else None
        here = {"whose": self.whose, "part": self.part, "day": day, "page": self.page}
        wanted = here | {"month": self.month_text} | changed
        given = {name: value for name, value in wanted.items() if value}
        if str(given.get("page")) == "1":
            del given["page"]
        if given.get("whose") == Whose.ALL:
            del given["whose"]
        return f"{reverse('board')}?{urlencode(given)}" if given else reverse("board")


@dataclass(frozen=True)
class Section:
    """A part of the board as shown: its lines, how many there are in all, where the rest is."""

    key: str
    label: str
    total: int
    lines: list[Any]
    more: str = ""
    page: Page | None = None
    earlier_page: str = ""
    later_page: str = ""

    @property
    def hidden(self) -> int:
        """How many lines are not on this page."""
        return self.total - len(self.lines)


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The board. Who sees no case is sent on to the accounts; nobody else gets here without a role."""
    user: Any = request.user
    if not sees_cases(user):
        if may(user, Permission.SEE_ACCOUNTS):
            return redirect("admin:staff_user_changelist")
        raise trail.Refused(_("Your account may not see cases. Ask a coordinator."))
    now, today = timezone.now(), timezone.localdate()
    asked = BoardQuery.of(request.GET, user)
    # The present month is counted from the same rows; its end may lie behind the 30 days.
    found = board.marks(user, now, until=max(board.window(now), month.bounds(today)[1]))
    compose = _one_section if asked.part or asked.day else _all
    sections = compose(user, found, asked, now)
    context = {
        "title": _("Deadlines"),
        "asked": asked,
        "back": asked.address().partition("?")[2],
        "overview": asked.address(part=None, day=None, page=None),
        "chips": _chips(user, found, asked),
        "sections": sections,
        "quiet": not any(section.total for section in sections),
        "no_cases": not found and not Case.objects.visible_to(user).in_work().exists(),
        "undated": board.cases_without_date(user).count(),
        "month": _month(user, found, asked, now, today),
        "now": now,
        "actions": True,
        "rules_waiting": _rules_waiting(user, today),
    }
    return render(request, "desk/board.html", desk.each_context(request) | context)


def _rules_waiting(user: Any, today: date) -> list[tuple[law_book.Waiting, int]]:
    """For a lawyer: how many rules wait, by reason; nothing where none does."""
    if not may(user, Permission.MANAGE_RULES):
        return []
    return [(why, len(rules)) for why, rules in law_book.waiting(today).items() if rules]


def _chips(user: Any, found: list[Mark], asked: BoardQuery) -> list[dict[str, Any]]:
    """Mine, my team, all: each with the number of dates on its board."""
    return [
        {
            "label": whose.label,
            "count": board.count(found, whose),
            "url": asked.address(whose=whose, part=None, page=None, day=None),
            "chosen": whose == asked.whose,
        }
        for whose in board.choices_of(user)
    ]


def _all(user: Any, found: list[Mark], asked: BoardQuery, now: datetime) -> list[Section]:
    """Every part with its first lines; the lines of all parts are fetched together."""
    marks = board.parts(found, asked.whose)
    wanted = [mark.pk for each in marks.values() for mark in each[:FIRST_LINES]]
    lines = {line.deadline.pk: line for line in board.lines(user, wanted, now)}
    return [
        Section(
            part.value,
            str(part.label),
            len(each),
            [lines[mark.pk] for mark in each[:FIRST_LINES] if mark.pk in lines],
            more=asked.address(part=part.value, page=None),
        )
        for part, each in marks.items()
        if each or part != Part.UNREADABLE
    ]


def _one_section(user: Any, found: list[Mark], asked: BoardQuery, now: datetime) -> list[Section]:
    """One part, or one day, in full: page by page."""
    if asked.day:
        due = board.marks_between(user, now, asked.day, asked.day)
        marks = [mark for mark in due if mark.belongs_to(asked.whose)]
        key, label = "day", _("Due on %(day)s") % {"day": asked.day.isoformat()}
    else:
        part = asked.part or Part.OVERDUE
        marks, key, label = board.parts(found, asked.whose)[part], part.value, str(part.label)
    page = Paginator(marks, PAGE_LINES).get_page(asked.page)
    return [
        Section(
            key,
            label,
            len(marks),
            board.lines(user, [mark.pk for mark in page.object_list], now),
            page=page,
            earlier_page=asked.address(page=page.number - 1),
            later_page=asked.address(page=page.number + 1),
        )
    ]


def _month(user: Any, found: list[Mark], asked: BoardQuery, now: datetime, today: date) -> dict[str, Any]:
    first, last = month.bounds(month.parse_month(asked.month_text, today))
    if first != today.replace(day=1):
        found = board.marks_between(user, now, first, last)
    days = [mark.due_on for mark in found if mark.due_on and mark.belongs_to(asked.whose)]
    drawn = month.draw(first, days, today)

    def of(on: date | None) -> str:
        return asked.address(month=f"{on:%Y-%m}", part=None, page=None, day=None) if on else ""

    return {
        "drawn": drawn,
        "cells": [(cell, asked.address(day=str(cell.on), part=None, page=None)) for cell in drawn.cells],
        "earlier": of(drawn.earlier),
        "later": of(drawn.later),
    }


@require_http_methods(["GET", "POST"])
def deadline(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """One date with all that can be done about it; a POST does it and leads back to the board."""
    user: Any = request.user
    row = board.readable(user).filter(pk=key).first()
    if row is None:
        return _not_found(request, key)
    form = CareForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _act(request, row.pk, form):
        return redirect(BoardQuery.of(form.came_from, user).address())
    now = timezone.now()
    line = board.lines(user, [row.pk], now)[0]
    context = {
        "title": _("Deadline"),
        "subtitle": row.case.code_name,
        "line": line,
        "explanation": explanations.explain(row, today=row.today(now)),
        "form": form,
        "back": form.came_from_text or request.GET.urlencode(),
        "board": BoardQuery.of(form.came_from if request.method == "POST" else request.GET, user).address(),
        "counted": provenance.is_counted(row),
        "counted_day": provenance.counted_day(row),
        "passed": row.kind == DeadlineKind.TERM_PASSED,
        "told": provenance.explain_term(row),
        "rule": display_value(row, "rule") or "",
        "open": row.state == DeadlineState.OPEN,
        "done": row.state == DeadlineState.DONE,
    }
    status = 422 if form.errors else 200
    return render(request, "desk/deadline.html", desk.each_context(request) | context, status=status)


def _not_found(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """The same page for a date that never was and for one of a case that is not theirs; the trail knows."""
    hidden = Deadline.objects.filter(pk=key).values_list("case_id", flat=True).first()
    if hidden is not None:
        user: Any = request.user
        trail.append(user, trail.Verb.REFUSED, case_id=hidden, fields=["cases.deadline"])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]


def _act(request: HttpRequest, key: UUID, form: CareForm) -> bool:
    """Do what was asked with the date as it was on the screen; False puts the reason on the form."""
    user: Any = request.user
    try:
        with transaction.atomic():
            row = Deadline.objects.select_for_update().get(pk=key)
            form.require_unchanged(row)
            form.apply(row, by=user)
            if form.cleaned_data["act"] == "reopen":
                planning.plan_case(row.case)
                transaction.on_commit(doorbell.ring)
    except ValidationError as problem:
        form.add_error(None, problem)
        return False
    messages.success(request, _message_for(form.cleaned_data["act"], key, form.came_from_text))
    return True


def _message_for(act: str, key: UUID, back: str) -> str:
    """What was done; without a name, because messages wait in the session."""
    if act == "done":
        address = f"{reverse('deadline', args=[key])}?{back}"
        return format_html(
            '{} <a href="{}">{}</a>',
            _("Marked as done: no more reminders."),
            address,
            _("Wrong line? Open it again."),
        )
    return {
        "seen": _("Marked as seen."),
        "snooze": _("Put off. It stays on the board; reminders rest until that day."),
        "reopen": _("The deadline is open again; reminders go out."),
    }[act]
