"""What stands beside the form of a case: earlier versions, notes, its trail. Read only, never posted back."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext as _

from cases.models import Case, FactHistory, Note
from cases.models.compartment import CLOSED_FACETS
from staff.models import Team, User
from staff.trail import TrailRow
from vault.show import UNREADABLE, display_value

NEWEST = 30


@dataclass(frozen=True)
class Line:
    """One earlier value: the field's name for people, and what it held."""

    label: str
    value: str


@dataclass(frozen=True)
class Change:
    """One change of the file, as shown."""

    facet: str
    at: datetime | None
    by: str
    added: bool
    correction: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Panel:
    """The newest rows, and how many there are."""

    rows: list[Any]
    total: int

    @property
    def hidden(self) -> int:
        """How many older rows are not shown."""
        return self.total - len(self.rows)


def facet_model(name: str) -> type[models.Model] | None:
    """The model a history row speaks of; None if it is gone from the code."""
    try:
        return apps.get_model("cases", name)
    except LookupError:
        return None


def field_label(model: type[models.Model] | None, name: str) -> str:
    """The field's name as the form shows it."""
    try:
        return str(model._meta.get_field(name).verbose_name) if model else name  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return name


def value_text(model: type[models.Model] | None, name: str, value: Any, people: dict[str, str]) -> str:
    """What a field held, in words."""
    if value in (None, "", []):
        return _("(empty)")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    try:
        field: Any = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    labels = dict(getattr(field, "flatchoices", None) or ())
    return str(labels.get(value) or people.get(str(value)) or value)


def history(case: Case, limit: int | None = NEWEST, *, only: Container[str] | None = None) -> Panel:
    """The case's earlier versions, newest first: those of the facets in `only`, or of all that lie open.

    What a compartment holds said the same before: its past is shown there alone.
    """
    rows = [
        row for row in FactHistory.objects.of(case) if is_wanted(row.readable_record.get("facet", ""), only)
    ]
    wanted = rows if limit is None else rows[:limit]
    people = names(row.readable_record for row in wanted)
    return Panel([_change(row, people) for row in wanted], len(rows))


def is_wanted(facet: str, only: Container[str] | None) -> bool:
    """Whether the past of `facet` is shown: in a compartment its own, elsewhere what lies open."""
    return facet in only if only is not None else facet not in CLOSED_FACETS


def names(records: Any) -> dict[str, str]:
    """Usernames and team names by the ids that stand in history records, by two queries."""
    ids = set()
    for record in records:
        for text in (record.get("by"), *record.get("before", {}).values()):
            if isinstance(text, str) and len(text) == 36:
                ids.add(text)
    keys = [UUID(text) for text in ids if _is_uuid(text)]
    found = dict(User.objects.filter(pk__in=keys).values_list("pk", "username"))
    found.update(Team.objects.filter(pk__in=keys).values_list("pk", "name"))
    return {str(key): name for key, name in found.items()}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _change(row: FactHistory, people: dict[str, str]) -> Change:
    record = row.readable_record
    if not record:
        return Change(str(display_value(row, "record") or UNREADABLE), None, "", False, False, ())
    model = facet_model(record["facet"])
    before = record["before"].items()
    return Change(
        facet=str(model._meta.verbose_name) if model else record["facet"],
        at=datetime.fromisoformat(record["at"]),
        by=people.get(record["by"] or "", _("the desk itself")),
        added=record["added"],
        correction=bool(record.get("correction")),
        lines=tuple(
            Line(field_label(model, name), value_text(model, name, value, people)) for name, value in before
        ),
    )


def notes(case: Case, limit: int | None = NEWEST) -> Panel:
    """The case's notes, newest first, as (author, moment, text)."""
    rows = Note.objects.of(case)
    wanted = rows if limit is None else rows[:limit]
    return Panel(
        [(note.author.username, display_value(note, "at"), display_value(note, "text")) for note in wanted],
        len(rows),
    )


def trail_rows(case: Case, limit: int | None = NEWEST) -> Panel:
    """Who did what to the case, newest first, as (moment, who, what)."""
    rows = TrailRow.objects.of_case(case.pk).select_related("actor").defer("details")
    wanted = rows if limit is None else rows[:limit]
    lines = [(row.at, row.actor.username if row.actor else "", row.get_verb_display()) for row in wanted]
    return Panel(lines, rows.count())
