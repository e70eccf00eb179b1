"""Applications by country: a table of countries and stages, and lines with what is next on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from cases import board, countries, standings
from cases.board import Whose
from cases.standings import COUNTRIES_AT_ONCE, Entry, Group
from staff import trail
from staff.roles import sees_cases
from staff.sites import desk

PAGE_LINES = 30


@dataclass(frozen=True)
class Asked:
    """What of the table the address asks for; anything it does not know is left out."""

    whose: Whose
    country: str
    group: Group | None
    every_country: bool
    page: str

    @classmethod
    def of(cls, given: Any, user: Any) -> Asked:
        """Read the query string."""
        allowed = board.choices_of(user)
        whose, group = given.get("whose", ""), given.get("group", "")
        country = given.get("country", "")
        return cls(
            Whose(whose) if whose in allowed else allowed[0],
            country if country in countries.COUNTRIES else "",
            Group(group) if group in Group.values else None,
            given.get("countries") == "all",
            given.get("page", "1"),
        )

    def address(self, **changed: Any) -> str:
        """This page with this choice, but for what is `changed`; None takes something away."""
        here = {"whose": self.whose, "country": self.country, "group": self.group, "page": self.page}
        given = {name: str(value) for name, value in (here | changed).items() if value}
        if given.get("page") == "1":
            del given["page"]
        if given.get("whose") == Whose.ALL:
            del given["whose"]
        return f"{reverse('applications')}?{urlencode(given)}" if given else reverse("applications")

    def wants(self, entry: Entry) -> bool:
        """Whether the entry stands in the cell, row or column that was asked for."""
        return (not self.country or entry.country == self.country) and self.group in (None, entry.group)


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The table and the lines behind it; with a country or a column asked for, the lines of that alone."""
    user: Any = request.user
    if not sees_cases(user):
        raise trail.Refused(_("Your account may not see cases. Ask a coordinator."))
    asked = Asked.of(request.GET, user)
    found = standings.entries(user, timezone.now())
    mine = [entry for entry in found if _belongs(entry, asked.whose)]
    cut = bool(asked.country or asked.group)
    rows = [] if cut else standings.table(mine)
    page = Paginator([entry for entry in mine if asked.wants(entry)], PAGE_LINES).get_page(asked.page)
    context = {
        "title": pgettext("page", "Applications"),
        "asked": asked,
        "cut": cut,
        "overview": asked.address(country=None, group=None, page=None),
        "heading": _heading(asked),
        "chips": _chips(user, found, asked),
        "groups": [(group, asked.address(group=group.value, page=None)) for group in Group],
        "rows": [
            (row, asked.address(country=row.code, page=None), _cells(row, asked))
            for row in (rows if asked.every_country else rows[:COUNTRIES_AT_ONCE])
        ],
        "more_countries": 0 if asked.every_country else max(0, len(rows) - COUNTRIES_AT_ONCE),
        "lines": standings.lines(page.object_list),
        "page": page,
        "section": {
            "earlier_page": asked.address(page=page.number - 1),
            "later_page": asked.address(page=page.number + 1),
        },
    }
    return render(request, "desk/applications.html", desk.each_context(request) | context)


def _belongs(entry: Entry, whose: Whose) -> bool:
    return whose == Whose.ALL or (entry.mine if whose == Whose.MINE else entry.team)


def _heading(asked: Asked) -> str:
    parts = [countries.name(asked.country)] if asked.country else []
    return ": ".join([*parts, str(asked.group.label)] if asked.group else parts)


def _cells(row: Any, asked: Asked) -> list[tuple[Any, str]]:
    return [
        (cell, asked.address(country=row.code, group=cell.group.value, page=None) if cell.total else "")
        for cell in row.cells
    ]


def _chips(user: Any, found: list[Entry], asked: Asked) -> list[dict[str, Any]]:
    """Mine, my team, all: each with the number of applications."""
    return [
        {
            "label": whose.label,
            "count": sum(_belongs(entry, whose) for entry in found),
            "url": asked.address(whose=whose, page=None),
            "chosen": whose == asked.whose,
        }
        for whose in board.choices_of(user)
    ]
