"""Quarters and years that are over: what statistics are about. Pure, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, order=True)
class Period:
    """A quarter ("2026Q3") or, with `quarter` 0, a year ("2025"); both days count."""

    year: int
    quarter: int = 0

    @property
    def code(self) -> str:
        """How it is written in addresses and rows."""
        return f"{self.year}Q{self.quarter}" if self.quarter else str(self.year)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.quarter - 2 if self.quarter else 1, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.following.first - timedelta(days=1)

    @property
    def following(self) -> Period:
        """The one after it."""
        if self.quarter in (0, 4):
            return Period(self.year + 1, 1 if self.quarter else 0)
        return Period(self.year, self.quarter + 1)

    @property
    def previous(self) -> Period:
        """The one before it."""
        if self.quarter in (0, 1):
            return Period(self.year - 1, 4 if self.quarter else 0)
        return Period(self.year, self.quarter - 1)

    def ready_on(self, hold_days: int) -> date:
        """The first day on which it is over for `hold_days` whole days."""
        return self.last + timedelta(days=hold_days + 1)


def parse(code: str) -> Period | None:
    """The period that `code` names; None for anything else, and outside of the years 2000 to 2199."""
    found = re.fullmatch(r"(2[01]\d\d)(?:Q([1-4]))?", code, re.ASCII)
    return Period(int(found[1]), int(found[2] or 0)) if found else None


def quarter_of(day: date) -> Period:
    """The quarter that `day` lies in."""
    return Period(day.year, (day.month + 2) // 3)


def over(today: date, *, yearly: bool, hold_days: int, count: int) -> list[Period]:
    """The newest `count` periods that are over for `hold_days` on `today`, the newest first."""
    period = Period(today.year) if yearly else quarter_of(today)
    found: list[Period] = []
    while len(found) < count:
        if period.ready_on(hold_days) <= today:
            found.append(period)
        period = period.previous
    return found
