"""One spelling for what people write in many: names, phones, document numbers, handles, weeks."""

import datetime


def plain(value: object) -> str:
    """Text without case and outer blanks."""
    return str(value).strip().casefold()


def iso_week(value: datetime.date | str) -> str:
    """The ISO week of a day, such as "2026-W09"."""
    day = datetime.date.fromisoformat(value) if isinstance(value, str) else value
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02d}"
