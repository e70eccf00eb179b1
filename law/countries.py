"""Countries as the desk counts by them: names, zones, and the field that holds a code.

The list itself is in intake/countries.py, which the public form may read too.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from intake.countries import COUNTRIES


def choices() -> list[tuple[str, str]]:
    """(code, name) in the reader's language, by name: for fields and filters."""
    return sorted(((row.code, str(row.name)) for row in COUNTRIES.values()), key=lambda pair: pair[1])


def name(code: str) -> str:
    """The country's name in the reader's language; an unknown code is shown as it is."""
    row = COUNTRIES.get(code)
    return str(row.name) if row else code


def zone(code: str) -> ZoneInfo:
    """The zone whose date counts there. An unknown code gives UTC+14: the date that comes first on earth."""
    row = COUNTRIES.get(code)
    return ZoneInfo(row.zone_name if row else "Etc/GMT-14")


def today_in(code: str, now: datetime) -> date:
    """The calendar date in that country at the aware moment `now`. Raises ValueError for a naive `now`."""
    if now.tzinfo is None:
        raise ValueError("today_in() needs an aware datetime: without a zone the date may be off by one.")
    return now.astimezone(zone(code)).date()


class CountryField(models.CharField):  # type: ignore[type-arg]
    """The code of one of our countries; one more needs no migration, for the list is not in the database."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "max_length": 2, "choices": choices})

    def deconstruct(self) -> Any:
        """Two letters, as the database sees them."""
        name, _path, args, options = super().deconstruct()
        del options["choices"]
        return name, "django.db.models.CharField", args, options
