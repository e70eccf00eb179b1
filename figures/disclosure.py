"""What of a table of counts may be published, so that nobody is found in it: pure, no Django, no clock.

A publication is one set of tables about the same people or requests: countries × one property each. Every
person stands in exactly one cell of each table. The rules, and why they hold, are in docs/STATISTICS.md:

1. Countries with fewer than THRESHOLD are put together, as are values of a property, until every total of a
   row or a column is at least THRESHOLD and stands for two members of its list or for one large enough. So
   no total is small, and totals are all that two tables of one publication have in common.
2. A cell below THRESHOLD is hidden.
3. More cells are hidden until each hidden one could be any number of a range of at least PROTECTION, for
   whoever knows every number that is shown. The range is exact (`ranges`): the largest flow through what is
   hidden. A table in which everything is hidden always satisfies this, so the search ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 5
PROTECTION: Final = 5
# The row or column of those that are too few to stand alone.
OTHERS: Final = "*"

Counts = Mapping[tuple[str, str], int]
Grid = Sequence[Sequence[int]]
Place = tuple[int, int]


@dataclass(frozen=True)
class PublishedTable:
    """A published table: totals are always shown, a cell is None where it is hidden."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | None, ...], ...]
    row_totals: tuple[int, ...]
    column_totals: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.row_totals)


def publish(
    tables: Mapping[str, Counts], *, countries: Sequence[str], values: Mapping[str, Sequence[str]]
) -> dict[str, PublishedTable]:
    """The tables as they may be published, by name; empty where there are fewer than THRESHOLD in all.

    `tables`: for each property the exact count by (country, value), all about the same people.
    `countries` and `values` are the full fixed lists, also of what nobody has: what is not named apart stands
    in OTHERS. Raises ValueError for a count outside of the lists, below 0, or tables of different people.
    """
    totals = [_totals(counts, countries, values[name]) for name, counts in tables.items()]
    by_country = totals[0][0] if totals else {}
    if any(rows != by_country for rows, _columns in totals):
        raise ValueError("These tables are not about the same people: their countries differ.")
    if sum(by_country.values()) < THRESHOLD:
        return {}
    rows = group_names(by_country, countries)
    return {
        name: _table(counts, rows, group_names(columns, values[name]))
        for (name, counts), (_rows, columns) in zip(tables.items(), totals, strict=True)
    }


def _totals(
    counts: Counts, countries: Sequence[str], values: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    rows, columns = dict.fromkeys(countries, 0), dict.fromkeys(values, 0)
    for (country, value), count in counts.items():
        if country not in rows or value not in columns or count < 0:
            raise ValueError("A count is below 0, or stands for a country or value that is on no list.")
        rows[country] += count
        columns[value] += count
    return rows, columns


def group_names(totals: Mapping[str, int], order: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which names stand together in which row: large ones alone, the others in OTHERS, at the end.

    OTHERS holds at least two names and at least THRESHOLD, or is not there at all; the total of all must be
    at least THRESHOLD.
    """
    alone = [name for name in order if totals[name] >= THRESHOLD]
    small = [name for name in order if totals[name] < THRESHOLD]
    # One small name alone is below THRESHOLD, so that it never stays alone.
    while small and alone and sum(totals[name] for name in small) < THRESHOLD:
        least = min(alone, key=lambda name: totals[name])
        alone.remove(least)
        small.append(least)
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in alone}
    if small:
        found[OTHERS] = tuple(name for name in order if name in small)
    return found


def _table(
    counts: Counts, rows: Mapping[str, Sequence[str]], columns: Mapping[str, Sequence[str]]
) -> PublishedTable:
    grid = [
        [sum(counts.get((r, c), 0) for r in members for c in others) for others in columns.values()]
        for members in rows.values()
    ]
    hidden = suppressed_cells(grid)
    return PublishedTable(
        tuple(rows),
        tuple(columns),
        tuple(
            tuple(None if (i, j) in hidden else count for j, count in enumerate(line))
            for i, line in enumerate(grid)
        ),
        tuple(map(sum, grid)),
        tuple(map(sum, zip(*grid, strict=True))),
    )


def suppressed_cells(grid: Grid) -> frozenset[Place]:
    """The cells to hide. Totals of rows and columns are taken as known and must be at least THRESHOLD.

    In a table of one row or one column every cell is a total, and none is small.
    """
    if len(grid) < 2 or len(grid[0]) < 2:
        return frozenset()
    hidden = primary(grid)
    while True:
        narrow = [place for place, (low, high) in ranges(grid, hidden).items() if high - low < PROTECTION]
        if not narrow:
            return frozenset(hidden)
        hidden |= _partners(grid, hidden, narrow)


def primary(grid: Grid) -> set[Place]:
    """The cells below THRESHOLD."""
    return {(i, j) for i, line in enumerate(grid) for j, count in enumerate(line) if count < THRESHOLD}


def _partners(grid: Grid, hidden: set[Place], narrow: Iterable[Place]) -> set[Place]:
    """For each cell that is not hidden well enough the smallest shown one of its row and of its column."""
    shown = {
        (i, j): count for i, line in enumerate(grid) for j, count in enumerate(line) if (i, j) not in hidden
    }
    found: set[Place] = set()
    for row, column in narrow:
        for beside in (
            [place for place in shown if place[0] == row],
            [place for place in shown if place[1] == column],
        ):
            if beside:
                found.add(min(beside, key=lambda place: (shown[place], place)))
    return found or {min(shown, key=lambda place: (shown[place], place))}


def ranges(grid: Grid, hidden: Iterable[Place]) -> dict[Place, tuple[int, int]]:
    """For each hidden cell the least and the most it can be for whoever knows all others and all totals.

    Exact: what is hidden is a flow from rows to columns. A cell can be more by as much as can flow back from
    its column to its row through the others, and less by what can flow the other way.
    """
    known = {place: grid[place[0]][place[1]] for place in hidden}
    found = {}
    for (row, column), count in known.items():
        others = {place: amount for place, amount in known.items() if place != (row, column)}
        more = _flow(others, (column, False), (row, True))
        less = _flow(others, (row, True), (column, False), most=count)
        found[row, column] = (count - less, count + more)
    return found


Node = tuple[int, bool]  # (number, whether it is a row)


def _flow(known: Mapping[Place, int], source: Node, sink: Node, most: int | None = None) -> int:
    """The largest flow from `source` to `sink`: forward without limit, back up to the count of a cell."""
    beside: dict[Node, list[Place]] = {}
    for place in known:
        beside.setdefault((place[0], True), []).append(place)
        beside.setdefault((place[1], False), []).append(place)
    amounts = dict(known)
    total = 0
    while most is None or total < most:
        way = _way(amounts, beside, source, sink)
        if way is None:
            break
        limits = [amounts[place] for place, forward in way if not forward]
        step = min(limits) if limits else None
        if most is not None:
            step = most - total if step is None else min(step, most - total)
        if step is None:
            raise ValueError("A flow without limit: a total is missing.")
        for place, forward in way:
            amounts[place] += step if forward else -step
        total += step
    return total


def _way(
    amounts: Mapping[Place, int], beside: Mapping[Node, Sequence[Place]], source: Node, sink: Node
) -> list[tuple[Place, bool]] | None:
    """The shortest way with room on it, as (cell, whether it grows); None where there is none."""
    came: dict[Node, tuple[Node, Place, bool] | None] = {source: None}
    waiting = deque([source])
    while waiting and sink not in came:
        node = waiting.popleft()
        for place in beside.get(node, ()):
            forward = node[1]
            after = (place[1], False) if forward else (place[0], True)
            if after not in came and (forward or amounts[place] > 0):
                came[after] = (node, place, forward)
                waiting.append(after)
    if sink not in came:
        return None
    way = []
    step = came[sink]
    while step is not None:
        node, place, forward = step
        way.append((place, forward))
        step = came[node]
    return way
