"""Where a person stands in a country: all stays there, the row in force, the papers, and the last lawful day.

`stay` counts and `explain` says why; here the facts of a file are brought together for them. All days are
dates in the country of stay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from law.rules.explain import StayExplanation, explain
from law.rules.reference import Check, StayRow, in_force
from law.rules.stay import Rule, Status, Stay, Unknown, current_stay

ONE_DAY = timedelta(days=1)
INTERNAL_PASSPORT = "internal_passport"
BORDER_PAPERS = frozenset({"travel_passport_5", "travel_passport_10", "refugee_travel_document"})
"""Kinds that open a border everywhere; an internal passport only where the row of the country says so."""

# Stands where no row is known: a visa-free stay is undetermined, another one lasts as long as its own paper.
NO_ROW = StayRow(
    "", "", "", frozenset(), "visa_free", Rule(Unknown()), None, None, None, Check((), "low", None, None), {}
)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A stay as the file holds it; `entry` None: not typed. `exit` is a day that has come, not a plan."""

    id: UUID
    country: str
    entry: date | None
    exit: date | None = None
    basis: str = "visa_free"
    basis_valid_until: date | None = None

    @property
    def usable(self) -> bool:
        """Whether the rules can count it: an entry, and no exit before it."""
        return self.entry is not None and (self.exit is None or self.exit >= self.entry)

    def as_stay(self) -> Stay:
        """As the rules take it; only for a usable one."""
        if self.entry is None:
            raise ValueError("A stay without an entry cannot be counted.")
        return Stay(self.entry, self.exit, self.basis, self.basis_valid_until)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that can be used at a border today; `valid_until` None: no end known, or `endless`."""

    kind: str
    valid_until: date | None = None
    endless: bool = False


class Notice(StrEnum):
    """What else a caseworker must know about a stay; the words belong to the page that shows it."""

    ENTRY_MISSING = "entry_missing"
    OPEN_STAY_ELSEWHERE = "open_stay_elsewhere"
    NO_RULE = "no_rule"
    RULE_ENDS = "rule_ends"
    NO_PAPER = "no_paper"
    PAPER_WITHOUT_END = "paper_without_end"
    PAPER_ENDED_BEFORE_ENTRY = "paper_ended_before_entry"
    PAPER_ENDS_FIRST = "paper_ends_first"


@dataclass(frozen=True, slots=True)
class Following:
    """The row that takes over on `begins`; None: nothing is known from that day on."""

    row: StayRow | None
    begins: date
    explained: StayExplanation | None


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the person stands in `country` on `as_of`, by `row`; `stays` are what the doubts point at.

    `here`: the stay the person is in (one that only begins after today included), None: outside. `cap`: the
    last day on which a paper in the file opens the border. `last_day` is the one to be reminded of: the
    earliest of all readings and of the row that follows; `ref` is the version that gave it, or "".
    `reentry`: the first day on which a new entry is lawful, for who is out or leaves. `row` is NO_ROW, and
    `country_row` None, where no rule is known.
    """

    country: str
    as_of: date
    here: Crossing | None
    row: StayRow
    country_row: StayRow | None
    stays: tuple[Crossing, ...]
    explained: StayExplanation
    cap: date | None
    following: Following | None
    last_day: date | None
    ref: str
    reentry: date | None
    notices: tuple[Notice, ...]

    @property
    def status(self) -> Status:
        """The status of the less strict reading."""
        return self.explained.answer.status

    @property
    def asks(self) -> bool:
        """Whether a person has to type the last legal day, because no rule gives it."""
        return self.here is not None and self.here.exit is None and self.status == "unknown"


def ref_of(row: StayRow) -> str:
    """What names a version for good ("kz-2023@2"); "" for no row."""
    return f"{row.id}@{row.version}" if row.id else ""


def residences(
    rows: Sequence[StayRow], crossings: Sequence[Crossing], papers: Sequence[Paper], *, on: date
) -> tuple[Residence, ...]:
    """One for every country, or common area, in which the file has a stay; the latest entry first.

    Two open stays in two countries both have a last day: a false alarm is seen, silence is not.
    """
    groups: dict[str, list[Crossing]] = {}
    for crossing in crossings:
        groups.setdefault(_area(rows, crossing.country, on), []).append(crossing)
    found = [_residence(rows, group, papers, on=on) for group in groups.values()]
    found.sort(key=_latest_first)
    newest = next((each for each in found if each.here is not None), None)
    return tuple(
        replace(each, notices=(Notice.OPEN_STAY_ELSEWHERE, *each.notices))
        if each.here is not None and each is not newest and each.here.exit is None
        else each
        for each in found
    )


def what_if(
    rows: Sequence[StayRow],
    crossings: Sequence[Crossing],
    papers: Sequence[Paper],
    *,
    country: str,
    leave: date | None,
    back: date | None,
    on: date,
) -> Residence:
    """The same as if the person left `country` (or its area) on `leave` and came again on `back`.

    Either may be None, not both. The answer is about `back`, else about the day after `leave`. The new stay
    has no visa or certificate of its own: it is visa-free.
    """
    area = _area(rows, country, on)
    group = [each for each in crossings if _area(rows, each.country, on) == area]
    if leave is not None:
        group = [replace(each, exit=leave) if _left_by(each, leave) else each for each in group]
    away = _residence(rows, group, papers, on=on if leave is None else leave + ONE_DAY)
    if back is None:
        return away
    there = _residence(rows, [*group, Crossing(UUID(int=0), country, back)], papers, on=back)
    # A day that is not lawful must not count against the first one that is.
    return replace(there, reentry=away.reentry)


def border_papers(papers: Iterable[Paper], country_row: StayRow | None) -> list[Paper]:
    """Those papers that open the border of the country, as far as its row says."""
    inner = country_row is not None and country_row.raw.get("internal_passport") is True
    return [
        paper
        for paper in papers
        if paper.kind in BORDER_PAPERS or (inner and paper.kind == INTERNAL_PASSPORT)
    ]


def _left_by(crossing: Crossing, leave: date) -> bool:
    return crossing.usable and crossing.exit is None and crossing.as_stay().entry <= leave


def _area(rows: Sequence[StayRow], country: str, on: date) -> str:
    row = in_force(rows, country=country, basis="visa_free", on=on)
    return row.country if row is not None and country in row.members else country


def _latest_first(residence: Residence) -> tuple[bool, int, str]:
    here = residence.here
    entries = [each.as_stay().entry for each in residence.stays]
    newest = here.as_stay().entry if here is not None else max(entries, default=date.min)
    return (here is None, -newest.toordinal(), residence.country)


def _residence(
    rows: Sequence[StayRow], group: Sequence[Crossing], papers: Sequence[Paper], *, on: date
) -> Residence:
    """Long because the facts are brought together in order: the stay, its row, its papers, what follows."""
    stays = tuple(each for each in group if each.usable)
    as_of = _as_of(stays, on)
    here = _current(stays, Rule(Unknown()), as_of)
    latest = here or max(stays, key=lambda each: each.exit or each.as_stay().entry, default=group[0])
    basis = "visa_free" if here is None else here.basis
    row = in_force(rows, country=latest.country, basis=basis, on=as_of) or NO_ROW
    here = _current(stays, row.rule, as_of)
    country_row = in_force(rows, country=latest.country, basis="visa_free", on=as_of)
    usable = border_papers(papers, country_row)
    cap, notices = _cap(usable, as_of if here is None else here.as_stay().entry)
    if here is not None and here.basis not in row.rule.counted_bases:
        cap, notices = None, []  # such a stay lasts as long as its own paper
    caps = () if cap is None else (cap,)
    facts = tuple(each.as_stay() for each in stays)
    explained = explain(row, facts, as_of=as_of, caps=caps)
    following = None
    if here is not None and here.exit is None:
        following = _following(rows, row, facts, here, explained.reminded_day, caps)
    last_day, ref = _reminded_day(row, explained, following)
    if row is NO_ROW and (here is None or here.basis_valid_until is None):
        notices.insert(0, Notice.NO_RULE)
    if following is not None:
        notices.append(Notice.RULE_ENDS)
    if cap is not None and last_day == cap:
        notices.append(Notice.PAPER_ENDS_FIRST)
    if len(stays) < len(group):
        notices.insert(0, Notice.ENTRY_MISSING)
    return Residence(
        country=latest.country,
        as_of=as_of,
        here=here,
        row=row,
        country_row=country_row,
        stays=stays,
        explained=explained,
        cap=cap,
        following=following,
        last_day=last_day,
        ref=ref,
        reentry=_reentry(row, facts, here, explained, caps),
        notices=tuple(notices),
    )


def _as_of(stays: Sequence[Crossing], on: date) -> date:
    """`on`, or the first entry to come where the person is not there yet: the days ahead are counted too."""
    if _current(stays, Rule(Unknown()), on) is not None:
        return on
    ahead = [entry for each in stays if (entry := each.as_stay().entry) > on and each.exit is None]
    return min(ahead, default=on)


def _current(stays: Sequence[Crossing], rule: Rule, on: date) -> Crossing | None:
    facts = [each.as_stay() for each in stays]
    found = current_stay(rule, facts, as_of=on)
    return None if found is None else stays[facts.index(found)]


def _cap(usable: Sequence[Paper], entry: date) -> tuple[date | None, list[Notice]]:
    """The day through which some paper opens the border, and what is doubtful about that.

    The person may show any of them, so the last one to end counts. One that had ended before the entry was
    not the one they came with; one without a known end says nothing about a last day.
    """
    if not usable:
        return None, [Notice.NO_PAPER]
    if any(paper.endless for paper in usable):
        return None, []
    if any(paper.valid_until is None for paper in usable):
        return None, [Notice.PAPER_WITHOUT_END]
    end = max(paper.valid_until for paper in usable if paper.valid_until is not None)
    return (end, []) if end >= entry else (None, [Notice.PAPER_ENDED_BEFORE_ENTRY])


def _following(
    rows: Sequence[StayRow],
    row: StayRow,
    facts: Sequence[Stay],
    here: Crossing,
    reminded: date | None,
    caps: Sequence[date],
) -> Following | None:
    """The row after this one, if the stay may last into its time."""
    if row.valid_to is None or (reminded is not None and reminded <= row.valid_to):
        return None
    begins = row.valid_to + ONE_DAY
    after = in_force(rows, country=here.country, basis=here.basis, on=begins)
    if after is None:
        return Following(None, begins, None)
    return Following(after, begins, explain(after, facts, as_of=begins, caps=caps))


def _reminded_day(
    row: StayRow, explained: StayExplanation, following: Following | None
) -> tuple[date | None, str]:
    """The earliest last day and the version that gives it; the row's own end where nothing follows it."""
    found = [] if explained.reminded_day is None else [(explained.reminded_day, ref_of(row))]
    if following is not None:
        after = following.explained
        if following.row is None or after is None or after.answer.status == "unknown":
            found.append((following.begins - ONE_DAY, ref_of(row)))
        elif after.reminded_day is not None:
            found.append((after.reminded_day, ref_of(following.row)))
    return min(found, default=(None, ""), key=lambda pair: pair[0] or date.max)


def _reentry(
    row: StayRow,
    facts: Sequence[Stay],
    here: Crossing | None,
    explained: StayExplanation,
    caps: Sequence[date],
) -> date | None:
    if here is None or here.exit is None:
        return _stricter(explained)
    return _stricter(explain(row, facts, as_of=here.exit + ONE_DAY, caps=caps))


def _stricter(explained: StayExplanation) -> date | None:
    """The later of the two readings; None where one of them gives no day."""
    answers = [each for each in (explained.answer, explained.conservative) if each is not None]
    days = [each.earliest_entry for each in answers]
    return None if None in days else max(day for day in days if day is not None)
