"""Applications by country: a table of countries and stages, and lines with what is next on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from desk import applications_by_country, board
from desk.applications_by_country import COUNTRIES_AT_ONCE, ApplicationFilter, Count, Group
from desk.board import Whose
from law import countries
from staff import trail
from staff.roles import sees_cases
from staff.sites import desk

PAGE_LINES = 30


@dataclass(frozen=True)
class ApplicationQuery:
    """What of the table the address asks for; anything it does not know is left out."""

    whose: Whose
    country: str
    group: Group | None
    every_country: bool
    page: str

    @classmethod
    def of(cls, given: Any, user: Any) -> ApplicationQuery:
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

    @property
    def as_filter(self) -> ApplicationFilter:
        """The same, as the list of applications is asked for it."""
        return ApplicationFilter(self.whose, self.country, self.group)

    def counts(self, count: Count) -> bool:
        """Whether these stand in the cell, row or column that was asked for."""
        return (not self.country or count.country == self.country) and self.group in (None, count.group)


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The table and the lines behind it; with a country or a column asked for, the lines of that alone."""
    user: Any = request.user
    if not sees_cases(user):
        raise trail.Refused(_("Your account may not see cases. Ask a coordinator."))
    asked, now = ApplicationQuery.of(request.GET, user), timezone.now()
    sums = {whose: applications_by_country.total(user, now, whose) for whose in board.choices_of(user)}
    counted = applications_by_country.counts(user, now, asked.whose)
    cut = bool(asked.country or asked.group)
    rows = [] if cut else applications_by_country.table(counted)
    shown = rows if asked.every_country else rows[:COUNTRIES_AT_ONCE]
    cases = applications_by_country.cases_named(shown)
    number = sum(count.total for count in counted if asked.counts(count))
    page = Paginator(range(number), PAGE_LINES).get_page(asked.page)
    first, last = page.start_index() - 1, page.end_index()
    context = {
        "title": pgettext("page", "Applications"),
        "asked": asked,
        "cut": cut,
        "overview": asked.address(country=None, group=None, page=None),
        "heading": _heading(asked),
        "chips": _chips(sums, asked),
        "groups": [(group, asked.address(group=group.value, page=None)) for group in Group],
        "rows": [
            (row, asked.address(country=row.code, page=None), _cells(row, asked, cases)) for row in shown
        ],
        "more_countries": len(rows) - len(shown),
        "all_countries": asked.address(countries="all"),
        "lines": applications_by_country.lines(
            applications_by_country.entries(user, now, asked.as_filter, first, last)
        )
        if number
        else [],
        "page": page,
        "section": {
            "earlier_page": asked.address(page=page.number - 1),
            "later_page": asked.address(page=page.number + 1),
        },
    }
    return render(request, "desk/applications.html", desk.each_context(request) | context)


def _heading(asked: ApplicationQuery) -> str:
    parts = [countries.name(asked.country)] if asked.country else []
    return ": ".join([*parts, str(asked.group.label)] if asked.group else parts)


def _cells(row: Any, asked: ApplicationQuery, cases: Mapping[str, UUID]) -> list[tuple[Any, str, list[Any]]]:
    """Each cell with the address of its lines, and its names with their cases."""
    return [
        (
            cell,
            asked.address(country=row.code, group=cell.group.value, page=None) if cell.total else "",
            [(cases[name], name) for name in cell.names if name in cases],
        )
        for cell in row.cells
    ]


def _chips(sums: Mapping[Whose, int], asked: ApplicationQuery) -> list[dict[str, Any]]:
    """Mine, my team, all: each with the number of applications."""
    return [
        {
            "label": whose.label,
            "count": number,
            "url": asked.address(whose=whose, page=None),
            "chosen": whose == asked.whose,
        }
        for whose, number in sums.items()
    ]
