"""From the file to its deadlines: what `cases.deadlines` is given, and what a damaged cell must not undo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from cases.deadlines import (
    ApplicationFact,
    CaseFacts,
    DocumentFact,
    HomeFact,
    Kind,
    StayFact,
    TaskFact,
    derive,
    open_questions,
)
from cases.models import law
from cases.models.case import Case, Status
from cases.models.procedures import Rows, arrivals, procedures
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

    def home(
        self, appeals: Iterable[Any], hearings: Iterable[Any], wanted: Iterable[Any], country: str
    ) -> tuple[HomeFact, ...]:
        """Hearings of appeals and at home, and lists that somebody looks into again."""
        found = [
            HomeFact(
                Kind.HEARING, f"appeal:{r.pk}", r.application.country, self.day(r, "hearing_on", "appeal")
            )
            for r in appeals
            if not r.filled("decided_on") and not r.application.finished
        ]
        found += [
            HomeFact(Kind.HOME_HEARING, f"hearing:{r.pk}", "", self.day(r, "held_on", "hearing"))
            for r in hearings
            if not r.is_over
        ]
        found += [
            HomeFact(Kind.WANTED_CHECK, f"wanted:{r.pk}", "", self.day(r, "recheck_on", "wanted"))
            for r in wanted
        ]
        return tuple(found)


def read_facts(case: Case, *, today: date) -> tuple[CaseFacts, set[str]]:
    """The dated facts of `case` on `today`, and the sources ("stay:<id>") of which a date does not open."""
    return facts_in(
        case,
        today=today,
        stays=case.stays.with_keys(),
        documents=case.documents.with_keys(),
        applications=case.applications.with_keys(),
        tasks=case.tasks.with_keys(),
        appeals=case.appeals.select_related("application").with_keys(),
        pauses=case.pauses.with_keys(),
        typed_deadlines=case.typed_deadlines.with_keys(),
        hearings=case.hearings.with_keys(),
        wanted_checks=case.wanted_checks.with_keys(),
    )


def facts_in(
    case: Case,
    *,
    today: date,
    stays: Iterable[Any] = (),
    documents: Iterable[Any] = (),
    applications: Iterable[Any] = (),
    tasks: Iterable[Any] = (),
    appeals: Iterable[Any] = (),
    pauses: Iterable[Any] = (),
    typed_deadlines: Iterable[Any] = (),
    hearings: Iterable[Any] = (),
    wanted_checks: Iterable[Any] = (),
) -> tuple[CaseFacts, set[str]]:
    """As read_facts(), from rows at hand."""
    reader = _Reader()
    rows = Rows(stays, applications, appeals, pauses, typed_deadlines)
    in_procedure, unreadable = procedures(rows)
    arrived, unknown = arrivals(rows)
    reader.damaged |= unreadable | unknown
    facts = CaseFacts(
        country=case.country,
        stays=reader.stays(stays),
        documents=reader.documents(documents, case.country),
        applications=reader.applications(applications),
        tasks=reader.tasks(tasks, case.country),
        procedures=in_procedure,
        arrivals=arrived,
        home=reader.home(appeals, hearings, wanted_checks, case.country),
        law=law.current(today),
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
    write_questions(case.applications.all(), facts)


def write_questions(applications: Iterable[Any], facts: CaseFacts) -> None:
    """Write beside each application which question must be answered before its term can be counted.

    It is worked out from the facts, so it has no history; lists show it without opening a file.
    """
    asked = open_questions(facts)
    for row in applications:
        if f"application:{row.pk}" in asked and row.asks != asked[f"application:{row.pk}"]:
            row.asks = asked[f"application:{row.pk}"]
            type(row)._base_manager.filter(pk=row.pk).update(asks=row.asks)
