"""Sheets of invented people, as a coordinator would have them, and some that are meant to do harm."""

import csv
import io
import zipfile

from openpyxl import Workbook

HEADINGS = ["Страна пребывания", "Фамилия", "Имя", "Дата рождения", "Телефон", "Дата въезда", "Документ",
            "Серия и номер", "Действителен до"]  # fmt: skip


def row_of(number):
    """One invented person; +999 rings nowhere."""
    born = f"{number % 28 + 1:02}.{number // 28 % 12 + 1:02}.{1970 + number // 336}"
    return ["Казахстан", f"Вымыслов{number}", "Пётр", born, f"+999 00 {number:07}", "2026-09-01",
            "внутренний паспорт", f"00 00 {number:06}", "01.02.2031"]  # fmt: skip


def as_csv(rows, headings=HEADINGS, *, divider=",", encoding="utf-8"):
    """A table as CSV."""
    written = io.StringIO()
    csv.writer(written, delimiter=divider).writerows([headings, *rows])
    return written.getvalue().encode(encoding)


def as_xlsx(rows, headings=HEADINGS):
    """The same as XLSX."""
    book = Workbook()
    for row in [headings, *rows]:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def rewritten(xlsx, parts, *, add=()):
    """An XLSX with the content of `parts` (by path) replaced, and what `add` says appended."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
        for name, content in add:
            new.writestr(name, content)
    return written.getvalue()
