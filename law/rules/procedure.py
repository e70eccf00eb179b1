"""The last day of a procedural term: an event, an amount and a unit; weekends and holidays where they matter.

All moments are naive and local to the country of the procedure. The day of the event is never counted.
"""

import calendar
from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from law.rules.values import BadValue

SATURDAY = 5
_LAST = date.max.toordinal()


def last_day(
    event: date | datetime, amount: int, unit: str, *, roll: bool | None, holidays: str | None
) -> date:
    """The last day on which the step is still in time.

    `amount` >= 1 of `unit` (one of UNITS). `roll` true: a last day on a Saturday, Sunday or holiday moves to
    the next day that is none; false or None: it stays. `holidays`: ISO country code of the package `holidays`
    (national holidays, observed days included), None = weekends only. A clock time in `event` matters for
    hours alone.
    BadValue: unknown unit or code, or a result past the year 9999.
    """
    return _roll(_day_before_roll(event, amount, unit, holidays), roll, holidays)


def last_moment(event: date | datetime, amount: int, *, roll: bool | None, holidays: str | None) -> datetime:
    """The moment at which a term of `amount` hours ends; if its day moves, it keeps its clock time.

    A moment of 00:00 closes the day before it: that is the last day, and the moment stays the end of it.
    """
    moment = _after_hours(event, amount)
    unmoved = _day_closed_by(moment)
    return moment + (_roll(unmoved, roll, holidays) - unmoved)


def last_day_after_pause(
    event: date | datetime,
    amount: int,
    unit: str,
    *,
    paused_on: date,
    runs_on_from: date,
    roll: bool | None,
    holidays: str | None,
) -> date:
    """As `last_day`, for a clock that stood still from `paused_on` and ran on at `runs_on_from` (both typed).

    The last day moves by the distance of the two days, and only then off a weekend or holiday. BadValue if
    the clock runs on before it stops.
    """
    if runs_on_from < paused_on:
        raise BadValue("The clock runs on before it stops.")
    ordinal = _day_before_roll(event, amount, unit, holidays).toordinal() + (runs_on_from - paused_on).days
    return _roll(_day(ordinal), roll, holidays)


def same_day(day: date, months: int) -> date:
    """The same day `months` months later, clipped to that month's last day; BadValue past the year 9999."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        raise BadValue("The result lies past the year 9999.")
    return date(year, month0 + 1, min(day.day, calendar.monthrange(year, month0 + 1)[1]))


def require_holiday_code(code: str) -> None:
    """BadValue unless `code` is an ISO country code, in capitals, whose holidays the package knows."""
    if code not in _holiday_codes():
        raise BadValue("holidays is not a country code that is known.")


def is_working_day(day: date, holidays: str | None) -> bool:
    """Neither Saturday, Sunday nor a holiday of the country."""
    return day.weekday() < SATURDAY and day not in _holidays(holidays, day.year)


def _after_calendar_days(event: date, amount: int, holidays: str | None) -> date:
    return _day(event.toordinal() + amount)


def _after_weeks(event: date, amount: int, holidays: str | None) -> date:
    return _day(event.toordinal() + 7 * amount)


def _after_months(event: date, amount: int, holidays: str | None) -> date:
    return same_day(event, amount)


def _after_years(event: date, amount: int, holidays: str | None) -> date:
    return same_day(event, 12 * amount)


def _after_working_days(event: date, amount: int, holidays: str | None) -> date:
    _day(event.toordinal() + amount)  # A hopeless amount is refused before any year of holidays is made.
    year, left = event.year, amount
    days = _working_days(holidays, year)
    passed = bisect_right(days, event.toordinal())
    while passed + left > len(days):
        left -= len(days) - passed
        year, passed = year + 1, 0
        if year > date.max.year:
            raise BadValue("The result lies past the year 9999.")
        days = _working_days(holidays, year)
    return date.fromordinal(days[passed + left - 1])


_DAY_UNITS: dict[str, Callable[[date, int, str | None], date]] = {
    "calendar_days": _after_calendar_days,
    "working_days": _after_working_days,
    "weeks": _after_weeks,
    "months": _after_months,
    "years": _after_years,
}
UNITS = frozenset({*_DAY_UNITS, "hours"})


def _day_before_roll(event: date | datetime, amount: int, unit: str, holidays: str | None) -> date:
    if holidays is not None:
        require_holiday_code(holidays)
    if amount < 1:
        raise BadValue("amount must be 1 or more.")
    if unit == "hours":
        return _day_closed_by(_after_hours(event, amount))
    if unit not in _DAY_UNITS:
        raise BadValue("unit is not known.")
    return _DAY_UNITS[unit](event.date() if isinstance(event, datetime) else event, amount, holidays)


def _after_hours(event: date | datetime, amount: int) -> datetime:
    start = event if isinstance(event, datetime) else datetime.combine(event, time())
    try:
        return start + timedelta(hours=amount)
    except OverflowError:
        raise BadValue("The result lies past the year 9999.") from None


def _day_closed_by(moment: datetime) -> date:
    """The day of the moment; 00:00 ends the day before."""
    return moment.date() - timedelta(days=1) if moment.time() == time() else moment.date()


def _roll(day: date, roll: bool | None, holidays: str | None) -> date:
    while roll and not is_working_day(day, holidays):
        day = _day(day.toordinal() + 1)
    return day


def _day(ordinal: int) -> date:
    if ordinal > _LAST:
        raise BadValue("The result lies past the year 9999.")
    return date.fromordinal(ordinal)


@lru_cache(maxsize=1)
def _holiday_codes() -> frozenset[str]:
    from holidays import list_supported_countries  # Importing it costs more than most calls of this module.

    return frozenset(list_supported_countries())


@lru_cache(maxsize=1024)
def _holidays(code: str | None, year: int) -> frozenset[date]:
    if code is None:
        return frozenset()
    from holidays import country_holidays

    return frozenset(country_holidays(code, years=year))


@lru_cache(maxsize=1024)
def _working_days(code: str | None, year: int) -> tuple[int, ...]:
    """The ordinals of all working days of a year: counting thousands of them then skips whole years."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    days = (date.fromordinal(ordinal) for ordinal in range(first, last + 1))
    return tuple(day.toordinal() for day in days if is_working_day(day, code))
