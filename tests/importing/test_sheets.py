"""Whatever is uploaded as a spreadsheet: lines of text, or a sentence that says why not; never a surprise."""

import contextlib
import io
import tempfile
import tracemalloc
import zipfile
from datetime import date, datetime
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from cases.models import DocumentKind, Status
from importing import columns, sheets, values
from importing.sheets import CannotRead, lines
from intake.forms import tidy
from law.stages import Basis
from tests.house.tree import ROOT
from tests.importing.sheets import as_csv, as_xlsx, rewritten

MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
# Odd on purpose: nulls, bidi marks, joiners, quotes, what a spreadsheet would compute.
ODD = "\0\x08\x1b\r\n\t\u202e\u2066\u200d\ufeff\ufffeëё\u0301'\";,=+-@<>&|\U000e0001İﬁ٣"
cells = st.text(max_size=60) | st.text(alphabet=ODD, max_size=40)
tables = st.lists(st.lists(cells, max_size=8), max_size=8)


MAKERS = ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp")


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@contextlib.contextmanager
def no_files():
    """Nothing in here makes a file, not even for a moment."""

    def caught(*_what, **_how):
        pytest.fail("a temporary file was made")

    with contextlib.ExitStack() as stack:
        for made in MAKERS:
            stack.enter_context(patch.object(tempfile, made, caught))
        yield


def read(content):
    """The lines, or the sentence of the refusal; nothing else may come out."""
    try:
        with no_files():
            found = list(lines(content))
    except CannotRead as refused:
        return str(refused) or pytest.fail("a refusal without a word")
    for line in found:
        assert all(isinstance(cell, str) and "\0" not in cell and "\u202e" not in cell for cell in line.cells)
    return found


# -- what people have


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_every_encoding_and_divider_is_understood(encoding, divider):
    """Done when CSV of any of them is read alike. Sabotage: leave cp1251 out of _decode."""
    rows = [["Анна", "один, два; три"], ["", ""], ["Борис", "с\nновой строки"], ["Вера", 'в "кавычках"']]
    content = as_csv(rows, ["Имя", "Слова"], divider=divider, encoding=encoding)
    found = read(content)
    assert [line.cells for line in found] == [
        ("Имя", "Слова"), ("Анна", "один, два; три"), ("Борис", "с\nновой строки"), ("Вера", 'в "кавычках"')
    ]  # fmt: skip
    assert [line.number for line in found] == [1, 2, 4, 6]


def test_a_workbook_gives_dates_numbers_and_stored_results_only():
    """Formulas are not computed. Sabotage: data_only=False."""
    book = Workbook()
    dates = [date(2026, 11, 22), datetime(2026, 11, 22, 9, 30)]
    book.active.append(["a", *dates, 79990001122.0, 1.5, True, "=1+1"])
    book.create_sheet("другой").append(["не читается"])
    written = io.BytesIO()
    book.save(written)
    (line,) = read(written.getvalue())
    assert line.cells == ("a", "2026-11-22", "2026-11-22 09:30", "79990001122", "1.5", "yes")


def test_the_separator_line_of_an_office_program_is_no_heading():
    assert [line.cells for line in read(b"sep=;\r\na;b\r\n1;2")] == [("a", "b"), ("1", "2")]


# -- what is meant to do harm


def bomb(size=200_000_000):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * size)
    return written.getvalue()


PLAIN = as_xlsx([["x"]], ["Имя"])
SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
XXE = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>'
NS = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
WIDE = NS + b"<row>" + b"<c/>" * 1_000_000 + b"</row></sheetData></worksheet>"
TOWER = b"<a>" * 100_000 + b"</a>" * 100_000
FAR = NS + b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row>'
FAR += b"</sheetData></worksheet>"
HOSTILE = {
    "bomb": bomb,
    "laughs": lambda: rewritten(PLAIN, {SHEET: LAUGHS}),
    "laughs in UTF-16": lambda: rewritten(PLAIN, {SHEET: LAUGHS.decode().encode("utf-16")}),
    "file read by an entity": lambda: rewritten(PLAIN, {"xl/workbook.xml": XXE}),
    "a million columns": lambda: rewritten(PLAIN, {SHEET: WIDE}),
    "a tower": lambda: rewritten(PLAIN, {SHEET: TOWER}),
    "a row far below": lambda: rewritten(PLAIN, {SHEET: FAR}),
    "macros": lambda: rewritten(PLAIN, {}, add=[("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")]),
    "a thousand parts": lambda: rewritten(PLAIN, {}, add=[(f"x{n}.xml", b"<x/>") for n in range(1000)]),
    "one part twice": lambda: rewritten(PLAIN, {}, add=[(SHEET, b"<x/>")]),
    "an archive of something else": lambda: b"PK\x03\x04" + bytes(100),
    "cut in half": lambda: PLAIN[: len(PLAIN) // 2],
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0" + bytes(600),
    "a program": lambda: b"\x7fELF" + bytes(1000),
    "a PDF": lambda: b"%PDF-1.7\n\0\0",
    "too many rows": lambda: as_csv([["x"]] * (sheets.MOST_ROWS + 1), ["Имя"]),
    "too many columns": lambda: ",".join(["x"] * 1000).encode(),
    "a million columns of CSV": lambda: b"," * 1_000_000 + b"x",
    "one huge cell": lambda: b"a,b\n" + b"x" * 500_000,
    "an open quotation mark": lambda: b'a,b\n"' + b"x,y\n" * 50_000,
    "too many bytes": lambda: b"x" * (sheets.MOST_BYTES + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence_and_little_memory(name):
    """Done when bombs, entities, macros and endless rows give a clear error. Sabotage: skip look_through."""
    content = HOSTILE[name]()
    tracemalloc.start()
    try:
        said = read(content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(said, str), said[:3]
    assert most < 100_000_000


def test_links_to_elsewhere_and_polyglots_are_harmless():
    """What stands in the sheet is read, nothing is followed."""
    linked = rewritten(PLAIN, {}, add=[
        ("xl/externalLinks/externalLink1.xml", b'<externalLink><externalBook r:id="rId1"/></externalLink>'),
        ("evil.html", b"<script>alert(1)</script>"),
    ])  # fmt: skip
    for content in (linked, PLAIN + b"%PDF-1.7"):
        found = read(content)
        assert isinstance(found, str) or [line.cells for line in found] == [("Имя",), ("x",)]


@given(st.binary(max_size=4000))
@example(b"PK\x03\x04")
@example(b"\xff\xfe\x00")
@example(b"\xff\xfe\x00\xd8")
@MANY
def test_any_bytes_are_a_table_or_refused(content):
    """Sabotage: let csv.Error through."""
    read(content)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 7), st.integers(0, 400))
@FEW
def test_a_damaged_workbook_is_read_or_refused(place, bit, cut):
    """Sabotage: catch BadZipFile alone."""
    data = bytearray(PLAIN)
    data[place] ^= 1 << bit
    read(bytes(data[: len(data) - cut]))


@given(st.binary(max_size=1500) | st.text(max_size=300).map(str.encode), st.sampled_from(
    [SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "[Content_Types].xml"]))  # fmt: skip
@FEW
def test_any_content_of_a_part_is_read_or_refused(content, part):
    read(rewritten(PLAIN, {part: content}))


@given(tables)
@MANY
def test_what_is_read_from_csv_is_what_was_written_but_for_marks_that_nobody_sees(table):
    """Nothing is lost. Sabotage: strip a cell of its inner blanks."""
    heading = [f"h{n}" for n in range(8)]
    rows = [[cell.encode("utf-8", "replace").decode().replace("\0", "") for cell in row] for row in table]
    found = read(as_csv(rows, heading))
    if isinstance(found, str):
        return
    kept = [[sheets.as_meant(tidy(cell)) for cell in row] for row in rows]
    kept = [row[: max((n + 1 for n, cell in enumerate(row) if cell), default=0)] for row in kept]
    assert [list(line.cells) for line in found[1:]] == [row for row in kept if row]


# -- values


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026-11-22", (2026, 11, 22)), ("22.11.2026", (2026, 11, 22)), ("2.1.2026 г.", (2026, 1, 2)),
     ("3/4/2026", (2026, 4, 3)), ("22 ноября 2026", (2026, 11, 22)), ("5 May 2026", (2026, 5, 5)),
     ("1 мая 2026 г.", (2026, 5, 1)), ("2026-11-22 00:00", (2026, 11, 22))],
)  # fmt: skip
def test_dates_as_people_write_them(written, meant):
    assert values.day(written) == date(*meant)


@pytest.mark.parametrize(
    "written", ["22.11.26", "31.02.2026", "скоро", "45000", "13/13/2026", "1.1.1800", "٣.١.2026"]
)
def test_what_is_no_date_says_how_to_write_one(written):
    with pytest.raises(Exception, match="Write it as 2026-11-22"):
        values.day(written)


@pytest.mark.parametrize(
    ("written", "code"),
    [("Казахстан", "KZ"), ("kazakhstan", "KZ"), ("kz", "KZ"), ("РФ", "RU"), ("Турция", "TR"),
     ("Turkey", "TR"), ("Türkiye", "TR"), ("Киргизия", "KG"), ("Кыргызстан", "KG"), (" сша ", "US"),
     ("Чехия", "CZ")],
)  # fmt: skip
def test_countries_by_name(written, code):
    assert values.country(written) == code


def test_choices_by_their_word_in_both_languages():
    assert values.choice("В работе", Status) == "open"
    assert values.choice("INTERNAL PASSPORT", DocumentKind) == "internal_passport"
    assert values.choice("visa_free", Basis) == "visa_free"
    with pytest.raises(Exception, match="Write one of: New; In work"):
        values.choice("никакой", Status)


@given(st.text(max_size=80) | st.text(alphabet=ODD, max_size=30))
@MANY
def test_any_text_is_a_value_or_refused(text):
    """Sabotage: let ValueError out of day()."""
    for how in (values.day, values.country, lambda t: values.choice(t, Status)):
        with contextlib.suppress(ValidationError):
            assert how(text)


# -- headings


@pytest.mark.parametrize("table", [columns.CASES, columns.REQUESTS])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_template_is_understood_and_no_heading_means_two_things(table, language):
    """Done when both templates are recognised. Sabotage: two columns of one heading."""
    found = columns.read_headings([column.heading(language) for column in table], table)
    assert [place.column.name for place in found.places.values()] == [column.name for column in table]
    assert found.unknown == ()
    spellings = [spelling for column in table for spelling in column.spellings()]
    assert len(spellings) == len(set(spellings))


heads = st.text(max_size=40) | st.sampled_from(["Фамилия", "phone 2", "Phone #3", "страна"])


@given(st.lists(heads, max_size=30))
@MANY
def test_any_headings_are_understood_or_refused(cells_):
    with contextlib.suppress(ValidationError):
        found = columns.read_headings(cells_, columns.CASES)
        assert len(found.places) + len(found.unknown) == sum(bool(cell) for cell in cells_)


@pytest.mark.parametrize("table", [columns.CASES, columns.REQUESTS])
def test_the_documentation_lists_every_column(table):
    """Sabotage: a column more in columns.py."""
    text = (ROOT / "docs" / "IMPORT.md").read_text()
    for column in table:
        numbered = " (1–5)" if column.repeats else ""
        assert f"| {column.heading('en')}{numbered} | {column.heading('ru')} |" in text


@pytest.mark.timeout(30)
def test_empty_cells_at_the_end_of_a_row_are_cut_at_once():
    """Sabotage: in _filled, cut them off one by one from a tuple: half an hour for a million of them."""
    content = b"name,country" + b"," * 1_000_000 + b"\nx,KZ"
    assert [line.cells for line in sheets.lines(content)] == [("name", "country"), ("x", "KZ")]
