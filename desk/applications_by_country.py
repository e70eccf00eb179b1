"""Applications by country and by where they stand: counts, and lines with the next step and its clock.

The database counts; it knows country, kind and stage, and not one day. Lines are sorted by the next day,
which is sealed: those within the window of the deadline board are opened first, all others only where a page
asks for them. A request for a travel document never stands in a column about protection, whatever its stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count as Count_
from django.db.models import Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext

from cases.models import Application, Case, Deadline, DeadlineKind, Deputy
from cases.models.application import stage_in_words
from cases.models.groups import Group, group_of
from desk import board
from desk.board import Whose, days_left_words, nearness
from law import countries
from law.stages import FINISHED, STAGES_OF_TRAVEL_DOCUMENT, TRAVEL_STAGES, ApplicationKind, Stage
from law.words.terms import ask_code
from staff.models import User
from vault.bulk import read_columns
from vault.cipher import CannotOpen

NAMES_IN_A_CELL = 2
COUNTRIES_AT_ONCE = 10
# What may be next on an application; each of these deadlines names it in its source.
NEXT_STEPS = (
    DeadlineKind.APPLICATION_CHECK,
    DeadlineKind.INTERVIEW,
    DeadlineKind.HEARING,
    DeadlineKind.APPEAL_END,
    DeadlineKind.PROCEDURE_STEP,
    DeadlineKind.AUTHORITY_DUE,
    DeadlineKind.TERM_PASSED,
)


Steps = Mapping[bytes, tuple[int, str]]
OF_AN_APPLICATION = "application:"


class Entry(NamedTuple):
    """One application with its next date, as little of it as sorting and showing need.

    `due` is the ordinal of the day, None where nothing is due; `left` counts from today there. `pk` and
    `case` are the bytes of ids.
    """

    pk: bytes
    country: str
    kind: str
    stage: str
    evidence: str
    asks: str
    case: bytes
    code_name: str
    due: int | None
    left: int | None
    step: str

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.stage in FINISHED


@dataclass(frozen=True)
class ApplicationFilter:
    """Whose applications, and of which country and column; None and "" are all of them."""

    whose: Whose = Whose.ALL
    country: str = ""
    group: Group | None = None


@dataclass(frozen=True)
class Line:
    """An application as the page shows it."""

    case: UUID
    code_name: str
    country: str
    standing: str
    step: str
    due_on: date | None
    words: str
    style: str
    question: str


@dataclass(frozen=True)
class Cell:
    """A country at one column: how many, and some of their code names."""

    group: Group
    total: int
    names: Sequence[str]

    @property
    def hidden(self) -> int:
        """How many names are not shown."""
        return self.total - len(self.names)


@dataclass(frozen=True)
class Row:
    """A country of the table."""

    code: str
    name: str
    total: int
    cells: Sequence[Cell]


class Count(NamedTuple):
    """How many applications stand at one stage of one kind in one country, and two of their code names."""

    country: str
    group: Group
    total: int
    names: frozenset[str]


def _rows(user: User, now: datetime, wanted: ApplicationFilter) -> Any:
    """The applications of the cases in work that `user` may see and asks for."""
    rows = Application.objects.filter(case__in=Case.objects.visible_to(user).in_work()).intact("case")
    rows = rows.filter(_of_whom(user, now, wanted.whose))
    if wanted.country:
        rows = rows.filter(country=wanted.country)
    return rows.filter(_in_group(wanted.group)) if wanted.group else rows


def _of_whom(user: User, now: datetime, whose: Whose) -> Q:
    """As on the deadline board: who stands in for a colleague has the colleague's cases too."""
    if whose == Whose.MINE:
        away = Deputy.objects.on(timezone.localdate(now)).filter(deputy=user)
        return Q(case__caseworker=user) | Q(case__caseworker__in=away.values("away"))
    return Q(case__team=user.team_id) if whose == Whose.TEAM else Q()


def _in_group(group: Group) -> Q:
    found = Q(pk__in=())
    for kind in ApplicationKind:
        travel = kind == ApplicationKind.TRAVEL_DOCUMENT
        reached = STAGES_OF_TRAVEL_DOCUMENT if travel else frozenset(Stage) - TRAVEL_STAGES
        found |= Q(kind=kind, stage__in=[stage for stage in reached if group_of(kind, stage) == group])
    return found


def total(user: User, now: datetime, whose: Whose) -> int:
    """How many applications that view has."""
    return int(_rows(user, now, ApplicationFilter(whose)).count())


def counts(user: User, now: datetime, whose: Whose) -> list[Count]:
    """What the table counts, in one question to the database."""
    grouped = _rows(user, now, ApplicationFilter(whose)).order_by().values_list("country", "kind", "stage")
    return [
        Count(country, group_of(kind, stage), number, frozenset({first, last}))
        for country, kind, stage, number, first, last in grouped.annotate(
            Count_("pk"), Min("case__code_name"), Max("case__code_name")
        )
    ]


def table(found: Iterable[Count]) -> list[Row]:
    """Countries and columns, the countries with the most applications first."""
    cells: dict[str, dict[Group, list[Count]]] = {}
    for count in found:
        cells.setdefault(count.country, {}).setdefault(count.group, []).append(count)
    rows = [
        Row(
            code,
            countries.name(code),
            sum(count.total for members in groups.values() for count in members),
            [_cell(group, groups.get(group, ())) for group in Group],
        )
        for code, groups in cells.items()
    ]
    return sorted(rows, key=lambda row: (-row.total, row.name))


def _cell(group: Group, members: Sequence[Count]) -> Cell:
    names = sorted({name for count in members for name in count.names})[:NAMES_IN_A_CELL]
    return Cell(group, sum(count.total for count in members), names)


def cases_named(rows: Iterable[Row]) -> dict[str, UUID]:
    """The cases behind the code names in these rows; the reader was shown no others."""
    names = {name for row in rows for cell in row.cells for name in cell.names}
    return dict(Case.objects.filter(code_name__in=names).values_list("code_name", "pk"))


def entries(user: User, now: datetime, wanted: ApplicationFilter, first: int, last: int) -> list[Entry]:
    """Those from place `first` up to place `last`, counted out; what is due first, then what asks."""
    soon = _next_steps(user, now, wanted, until=board.window(now))
    if wanted.country or wanted.group:
        mine = {pk for (pk,) in read_columns(_rows(user, now, wanted), "pk")} if soon else set()
        soon = {pk: step for pk, step in soon.items() if pk in mine}
    if last <= len(soon):
        near = sorted(soon, key=lambda pk: (soon[pk][0], pk))[:last]
        rows = _rows(user, now, wanted).filter(pk__in=[UUID(bytes=pk) for pk in near[first:]])
        return sorted(_read(rows, soon, now), key=_order)
    steps = _next_steps(user, now, wanted)
    return sorted(_read(_rows(user, now, wanted), steps, now), key=_order)[first:last]


def _read(rows: Any, steps: Steps, now: datetime) -> list[Entry]:
    todays: dict[str, int] = {}
    found = []
    columns = ("pk", "country", "kind", "stage", "evidence", "asks", "case", "case__code_name")
    for pk, country, kind, stage, evidence, asks, case, name in read_columns(rows, *columns):
        due, step = steps.get(pk, (None, ""))
        if country not in todays:
            todays[country] = countries.today_in(country, now).toordinal()
        left = None if due is None else due - todays[country]
        found.append(Entry(pk, country, kind, stage, evidence, asks, case, name, due, left, step))
    return found


def _order(entry: Entry) -> Any:
    if entry.due is not None:
        return (False, entry.due, entry.pk)
    return (True, not entry.asks, entry.is_finished, entry.code_name, entry.pk)


def _next_steps(user: User, now: datetime, wanted: ApplicationFilter, until: date | None = None) -> Steps:
    """For each application the earliest open date about it; with `until` only those due by then."""
    rows = Deadline.objects.open().of(Case.objects.visible_to(user)).filter(kind__in=NEXT_STEPS)
    rows = rows.filter(_of_whom(user, now, wanted.whose))
    if wanted.country:
        rows = rows.filter(country=wanted.country)
    if until is not None:
        rows = rows.in_weeks_until(until)
    last = date.max if until is None else until
    found: dict[bytes, tuple[int, str]] = {}
    for kind, due_on, source in read_columns(rows, "kind", "due_on", "source"):
        if isinstance(due_on, CannotOpen) or isinstance(source, CannotOpen) or due_on > last:
            continue  # the deadline board speaks of those that do not open
        if not source.startswith(OF_AN_APPLICATION):
            continue
        key, due = bytes.fromhex(source[12:48].replace("-", "")), due_on.toordinal()
        if key not in found or due < found[key][0]:
            found[key] = (due, kind)
    return found


def lines(wanted: Iterable[Entry]) -> list[Line]:
    """Words for the entries that are shown."""
    kinds = dict(DeadlineKind.choices)
    return [
        Line(
            case=UUID(bytes=entry.case),
            code_name=entry.code_name,
            country=countries.name(entry.country),
            standing=stage_in_words(entry.kind, entry.stage, entry.evidence),
            step=str(kinds[entry.step]) if entry.step else "",
            due_on=None if entry.due is None else date.fromordinal(entry.due),
            words=_words(entry),
            style=nearness(entry.left) if entry.due is not None else "",
            question=ask_code(entry.asks) if entry.asks else "",
        )
        for entry in wanted
    ]


def _words(entry: Entry) -> str:
    if entry.due is not None:
        return days_left_words(entry.left)
    return gettext("finished") if entry.is_finished else gettext("no date")
