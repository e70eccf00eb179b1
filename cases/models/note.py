"""What people write down, and what they set themselves to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.history import (
    UNSAID,
    Facet,
    KeptQuerySet,
    _Unsaid,
    of_case,
    refusal,
    require_actor,
    value_or_none,
)
from staff.append_only import KeptForGood
from vault.fields import SealedDateField, SealedDateTimeField, SealedTextField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet


class NoteQuerySet(KeptQuerySet["Note"]):
    """Notes of cases; they are only added to."""

    def bulk_create(self, objs: Any, *args: Any, by: Any = UNSAID, **kw: Any) -> list[Any]:
        """As Django's; `by` is the author of notes that have none."""
        rows = list(objs)
        for note in rows:
            note.author_id = note.author_id or getattr(require_actor(by), "pk", None)
            note.at = note.at or timezone.now()
        return SealedQuerySet.bulk_create(self, rows, *args, **kw)

    def of(self, case: Any) -> list[Any]:
        """All notes of a case, newest first, what does not open last. Sorted here: their time is sealed."""
        rows = self.filter(case=case).select_related("author").with_keys()
        return sorted(rows, key=lambda note: value_or_none(note, "at") or _FIRST, reverse=True)


_FIRST = datetime.min.replace(tzinfo=UTC)


class Note(SealedModel):
    """A note in a case file. It is its own history: written once, never changed."""

    sealed_under = "case"
    sealed_label = "cases.note"

    case = of_case("notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("author"),
    )
    text = SealedTextField(_("text"))
    at = SealedDateTimeField(_("written at"), editable=False)

    objects = models.Manager.from_queryset(NoteQuerySet)()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def clean(self) -> None:
        """Refuse an empty note."""
        if not str(self.text or "").strip():
            raise refusal("text", _("Write the note, or leave it out."))

    def save(self, *, by: Any | None | _Unsaid = UNSAID, **options: Any) -> None:
        """Add the note as written by `by`, now. A second save is refused: write another note."""
        if not self._state.adding:
            raise KeptForGood("A note is never changed. Write another one.")
        author = require_actor(by)
        if author is not None:
            self.author = author
        self.at = self.at or timezone.now()
        self.clean()
        super().save(**options)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: the only end of a file is erasure."""
        raise KeptForGood("A note is never deleted; erasure of the case is the only end.")


class Task(Facet):
    """Something somebody must do for the case, by a day."""

    sealed_label = "cases.task"

    case = of_case("tasks")
    text = SealedTextField(_("what to do"))
    due_on = SealedDateField(_("by"), null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who does it"),
    )
    done = models.BooleanField(_("done"), default=False)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")

    def clean(self) -> None:
        """Refuse a task that says nothing."""
        if not self.has_value("text"):
            raise refusal("text", _("Write what is to be done."))
