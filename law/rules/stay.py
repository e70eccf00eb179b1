"""Whether a presence is lawful, until which day, and when the person may come again.

All days are calendar dates in the country of stay; every interval includes both of its ends. Which number
applies where is data (`reference`), with its source and its last legal check; here is only the counting.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

HORIZON_DAYS = 3652
"""How far after an entry (or after `as_of`) a day is looked for: ten years."""

Status = Literal["ok", "overstay", "inadmissible", "outside", "other_basis", "unlimited", "unknown"]


@dataclass(frozen=True, slots=True)
class PerEntry:
    """At most `days` (>= 1) days from each entry, the entry day being day 1."""

    days: int


@dataclass(frozen=True, slots=True)
class Rolling:
    """At most `days` (>= 1) days of presence in any `window_days` (>= 1) consecutive days."""

    days: int
    window_days: int


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """At most `days` (>= 1) days of presence in each calendar year."""

    days: int


@dataclass(frozen=True, slots=True)
class UntilDocument:
    """Lawful through the earliest cap; undetermined when no cap is known."""


@dataclass(frozen=True, slots=True)
class Unlimited:
    """No limit of days; a cap still ends it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No rule is known: a person has to type the last legal day, with a source."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; `rules` is not empty. Parts inside parts mean the same as one flat list."""

    rules: "tuple[Limit, ...]"


Limit = PerEntry | Rolling | CalendarYear | UntilDocument | Unlimited | Unknown | AllOf
Part = PerEntry | Rolling | CalendarYear | UntilDocument | Unlimited | Unknown
_COUNTING = (Rolling, CalendarYear)


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit and the bases that it counts; stays on other bases neither use up its days nor obey it."""

    limit: Limit
    counted_bases: frozenset[str] = frozenset({"visa_free"})


@dataclass(frozen=True, slots=True)
class Stay:
    """One presence in the country, both days counted in; `exit` None = still there.

    `basis_valid_until` is the last day of its own visa, permit or certificate (None = no end known).
    """

    entry: date
    exit: date | None = None
    basis: str = "visa_free"
    basis_valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class StayAssessment:
    """The answer about one day; a field that makes no sense in its status is None."""

    status: Status
    last_legal_day: date | None
    days_left: int | None
    first_violation: date | None
    days_used: int | None
    overstay_days: int
    max_stay_from_entry: int | None
    earliest_entry: date | None


class Presence:
    """The union of intervals of days (ordinals), able to count its days between two days in O(log n)."""

    def __init__(self, intervals: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._days_before: list[int] = []
        total = 0
        for start, end in sorted(intervals):
            if self._ends and start <= self._ends[-1]:
                grown = max(end, self._ends[-1])
                total += grown - self._ends[-1]
                self._ends[-1] = grown
            else:
                self._starts.append(start)
                self._ends.append(end)
                self._days_before.append(total)
                total += end - start + 1

    def count(self, first: int, last: int) -> int:
        """How many days of the union lie in [first, last]; 0 if first > last."""
        return self._through(last) - self._through(first - 1) if first <= last else 0

    def _through(self, day: int) -> int:
        at = bisect_right(self._starts, day) - 1
        if at < 0:
            return 0
        return self._days_before[at] + min(day, self._ends[at]) - self._starts[at] + 1


def assess_stay(
    rule: Rule, stays: Sequence[Stay], *, as_of: date, caps: Sequence[date] = ()
) -> StayAssessment:
    """Whether presence on `as_of` is lawful and until which day; entry and exit days both count.

    `as_of` is the date in the country of stay. `caps`: days after which presence on a counted basis is
    unlawful whatever the rule says. The order of `stays` and `caps` is irrelevant; stays with `entry` after
    `as_of` are ignored. Dates of the years 1900 to 2199 are safe; results may lie ten years later.
    """
    today = as_of.toordinal()
    parts = parts_of(rule.limit)
    known = [stay for stay in stays if stay.entry <= as_of]
    presence = _presence(rule, parts, known, today)
    current = current_stay(rule, known, as_of=as_of)
    cap = min(caps).toordinal() if caps else None
    used = _days_used(parts, presence, today)
    if current is None:
        return _assessment("outside", used, earliest=_earliest_entry(parts, presence, today, cap))
    counts = current.basis in rule.counted_bases
    entry = current.entry.toordinal()
    own_end = None if current.basis_valid_until is None else current.basis_valid_until.toordinal()
    if counts:
        ends = [end for end in (cap, own_end) if end is not None]
        bound = min(ends) if ends else None
        if _is_undetermined(parts, bound):
            return _assessment("unknown", used)
        last = _last_day(parts, presence, entry, bound)
        if last is None:
            return _assessment("unlimited", used)
    elif own_end is None:
        return _assessment("unknown", used)
    else:
        last = own_end
    if last < entry:
        return _inadmissible(entry, today, used, _earliest_entry(parts, presence, today, cap))
    return _with_dates(last, entry, today, used, counts)


def current_stay(rule: Rule, stays: Iterable[Stay], *, as_of: date) -> Stay | None:
    """The stay that the person is in on `as_of`, or None; of several the one `_precedence` puts first."""
    present = [s for s in stays if s.entry <= as_of and (s.exit is None or s.exit >= as_of)]
    return max(present, key=lambda stay: _precedence(rule, stay)) if present else None


def parts_of(limit: Limit) -> tuple[Part, ...]:
    """The limit without `AllOf`: it holds when all of these hold. Not recursive: any depth will do."""
    parts: list[Part] = []
    waiting: list[Limit] = [limit]
    while waiting:
        rule = waiting.pop()
        if isinstance(rule, AllOf):
            waiting.extend(rule.rules)
        else:
            parts.append(rule)
    return tuple(parts)


def is_undetermined(rule: Rule, cap: date | None) -> bool:
    """Whether the rule cannot say anything, given the earliest cap (None = no cap)."""
    return _is_undetermined(parts_of(rule.limit), None if cap is None else cap.toordinal())


def _precedence(rule: Rule, stay: Stay) -> tuple[int, bool, int, bool, float]:
    """Latest entry; open before closed; later exit; not counted before counted; earliest own end."""
    own_end = stay.basis_valid_until
    return (
        stay.entry.toordinal(),
        stay.exit is None,
        0 if stay.exit is None else stay.exit.toordinal(),
        stay.basis not in rule.counted_bases,
        float("-inf") if own_end is None else -own_end.toordinal(),
    )


def _presence(rule: Rule, parts: Sequence[Part], known: Iterable[Stay], today: int) -> Presence:
    if not any(isinstance(part, _COUNTING) for part in parts):
        return Presence(())  # Nobody will ask it.
    return Presence(
        (stay.entry.toordinal(), today if stay.exit is None else min(stay.exit.toordinal(), today))
        for stay in known
        if stay.basis in rule.counted_bases
    )


def _is_undetermined(parts: Sequence[Part], cap: int | None) -> bool:
    return any(isinstance(p, Unknown) or (isinstance(p, UntilDocument) and cap is None) for p in parts)


def _last_day(parts: Sequence[Part], presence: Presence, entry: int, cap: int | None) -> int | None:
    """The earlier of the day before the first violation and the cap; None if there is neither."""
    ends = [] if cap is None else [cap]
    for part in parts:
        violation = _first_violation(part, presence, entry)
        if violation is not None and violation <= entry + HORIZON_DAYS:
            ends.append(violation - 1)
    return min(ends) if ends else None


def _first_violation(part: Part, presence: Presence, entry: int) -> int | None:
    """The first day from `entry` on which the part does not hold if the person stays on, or None."""
    if isinstance(part, PerEntry):
        return entry + part.days
    if isinstance(part, CalendarYear):
        return _first_violation_in_years(part.days, presence, entry)
    if isinstance(part, Rolling) and part.days < part.window_days:
        window = part.window_days

        def days_counted(day: int) -> int:
            return presence.count(day - window + 1, entry - 1) + min(day - entry + 1, window)

        # Each day adds itself and drops at most one other, so the count never falls: bisection is safe. It
        # has passed `days` at the latest on entry + days, by the days of this stay alone.
        candidates = range(entry, entry + min(part.days, HORIZON_DAYS + 1))
        return entry + bisect_right(candidates, part.days, key=days_counted)
    return None


def _first_violation_in_years(days: int, presence: Presence, entry: int) -> int | None:
    year = date.fromordinal(entry).year
    used = presence.count(date(year, 1, 1).toordinal(), entry - 1)
    start = entry
    while start <= entry + HORIZON_DAYS:
        violation = start + max(0, days - used)
        if violation <= date(year, 12, 31).toordinal():
            return violation
        year, used = year + 1, 0
        start = date(year, 1, 1).toordinal()
    return None


def _earliest_entry(parts: Sequence[Part], presence: Presence, today: int, cap: int | None) -> date | None:
    """The first day from `today`, not after the cap, on which an entry is lawful; out until then."""
    if _is_undetermined(parts, cap):
        return None

    def lawful(day: int) -> bool:
        return all(_holds_on_entry(part, presence, day) for part in parts)

    last = today + HORIZON_DAYS
    # Today is apart: if it is a day of presence, it weighs on tomorrow but not on itself. From tomorrow on
    # nothing is added and days only fall out, so once an entry is lawful it stays lawful: bisection is safe.
    first = today if lawful(today) else today + 1 + bisect_left(range(today + 1, last + 1), True, key=lawful)
    if first > last or (cap is not None and first > cap):
        return None
    return date.fromordinal(first)


def _holds_on_entry(part: Part, presence: Presence, day: int) -> bool:
    """Whether the part holds on `day` itself with an entry on it; no presence lies after `day`."""
    if isinstance(part, Rolling):
        return presence.count(day - part.window_days + 1, day - 1) + 1 <= part.days
    if isinstance(part, CalendarYear):
        return presence.count(_new_year(day), day - 1) + 1 <= part.days
    return True


def _days_used(parts: Sequence[Part], presence: Presence, today: int) -> int | None:
    used = [
        presence.count(
            today - part.window_days + 1 if isinstance(part, Rolling) else _new_year(today),
            today,
        )
        for part in parts
        if isinstance(part, _COUNTING)
    ]
    return max(used, default=None)


def _new_year(day: int) -> int:
    return date.fromordinal(day).replace(month=1, day=1).toordinal()


def _assessment(status: Status, used: int | None, *, earliest: date | None = None) -> StayAssessment:
    return StayAssessment(status, None, None, None, used, 0, None, earliest)


def _inadmissible(entry: int, today: int, used: int | None, earliest: date | None) -> StayAssessment:
    return StayAssessment(
        "inadmissible", None, None, date.fromordinal(entry), used, today - entry + 1, 0, earliest
    )


def _with_dates(last: int, entry: int, today: int, used: int | None, counts: bool) -> StayAssessment:
    status: Status = "overstay" if today > last else "ok" if counts else "other_basis"
    return StayAssessment(
        status=status,
        last_legal_day=date.fromordinal(last),
        days_left=last - today,
        first_violation=date.fromordinal(last + 1),
        days_used=used,
        overstay_days=max(0, today - last),
        max_stay_from_entry=last - entry + 1,
        earliest_entry=None,
    )
