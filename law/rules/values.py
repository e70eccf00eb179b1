"""Single values as JSON brings them: each is checked once, here, and its error names the field."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

FIRST_YEAR, LAST_YEAR = 1900, 2199
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}))?")


class BadValue(ValueError):
    """A fact or a rule cannot be used as it stands; the message names the field, never its content."""


def required(row: Mapping[str, Any], key: str) -> Any:
    """The value of `key`, or BadValue if the field is missing."""
    if key not in row:
        raise BadValue(f"{key} is missing.")
    return row[key]


def as_object(value: Any, name: str) -> dict[str, Any]:
    """`value` if it is a JSON object, else BadValue."""
    if not isinstance(value, dict):
        raise BadValue(f"{name} must be an object.")
    return value


def as_list(value: Any, name: str) -> list[Any]:
    """`value` if it is a JSON array, else BadValue."""
    if not isinstance(value, list):
        raise BadValue(f"{name} must be a list.")
    return value


def as_text(value: Any, name: str) -> str:
    """`value` if it is a string, else BadValue."""
    if not isinstance(value, str):
        raise BadValue(f"{name} must be text.")
    return value


def as_count(value: Any, name: str) -> int:
    """`value` if it is an integer of 1 or more (true and 1.0 are not), else BadValue."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"{name} must be a whole number.")
    if value < 1:
        raise BadValue(f"{name} must be 1 or more.")
    return value


def as_date(value: Any, name: str) -> date:
    """A real day written `YYYY-MM-DD`, of the years 1900 to 2199, else BadValue."""
    moment = as_moment(value, name)
    if isinstance(moment, datetime):
        raise BadValue(f"{name} must be a date without a time: YYYY-MM-DD.")
    return moment


def as_moment(value: Any, name: str) -> date | datetime:
    """A real day `YYYY-MM-DD`, or minute `YYYY-MM-DDTHH:MM` (naive, local), of the years 1900 to 2199.

    Anything else is a BadValue, also what Python's own parser lets pass (week dates, seconds, zones).
    """
    parts = _DATE.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise BadValue(f"{name} must be a date: YYYY-MM-DD.")
    year, month, day, hour, minute = parts.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise BadValue(f"{name} must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        return datetime(int(year), int(month), int(day), int(hour), int(minute))
    except ValueError:
        raise BadValue(f"{name} is no day of the calendar.") from None


def optional_date(value: Any, name: str) -> date | None:
    """None for null, else `as_date`."""
    return None if value is None else as_date(value, name)
