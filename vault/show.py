"""Sealed values in lists and templates: a damaged or erased cell never turns a page into an error."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from vault.cipher import CannotOpen, Erased

UNREADABLE = _("⚠ unreadable")
ERASED = _("[erased]")


def marker(problem: CannotOpen) -> str:
    """The text to show in place of a value that does not open."""
    return str(ERASED if isinstance(problem, Erased) else UNREADABLE)


def display_value(obj: models.Model, name: str) -> Any:
    """The value of the field `name`, or "⚠ unreadable" or "[erased]" where it does not open."""
    try:
        return getattr(obj, name)
    except CannotOpen as problem:
        return marker(problem)


def shown_column(name: str, description: Any = None) -> Callable[[models.Model], Any]:
    """A column for `list_display`: shows the field `name`, safely and without a sortable header."""

    def column(obj: models.Model) -> Any:
        return display_value(obj, name)

    column.__name__ = f"shown_{name}"
    column.short_description = description or name.replace("_", " ")  # type: ignore[attr-defined]
    return column


def unreadable_fields(obj: Any) -> dict[str, str]:
    """The sealed fields of `obj` that do not open, each with the text to show for it."""
    return {name: marker(problem) for name, problem in obj.unreadable_fields().items()}
