"""Applications by country and by where they stand: counts, and lines with the next step and its clock.

Two steps, as on the deadline board: plain columns of every application that the reader may see, to count and
to cut; then words for the lines that are shown. A request for a travel document never stands in a column
about protection, whatever its stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from cases import countries
from cases.board import days_left_words, nearness
from cases.models import Application, Case, Deadline, DeadlineKind
from cases.models.application import standing
from cases.models.groups import Group, group_of
from cases.models.stages import FINISHED
from cases.models.term_words import ask_code
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


class Entry(NamedTuple):
    """One application with its next date, as little of it as counting and sorting need.

    `due` is the ordinal of the day, None where nothing is due; `left` counts from today there.
    """

    pk: UUID
    country: str
    group: Group
    kind: str
    stage: str
    evidence: str
    asks: str
    case: UUID
    code_name: str
    mine: bool
    team: bool
    due: int | None
    left: int | None
    step: str

    @property
    def finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.stage in FINISHED


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
    """A country at one column: how many, and the first of their code names."""

    group: Group
    total: int
    names: Sequence[tuple[UUID, str]]

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


def entries(user: User, now: datetime) -> list[Entry]:
    """The applications of the cases in work that `user` may see; what is due first, then what asks."""
    steps = _next_steps(user)
    todays: dict[str, int] = {}
    found = []
    columns = ("pk", "country", "kind", "stage", "evidence", "asks", "case_id", "case__code_name",
               "case__caseworker_id", "case__team_id")  # fmt: skip
    rows = Application.objects.filter(case__in=Case.objects.visible_to(user).in_work())
    for pk, country, kind, stage, evidence, asks, case, name, worker, team in rows.values_list(*columns):
        mine, ours = worker == user.pk, team == user.team_id
        if country not in todays:
            todays[country] = countries.today_in(country, now).toordinal()
        due, step = steps.get(pk.bytes, (None, ""))
        left = None if due is None else due - todays[country]
        group = group_of(kind, stage)
        found.append(
            Entry(pk, country, group, kind, stage, evidence, asks, case, name, mine, ours, due, left, step)
        )
    found.sort(key=_order)
    return found


def _order(entry: Entry) -> Any:
    return (entry.due is None, entry.due or 0, not entry.asks, entry.finished, entry.code_name, entry.pk)


def _next_steps(user: User) -> dict[bytes, tuple[int, str]]:
    """For each application the earliest open date about it, as (ordinal, kind)."""
    rows = Deadline.objects.open().visible_to(user).filter(kind__in=NEXT_STEPS)
    found: dict[bytes, tuple[int, str]] = {}
    for kind, due_on, source in read_columns(rows, "kind", "due_on", "source"):
        if isinstance(due_on, CannotOpen) or isinstance(source, CannotOpen):
            continue  # the deadline board speaks of those that do not open
        table, _colon, rest = source.partition(":")
        if table != "application":
            continue
        key, due = bytes.fromhex(rest[:36].replace("-", "")), due_on.toordinal()
        if key not in found or due < found[key][0]:
            found[key] = (due, kind)
    return found


def table(found: Iterable[Entry]) -> list[Row]:
    """Countries and columns, the countries with the most applications first."""
    cells: dict[str, dict[Group, list[Entry]]] = {}
    for entry in found:
        cells.setdefault(entry.country, {}).setdefault(entry.group, []).append(entry)
    rows = [
        Row(
            code,
            countries.name(code),
            sum(map(len, groups.values())),
            [_cell(group, groups.get(group, ())) for group in Group],
        )
        for code, groups in cells.items()
    ]
    return sorted(rows, key=lambda row: (-row.total, row.name))


def _cell(group: Group, members: Sequence[Entry]) -> Cell:
    # Two applications of one case stand behind one name.
    names = {entry.case: entry.code_name for entry in members[: NAMES_IN_A_CELL * 4]}
    return Cell(group, len(members), list(names.items())[:NAMES_IN_A_CELL])


def lines(wanted: Iterable[Entry]) -> list[Line]:
    """Words for the entries that are shown."""
    kinds = dict(DeadlineKind.choices)
    return [
        Line(
            case=entry.case,
            code_name=entry.code_name,
            country=countries.name(entry.country),
            standing=standing(entry.kind, entry.stage, entry.evidence),
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
    return gettext("finished") if entry.finished else gettext("no date")
