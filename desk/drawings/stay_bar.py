"""The days of a stay as a bar: what counts, what is left, what is past the last day. Drawn on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from law.rules.residence import Residence

WIDTH = 1000
"""Units of the drawing; the page stretches it."""
LEAST = 4
"""No part is drawn narrower, so that a single day can be seen."""
LONGEST_DAYS = 400
"""What is further away than this is cut off: a bar of ten years would show nothing."""


@dataclass(frozen=True)
class Piece:
    """A run of days: `kind` is its class (counted, other, left, over), both days counted in."""

    kind: str
    first: date
    last: date
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """The drawing: from `first` to `last`; `as_of_x` and `window_x` say where a line stands."""

    first: date
    last: date
    pieces: tuple[Piece, ...]
    as_of_x: float
    window_x: float | None
    window_width: float


def draw(place: Residence, until: date | None) -> Bar:
    """The bar of a residence; `until`: the last legal day that is shown, typed or computed."""
    as_of, windows = place.as_of, place.explained.windows
    first, last = _ends(place, until)
    scale = WIDTH / ((last - first).days + 1)

    def at(day: date) -> float:
        return round((min(max(day, first), last + timedelta(days=1)) - first).days * scale, 1)

    def piece(kind: str, start: date, end: date) -> Piece | None:
        start, end = max(start, first), min(end, last)
        if end < start:
            return None
        width = max(at(end + timedelta(days=1)) - at(start), LEAST)
        return Piece(kind, start, end, min(at(start), WIDTH - width), round(width, 1))

    pieces = [
        piece(
            "counted" if each.basis in place.row.rule.counted_bases else "other",
            each.as_stay().entry,
            as_of if each.exit is None else min(each.exit, as_of),
        )
        for each in place.stays
    ]
    if place.here is not None and place.here.exit is None and until is not None:
        pieces.append(piece("left", as_of + timedelta(days=1), until))
        pieces.append(piece("over", max(until + timedelta(days=1), place.here.as_stay().entry), as_of))
    window = windows[0] if windows else None
    return Bar(
        first,
        last,
        tuple(each for each in pieces if each is not None),
        as_of_x=at(as_of),
        window_x=None if window is None else at(window.first),
        window_width=0 if window is None else round(at(as_of + timedelta(days=1)) - at(window.first), 1),
    )


def _ends(place: Residence, until: date | None) -> tuple[date, date]:
    """The days that are drawn: from the window or the entry to the last legal day, neither too far away."""
    as_of, away = place.as_of, timedelta(days=LONGEST_DAYS)
    entries = [] if place.here is None else [place.here.as_stay().entry]
    first = min([as_of, *(window.first for window in place.explained.windows), *entries])
    last = as_of if until is None else max(as_of, until)
    return max(first, as_of - away), min(last, as_of + away)
