"""A spreadsheet's bytes as lines of text. Nothing is written to a disk, nothing in it is run or followed.

CSV in UTF-8 (also with its mark), UTF-16 or Windows-1251, divided by commas, semicolons or tabs; XLSX by
openpyxl once the archive was looked through: formulas give the value that was stored with them, or nothing.
"""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from xml.parsers import expat

from django.utils.translation import gettext as _

from intake.forms import tidy

MOST_BYTES: Final = 10_000_000
MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 200
LONGEST_CELL: Final = 20_000
# What a spreadsheet of so many rows can hold unpacked; an archive that says more is not unpacked.
MOST_UNPACKED: Final = 60_000_000
MOST_PARTS: Final = 300
# Parts that openpyxl reads whole, however many rows there are.
MOST_IN_WHOLE: Final = 20_000_000
MOST_ELEMENTS: Final = 3_000_000
DEEPEST: Final = 40
# Empty lines between the rows, as a stray format far below leaves them.
MOST_LINES: Final = 4 * MOST_ROWS
# A cell that begins so is a formula to a spreadsheet program.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_SHEETS: Final = "xl/worksheets/"
_OLD_OR_LOCKED: Final = b"\xd0\xcf\x11\xe0"
_DIVIDERS: Final = ";,\t"
_PIECE: Final = 65_536


class CannotRead(ValueError):
    """The file is no table that we take; the message says why and what to do."""


class Line(NamedTuple):
    """One row: its number as the spreadsheet shows it, and its cells as tidied text."""

    number: int
    cells: tuple[str, ...]


def lines(content: bytes) -> Iterator[Line]:
    """The rows that hold something, the headings first. Raises CannotRead, also on the way."""
    if len(content) > MOST_BYTES:
        raise CannotRead(
            _("The file has more than %(most)d MB. Split it into several and import one after the other.")
            % {"most": MOST_BYTES // 1_000_000}
        )
    if content.startswith(_OLD_OR_LOCKED):
        raise CannotRead(
            _("This is an old Excel file, or one with a password. Save it as .xlsx without a password.")
        )
    rows = _xlsx(content) if content.startswith(b"PK") else _csv(content)
    count = 0
    for number, cells in rows:
        if number > MOST_LINES:
            raise CannotRead(
                _("The sheet goes on for too many empty lines. Delete them, then save it again.")
            )
        filled = _filled_length(cells)
        if not filled:
            continue
        _require_few(number, filled)
        kept = tuple(as_meant(tidy(cell)) for cell in cells[:filled])
        _require_small(number, kept)
        count += 1
        if count > MOST_ROWS + 1:
            raise CannotRead(
                _("The sheet has more than %(most)d rows. Split it and import one part after the other.")
                % {"most": MOST_ROWS}
            )
        yield Line(number, kept)


def as_meant(cell: str) -> str:
    """`cell` without the apostrophe before what would be a formula; the files that we hand out have it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA and len(cell) > 1 else cell


def _filled_length(cells: list[str]) -> int:
    """How many cells there are without the empty ones at the end; a spreadsheet may leave a million."""
    end = len(cells)
    while end and not tidy(cells[end - 1]):
        end -= 1
    return end


def _require_few(number: int, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise CannotRead(
            _("Line %(number)d has more than %(most)d columns. Delete what does not belong to the table.")
            % {"number": number, "most": MOST_COLUMNS}
        )


def _require_small(number: int, cells: tuple[str, ...]) -> None:
    if any(len(cell) > LONGEST_CELL for cell in cells):
        raise CannotRead(
            _(
                "A cell of line %(number)d has more than %(most)d characters. Shorten it, or look for a "
                "quotation mark that is not closed."
            )
            % {"number": number, "most": LONGEST_CELL}
        )


# -- CSV


def _csv(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decode(content)
    divider = _divider(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider)
    before = 0
    try:
        for cells in reader:
            # A row's number is that of its first line, as an editor shows it.
            number, before = before + 1, reader.line_num
            if not (number == 1 and cells and cells[0].lower().startswith("sep=")):
                yield number, cells
    except csv.Error:
        raise CannotRead(
            _("Line %(number)d cannot be read: look for a quotation mark that is not closed.")
            % {"number": before + 1}
        ) from None


def _decode(content: bytes) -> str:
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1251"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CannotRead(_("This is no table. Save it as .xlsx, or as CSV in UTF-8."))


def _divider(text: str) -> str:
    """Which of the dividers stands most often in the first line, outside of quotation marks."""
    first = text.lstrip("\r\n").partition("\n")[0][:LONGEST_CELL]
    bare = "".join(first.split('"')[::2])
    return max(_DIVIDERS, key=bare.count)


# -- XLSX


def _xlsx(content: bytes) -> Iterator[tuple[int, list[str]]]:
    damaged = _("This spreadsheet is damaged. Open it in your office program and save it again as .xlsx.")
    try:
        look_through(content)
        # Not at the top: every start of the desk would wait a quarter of a second for it.
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet: Any = book.worksheets[0]
            # What the sheet says of its own size is not believed.
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield number, [cell_text(cell) for cell in cells]
        finally:
            book.close()
    except (CannotRead, GeneratorExit):
        raise
    except Exception:
        # Whatever a stranger's parser stumbles over in a stranger's file is that file's damage.
        raise CannotRead(damaged) from None


def cell_text(cell: Any) -> str:
    """A cell's value as a person would type it: dates as 2026-11-22, whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "minutes")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def look_through(content: bytes) -> None:
    """Raise CannotRead unless the archive is a small spreadsheet without programs and tricks."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        names = [part.filename for part in parts]
        if any("vbaproject" in name.lower() for name in names):
            raise CannotRead(_("This spreadsheet holds macros. Save it as .xlsx without them."))
        # zipfile never unpacks more of a part than it says here.
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise CannotRead(_("This spreadsheet is too large once unpacked. Split it, or save it as CSV."))
        if len(set(names)) != len(names) or "xl/workbook.xml" not in names:
            raise CannotRead(_("This is no table. Save it as .xlsx, or as CSV in UTF-8."))
        for part in parts:
            if part.file_size > MOST_IN_WHOLE and not part.filename.startswith(_SHEETS):
                raise CannotRead(
                    _("This spreadsheet is too large once unpacked. Split it, or save it as CSV.")
                )
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as file:
                    _Look(part.filename).through(file)


class _Look:
    """Goes through one part before anything is built of it: no entities, no endless rows, no towers."""

    def __init__(self, name: str) -> None:
        self.sheet = name.startswith(_SHEETS)
        self.depth = self.elements = self.cells = 0

    def through(self, file: Any) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
        parser.Parse(b"", True)

    def _doctype(self, *_what: Any) -> None:
        raise CannotRead(
            _("This spreadsheet holds definitions that no office program writes. It was not read.")
        )

    def _start(self, name: str, _attributes: Any) -> None:
        self.depth += 1
        self.elements += 1
        if name.endswith("row"):
            self.cells = 0
        self.cells += self.sheet and name.endswith("c")
        if self.depth > DEEPEST or self.elements > MOST_ELEMENTS or self.cells > MOST_COLUMNS * 5:
            raise CannotRead(
                _("The sheet has more columns or parts than a table of people. Keep the table only.")
            )

    def _end(self, _name: str) -> None:
        self.depth -= 1
