"""One row of a sheet on its way in: its values by column, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from importing import values
from importing.columns import Headings
from importing.sheets import Line


@dataclass(frozen=True)
class Problem:
    """Why a row is not taken: its line, the heading of the column (or ""), the cause and the next step."""

    line: int
    column: str
    cause: str


@dataclass
class Row:
    """The filled cells of one line, by column and number; `problems` grows while they are read."""

    line: int
    cells: Mapping[tuple[str, int], str]
    headings: Mapping[tuple[str, int], str]
    problems: list[Problem] = field(default_factory=list)

    def get(self, name: str, number: int = 1) -> str:
        """The text of a cell; "" where it is empty."""
        return self.cells.get((name, number), "")

    def read(self, name: str, how: Any, number: int = 1) -> Any:
        """A filled cell as `how` reads it; None where it is empty or wrong, and then the problem is noted."""
        text = self.get(name, number)
        if not text:
            return None
        try:
            return how(text)
        except ValidationError as problem:
            self.wrong(problem, name, number)
            return None

    def wrong(self, problem: ValidationError, name: str = "", number: int = 1) -> None:
        """Note what an error says, beside the column of the field it names."""
        for named, text in values.texts_of(problem):
            heading = self.headings.get((named or name, number)) or self.headings.get((name, number), "")
            self.problems.append(Problem(self.line, heading, text))

    def refuse(self, sentence: str, name: str, number: int = 1) -> None:
        """Note one sentence beside a column."""
        self.wrong(ValidationError(sentence), name, number)

    def numbers(self, names: Iterable[str]) -> list[int]:
        """Which of several stays, documents or contacts have a filled cell among `names`."""
        wanted = set(names)
        return sorted({number for name, number in self.cells if name in wanted})


def rows(lines: Iterator[Line], headings: Headings) -> Iterator[Row]:
    """Each line as a row. A cell beyond the headings belongs to nothing, and the row says so."""
    by_place = {(place.column.name, place.number): place.heading for place in headings.places.values()}
    for line in lines:
        cells = {
            (place.column.name, place.number): line.cells[position]
            for position, place in headings.places.items()
            if position < len(line.cells) and line.cells[position]
        }
        row = Row(line.number, cells, by_place)
        if len(line.cells) > headings.width:
            text = _("This line has more cells than headings. Give the column a heading, or empty it.")
            row.problems.append(Problem(line.number, "", text))
        yield row
