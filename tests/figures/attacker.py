"""Somebody who collects every published table and works out what is hidden. Knows nothing of how we hide.

Two means: all equations of all tables solved together (fractions, no rounding), and ranges pushed along every
equation until nothing moves. `all_tables` tries everything, where a table is small enough for that.
"""

from __future__ import annotations

from fractions import Fraction

MOST = 10**6


class Attacker:
    """What somebody knows: numbers at places, and sums of places."""

    def __init__(self):
        self.hidden = []
        self.sums = []  # (places, amount): the hidden places of one line add up to the amount

    def know(self, places, amount):
        """The hidden `places` together are `amount`."""
        if places:
            self.sums.append((tuple(places), amount))
            self.hidden += [place for place in places if place not in self.hidden]

    def know_table(self, name, cells, row_totals=None, column_totals=None, hidden=()):
        """A table as it is published: None is hidden, or the places in `hidden` of a whole grid."""
        if row_totals is None:
            row_totals, column_totals = list(map(sum, cells)), list(map(sum, zip(*cells, strict=True)))
        shown = [
            [None if (i, j) in hidden else cell for j, cell in enumerate(line)]
            for i, line in enumerate(cells)
        ]
        for i, line in enumerate(shown):
            rest = row_totals[i] - sum(cell for cell in line if cell is not None)
            self.know([(name, i, j) for j, cell in enumerate(line) if cell is None], rest)
        for j, column in enumerate(zip(*shown, strict=True)):
            rest = column_totals[j] - sum(cell for cell in column if cell is not None)
            self.know([(name, i, j) for i, cell in enumerate(column) if cell is None], rest)

    def ranges(self):
        """For each hidden place the least and the most that it can be, as far as this attacker sees."""
        found = {place: [0, MOST] for place in self.hidden}
        sums = self.sums + self._solved()
        moved = True
        while moved:
            moved = False
            for places, amount in sums:
                for place in places:
                    others = [found[each] for each in places if each != place]
                    low = max(found[place][0], amount - sum(high for _low, high in others))
                    high = min(found[place][1], amount - sum(low for low, _high in others))
                    if [low, high] != found[place]:
                        found[place], moved = [low, high], True
        return {place: (low, high) for place, (low, high) in found.items()}

    def _solved(self):
        """Places that the equations together fix, whatever else is true."""
        columns = {place: number for number, place in enumerate(self.hidden)}
        lines = []
        for places, amount in self.sums:
            line = [Fraction(0)] * (len(columns) + 1)
            for place in places:
                line[columns[place]] = Fraction(1)
            line[-1] = Fraction(amount)
            lines.append(line)
        done = 0
        for column in range(len(columns)):
            pivot = next((n for n in range(done, len(lines)) if lines[n][column]), None)
            if pivot is None:
                continue
            lines[done], lines[pivot] = lines[pivot], lines[done]
            lead = lines[done]
            lead[:] = [value / lead[column] for value in lead]
            for n, line in enumerate(lines):
                if n != done and line[column]:
                    factor = line[column]
                    line[:] = [a - factor * b for a, b in zip(line, lead, strict=True)]
            done += 1
        fixed = []
        for line in lines[:done]:
            held = [number for number, value in enumerate(line[:-1]) if value]
            if len(held) == 1:
                fixed.append(((self.hidden[held[0]],), int(line[-1])))
        return fixed


def of_publication(tables, name=""):
    """An attacker who knows every table of one publication."""
    attacker = Attacker()
    for key, table in tables.items():
        attacker.know_table(f"{name}{key}", table.cells, table.row_totals, table.column_totals)
    return attacker


def all_tables(grid, hidden):
    """Every table that agrees with the totals and with what is not hidden, as {place: number}."""
    order = sorted(hidden)
    rows = {i: sum(grid[i][j] for r, j in hidden if r == i) for i, _j in order}
    columns = {j: sum(grid[i][j] for i, c in hidden if c == j) for _i, j in order}
    found = []

    def fill(number, table):
        if number == len(order):
            if not any(rows.values()) and not any(columns.values()):
                found.append(dict(table))
            return
        i, j = order[number]
        last_in_row = all(place[0] != i for place in order[number + 1 :])
        choices = [rows[i]] if last_in_row else range(min(rows[i], columns[j]) + 1)
        for count in choices:
            if count > columns[j]:
                continue
            rows[i] -= count
            columns[j] -= count
            table[i, j] = count
            fill(number + 1, table)
            rows[i] += count
            columns[j] += count

    fill(0, {})
    return found
