"""Counts of requests, people and applications: exact for the desk, and what a publication is made of.

Requests and people are counted apart: one person asks three times. What each number means is in
docs/STATISTICS.md. Exact counts are about what the reader may see; a publication is about the whole house.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case as Choose
from django.db.models import CharField, Count, Value, When
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Application, Case, Consent, Purpose, Status
from cases.models.case import Category
from cases.models.groups import Group, group_of
from figures import disclosure
from figures.disclosure import OTHERS, Counts, PublishedTable
from figures.models import Publication, StatisticsKind
from figures.periods import Period
from inbox import listing
from inbox.models import RequestTally
from intake.models import Category as SaidCategory
from intake.models import Colour, HelpRequest, State
from law import countries
from staff.models import User
from vault.bulk import read_columns
from vault.cipher import CannotOpen
from vault.opening import open_columns

MONTHS = 12
# Whole hours that a request waits at most, and the words for it; the last one has no end.
WAITS = ((24, _("less than a day")), (72, _("1 to 3 days")), (168, _("4 to 7 days")), (None, _("longer")))
NOT_SAID = ""
CONSENTS_AT_ONCE = 5000
KINDS = StatisticsKind
VALUES: dict[StatisticsKind, dict[str, Mapping[str, Any]]] = {
    KINDS.REQUESTS: {
        "category": dict(SaidCategory.choices),
        "outcome": {value: label for value, label in State.choices if value != State.SPAM},
        "colour": {str(value): label for value, label in Colour.choices},
    },
    KINDS.CASES: {"category": dict(Category.choices), "status": dict(Status.choices)},
    KINDS.APPLICATIONS: {"stage": dict(Group.choices)},
}
PROPERTIES = {
    "category": _("Category"),
    "outcome": _("Outcome"),
    "colour": _("Urgency it came in with"),
    "status": _("Status"),
    "stage": _("Where it stands"),
}

# How far each group is, the least first.
_FAR = {
    str(group): number
    for number, group in enumerate(
        (
            Group.UNKNOWN,
            Group.ENDED,
            Group.PREPARED,
            Group.TRAVEL,
            Group.TRAVEL_REFUSED,
            Group.BEGUN,
            Group.EXAMINED,
            Group.REFUSED,
            Group.APPEALED,
            Group.GRANTED,
        )
    )
}


@dataclass(frozen=True)
class Table:
    """A table as shown: words and numbers; None is a hidden number."""

    title: str
    corner: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int | None], int]]
    totals: Sequence[int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.totals)


def country_codes(kind: StatisticsKind) -> list[str]:
    """The fixed list of countries that tables of `kind` are about."""
    codes = list(countries.COUNTRIES)
    return [*codes, NOT_SAID] if kind == KINDS.REQUESTS else codes


def country_name(code: str) -> str:
    """A country, or what stands for none and for those that are too few."""
    if code == OTHERS:
        return gettext("Other or too few to name")
    return countries.name(code) if code else gettext("Not said, or another one")


# -- requests


def requests_in(first: date, last: date) -> dict[str, Counter[tuple[str, str]]]:
    """Requests that came from `first` to `last` (UTC), by country and each property; without spam.

    Those that were erased when their time was over are counted with their last state; withdrawn ones are not.
    """
    rows = HelpRequest.objects.exclude(state=State.SPAM).filter(
        received_at__gte=_midnight(first), received_at__lt=_midnight(last + timedelta(days=1))
    )
    names = ("country", "category", "state", "colour")
    found = list(rows.order_by().values_list(*names).annotate(n=Count("pk")))
    months = RequestTally.objects.filter(month__gte=f"{first:%Y-%m}", month__lte=f"{last:%Y-%m}")
    found += list(months.values_list(*names, "number"))
    tables: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in VALUES[KINDS.REQUESTS]}
    for country, category, state, colour, number in found:
        place = country if country in countries.COUNTRIES else NOT_SAID
        said = {"category": category, "outcome": state, "colour": str(colour)}
        for name, value in said.items():
            tables[name][place, value] += number
    return tables


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def months_until(today: date) -> list[str]:
    """The last MONTHS months, as "2026-09", the present one last."""
    number = today.year * 12 + today.month - 1
    return [f"{n // 12}-{n % 12 + 1:02}" for n in range(number - MONTHS + 1, number + 1)]


def requests_by_month(today: date) -> Counter[tuple[str, str]]:
    """Requests of the last twelve months by (month, category), without spam."""
    months = months_until(today)
    starts = [date.fromisoformat(f"{month}-01") for month in months]
    whens = [
        When(received_at__gte=_midnight(start), then=Value(month))
        for month, start in reversed(list(zip(months, starts, strict=True)))
    ]
    rows = HelpRequest.objects.exclude(state=State.SPAM).filter(received_at__gte=_midnight(starts[0]))
    month = Choose(*whens, default=Value(months[0]), output_field=CharField())
    found: Counter[tuple[str, str]] = Counter()
    for *key, number in rows.order_by().values_list(month, "category").annotate(n=Count("pk")):
        found[key[0], key[1]] += number
    for at, category, number in RequestTally.objects.filter(month__in=months).values_list(
        "month", "category", "number"
    ):
        found[at, category] += number
    return found


def waiting(user: User, now: datetime) -> Counter[tuple[str, str]]:
    """Requests that wait now, by (urgency by now, how long)."""
    found: Counter[tuple[str, str]] = Counter()
    for row in listing.list_requests(user, listing.InboxFilter.WAITING, now):
        hours = listing.hours_between(row["since"], now)
        slot = next(n for n, (most, _words) in enumerate(WAITS) if most is None or hours < most)
        found[str(row["urgency"]), str(slot)] += 1
    return found


# -- people and their applications


def opened_between(first: date, last: date) -> dict[UUID, tuple[str, str, str]]:
    """Cases opened from `first` to `last` as {id: (country, category, status)}; erased ones are left out."""
    rows = Case.objects.filter(erased=False, opened_on__isnull=False).order_by()
    return {
        UUID(bytes=pk): (country, category, status)
        for pk, country, category, status, opened_on in read_columns(
            rows, "pk", "country", "category", "status", "opened_on"
        )
        if not isinstance(opened_on, CannotOpen) and first <= opened_on <= last
    }


def agreeing(cases: Iterable[UUID], on: date) -> set[UUID]:
    """Those of `cases` whose people let us count them in published figures on `on`."""
    keys, found = list(cases), set()
    for start in range(0, len(keys), CONSENTS_AT_ONCE):
        some = Consent.objects.filter(case__in=keys[start : start + CONSENTS_AT_ONCE])
        rows = list(some.filter(withdrawn_on__isnull=True).with_keys())
        open_columns(rows, ("purpose", "given_on", "valid_until"))
        for row in rows:
            if (
                row.case_id not in found
                and row.value_or_none("purpose") == Purpose.STATISTICS
                and row.counts_on(on)
            ):
                found.add(row.case_id)
    return found


def people(rows: Iterable[tuple[str, str, str]]) -> dict[str, Counter[tuple[str, str]]]:
    """Cases, given as (country, category, status), by country and each property."""
    tables: dict[str, Counter[tuple[str, str]]] = {"category": Counter(), "status": Counter()}
    for country, category, status in rows:
        tables["category"][country, category] += 1
        tables["status"][country, status] += 1
    return tables


def applications(rows: Iterable[tuple[str, str, str]]) -> dict[str, Counter[tuple[str, str]]]:
    """Applications, given as (country, kind, stage), by country and where they stand.

    A refused travel document has a group of its own, and never stands among refusals of protection.
    """
    return {"stage": Counter((country, str(group_of(kind, stage))) for country, kind, stage in rows)}


def _furthest(cases: set[UUID]) -> dict[UUID, tuple[str, str]]:
    """For each of `cases` with an application the (country, group) where it got furthest.

    A person with five applications is one person: no number may seem to be of many and be of one.
    """
    found: dict[UUID, tuple[str, str]] = {}
    rows = Application.objects.order_by("pk").values_list("case_id", "country", "kind", "stage")
    for case, country, kind, stage in rows.iterator():
        group = str(group_of(kind, stage))
        if case in cases and (case not in found or _FAR[group] > _FAR[found[case][1]]):
            found[case] = (country, group)
    return found


def of_period(kind: StatisticsKind, period: Period, *, today: date) -> dict[str, Counter[tuple[str, str]]]:
    """The exact counts that a publication of `period` is made of, of the whole house.

    People, and their applications, are counted only where they agreed to it and that counts on `today`.
    """
    if kind == KINDS.REQUESTS:
        return requests_in(period.first, period.last)
    cases = opened_between(period.first, period.last)
    agreed = agreeing(cases, today)
    if kind == KINDS.CASES:
        return people(cases[key] for key in agreed)
    return {"stage": Counter(_furthest(agreed).values())}


def publishable(kind: StatisticsKind, period: Period, *, today: date) -> dict[str, PublishedTable]:
    """The tables of `period` as they may go out; empty where there are too few in all."""
    return disclosure.publish(
        of_period(kind, period, today=today),
        countries=country_codes(kind),
        values={name: list(values) for name, values in VALUES[kind].items()},
    )


def publish(kind: StatisticsKind, period: Period, *, by: User, at: datetime, today: date) -> Publication:
    """Publish the figures of `period`. Raises as Publication.objects.publish()."""
    tables = publishable(kind, period, today=today)
    return Publication.objects.publish(kind, period, tables, by=by, at=at, today=today)


# -- in words


def tables_in_words(kind: StatisticsKind, tables: Mapping[str, PublishedTable]) -> list[Table]:
    """Published tables in the reader's language."""
    return [
        Table(
            title=str(PROPERTIES[name]),
            corner=gettext("Country"),
            heads=[_value(kind, name, value) for value in table.columns],
            rows=[
                (country_name(code), cells, total)
                for code, cells, total in zip(table.rows, table.cells, table.row_totals, strict=True)
            ],
            totals=table.column_totals,
        )
        for name, table in tables.items()
    ]


def exact(kind: StatisticsKind, tables: Mapping[str, Counts]) -> list[Table]:
    """Exact tables in the reader's language, the largest countries first."""
    return [
        by_place(str(PROPERTIES[name]), counts, VALUES[kind][name], country_name)
        for name, counts in tables.items()
    ]


def by_place(title: str, counts: Counts, values: Mapping[str, Any], name: Any) -> Table:
    """A table of `counts` by country, those without a number left out."""
    sums: Counter[str] = Counter()
    for (place, _column), number in counts.items():
        sums[place] += number
    places = sorted((place for place in sums if sums[place]), key=lambda place: (-sums[place], name(place)))
    return grid(title, gettext("Country"), counts, {place: name(place) for place in places}, values)


def grid(
    title: str, corner: str, counts: Counts, rows: Mapping[str, str], columns: Mapping[str, Any]
) -> Table:
    """A table of `counts` with these rows and columns."""
    lines = [[counts.get((row, column), 0) for column in columns] for row in rows]
    return Table(
        title,
        corner,
        [str(label) for label in columns.values()],
        [(label, line, sum(line)) for label, line in zip(rows.values(), lines, strict=True)],
        [sum(column) for column in zip(*lines, strict=True)] if lines else [0] * len(columns),
    )


def _value(kind: StatisticsKind, name: str, value: str) -> str:
    if value == OTHERS:
        return gettext("Other or too few to name")
    return str(VALUES[kind][name].get(value, value))
