"""From the file to its deadlines: what `cases.deadlines` is given, and what a damaged cell must not undo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

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
from cases.models.consent import ending
from cases.models.deadline import Deadline
from cases.models.identity import Identity
from cases.models.procedures import Rows, arrivals, procedures
from cases.models.residence import Whereabouts, end_is_damaged, end_of, whereabouts
from law import current
from law.models.legal_rule import LegalRule
from law.rules.versions import DocumentRules, Tables
from vault.cipher import CannotOpen

if TYPE_CHECKING:
    from cases.models.case import Case


class _Reader:
    """Reads dates out of facets and remembers which rows have one that does not open."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.damaged: set[str] = set()

    def day(self, row: Any, name: str, source: str) -> date | None:
        try:
            return getattr(row, name)  # type: ignore[no-any-return]
        except CannotOpen:
            self.damaged.add(f"{source}:{row.pk}")
            return None

    def stays(self, rows: Iterable[Any], places: Whereabouts) -> tuple[StayFact, ...]:
        """Each stay with the day that a person typed, else with the one that the rules give."""
        return tuple(self._stay(row, places) for row in rows)

    def _stay(self, row: Any, places: Whereabouts) -> StayFact:
        left_on, typed = self.day(row, "left_on", "stay"), self.day(row, "last_legal_day", "stay")
        if typed is not None or left_on is not None or f"stay:{row.pk}" in self.damaged:
            return StayFact(row.pk, row.country, left_on, typed, rule="", asked_on=None)
        if row.pk in places.unsure:
            self.damaged.add(f"stay:{row.pk}")
            return StayFact(row.pk, row.country, left_on, None, rule="", asked_on=None)
        place = places.of(row.pk)
        if place is not None and place.last_day is not None:
            return StayFact(row.pk, row.country, None, place.last_day, rule=place.ref, asked_on=None)
        asked = place.asks if place is not None else not row.has_value("entered_on")
        return StayFact(row.pk, row.country, None, None, rule="", asked_on=self.today if asked else None)

    def documents(
        self, rows: Iterable[Any], country: str, identity: Identity | None, rules: DocumentRules
    ) -> tuple[DocumentFact, ...]:
        """Each document with the end that a person typed, else with the one that the rules give."""
        return tuple(self._document(row, country, identity, rules) for row in rows)

    def _document(
        self, row: Any, country: str, identity: Identity | None, rules: DocumentRules
    ) -> DocumentFact:
        typed = self.day(row, "valid_until", "document")
        if typed is not None:
            return DocumentFact(row.pk, country, typed, row.in_force, rule="")
        if end_is_damaged(row, identity):
            self.damaged.add(f"document:{row.pk}")
            return DocumentFact(row.pk, country, None, row.in_force, rule="")
        derived = end_of(row, identity, rules)
        return DocumentFact(row.pk, country, derived.day, row.in_force, derived.ref if derived.day else "")

    def applications(self, rows: Iterable[Any]) -> tuple[ApplicationFact, ...]:
        return tuple(
            ApplicationFact(
                r.pk,
                r.country,
                {kind: self.day(r, name, "application") for kind, name in r.days_ahead.items()},
                r.is_finished,
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
            if not r.has_value("decided_on") and not r.application.is_finished
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

    def consents(self, rows: Iterable[Any]) -> tuple[HomeFact, ...]:
        """Ends of consents that no longer one follows."""
        kept = list(rows)
        for row in kept:
            self.day(row, "valid_until", "consent")
        return tuple(
            HomeFact(Kind.CONSENT_END, f"consent:{row.pk}", "", row.valid_until) for row in ending(kept)
        )


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
        consents=case.consents.with_keys(),
        identity=Identity.objects.filter(case=case).with_keys().first(),
    )


def facts_in(
    case: Case,
    *,
    today: date,
    stays: Iterable[Any],
    documents: Iterable[Any],
    applications: Iterable[Any],
    tasks: Iterable[Any],
    appeals: Iterable[Any],
    pauses: Iterable[Any],
    typed_deadlines: Iterable[Any],
    hearings: Iterable[Any],
    wanted_checks: Iterable[Any],
    consents: Iterable[Any],
    identity: Identity | None,
    tables: Tables | None = None,
) -> tuple[CaseFacts, set[str]]:
    """As read_facts(), from rows at hand, none left out; for many cases pass the rules' `tables` on."""
    reader = _Reader(today)
    tables = tables or LegalRule.objects.tables()
    places = whereabouts(stays, documents, identity, tables, today=today)
    rows = Rows(stays, applications, appeals, pauses, typed_deadlines)
    in_procedure, unreadable = procedures(rows)
    arrived, unknown = arrivals(rows)
    reader.damaged |= unreadable | unknown
    facts = CaseFacts(
        country=case.country,
        stays=reader.stays(stays, places),
        documents=reader.documents(documents, case.country, identity, tables.document_rules(today)),
        applications=reader.applications(applications),
        tasks=reader.tasks(tasks, case.country),
        procedures=in_procedure,
        arrivals=arrived,
        home=reader.home(appeals, hearings, wanted_checks, case.country) + reader.consents(consents),
        law=current.current(today, tables),
        closed=case.is_closed,
    )
    return facts, reader.damaged


def apply_facts(case: Case, *, today: date) -> set[str]:
    """Make the case's deadlines those that its facts call for on `today`; gives the sources that do not open.

    A date that does not open is not a date that is gone: the deadlines it gave rise to stay as they are.
    """
    facts, damaged = read_facts(case, today=today)
    Deadline.objects.apply(case, derive(facts), unreadable=damaged, today=today)
    write_questions(case.applications.all(), facts)
    return damaged


def write_questions(applications: Iterable[Any], facts: CaseFacts) -> None:
    """Write beside each application which question must be answered before its term can be counted.

    It is worked out from the facts, so it has no history; lists show it without opening a file.
    """
    asked = open_questions(facts)
    for row in applications:
        if f"application:{row.pk}" in asked and row.asks != asked[f"application:{row.pk}"]:
            row.asks = asked[f"application:{row.pk}"]
            type(row)._base_manager.filter(pk=row.pk).update(asks=row.asks)
