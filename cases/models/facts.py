"""From the file to its deadlines: what `cases.deadlines` is given, and what a damaged cell must not undo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from cases.deadlines import ApplicationFact, CaseFacts, DocumentFact, StayFact, TaskFact, derive
from cases.models.case import Case, Status
from vault.cipher import CannotOpen


class _Reader:
    """Reads dates out of facets and remembers which rows have one that does not open."""

    def __init__(self) -> None:
        self.damaged: set[str] = set()

    def day(self, row: Any, name: str, source: str) -> date | None:
        try:
            return getattr(row, name)  # type: ignore[no-any-return]
        except CannotOpen:
            self.damaged.add(f"{source}:{row.pk}")
            return None

    def stays(self, rows: Iterable[Any]) -> tuple[StayFact, ...]:
        return tuple(
            StayFact(r.pk, r.country, self.day(r, "left_on", "stay"), self.day(r, "last_legal_day", "stay"))
            for r in rows
        )

    def documents(self, rows: Iterable[Any], country: str) -> tuple[DocumentFact, ...]:
        return tuple(
            DocumentFact(r.pk, country, self.day(r, "valid_until", "document"), r.in_force) for r in rows
        )

    def applications(self, rows: Iterable[Any]) -> tuple[ApplicationFact, ...]:
        return tuple(
            ApplicationFact(
                r.pk,
                r.country,
                self.day(r, "next_check_on", "application"),
                self.day(r, "interview_on", "application"),
                self.day(r, "hearing_on", "application"),
                r.finished,
            )
            for r in rows
        )

    def tasks(self, rows: Iterable[Any], country: str) -> tuple[TaskFact, ...]:
        return tuple(TaskFact(r.pk, country, self.day(r, "due_on", "task"), r.done) for r in rows)


def read_facts(case: Case, *, today: date) -> tuple[CaseFacts, set[str]]:
    """The dated facts of `case` on `today`, and the sources ("stay:<id>") of which a date does not open."""
    return facts_in(
        case,
        today=today,
        stays=case.stays.with_keys(),
        documents=case.documents.with_keys(),
        applications=case.applications.with_keys(),
        tasks=case.tasks.with_keys(),
    )


def facts_in(
    case: Case,
    *,
    today: date,
    stays: Iterable[Any] = (),
    documents: Iterable[Any] = (),
    applications: Iterable[Any] = (),
    tasks: Iterable[Any] = (),
) -> tuple[CaseFacts, set[str]]:
    """As read_facts(), from rows at hand."""
    reader = _Reader()
    facts = CaseFacts(
        country=case.country,
        stays=reader.stays(stays),
        documents=reader.documents(documents, case.country),
        applications=reader.applications(applications),
        tasks=reader.tasks(tasks, case.country),
        closed=case.status == Status.CLOSED,
    )
    return facts, reader.damaged


def apply_facts(case: Case, *, today: date) -> None:
    """Make the case's deadlines those that its facts call for on `today`.

    A date that does not open is not a date that is gone: the deadlines it gave rise to stay as they are.
    """
    from cases.models.deadline import Deadline

    facts, damaged = read_facts(case, today=today)
    Deadline.objects.apply(case, derive(facts), unreadable=damaged)
