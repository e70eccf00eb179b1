"""Rules, stays and answers as JSON values: read with every field checked, written with every field present.

Unknown keys are ignored. Each reader raises BadValue with a sentence that names the field.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from law.rules.document import valid_until
from law.rules.procedure import UNITS, last_day, last_moment, require_holiday_code
from law.rules.stay import (
    AllOf,
    CalendarYear,
    Limit,
    PerEntry,
    Rolling,
    Rule,
    Stay,
    StayAssessment,
    Unknown,
    Unlimited,
    UntilDocument,
    assess_stay,
)
from law.rules.values import (
    BadValue,
    as_count,
    as_date,
    as_list,
    as_moment,
    as_object,
    as_text,
    optional_date,
    required,
)

VISA_FREE = "visa_free"
_SIMPLE: dict[str, Callable[[dict[str, Any]], Limit]] = {
    "per_entry": lambda row: PerEntry(_count(row, "days")),
    "rolling": lambda row: Rolling(_count(row, "days"), _count(row, "window_days")),
    "calendar_year": lambda row: CalendarYear(_count(row, "days")),
    "until_document": lambda row: UntilDocument(),
    "unlimited": lambda row: Unlimited(),
    "unknown": lambda row: Unknown(),
}


def assess_stay_row(value: Any) -> dict[str, Any]:
    """One vector `{"rule", "stays", "as_of", "caps"}` to the eight fields of its assessment."""
    row = as_object(value, "A vector")
    assessment = assess_stay(
        read_rule(required(row, "rule")),
        [read_stay(stay) for stay in as_list(required(row, "stays"), "stays")],
        as_of=as_date(required(row, "as_of"), "as_of"),
        caps=read_caps(row.get("caps")),
    )
    return write_assessment(assessment)


def last_day_row(value: Any) -> dict[str, Any]:
    """One deadline `{"event_date", "amount", "unit", "holidays", "roll_to_working_day"}` to its last day."""
    row = as_object(value, "A deadline")
    event = as_moment(required(row, "event_date"), "event_date")
    amount = as_count(required(row, "amount"), "amount")
    unit = as_text(required(row, "unit"), "unit")
    if unit not in UNITS:
        raise BadValue("unit is not known.")
    roll = row.get("roll_to_working_day")
    if roll is not None and not isinstance(roll, bool):
        raise BadValue("roll_to_working_day must be true, false or null.")
    holidays = row.get("holidays")
    if holidays is not None:
        require_holiday_code(as_text(holidays, "holidays"))
    answer = {"last_day": last_day(event, amount, unit, roll=roll, holidays=holidays).isoformat()}
    if unit == "hours":
        moment = last_moment(event, amount, roll=roll, holidays=holidays)
        answer["last_moment"] = moment.isoformat(timespec="minutes")
    return answer


def internal_passport_row(value: Any) -> dict[str, Any]:
    """One internal passport `{"date_of_birth", "issued"}` to the day until which it is valid."""
    row = as_object(value, "An internal passport")
    born_on = as_date(required(row, "date_of_birth"), "date_of_birth")
    issued_on = as_date(required(row, "issued"), "issued")
    return {"valid_until": _iso(valid_until(born_on, issued_on))}


def read_rule(value: Any) -> Rule:
    """A rule with its `counted_bases`, which are read here, on the outermost rule, and nowhere deeper."""
    row = as_object(value, "rule")
    bases = row.get("counted_bases")
    if bases is None:
        bases = [VISA_FREE]
    counted = frozenset(as_text(b, "A counted basis") for b in as_list(bases, "counted_bases"))
    return Rule(read_limit(row), counted)


def read_limit(value: Any) -> Limit:
    """A limit of any kind. Nested `all_of` come back as one flat AllOf; no depth can exhaust the stack."""
    outermost = as_object(value, "rule")
    if outermost.get("kind") != "all_of":
        return _simple(outermost)
    parts: list[Limit] = []
    waiting: list[Any] = [outermost]
    while waiting:
        row = as_object(waiting.pop(), "A part of rules")
        if row.get("kind") != "all_of":
            parts.append(_simple(row))
            continue
        rules = as_list(required(row, "rules"), "rules")
        if not rules:
            raise BadValue("rules must not be empty.")
        waiting.extend(rules)
    return AllOf(tuple(parts))


def read_stay(value: Any) -> Stay:
    """A stay; `exit`, `basis_valid_until` and `basis` (then visa-free) may be null or absent."""
    row = as_object(value, "A stay")
    entry = as_date(required(row, "entry"), "entry")
    left = optional_date(row.get("exit"), "exit")
    if left is not None and left < entry:
        raise BadValue("exit is before entry.")
    basis = row.get("basis")
    return Stay(
        entry=entry,
        exit=left,
        basis=VISA_FREE if basis is None else as_text(basis, "basis"),
        basis_valid_until=optional_date(row.get("basis_valid_until"), "basis_valid_until"),
    )


def read_caps(value: Any) -> tuple[date, ...]:
    """Caps: null, or a list of dates."""
    caps: Iterable[Any] = () if value is None else as_list(value, "caps")
    return tuple(as_date(cap, "A cap") for cap in caps)


def write_assessment(answer: StayAssessment) -> dict[str, Any]:
    """All eight fields, dates as `YYYY-MM-DD` or None."""
    return {
        "status": answer.status,
        "last_legal_day": _iso(answer.last_legal_day),
        "days_left": answer.days_left,
        "first_violation": _iso(answer.first_violation),
        "days_used": answer.days_used,
        "overstay_days": answer.overstay_days,
        "max_stay_from_entry": answer.max_stay_from_entry,
        "earliest_entry": _iso(answer.earliest_entry),
    }


def _simple(row: dict[str, Any]) -> Limit:
    kind = as_text(required(row, "kind"), "kind")
    if kind not in _SIMPLE:
        raise BadValue("kind is not known.")
    return _SIMPLE[kind](row)


def _count(row: dict[str, Any], key: str) -> int:
    return as_count(required(row, key), key)


def _iso(day: date | datetime | None) -> str | None:
    return None if day is None else day.isoformat()
