"""Proceedings at home: what the person is accused of, hearings, who looks for them, what bars a hand-over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import Facet, of_case, refusal
from law import countries
from vault.fields import SealedCharField, SealedDateField, SealedTextField

if TYPE_CHECKING:
    from staff.models import User

NEEDS_SOURCE = _("A maximum term needs its source: the article as amended, the charge, the lawyer.")


class ProceedingStage(models.TextChoices):
    """How far it has gone."""

    CHECK = "check", pgettext_lazy("proceeding", "Preliminary check")
    OPENED = "opened", pgettext_lazy("proceeding", "Case opened")
    CHARGED = "charged", pgettext_lazy("proceeding", "Charged")
    IN_COURT = "in_court", pgettext_lazy("proceeding", "In court")
    SENTENCED = "sentenced", pgettext_lazy("proceeding", "Sentenced")
    SUSPENDED = "suspended", pgettext_lazy("proceeding", "Suspended, the person is looked for")
    CLOSED = "closed", pgettext_lazy("proceeding", "Closed")
    UNKNOWN = "unknown", pgettext_lazy("proceeding", "Not known")


class Proceeding(Facet):
    """One criminal or administrative proceeding in the country of origin."""

    sealed_label = "cases.proceeding"

    case = of_case("proceedings")
    country = countries.CountryField(_("country"), default="RU")
    stage = SealedCharField(
        _("stage"), max_length=20, choices=ProceedingStage, default=ProceedingStage.UNKNOWN
    )
    article = SealedCharField(_("article"), null=True, blank=True, max_length=60)
    part = SealedCharField(_("part"), null=True, blank=True, max_length=20)
    opened_on = SealedDateField(pgettext_lazy("proceeding", "opened on"), null=True, blank=True)
    body = SealedCharField(_("investigator or court"), null=True, blank=True, max_length=300)
    file_number = SealedCharField(_("file number"), null=True, blank=True, max_length=80)
    maximum_term = SealedCharField(
        _("maximum term"),
        null=True,
        blank=True,
        max_length=120,
        help_text=_("Left empty: the desk's table of articles is shown, with its source."),
    )
    maximum_term_source = SealedCharField(
        _("source of the maximum term"), null=True, blank=True, max_length=300
    )
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("proceeding at home")
        verbose_name_plural = _("proceedings at home")
        constraints = [
            models.CheckConstraint(
                name="proceeding_country_is_given",
                condition=~Q(country=""),
                violation_error_message=_("Choose the country of this proceeding."),
            ),
            models.CheckConstraint(
                name="maximum_term_has_a_source",
                condition=Q(maximum_term__isnull=True) | Q(maximum_term_source__isnull=False),
                violation_error_message=NEEDS_SOURCE,
            ),
        ]

    def clean(self) -> None:
        """Refuse a proceeding without an article, and a maximum term that nobody can check."""
        if self.value_or_none("stage") not in (None, *ProceedingStage.values):
            raise refusal("stage", _("This stage does not exist. Choose one from the list."))
        if not self.has_value("article"):
            raise refusal("article", _("Type the article, or “unknown”."))
        if self.has_value("maximum_term") and not self.has_value("maximum_term_source"):
            raise refusal("maximum_term_source", NEEDS_SOURCE)


class Hearing(Facet):
    """A day in court of one proceeding; a day that was moved is a new row."""

    sealed_label = "cases.hearing"

    case = of_case("hearings")
    proceeding = models.ForeignKey(
        Proceeding, on_delete=models.PROTECT, related_name="hearings", verbose_name=_("proceeding")
    )
    held_on = SealedDateField(_("day"), null=True, blank=True)
    place = SealedCharField(_("court"), null=True, blank=True, max_length=300)
    is_over = models.BooleanField(_("held or cancelled"), default=False)
    outcome = SealedTextField(_("outcome"), null=True, blank=True)

    class Meta:
        verbose_name = _("hearing at home")
        verbose_name_plural = _("hearings at home")

    def clean(self) -> None:
        """Refuse a hearing without a day, or of another case's proceeding."""
        if self.proceeding_id is None:
            raise refusal("proceeding", _("Choose the proceeding that this hearing belongs to."))
        if self.proceeding.case_id != self.case_id:
            raise refusal(
                "proceeding", _("This proceeding belongs to another case. Choose one of this case.")
            )
        if not self.has_value("held_on"):
            raise refusal("held_on", _("Type the day of the hearing."))


class WantedList(models.TextChoices):
    """Who looks for people."""

    FEDERAL = "federal", _("Federal list (Russia)")
    INTERSTATE = "interstate", _("Interstate list (CIS)")
    INTERPOL = "interpol", _("Interpol")
    MILITARY = "military", _("Military police or enlistment office")
    OTHER = "other", pgettext_lazy("wanted list", "Another list")


class WantedFinding(models.TextChoices):
    """What was found there."""

    NOT_CHECKED = "not_checked", pgettext_lazy("wanted", "Not checked yet")
    LISTED = "listed", pgettext_lazy("wanted", "On the list")
    NOT_FOUND = "not_found", pgettext_lazy("wanted", "Not found on that day")
    UNCLEAR = "unclear", pgettext_lazy("wanted", "Unclear")


class WantedCheck(Facet):
    """Whether a person stands on one list, as somebody found it on a day. It is never a promise.

    What was found is sealed: no list of cases needs it, and a thief must not read who is looked for.
    """

    sealed_label = "cases.wanted_check"

    case = of_case("wanted_checks")
    wanted_list = models.CharField(_("list"), max_length=20, choices=WantedList)
    finding = SealedCharField(
        _("finding"), max_length=20, choices=WantedFinding, default=WantedFinding.NOT_CHECKED
    )
    checked_on = SealedDateField(_("checked on"), null=True, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False,
        related_name="+", verbose_name=_("checked by"),
    )  # fmt: skip
    recheck_on = SealedDateField(_("check again on"), null=True, blank=True)
    source = SealedCharField(_("how it was checked"), null=True, blank=True, max_length=300)
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("wanted list")
        verbose_name_plural = _("wanted lists")
        constraints = [
            models.CheckConstraint(
                name="wanted_list_is_known",
                condition=Q(wanted_list__in=WantedList.values),
                violation_error_message=_("Choose the list that was looked into."),
            ),
            models.CheckConstraint(
                name="wanted_check_is_looked_into_again",
                condition=Q(checked_on__isnull=True) | Q(recheck_on__isnull=False),
                violation_error_message=_("A finding grows old. Say when somebody looks again."),
            ),
        ]

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Whoever enters a finding has checked it."""
        if (self._state.adding or {"finding", "checked_on"} & before.keys()) and by is not None:
            self.checked_by = by if self.has_value("checked_on") else None

    def clean(self) -> None:
        """Refuse a finding without its day, and one that nobody looks into again."""
        finding = self.value_or_none("finding")
        if finding not in (None, *WantedFinding.values):
            raise refusal("finding", _("This finding does not exist. Choose one from the list."))
        if finding not in (None, WantedFinding.NOT_CHECKED) and not self.has_value("checked_on"):
            raise refusal("checked_on", _("Say on which day it was checked."))
        if self.has_value("checked_on") and not self.has_value("recheck_on"):
            raise refusal("recheck_on", _("A finding grows old. Say when somebody looks again."))


class ExtraditionNote(Facet):
    """Something that speaks against a hand-over, or for it. A risk with its source, never a green light."""

    sealed_label = "cases.extradition_note"

    case = of_case("extradition_notes")
    country = countries.CountryField(_("country that may hand over"))
    text = SealedTextField(_("what is known"), null=True, blank=True)
    source = SealedCharField(_("source"), null=True, blank=True, max_length=300)

    class Meta:
        verbose_name = _("note on extradition")
        verbose_name_plural = _("notes on extradition")
        constraints = [
            models.CheckConstraint(
                name="extradition_note_country_is_given",
                condition=~Q(country=""),
                violation_error_message=_("Choose the country that may hand the person over."),
            )
        ]

    def clean(self) -> None:
        """Refuse a note without its words or its source."""
        if not self.has_value("text"):
            raise refusal("text", _("Write what is known."))
        if not self.has_value("source"):
            raise refusal("source", _("Say where this comes from: law, judgment, lawyer, with its date."))
