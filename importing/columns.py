"""The columns that are known, by their headings in English and Russian; docs/IMPORT.md lists them for people.

A heading is recognised whatever its case and the marks around it. What there may be several of takes a number
behind it: "date of entry 2" belongs to the second stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext, pgettext_lazy

from cases.models import Case, ChannelKind, ContactChannel, Identity, IdentityDocument, Stay
from importing.values import LANGUAGES, key
from inbox import words
from intake.models import HelpRequest

MOST_OF_A_KIND: Final = 5


@dataclass(frozen=True)
class Column:
    """One column: `name` as the code calls it, its heading for people, and what else it may be headed."""

    name: str
    label: Any
    others: tuple[str, ...] = ()
    needed: bool = False
    repeats: bool = False

    def heading(self, language: str) -> str:
        """Its heading in a template of `language`."""
        with translation.override(language):
            label = str(self.label)
        return label[:1].upper() + label[1:]

    def spellings(self) -> set[str]:
        """Everything that is recognised as this heading."""
        return {key(each) for each in (self.name, *self.others, *map(self.heading, LANGUAGES))}


def _field_label(model: Any, field: str) -> Any:
    return model._meta.get_field(field).verbose_name


_ANOTHER = pgettext_lazy("column", "Another contact")
CASES: Final = (
    Column("country", _field_label(Case, "country"), ("country", "страна"), needed=True),
    Column("owner", _field_label(Case, "caseworker"), ("username", "ответственный", "куратор")),
    Column("status", _field_label(Case, "status")),
    Column("colour", _field_label(Case, "colour"), ("colour", "color", "цвет")),
    Column("category", _field_label(Case, "category")),
    Column("summary", _field_label(Case, "summary")),
    Column("closed_on", _field_label(Case, "closed_on")),
    Column("closing_reason", _field_label(Case, "closing_reason")),
    Column("surname", _field_label(Identity, "surname"), ("last name", "фамилия")),
    Column("given_name", _field_label(Identity, "given_name"), ("first name", "имя")),
    Column("patronymic", _field_label(Identity, "patronymic")),
    Column("surname_latin", _field_label(Identity, "surname_latin"), ("surname latin", "фамилия латиницей")),
    Column("given_name_latin", _field_label(Identity, "given_name_latin"), ("name latin", "имя латиницей")),
    Column("aliases", _field_label(Identity, "aliases"), ("alias", "nickname", "псевдоним", "прозвище")),
    Column("born_on", _field_label(Identity, "born_on"), ("born", "birthday", "д.р", "родился")),
    Column("citizenships", _field_label(Identity, "citizenships"), ("citizenship", "гражданство")),
    Column("phone", ChannelKind.PHONE.label, ("telephone", "mobile", "тел", "мобильный"), repeats=True),
    Column("telegram", ChannelKind.TELEGRAM.label, ("телеграм", "тг", "tg"), repeats=True),
    Column("signal", ChannelKind.SIGNAL.label, ("сигнал",), repeats=True),
    Column("whatsapp", ChannelKind.WHATSAPP.label, ("ватсап", "вотсап"), repeats=True),
    Column("email", ChannelKind.EMAIL.label, ("email", "mail", "почта", "эл. почта"), repeats=True),
    Column("other", _ANOTHER, ("contact", "контакт"), repeats=True),
    Column("safe_hours", _field_label(ContactChannel, "safe_hours"), ("safe hours",)),
    Column("stay_country", pgettext_lazy("column", "Country of the stay"), repeats=True),
    Column("entered_on", _field_label(Stay, "entered_on"), ("entered", "въезд"), repeats=True),
    Column("left_on", _field_label(Stay, "left_on"), ("left", "выезд"), repeats=True),
    Column("basis", _field_label(Stay, "basis"), ("basis", "основание"), repeats=True),
    Column("basis_valid_until", _field_label(Stay, "basis_valid_until"), repeats=True),
    Column("registered_place", _field_label(Stay, "registered_place"), ("registration",), repeats=True),
    Column("actual_place", _field_label(Stay, "actual_place"), repeats=True),
    Column("last_legal_day", _field_label(Stay, "last_legal_day"), ("stay until",), repeats=True),
    Column("last_legal_day_source", _field_label(Stay, "last_legal_day_source"), repeats=True),
    Column("document", pgettext_lazy("column", "Document"), ("kind of document",), repeats=True),
    Column("number", _field_label(IdentityDocument, "number"), ("document number", "номер"), repeats=True),
    Column("issued_by_country", _field_label(IdentityDocument, "issued_by_country"), repeats=True),
    Column("issued_on", _field_label(IdentityDocument, "issued_on"), ("issued", "выдан"), repeats=True),
    Column(
        "valid_until", _field_label(IdentityDocument, "valid_until"), ("expires", "годен до"), repeats=True
    ),
    Column("note", pgettext_lazy("column", "Note"), ("notes", "заметки", "комментарий", "примечание")),
    Column("task", pgettext_lazy("column", "Task"), ("to do",)),
    Column("task_until", pgettext_lazy("column", "Task until"), ("deadline", "срок")),
)
_SHORT: Final[Mapping[str, tuple[str, ...]]] = {
    "alias": ("alias", "nickname", "псевдоним", "имя", "name"),
    "contact": ("phone", "account", "telegram", "телефон", "контакт", "аккаунт"),
    "safe": ("safe", "how to answer", "как отвечать"),
    "dangers": ("danger", "dangers", "опасность", "опасности"),
    "text": ("text", "words", "request", "текст", "обращение"),
    "needs": ("needs", "нужды"),
    "event": ("event", "событие"),
    "event_on": ("event date", "date of the event", "дата события"),
    "country": ("country", "страна"),
    "category": ("category", "категория"),
    "papers": ("papers", "documents", "документы"),
    "keep": ("keep", "хранить"),
}
REQUESTS: Final = (
    Column("channel", _field_label(HelpRequest, "channel"), ("channel", "канал", "откуда"), needed=True),
    Column("language", _field_label(HelpRequest, "language")),
    Column("asked_on", pgettext_lazy("column", "Asked on"), ("date", "received", "дата", "получено")),
    *(Column(name, words.QUESTIONS[name], _SHORT[name]) for name in words.QUESTIONS if name in _SHORT),
)


@dataclass(frozen=True)
class Place:
    """Where a cell belongs: a column, and the number of the thing where there may be several."""

    column: Column
    number: int
    heading: str


@dataclass(frozen=True)
class Headings:
    """The first line, understood: a place for each position, and what was not."""

    places: Mapping[int, Place]
    unknown: tuple[str, ...]
    width: int


def read_headings(cells: Sequence[str], columns: Iterable[Column]) -> Headings:
    """What the headings in `cells` stand for. Raises ValidationError where the table cannot be read so."""
    known = {spelling: column for column in columns for spelling in column.spellings()}
    places: dict[int, Place] = {}
    unknown, taken = [], set()
    for position, cell in enumerate(cells):
        if not cell:
            continue
        column, number = _column(cell, known)
        if column is None:
            unknown.append(cell)
            continue
        if (column.name, number) in taken:
            raise ValidationError(
                gettext("Two columns are headed “%(heading)s”. Rename one, or number them: “%(heading)s 2”.")
                % {"heading": cell[:80]}
            )
        taken.add((column.name, number))
        places[position] = Place(column, number, cell)
    _require_needed({name for name, _number in taken}, columns)
    return Headings(places, tuple(unknown), len(cells))


def _column(cell: str, known: Mapping[str, Column]) -> tuple[Column | None, int]:
    found = known.get(key(cell))
    if found is not None:
        return found, 1
    numbered = re.fullmatch(r"(.+?)[ №#]*([1-9])", key(cell))
    column = known.get(key(numbered[1])) if numbered else None
    if numbered and column is not None and column.repeats and int(numbered[2]) <= MOST_OF_A_KIND:
        return column, int(numbered[2])
    return None, 0


def _require_needed(taken: set[str], columns: Iterable[Column]) -> None:
    missing = [
        column.heading(translation.get_language() or "en")
        for column in columns
        if column.needed and column.name not in taken
    ]
    if not taken:
        raise ValidationError(
            gettext("No heading of the first line is known. Copy the table into the template.")
        )
    if missing:
        raise ValidationError(
            gettext("This column is missing: %(columns)s. Add it; the template shows all.")
            % {"columns": ", ".join(missing)}
        )
