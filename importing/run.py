"""A whole sheet: looked at without changing anything, or brought in, all of it or nothing.

Both go through the file row by row in the same way, so that what was reported is what is done. The file is
read twice from memory and kept nowhere in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cases.models.history import value_or_none
from importing import already_here, case_rows, columns, request_rows, sheets, store
from importing.columns import Column, Headings
from importing.rows import Problem, Row, rows
from importing.sheets import CannotRead
from staff import trail
from staff.models import User
from staff.roles import Permission, may

AT_ONCE: Final = 200
# Problems that a report shows; the file of bad rows has them all.
SHOWN: Final = 100
# How far back a file that was imported before is noticed.
LATEST_IMPORTS: Final = 200


class What(StrEnum):
    """What the rows of a sheet are."""

    REQUESTS = "requests"
    CASES = "cases"


TABLES: Final[dict[What, tuple[Column, ...]]] = {What.REQUESTS: columns.REQUESTS, What.CASES: columns.CASES}


@dataclass(frozen=True)
class There:
    """A row that is here already, or stands in the sheet twice: its line and where it is."""

    line: int
    where: str


@dataclass
class Report:
    """What a sheet holds: how many rows could come in, which not and why, and which are here already."""

    good: int = 0
    bad: int = 0
    problems: list[Problem] = field(default_factory=list)
    there: list[There] = field(default_factory=list)
    known: int = 0
    unknown: tuple[str, ...] = ()
    before: datetime | None = None

    @property
    def hidden(self) -> int:
        """How many rows that are not taken are not listed."""
        return self.bad - len({problem.line for problem in self.problems})

    @property
    def all_new(self) -> int:
        """How many rows come in without those that are here already."""
        return self.good - self.known


@dataclass(frozen=True)
class Import:
    """One sheet in the hands of one person, at one moment."""

    content: bytes
    what: What
    by: User
    now: datetime
    today: date
    language: str = "en"

    def require_allowed(self) -> None:
        """Raises trail.Refused unless `by` may import."""
        if not may(self.by, Permission.IMPORT_SHEETS) or self.by.team_id is None:
            raise trail.Refused(_("Only a coordinator of a team imports spreadsheets. Ask one."))

    @property
    def fingerprint(self) -> str:
        """What tells this very file from every other."""
        return hashlib.sha256(self.what.encode() + b"|" + self.content).hexdigest()

    def look(self) -> Report:
        """The report on the sheet; nothing changes but the trail. Raises CannotRead, trail.Refused."""
        self.require_allowed()
        report = Report(before=self._imported_before())
        headings, drafts = self._drafts()
        report.unknown = headings.unknown
        seen: dict[str, int] = {}
        for batch in _batches(drafts):
            self._note(report, batch, seen)
        trail.append(
            self.by,
            trail.Verb.SHEET_CHECKED,
            receipt={"what": str(self.what), "good": report.good, "bad": report.bad},
        )
        return report

    def _note(self, report: Report, batch: list[Any], seen: dict[str, int]) -> None:
        for draft in batch:
            if draft.row.problems:
                report.bad += 1
                if report.bad <= SHOWN:
                    report.problems += draft.row.problems[:5]
        good = [draft for draft in batch if not draft.row.problems]
        report.good += len(good)
        for draft, where in self._already_here(good, seen):
            report.known += 1
            if len(report.there) < SHOWN:
                report.there.append(There(draft.row.line, where))

    def bring(self, *, key: UUID, also_known: bool) -> int:
        """Store every good row, or nothing; how many. A second time with the same `key` nothing is stored.

        Rows that are here already are left out unless `also_known`. Raises CannotRead, trail.Refused.
        """
        self.require_allowed()
        before = self._done_with(key)
        if before is not None:
            return before
        try:
            return self._bring(key, also_known)
        except IntegrityError:
            # Two clicks at the same moment ask for the same ids.
            before = self._done_with(key)
            if before is None:
                raise
            return before

    def _bring(self, key: UUID, also_known: bool) -> int:
        done = 0
        # On SQLite nobody else writes during the transaction: what can be known before it is.
        taken = self._lines_to_store(also_known)
        with transaction.atomic():
            _headings, drafts = self._drafts(key, checked=True)
            for batch in _batches(drafts):
                good = [draft for draft in batch if draft.row.line in taken]
                if self.what == What.CASES:
                    store.cases(good, by=self.by, now=self.now)
                else:
                    store.requests(good, key=key, now=self.now)
                done += len(good)
            receipt = {"what": str(self.what), "rows": done, "file": self.fingerprint}
            trail.append(self.by, trail.Verb.SHEET_IMPORTED, about=key, receipt=receipt)
        return done

    def _lines_to_store(self, also_known: bool) -> set[int]:
        """The lines that are to be stored."""
        taken: set[int] = set()
        seen: dict[str, int] = {}
        _headings, drafts = self._drafts()
        for batch in _batches(drafts):
            good = [draft for draft in batch if not draft.row.problems]
            met = (
                set() if also_known else {draft.row.line for draft, _where in self._already_here(good, seen)}
            )
            taken |= {draft.row.line for draft in good} - met
        return taken

    def bad_rows(self) -> Iterator[tuple[int, tuple[str, ...], str]]:
        """Line, cells and causes of each row that is not taken, after the headings as line 0."""
        self.require_allowed()
        headings, drafts = self._drafts()
        width = range(headings.width)
        place = {n: (each.column.name, each.number) for n, each in headings.places.items()}
        yield 0, tuple(headings.places[n].heading if n in headings.places else "" for n in width), ""
        for draft in drafts:
            if draft.row.problems:
                cells = tuple(draft.row.get(*place[n]) if n in place else "" for n in width)
                causes = [": ".join(filter(None, (each.column, each.cause))) for each in draft.row.problems]
                yield draft.row.line, cells, " ".join(causes)

    def _drafts(self, key: UUID | None = None, *, checked: bool = False) -> tuple[Headings, Iterator[Any]]:
        lines = sheets.lines(self.content)
        first = next(lines, None)
        if first is None:
            raise CannotRead(_("This file is empty. Download the template and copy the table into it."))
        try:
            headings = columns.read_headings(first.cells, TABLES[self.what])
        except ValidationError as problem:
            raise CannotRead(" ".join(problem.messages)) from None
        return headings, self._build_rows(rows(lines, headings), key, checked)

    def _build_rows(self, read: Iterator[Row], key: UUID | None, checked: bool) -> Iterator[Any]:
        if self.what == What.REQUESTS:
            asking = request_rows.RequestRowBuilder(self.now, self.language)
            yield from (asking.build(row) for row in read)
        else:
            building = case_rows.CaseRowBuilder(self.by, self.now, checked=checked)
            yield from (building.build(row, uuid5(key, str(row.line)) if key else None) for row in read)

    def _already_here(self, drafts: list[Any], seen: dict[str, int]) -> list[tuple[Any, str]]:
        """Those of `drafts` that are here already, or above in this sheet (`seen`), each with where."""
        marked = already_here.marks_of_case if self.what == What.CASES else already_here.marks_of_request
        marks = [(draft, marked(draft)) for draft in drafts]
        every = {mark for _draft, found in marks for mark in found}
        if self.what == What.CASES:
            there = already_here.among_cases(every, by=self.by, today=self.today)
        else:
            there = already_here.among_requests(every, by=self.by)
        met = []
        for draft, found in marks:
            above = [seen[mark] for mark in found if mark in seen]
            if above:
                met.append((draft, _("line %(line)d of this sheet") % {"line": min(above)}))
            elif here := sorted(found & there.keys()):
                met.append((draft, there[here[0]]))
            for mark in found:
                seen.setdefault(mark, draft.row.line)
        return met

    def _imported_before(self) -> datetime | None:
        """When this very file was imported, as far back as the latest imports go."""
        imported = trail.TrailRow.objects.filter(verb=trail.Verb.SHEET_IMPORTED).order_by("-id")
        for row in imported[:LATEST_IMPORTS]:
            receipt = (value_or_none(row, "details") or {}).get("receipt") or {}
            if receipt.get("file") == self.fingerprint:
                return row.at
        return None

    def _done_with(self, key: UUID) -> int | None:
        """How many rows came in under this key, if that was done before."""
        imported = trail.TrailRow.objects.filter(verb=trail.Verb.SHEET_IMPORTED, actor=self.by)
        for row in imported.order_by("-id")[:LATEST_IMPORTS]:
            details = value_or_none(row, "details") or {}
            if details.get("about") == str(key):
                return int(details.get("receipt", {}).get("rows", 0))
        return None


def _batches(drafts: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for draft in drafts:
        batch.append(draft)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
