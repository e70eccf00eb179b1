"""Which procedural terms run in a file: legal rows and facts in, last days and questions out.

No Django and no clock. A fact that is missing gives a question, never a guess; every doubt falls on the
earlier day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from law.rules.procedure import last_day, last_day_after_pause, last_moment
from law.rules.reference import EU, ProceduralRow, StayRow, running
from law.rules.values import BadValue

Known = Mapping[str, Collection[date]]


class Term(StrEnum):
    """Whose term it is, and what for. The values are kinds of deadlines."""

    APPLY = "apply_by"
    APPEAL = "appeal_end"
    STEP = "procedure_step"
    AUTHORITY = "authority_due"


# A refusal of some kind, against which something can be lodged within days.
REFUSALS = frozenset(
    {"refused", "travel_document_refused", "transfer_decision", "appeal_dismissed", "ceased_or_revoked"}
)
# Against these a row about the person's own step is a row about an appeal, unless it is one of these steps.
NO_APPEALS = frozenset({"request_legal_aid"})
WHICH_PAGE, WHICH_TAGS = "page", "tags"


@dataclass(frozen=True)
class Law:
    """The rows in force in the database: procedural terms, stays with their duties, who belongs to the EU."""

    rows: Sequence[ProceduralRow]
    stay_rows: Sequence[StayRow]
    eu_members: frozenset[str]


@dataclass(frozen=True)
class Pause:
    """A term of this kind stood still from `paused_on`; None: nobody has typed when it ran on."""

    stops: str
    paused_on: date
    runs_on_from: date | None


@dataclass(frozen=True)
class TypedLastDay:
    """A last day that stands on the decision's own page; `confirmed` by a second person."""

    id: UUID
    term: str
    last_day: date
    confirmed: bool


@dataclass(frozen=True)
class ProcedureFact:
    """An application as its terms see it. `known`: the days of its events, by code of the rules.

    `asylum`: the rows are about asylum procedures and say nothing about visas and permits.
    """

    id: UUID
    country: str
    stage: str
    asylum: bool
    closed: bool
    tags: frozenset[str]
    known: Known
    pauses: Sequence[Pause]
    typed: Sequence[TypedLastDay]


@dataclass(frozen=True)
class ArrivalFact:
    """A stay that goes on. `claimed`: asylum has been asked for in this country.

    `registered_on`: the day on which the duty to register was last fulfilled.
    """

    id: UUID
    country: str
    claimed: bool
    registered_on: date | None
    tags: frozenset[str]
    known: Known


@dataclass(frozen=True)
class Clock:
    """A term that runs. `row` None: the day was typed from the decision's own page (`typed`).

    `moment`: for terms of hours, the local moment of the end. `paused_days`: how long it stood still;
    `stands_still`: it may stand still now, and the day is counted as if it did not.
    """

    term: Term
    country: str
    last_day: date
    row: ProceduralRow | None = None
    event: date | None = None
    event_code: str = ""
    moment: datetime | None = None
    paused_days: int = 0
    stands_still: bool = False
    typed: TypedLastDay | None = None

    @property
    def name(self) -> str:
        """What tells it from the other terms of its application: the row's id, or that of the typed day."""
        return self.row.id if self.row else f"t-{str(self.typed.id)[:8]}" if self.typed else ""

    @property
    def rule(self) -> str:
        """The version of the rule ("kz-05@1"), or "" for a typed day."""
        return version_of(self.row) if self.row else ""


@dataclass(frozen=True)
class Question:
    """What must be known before a day can be counted: a code of an event, WHICH_TAGS or WHICH_PAGE."""

    code: str
    term: Term
    country: str
    row: ProceduralRow | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DutyClock:
    """A duty after arrival, with the row of the stay rules that it stands in."""

    code: str
    who: str
    source: str
    confidence: str
    verified_on: str | None
    amount: int
    unit: str
    event: date
    event_code: str
    last_day: date
    row: StayRow


def version_of(row: ProceduralRow | StayRow) -> str:
    """How a rule's version is named in the file and on the board."""
    return f"{row.id}@{row.version}"


def term_of(row: ProceduralRow) -> Term:
    """What kind of term a row is about."""
    if row.who == "authority":
        return Term.AUTHORITY
    if row.trigger == "stay":
        return Term.APPLY
    if row.stage in REFUSALS and row.deadline not in NO_APPEALS:
        return Term.APPEAL
    return Term.STEP


def clocks(fact: ProcedureFact, law: Law) -> tuple[Clock, ...]:
    """Every term that runs for an application, typed days too, the earliest first. All are for showing."""
    found = [Clock(Term(typed.term), fact.country, typed.last_day, typed=typed) for typed in fact.typed]
    if fact.asylum and not fact.closed:
        for trigger in ("application", "appeal"):
            found += _counted_clocks(fact, law, trigger)
    return tuple(sorted(found, key=_day_of))


def reminded_terms(running_now: Iterable[Clock]) -> tuple[Clock, ...]:
    """Of the terms that run, those that people are reminded of: every typed day, and the counted ones.

    Of several counted ones about one thing the earliest. Counted windows of appeal are silent once a second
    person has compared a typed one with the page; until then both stand.
    """
    typed = [clock for clock in running_now if clock.typed]
    compared = any(
        clock.term == Term.APPEAL and clock.typed.confirmed for clock in typed if clock.typed is not None
    )
    earliest: dict[tuple[str, str], Clock] = {}
    for clock in sorted(running_now, key=_day_of):
        if clock.row is not None and not (compared and clock.term == Term.APPEAL):
            about = "" if clock.term == Term.APPEAL else clock.row.deadline
            earliest.setdefault((clock.term, about), clock)
    return tuple(sorted([*typed, *earliest.values()], key=_day_of))


def questions(fact: ProcedureFact, law: Law) -> tuple[Question, ...]:
    """What a person must find out so that the terms of this application can be counted."""
    answered = {typed.term for typed in fact.typed}
    found: list[Question] = []
    if fact.asylum and not fact.closed:
        for trigger in ("application", "appeal"):
            found += _missing_events(fact, law, trigger)
        if not found:
            found += _missing_tags(fact, law)
    counted = {clock.term for clock in clocks(fact, law)}
    if fact.stage in REFUSALS and not found and Term.APPEAL not in counted and not fact.closed:
        found.append(Question(WHICH_PAGE, Term.APPEAL, fact.country))
    return tuple(each for each in found if each.term not in answered)


def arrival_clocks(fact: ArrivalFact, law: Law) -> tuple[Clock, ...]:
    """By when asylum must be asked for in the country of a stay; none once it has been."""
    if fact.claimed:
        return ()
    return tuple(_counted_clocks(fact, law, "stay"))


def duties(fact: ArrivalFact, law: Law) -> tuple[DutyClock, ...]:
    """The duties after arrival that are not fulfilled yet: registration within so many days.

    A duty that was fulfilled before its event (a later change of address) runs again.
    """
    found: dict[str, DutyClock] = {}
    for row in law.stay_rows:
        if row.country != fact.country:
            continue
        for duty in row.raw.get("obligations") or ():
            event = max(fact.known.get(duty["from_event"], ()), default=None)
            if event is None or not _in_force(row, event):
                continue
            if fact.registered_on is not None and fact.registered_on >= event:
                continue
            clock = _duty(duty, row, event, fact.country)
            if duty["code"] not in found or clock.last_day < found[duty["code"]].last_day:
                found[duty["code"]] = clock
    return tuple(found[code] for code in sorted(found))


def started_by(row: ProceduralRow, known: Known, event: date) -> str:
    """The code of the event that gave the day."""
    return next((code for code in row.from_events if event in known.get(code, ())), row.from_events[0])


def suspended_by(fact: ProcedureFact, law: Law, row: ProceduralRow) -> date | None:
    """The day on which another row's step stopped this term ("legal aid asked for"), if it is known."""
    for other in law.rows:
        stops: Mapping[str, Any] = other.raw.get("suspends") or {}
        if row.id in stops.get("deadlines", ()):
            return max(fact.known.get(stops.get("from_event", ""), ()), default=None)
    return None


def _counted_clocks(fact: ProcedureFact | ArrivalFact, law: Law, trigger: str) -> Iterator[Clock]:
    for each in _running(fact, law, trigger):
        if each.event is None:
            continue
        clock = _clock(each.row, each.event, fact, law)
        if clock is not None:
            yield clock


def _running(fact: ProcedureFact | ArrivalFact, law: Law, trigger: str) -> Sequence[Any]:
    return running(
        law.rows,
        country=fact.country,
        trigger=trigger,
        stage=fact.stage if isinstance(fact, ProcedureFact) else None,
        tags=fact.tags,
        known=fact.known,
        eu_members=law.eu_members,
    )


def _clock(row: ProceduralRow, event: date, fact: ProcedureFact | ArrivalFact, law: Law) -> Clock | None:
    rolls: dict[str, Any] = {"roll": row.roll, "holidays": row.holidays_in(fact.country)}
    try:
        day = last_day(event, row.amount, row.unit, **rolls)
        moment = last_moment(event, row.amount, **rolls) if row.unit == "hours" else None
        days, still = _days_paused(fact, law, row, event, day)
        if days:
            day = last_day_after_pause(
                event, row.amount, row.unit, paused_on=event, runs_on_from=event + timedelta(days), **rolls
            )
    except (BadValue, OverflowError):  # a holiday calendar that is not known, or past the year 9999
        return None
    return Clock(
        term_of(row),
        fact.country,
        day,
        row=row,
        event=event,
        event_code=started_by(row, fact.known, event),
        moment=moment,
        paused_days=days,
        stands_still=still,
    )


def _days_paused(
    fact: ProcedureFact | ArrivalFact, law: Law, row: ProceduralRow, event: date, day: date
) -> tuple[int, bool]:
    """How many days the term stood still, and whether it may stand still now.

    Only what began while the term ran counts: the pause of an earlier decision lengthens no later term.
    """
    if not isinstance(fact, ProcedureFact) or row.unit == "hours":
        return 0, False
    days, still, end = 0, False, day
    mine = [pause for pause in fact.pauses if pause.stops == term_of(row)]
    for pause in sorted(mine, key=lambda pause: pause.paused_on):
        if not event <= pause.paused_on <= end:
            continue
        if pause.runs_on_from is None:
            still = True
            continue
        length = max(0, (pause.runs_on_from - pause.paused_on).days)
        days, end = days + length, end + timedelta(length)
    stopped_on = suspended_by(fact, law, row)
    if stopped_on and event <= stopped_on <= day:
        still = still or not any(pause.paused_on == stopped_on for pause in mine if pause.runs_on_from)
    return days, still


def _missing_events(fact: ProcedureFact, law: Law, trigger: str) -> Iterator[Question]:
    seen = set()
    for each in _running(fact, law, trigger):
        code = each.row.from_events[0]
        if each.event is None and (code, term_of(each.row)) not in seen:
            seen.add((code, term_of(each.row)))
            yield Question(code, term_of(each.row), fact.country, each.row)


def _missing_tags(fact: ProcedureFact, law: Law) -> Iterator[Question]:
    """Rows that would run here under a tag that nobody has set, where nothing else runs for that party."""
    running_now = {clock.term for clock in clocks(fact, law)}
    wanted: dict[Term, set[str]] = {}
    for row in law.rows:
        here = row.country == fact.country or (row.country == EU and fact.country in law.eu_members)
        if here and row.trigger != "stay" and row.stage == fact.stage and row.applies_to:
            wanted.setdefault(term_of(row), set()).update(row.applies_to)
    for term, tags in sorted(wanted.items()):
        if term not in running_now and not tags & fact.tags:
            yield Question(WHICH_TAGS, term, fact.country, tags=frozenset(tags))


def _day_of(clock: Clock) -> tuple[date, str]:
    return clock.last_day, clock.name


def _duty(duty: Mapping[str, Any], row: StayRow, event: date, country: str) -> DutyClock:
    try:
        day = last_day(event, duty["amount"], duty["unit"], roll=None, holidays=country)
    except BadValue:  # no calendar of holidays for this country: weekends alone, the earlier day
        day = last_day(event, duty["amount"], duty["unit"], roll=None, holidays=None)
    return DutyClock(
        duty["code"], duty["who"], duty["source"], duty["confidence"], duty.get("verified_on"),
        duty["amount"], duty["unit"], event, duty["from_event"], day, row,
    )  # fmt: skip


def _in_force(row: StayRow, on: date) -> bool:
    return (row.valid_from or date.min) <= on <= (row.valid_to or date.max)
