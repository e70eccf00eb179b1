"""Why a date stands on the board: the fact in the file that it was counted from, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.text import Truncator
from django.utils.translation import gettext

from cases import countries
from cases.models import Application, Deadline, IdentityDocument, Stay, Task
from vault.show import UNREADABLE, shown

LONGEST = 140
# Which table a source ("stay:<uuid>") names, and the part of the case page that shows it.
TABLES: dict[str, tuple[Any, str]] = {
    "stay": (Stay, "stays-group"),
    "document": (IdentityDocument, "documents-group"),
    "application": (Application, "applications-group"),
    "task": (Task, "tasks-group"),
}


@dataclass(frozen=True)
class Origin:
    """Where a date comes from, in words, and the part of the case page to look at ("" if unknown)."""

    text: str
    anchor: str = ""


def origins(rows: Iterable[Deadline]) -> dict[UUID, Origin]:
    """The origin of each deadline: two queries for each kind of fact at most, however many rows."""
    rows = list(rows)
    named = {row.pk: _source(row) for row in rows}
    facts: dict[tuple[str, UUID], Any] = {}
    for table, (model, _anchor) in TABLES.items():
        keys = {key for name, key in named.values() if name == table}
        if keys:
            facts |= {(table, fact.pk): fact for fact in model.objects.filter(pk__in=keys).with_keys()}
    return {row.pk: _origin(row, *named[row.pk], facts) for row in rows}


def _source(row: Deadline) -> tuple[str, UUID | None]:
    table, _colon, key = str(shown(row, "source")).partition(":")
    try:
        return table, UUID(key)
    except ValueError:
        return table, None


def _origin(row: Deadline, table: str, key: UUID | None, facts: dict[tuple[str, UUID], Any]) -> Origin:
    if table not in TABLES:
        return Origin(str(UNREADABLE))
    fact = facts.get((table, key)) if key else None
    anchor = TABLES[table][1]
    if fact is None or fact.case_id != row.case_id:
        return Origin(gettext("The fact it was counted from is no longer in the file."), anchor)
    return Origin(Truncator(_WORDS[table](fact)).chars(LONGEST), anchor)


def _of_stay(stay: Stay) -> str:
    where = countries.name(stay.country)
    since = _day(shown(stay, "entered_on"))
    words = (
        gettext("Stay in %(country)s since %(day)s") % {"country": where, "day": since}
        if since
        else gettext("Stay in %(country)s") % {"country": where}
    )
    source = shown(stay, "last_legal_day_source")
    return f"{words}: {source}" if source else words


def _of_document(document: IdentityDocument) -> str:
    return gettext("%(document)s, last day it is valid") % {"document": document.get_kind_display()}


def _of_application(application: Application) -> str:
    return application.headline


def _of_task(task: Task) -> str:
    return str(shown(task, "text"))


def _day(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


_WORDS: dict[str, Any] = {
    "stay": _of_stay,
    "document": _of_document,
    "application": _of_application,
    "task": _of_task,
}
