"""Which deadlines must exist, and when who hears of them: facts in, dates out. No Django, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from law.clocks import (
    ArrivalFact,
    Law,
    ProcedureFact,
    Term,
    arrival_clocks,
    clocks,
    duties,
    questions,
    reminded_terms,
    version_of,
)

DEFAULT_LEADS = (30, 14, 7, 3, 1, 0)
MORNING = time(9)
SATURDAY = 5


class Kind(StrEnum):
    """What happens on the day; the values stand in the database."""

    STAY_END = "stay_end"
    STAY_QUESTION = "stay_question"
    DOCUMENT_END = "document_end"
    APPLICATION_CHECK = "application_check"
    INTERVIEW = "interview"
    HEARING = "hearing"
    TASK = "task"
    APPLY_BY = Term.APPLY.value
    APPEAL_END = Term.APPEAL.value
    PROCEDURE_STEP = Term.STEP.value
    AUTHORITY_DUE = Term.AUTHORITY.value
    OBLIGATION = "obligation"
    TERM_PASSED = "term_passed"
    HOME_HEARING = "home_hearing"
    WANTED_CHECK = "wanted_check"
    CONSENT_END = "consent_end"


# Terms that the law counts from a fact: of those that were over before anybody here counted them it is asked
# whether they were kept.
COUNTED = frozenset(
    {Kind.APPLY_BY, Kind.APPEAL_END, Kind.PROCEDURE_STEP, Kind.AUTHORITY_DUE, Kind.OBLIGATION}
)


@dataclass(frozen=True)
class StayFact:
    """A stay; `last_legal_day` is the day to be out. `left_on` is a day that has come, not a plan.

    `rule`: the version of the legal rule that gave the day, "" where a person typed it. `asked_on`: no rule
    knows a day, and since then a person is asked to type one.
    """

    id: UUID
    country: str
    left_on: date | None
    last_legal_day: date | None
    rule: str
    asked_on: date | None


@dataclass(frozen=True)
class DocumentFact:
    """An identity document; one that is lost, replaced or declared invalid is not `in_force`.

    `rule`: the version of the rule that gave its end, "" where a person typed it.
    """

    id: UUID
    country: str
    valid_until: date | None
    in_force: bool
    rule: str


@dataclass(frozen=True)
class ApplicationFact:
    """An application with an authority; `days`: the typed day of each kind of thing that is next on it."""

    id: UUID
    country: str
    days: Mapping[Kind, date | None]
    closed: bool


@dataclass(frozen=True)
class TaskFact:
    """Something a colleague promised to do by a day."""

    id: UUID
    country: str
    due_on: date | None
    done: bool


@dataclass(frozen=True)
class HomeFact:
    """A hearing, a check or an end with a typed day; `kind` says which, `source` names its row."""

    kind: str
    source: str
    country: str
    due_on: date | None


@dataclass(frozen=True)
class CaseFacts:
    """The dated facts of one file. `country` is where the person is; it stands in where a fact names none."""

    country: str
    stays: Sequence[StayFact]
    documents: Sequence[DocumentFact]
    applications: Sequence[ApplicationFact]
    tasks: Sequence[TaskFact]
    procedures: Sequence[ProcedureFact]
    arrivals: Sequence[ArrivalFact]
    home: Sequence[HomeFact]
    law: Law
    closed: bool


@dataclass(frozen=True)
class DerivedDeadline:
    """A deadline that must exist. `source` names its fact ("stay:<uuid>"), unique in a case with `kind`.

    Where several terms hang on one fact, the term's name follows it ("application:<uuid>:kz-05"); where it is
    asked about a term that is over, its last day follows that.

    `rule`: the version of the legal rule that the day was counted by ("kz-2023@2"), "" where none was.
    `question`: no date that the law sets, but the day since when something is asked; while the question is
    open, asking again does not move it.
    """

    kind: str
    source: str
    due_on: date
    country: str
    rule: str = ""
    question: bool = False


def derive(facts: CaseFacts) -> tuple[DerivedDeadline, ...]:
    """Every deadline that the facts of a case call for; none once the case is closed.

    Dates that have passed are kept: an overdue date stays due until the facts change or a person says done.
    """
    if facts.closed:
        return ()
    found = (
        *_of_stays(facts),
        *_of_documents(facts),
        *_of_applications(facts),
        *_of_tasks(facts),
        *_of_procedures(facts),
        *_of_arrivals(facts),
        *_of_home(facts),
    )
    return tuple(sorted(found, key=lambda due: (due.due_on, due.kind, due.source)))


def with_questions(
    dues: Iterable[DerivedDeadline], *, watched: Collection[tuple[str, str]], today: date
) -> tuple[DerivedDeadline, ...]:
    """`dues`, but a counted term that was over before it was ever watched becomes a question, due at once.

    "Overdue" would blame somebody for a day that passed before the file was opened, and hide the days that
    were really missed. `watched`: kind and source of the deadlines that the desk has kept an eye on. The
    source of a question names the day ("stay:<uuid>:kz-01:2026-10-06"): another day is asked about afresh.
    """
    found = []
    for due in dues:
        if due.kind in COUNTED and due.due_on < today and (due.kind, due.source) not in watched:
            source = f"{due.source}:{due.due_on.isoformat()}"
            due = DerivedDeadline(Kind.TERM_PASSED, source, today, due.country, due.rule, question=True)
        found.append(due)
    return tuple(found)


def _of_stays(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for stay in facts.stays:
        if stay.left_on is not None:
            continue
        source, where = f"stay:{stay.id}", stay.country or facts.country
        if stay.last_legal_day:
            yield DerivedDeadline(Kind.STAY_END, source, stay.last_legal_day, where, stay.rule)
        elif stay.asked_on:
            yield DerivedDeadline(Kind.STAY_QUESTION, source, stay.asked_on, where, question=True)


def _of_documents(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for document in facts.documents:
        if document.valid_until and document.in_force:
            # The date of the country of stay counts: that is where the person must act.
            source = f"document:{document.id}"
            yield DerivedDeadline(
                Kind.DOCUMENT_END, source, document.valid_until, facts.country, document.rule
            )


def _of_applications(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for application in facts.applications:
        for kind, day in application.days.items():
            if day and not application.closed:
                yield DerivedDeadline(
                    kind, f"application:{application.id}", day, application.country or facts.country
                )


def _of_tasks(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for task in facts.tasks:
        if task.due_on and not task.done:
            yield DerivedDeadline(Kind.TASK, f"task:{task.id}", task.due_on, task.country or facts.country)


def _of_procedures(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for procedure in facts.procedures:
        for clock in reminded_terms(clocks(procedure, facts.law)):
            source = f"application:{procedure.id}:{clock.name}"
            yield DerivedDeadline(clock.term.value, source, clock.last_day, procedure.country, clock.rule)


def _of_arrivals(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for arrival in facts.arrivals:
        for clock in reminded_terms(arrival_clocks(arrival, facts.law)):
            source = f"stay:{arrival.id}:{clock.name}"
            yield DerivedDeadline(Kind.APPLY_BY, source, clock.last_day, arrival.country, clock.rule)
        for duty in duties(arrival, facts.law):
            source = f"stay:{arrival.id}:{duty.code}"
            yield DerivedDeadline(
                Kind.OBLIGATION, source, duty.last_day, arrival.country, version_of(duty.row)
            )


def _of_home(facts: CaseFacts) -> Iterator[DerivedDeadline]:
    for fact in facts.home:
        if fact.due_on:
            yield DerivedDeadline(fact.kind, fact.source, fact.due_on, fact.country or facts.country)


def open_questions(facts: CaseFacts) -> dict[str, str]:
    """The most urgent open question of each application, by its source; "" where there is none."""
    urgent = [Term.APPEAL, Term.STEP, Term.AUTHORITY]
    found = {}
    for procedure in facts.procedures:
        asked = (
            []
            if facts.closed
            else sorted(
                questions(procedure, facts.law), key=lambda each: (urgent.index(each.term), each.code)
            )
        )
        found[f"application:{procedure.id}"] = asked[0].code if asked else ""
    return found


def fact_of(source: str) -> str:
    """The fact that a deadline's source names, without the term that hangs on it."""
    return ":".join(source.split(":")[:2])


def lead_reached(days_left: int, leads: Iterable[int] = DEFAULT_LEADS) -> int | None:
    """The most urgent lead already reached, in days; None while even the longest is ahead.

    It asks "what is due", never "what is due today": a missed day loses nothing, and a week of missed days
    gives one reminder.
    """
    return min((lead for lead in leads if days_left <= lead), default=None)


def unseen_goes_up_at(due_on: date, armed_at: datetime | None, zone: ZoneInfo) -> datetime:
    """From when coordinators are told of a date that nobody has seen.

    24 hours before the day begins in `zone`, brought forward to Friday from a weekend: a mail that is read
    on Monday is too late for Monday. A date that was set (`armed_at`) later than that leaves its caseworker
    until the next working morning, but never longer than the morning of the day itself.
    """
    day = due_on - timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day -= timedelta(days=1)
    planned = datetime.combine(day, time(), zone)
    if armed_at is None or armed_at <= planned:
        return planned
    return min(_next_working_morning(armed_at, zone), datetime.combine(due_on, MORNING, zone))


def _next_working_morning(after: datetime, zone: ZoneInfo) -> datetime:
    day = after.astimezone(zone).date()
    while day.weekday() >= SATURDAY or datetime.combine(day, MORNING, zone) <= after:
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, zone)
