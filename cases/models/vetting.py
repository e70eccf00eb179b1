"""Vetting by two people, and what is known of the person's conduct in the war. No score, only judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models.history import Facet, KeptQuerySet, refusal, value_or_none
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedCharField, SealedTextField
from vault.models import SealedModel

if TYPE_CHECKING:
    from cases.models.case import Case


class Verdict(models.TextChoices):
    """What the vetting has come to."""

    NOT_STARTED = "not_started", pgettext_lazy("vetting", "Not started")
    IN_PROGRESS = "in_progress", pgettext_lazy("vetting", "In progress")
    CLEARED = "cleared", pgettext_lazy("vetting", "Cleared")
    LIMITED = "cleared_with_limits", pgettext_lazy("vetting", "Cleared with limits")
    NOT_CLEARED = "not_cleared", pgettext_lazy("vetting", "Not cleared")
    SUSPICIOUS = "suspicious", pgettext_lazy("vetting", "Suspicious")


RESULTS = frozenset({Verdict.CLEARED, Verdict.LIMITED, Verdict.NOT_CLEARED, Verdict.SUSPICIOUS})
CLEARING = frozenset({Verdict.CLEARED, Verdict.LIMITED})


class VettingQuerySet(BoundQuerySet["Vetting"], KeptQuerySet["Vetting"]):
    """Vettings, in the office's language."""

    def of(self, case: Case) -> Vetting | None:
        """The vetting of a case, if one was begun."""
        row = cast("Vetting | None", self.filter(case=case).select_related("first", "second").first())
        if row is not None:
            row.case = case
        return row

    def clears(self, case: Case) -> bool:
        """Whether two people have cleared the person: needed before a referral or the route."""
        row = self.of(case)
        return row is not None and row.clears


class Vetting(Facet, BoundModel, SealedModel):
    """The judgement of one lawyer, confirmed by a second person. A change of it has to be confirmed anew."""

    sealed_label = bound_label = "cases.vetting"
    bound_columns = ("id", "case_id", "first_id", "second_id")

    case = models.OneToOneField(
        "cases.Case", models.PROTECT, related_name="vetting", editable=False, verbose_name=_("case")
    )
    state = SealedCharField(_("result"), max_length=20, choices=Verdict, default=Verdict.IN_PROGRESS)
    limits = SealedTextField(
        _("limits"), null=True, blank=True, help_text=_("What the person must not learn or take part in.")
    )
    grounds = SealedTextField(_("grounds"), null=True, blank=True)
    first = models.ForeignKey(
        User, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("first person")
    )
    second = models.ForeignKey(
        User, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("second person")
    )

    objects = models.Manager.from_queryset(VettingQuerySet)()

    class Meta:
        verbose_name = _("vetting")
        verbose_name_plural = _("vetting")
        constraints = [
            models.CheckConstraint(
                name="vetting_is_confirmed_by_another",
                condition=Q(second__isnull=True) | (Q(first__isnull=False) & ~Q(second=F("first"))),
                violation_error_message=_("You judged it yourself. A second person has to confirm."),
            )
        ]

    def clean(self) -> None:
        """Refuse limits that are not said, and a result without grounds."""
        if value_or_none(self, "state") == Verdict.LIMITED and not self.has_value("limits"):
            raise refusal("limits", _("Say what the limits are: colleagues act on them."))
        if value_or_none(self, "state") in RESULTS and not self.has_value("grounds"):
            raise refusal("grounds", _("Say what the result rests on."))

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Another judgement has another first person, and no second one yet."""
        if self._state.adding or {"state", "limits", "grounds"} & before.keys():
            self.second = None
            self.first = by if value_or_none(self, "state") in RESULTS else None

    @property
    def waits(self) -> bool:
        """Whether a result waits for its second person."""
        return self.first_id is not None and self.second_id is None

    @property
    def clears(self) -> bool:
        """Whether two people have cleared the person."""
        return self.second_id is not None and self.access_holds() and value_or_none(self, "state") in CLEARING

    def propose(self, *, by: User) -> None:
        """Store the judgement as typed. Raises trail.Refused, ValidationError."""
        self.case.require_visible_to(by)
        if not may(by, Permission.OPEN_VETTING):
            raise trail.Refused(gettext("Only a lawyer judges the vetting."), case_id=self.case_id)
        if not self._state.adding and not self.changes():
            return
        with transaction.atomic():
            self.save(by=by)
            trail.append(by, trail.Verb.VETTING_PROPOSED, case_id=self.case_id, access=[self])

    def confirm(self, *, by: User) -> None:
        """Be the second person. Raises trail.Refused, ValidationError."""
        self._require_second(by)
        self.second = by
        self.validate_constraints()
        with transaction.atomic():
            self.save(by=by)
            trail.append(by, trail.Verb.VETTING_CONFIRMED, case_id=self.case_id, access=[self])

    def reject(self, *, by: User, reason: str) -> None:
        """Send it back to the first person. Raises trail.Refused, ValidationError."""
        self._require_second(by)
        if by.pk == self.first_id:
            raise ValidationError(_("You judged it yourself. A second person has to decide."))
        if not reason.strip():
            raise ValidationError({"reason": _("Say why you do not confirm it.")})
        self.state = Verdict.IN_PROGRESS
        with transaction.atomic():
            self.save(by=by)
            trail.append(
                by,
                trail.Verb.VETTING_REJECTED,
                case_id=self.case_id,
                reason=reason.strip(),
                access=[self],
            )

    def _require_second(self, by: User) -> None:
        self.case.require_visible_to(by)
        if not may(by, Permission.CONFIRM_VETTING):
            raise trail.Refused(
                gettext("Only a lawyer or a coordinator is the second person."), case_id=self.case_id
            )
        if not self.waits:
            raise ValidationError(_("Nothing waits for a second person here. Load the page again."))


class WarConduct(Facet):
    """What the person did and saw, and whether a ground of exclusion was looked at. For lawyers alone."""

    sealed_label = "cases.war_conduct"

    case = models.OneToOneField(
        "cases.Case", models.PROTECT, related_name="war_conduct", editable=False, verbose_name=_("case")
    )
    service = SealedTextField(
        _("service"), null=True, blank=True, help_text=_("Where, when, as what; who confirms it.")
    )
    conduct = SealedTextField(
        _("conduct"),
        null=True,
        blank=True,
        help_text=_("What the person did, saw and refused, in their words."),
    )
    exclusion = SealedTextField(
        _("exclusion screening"),
        null=True,
        blank=True,
        help_text=_("Article 1F of the Refugee Convention: what was asked, what the lawyer concludes."),
    )

    class Meta:
        verbose_name = _("war conduct")
        verbose_name_plural = _("war conduct")
