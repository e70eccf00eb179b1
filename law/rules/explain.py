"""An assessment together with what it rests on: the row, its windows, its readings, its doubts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from law.rules.doubts import StayDoubt, doubts_about
from law.rules.reference import StayRow
from law.rules.stay import CalendarYear, Rolling, Rule, Stay, StayAssessment, assess_stay, parts_of


@dataclass(frozen=True, slots=True)
class Window:
    """The days among which a part of the rule counts presence, both counted in, and how many it allows."""

    first: date
    last: date
    days_allowed: int


@dataclass(frozen=True, slots=True)
class StayExplanation:
    """What a page shows beside a last legal day; source, confidence and legal check are in `row.check`.

    `conservative`: the answer of the stricter reading, where the row has one; both are shown.
    `reminded_day`: the earlier last lawful day of the two (the day before the entry where already the entry
    was unlawful), None if there is none.
    """

    row: StayRow
    answer: StayAssessment
    conservative: StayAssessment | None
    reminded_day: date | None
    windows: tuple[Window, ...]
    doubts: tuple[StayDoubt, ...]


def explain(
    row: StayRow, stays: Sequence[Stay], *, as_of: date, caps: Sequence[date] = ()
) -> StayExplanation:
    """Assess stays under a row, and say why. The caller picks the row that is in force on `as_of`."""
    answer = assess_stay(row.rule, stays, as_of=as_of, caps=caps)
    stricter = row.conservative_rule
    conservative = None if stricter is None else assess_stay(stricter, stays, as_of=as_of, caps=caps)
    violations = [a.first_violation for a in (answer, conservative) if a and a.first_violation]
    return StayExplanation(
        row=row,
        answer=answer,
        conservative=conservative,
        reminded_day=min(violations) - timedelta(days=1) if violations else None,
        windows=windows_of(row.rule, as_of),
        doubts=doubts_about(row.rule, stays, as_of=as_of, caps=caps, verified_on=row.check.verified_on),
    )


def windows_of(rule: Rule, as_of: date) -> tuple[Window, ...]:
    """The window that ends on `as_of`, for each part of the rule that has one."""
    windows = []
    for part in parts_of(rule.limit):
        if isinstance(part, Rolling):
            first = max(as_of.toordinal() - part.window_days + 1, 1)
            windows.append(Window(date.fromordinal(first), as_of, part.days))
        elif isinstance(part, CalendarYear):
            windows.append(Window(date(as_of.year, 1, 1), as_of, part.days))
    return tuple(windows)
