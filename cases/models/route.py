"""Route notes: how somebody travels. Erased for real two weeks after the day they were used."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.history import UNSAID, _Unsaid, of_case, refusal, require_actor, value_or_none
from staff import trail
from staff.append_only import KeptForGood
from staff.models import User
from vault.fields import SealedDateField, SealedDateTimeField, SealedTextField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.case import Case

KEPT_DAYS = 14


class RouteNoteQuerySet(SealedQuerySet["RouteNote"]):
    """Route notes, in the office's language."""

    def of(self, case: Case) -> list[RouteNote]:
        """The notes of a case, the newest first. Sorted here: their time is sealed."""
        first = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        rows = self.filter(case=case).select_related("author").with_keys()
        return sorted(rows, key=lambda row: value_or_none(row, "at") or first, reverse=True)

    def erase_used(self, today: datetime.date) -> int:
        """Delete what was used more than 14 days before `today`; how many. Needs the desk's keys."""
        gone = 0
        for row in self.filter(used_on__isnull=False).with_keys():
            used_on = value_or_none(row, "used_on")
            if used_on is None or used_on + datetime.timedelta(KEPT_DAYS) >= today:
                continue
            with transaction.atomic():
                self.filter(pk=row.pk).delete()
                trail.append(None, trail.Verb.ROUTE_NOTE_ERASED, case_id=row.case_id, about=row.pk)
            gone += 1
        return gone


class RouteNote(SealedModel):
    """One note. It keeps no history: what is erased must not live on in an earlier version of itself."""

    case = of_case("route_notes")
    author = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+")
    text = SealedTextField(_("route"))
    at = SealedDateTimeField(_("written at"), editable=False)
    used_on = SealedDateField(_("used on"), null=True, blank=True)

    sealed_under = "case"
    sealed_label = "cases.route_note"

    objects = models.Manager.from_queryset(RouteNoteQuerySet)()

    class Meta:
        verbose_name = _("route note")
        verbose_name_plural = _("route notes")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @property
    def erased_after(self) -> datetime.date | None:
        """The last day it is kept; None while nobody has used it."""
        used_on = value_or_none(self, "used_on")
        return used_on + datetime.timedelta(KEPT_DAYS) if used_on else None

    def save(self, *, by: User | None | _Unsaid = UNSAID, **options: Any) -> None:
        """Add the note as written by `by`. A second save is refused: only mark_used() changes it."""
        if not self._state.adding:
            raise KeptForGood("A route note is not changed. Mark it used, or write another one.")
        author = require_actor(by)
        if author is not None:
            self.author = author
        self.at = self.at or timezone.now()
        if not str(self.text or "").strip():
            raise refusal("text", _("Write the route, or leave it out."))
        with transaction.atomic():
            super().save(**options)
            trail.append(author, trail.Verb.RECORD_CREATED, case_id=self.case_id, fields=["routenote.text"])

    def mark_used(self, on: datetime.date, *, by: User, today: datetime.date) -> None:
        """The person travelled on that day: from then on the 14 days run. Raises ValidationError."""
        if on > today:
            raise refusal("used_on", _("This day has not come yet. Mark it once the person has travelled."))
        self.used_on = on
        with transaction.atomic():
            super().save(update_fields=["used_on"])
            trail.append(by, trail.Verb.RECORD_CHANGED, case_id=self.case_id, fields=["routenote.used_on"])
