"""The file of a case for the person themselves: readable pages, data and tables in one archive, streamed.

Nothing of it is written to a disk of the desk. Left out: the code name, who of the staff did what, other
people's cases, and every compartment that the reader has not opened.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from cases.models import Case, Note, RouteNote
from cases.models.compartment import CLOSED_FACETS, FACETS, Compartment
from cases.models.history import Facet
from law import countries
from vault.show import display_value

# A spreadsheet takes a cell that begins so for a formula, whatever stands before it as a blank.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
PAGE = """<!doctype html>
<html lang="{}"><head><meta charset="utf-8"><title>{}</title></head><body><h1>{}</h1><p>{}</p>
{}
</body></html>
"""


@dataclass(frozen=True)
class Part:
    """One kind of facts: its name in the archive, its title, the labels of its columns, its rows as text."""

    name: str
    title: str
    labels: list[str]
    rows: list[list[str]]


def harmless(text: str) -> str:
    """`text` as a cell that no spreadsheet computes: an apostrophe before what looks like a formula."""
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_BEGINS) else text


def parts(case: Case, *, opened: Collection[Compartment], notes: bool) -> list[Part]:
    """What the archive holds of `case`, with the compartments in `opened`; without parts that are empty."""
    inside = frozenset().union(*(FACETS[which] for which in opened))
    found = [_part(Case, [case])]
    for model in apps.get_app_config("cases").get_models():
        name = model._meta.model_name or ""
        if issubclass(model, Facet) and (name not in CLOSED_FACETS or name in inside):
            found.append(_part(model, list(model.objects.filter(case=case).with_keys())))  # type: ignore[attr-defined]
    if Compartment.ROUTE in opened:
        found.append(_part(RouteNote, RouteNote.objects.of(case)))
    if notes:
        found.append(_part(Note, Note.objects.of(case)))
    return [part for part in found if part.rows]


def _part(model: Any, rows: list[Any]) -> Part:
    fields = [field for field in model._meta.concrete_fields if _is_told(field)]
    return Part(
        name=str(model._meta.model_name),
        title=str(model._meta.verbose_name_plural),
        labels=[str(field.verbose_name) for field in fields],
        rows=[[_text(row, field) for field in fields] for row in rows],
    )


def _is_told(field: Any) -> bool:
    """Facts only: no keys, no indexes, nobody of the staff, and not the name that the desk uses."""
    if field.primary_key or field.is_relation or getattr(field, "computed_from", ()):
        return False
    if isinstance(field, models.BinaryField) and not getattr(field, "sealed", False):
        return False
    return field.name not in ("code_name", "version", "demo", "erased", "status", "colour")


def _text(row: Any, field: Any) -> str:
    value = display_value(row, field.attname)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if field.name in ("country", "issued_by_country"):
        return countries.name(str(value))
    labels = dict(getattr(field, "flatchoices", None) or ())
    return str(labels.get(value, value))


def stream(found: list[Part], *, language: str, today: date) -> Iterator[bytes]:
    """The archive of these parts, piece by piece; nothing of it stands on a disk."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("file.html", _page(found, language, today))
        yield sink.take_bytes()
        archive.writestr("file.json", _json(found))
        yield sink.take_bytes()
        for part in found:
            archive.writestr(f"tables/{part.name}.csv", _csv(part))
            yield sink.take_bytes()
    yield sink.take_bytes()


class _Sink:
    """What zipfile writes to: a stream that is handed on as it comes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing lies behind it."""

    def take_bytes(self) -> bytes:
        """What came since the last time."""
        piece, self._pieces = b"".join(self._pieces), []
        return piece


def _page(found: list[Part], language: str, today: date) -> str:
    title = _("Your file")
    made = _("Made on %(day)s. Keep it where nobody else finds it.") % {"day": today.isoformat()}
    sections = format_html_join("\n", "<h2>{}</h2>{}", ((part.title, _rows(part)) for part in found))
    return str(format_html(PAGE, language, title, title, made, sections))


def _rows(part: Part) -> Any:
    lists = (
        format_html_join("", "<dt>{}</dt><dd>{}</dd>", _filled_cells(part.labels, row)) for row in part.rows
    )
    return format_html_join("\n", "<dl>{}</dl>", ((each,) for each in lists))


def _filled_cells(labels: list[str], row: list[str]) -> list[tuple[str, str]]:
    return [(label, text) for label, text in zip(labels, row, strict=True) if text]


def _json(found: list[Part]) -> str:
    told = {part.title: [dict(_filled_cells(part.labels, row)) for row in part.rows] for part in found}
    return json.dumps(told, ensure_ascii=False, indent=1)


def _csv(part: Part) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([harmless(label) for label in part.labels])
    writer.writerows([harmless(text) for text in row] for row in part.rows)
    return "\ufeff" + out.getvalue()  # without the mark spreadsheets misread Cyrillic
