"""A month as a small heat calendar: how many dates fall on each day. Drawn on the server, as SVG."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext, ngettext

CELL_WIDTH, CELL_HEIGHT, HEAD_HEIGHT = 44, 44, 22
# From so many dates on a day is drawn in the next stronger shade.
SHADES = (1, 2, 4, 7)
MONTHS_BACK, MONTHS_AHEAD = 12, 24


@dataclass(frozen=True)
class Cell:
    """One day of the drawing; x and y in units of the SVG."""

    on: date
    count: int
    x: int
    y: int
    is_today: bool

    @property
    def heat(self) -> int:
        """The shade, from 0 (nothing due) to 4."""
        return sum(self.count >= least for least in SHADES)

    @property
    def spoken(self) -> str:
        """The cell for those who do not see it."""
        words = ngettext("%(n)d deadline", "%(n)d deadlines", self.count) % {"n": self.count}
        return f"{WEEKDAYS[self.on.weekday()]} {self.on.isoformat()}: {words}"


@dataclass(frozen=True)
class Month:
    """What the calendar of one month shows."""

    first: date
    cells: list[Cell]
    heads: list[tuple[int, str]]
    earlier: date | None
    later: date | None

    @property
    def width(self) -> int:
        """Of the drawing."""
        return 7 * CELL_WIDTH

    @property
    def height(self) -> int:
        """Of the drawing."""
        return max(cell.y for cell in self.cells) + CELL_HEIGHT

    @property
    def total(self) -> int:
        """How many dates fall into the month."""
        return sum(cell.count for cell in self.cells)

    @property
    def summary(self) -> str:
        """The whole month in one sentence, for those who do not see the drawing."""
        total = self.total
        if not total:
            return gettext("Nothing is due in this month")
        return ngettext("%(n)d deadline in this month", "%(n)d deadlines in this month", total) % {"n": total}


def bounds(first: date) -> tuple[date, date]:
    """The first and the last day of the month that `first` lies in."""
    last = calendar.monthrange(first.year, first.month)[1]
    return first.replace(day=1), first.replace(day=last)


def parse_month(text: str, today: date) -> date:
    """The month that "2026-12" names, within a year back and two ahead of `today`; else the present one."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return month if _reachable(month, today) else today.replace(day=1)


def _reachable(month: date, today: date) -> bool:
    away = (month.year - today.year) * 12 + month.month - today.month
    return -MONTHS_BACK <= away <= MONTHS_AHEAD


def draw(first: date, days: Iterable[date], today: date) -> Month:
    """The month of `first` with the number of `days` that fall on each of its days; weeks begin on Monday."""
    counts = Counter(days)
    first, last = bounds(first)
    offset = first.weekday()
    cells = []
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        row, column = divmod(offset + number, 7)
        x, y = column * CELL_WIDTH, HEAD_HEIGHT + row * CELL_HEIGHT
        cells.append(Cell(on, counts[on], x, y, on == today))
    heads = [(n * CELL_WIDTH + CELL_WIDTH // 2, str(WEEKDAYS_ABBR[n])) for n in range(7)]
    earlier, later = first - timedelta(days=1), last + timedelta(days=1)
    return Month(
        first,
        cells,
        heads,
        earlier.replace(day=1) if _reachable(earlier, today) else None,
        later if _reachable(later, today) else None,
    )
