"""Applications by country: many in parallel, each with its kind, stage and the dates that start clocks."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.deadlines import Kind
from cases.models.history import Facet, of_case, refusal
from law import countries
from law.stages import (
    FINISHED,
    STAGES_OF_TRAVEL_DOCUMENT,
    TRAVEL_STAGES,
    ApplicationKind,
    Stage,
    Tag,
    may_move,
)
from vault.fields import SealedCharField, SealedDateField, SealedJSONField, SealedTextField

NOT_ASYLUM = _(
    "A refused request for a travel document is not a refused asylum claim. "
    "Choose a stage of the travel document."
)
NOT_TRAVEL = _(
    "Only a request for a travel document or visa can stand at a travel-document stage. Check the kind."
)
NEEDS_CHECK = _("Status unknown needs the day on which somebody asks again. Type the next check.")


class Evidence(models.TextChoices):
    """How we know what we know of it."""

    TOLD = "told", _("Told by the person")
    PRESS = "press", _("Claimed in the press, not verified")
    PAPER_SEEN = "paper_seen", _("Verified: we saw the paper")
    AUTHORITY = "authority", _("Verified: confirmed by the authority")


VERIFIED = frozenset({Evidence.PAPER_SEEN, Evidence.AUTHORITY})


def stage_in_words(kind: str, stage: str, evidence: str) -> str:
    """What was asked for and where it stands, in words; what nobody has verified says so."""
    words = str(Stage(stage).label)
    if kind == ApplicationKind.TRAVEL_DOCUMENT:
        if stage not in TRAVEL_STAGES:
            words = gettext("Travel document or visa: %(stage)s") % {"stage": words}
        words = gettext("%(stage)s; no decision on protection") % {"stage": words}
    else:
        words = f"{ApplicationKind(kind).label}: {words}"
    return words if evidence in VERIFIED else f"{words} ({Evidence(evidence).label})"


class Application(Facet):
    """One application in one country. Clocks start on service, not on the decision: both days are kept."""

    sealed_label = "cases.application"

    case = of_case("applications")
    country = countries.CountryField(_("country"))
    kind = models.CharField(_("kind"), max_length=40, choices=ApplicationKind)
    stage = models.CharField(_("stage"), max_length=30, choices=Stage, default=Stage.DRAFT)
    evidence = models.CharField(_("how we know"), max_length=20, choices=Evidence, default=Evidence.TOLD)
    authority = SealedCharField(_("authority"), null=True, blank=True, max_length=300)
    file_number = SealedCharField(_("file number"), null=True, blank=True, max_length=80)
    next_check_on = SealedDateField(_("next check"), null=True, blank=True)
    interview_on = SealedDateField(_("interview"), null=True, blank=True)
    hearing_on = SealedDateField(_("hearing"), null=True, blank=True)
    lodged_on = SealedDateField(_("lodged"), null=True, blank=True)
    registered_on = SealedDateField(_("registered"), null=True, blank=True)
    certificate_issued_on = SealedDateField(_("certificate issued"), null=True, blank=True)
    certificate_received_on = SealedDateField(_("certificate received"), null=True, blank=True)
    referred_on = SealedDateField(_("referred to the deciding body"), null=True, blank=True)
    responsibility_accepted_on = SealedDateField(_("responsibility accepted"), null=True, blank=True)
    transfer_served_on = SealedDateField(_("transfer decision served"), null=True, blank=True)
    decided_on = SealedDateField(_("decided"), null=True, blank=True)
    mailed_on = SealedDateField(_("decision mailed"), null=True, blank=True)
    served_on = SealedDateField(
        _("decision served on"),
        null=True,
        blank=True,
        help_text=_("The day the person or the lawyer received it."),
    )
    reasons_served_on = SealedDateField(_("reasons served"), null=True, blank=True)
    risk_known_on = SealedDateField(_("danger at home known since"), null=True, blank=True)
    tags = SealedJSONField(_("what kind of procedure or refusal"), null=True, blank=True)
    remark = SealedTextField(_("remark"), null=True, blank=True)
    # What the desk must be told before it can count a term: a code, never a day, so that lists need no key.
    asks = models.CharField(_("open question"), max_length=40, default="", blank=True, editable=False)

    not_in_history = frozenset({"asks"})

    # What a reminder may be about while the application goes on, and the field that holds its day.
    days_ahead: ClassVar[dict[Kind, str]] = {
        Kind.APPLICATION_CHECK: "next_check_on",
        Kind.INTERVIEW: "interview_on",
        Kind.HEARING: "hearing_on",
    }

    # Set by the door before save(): the stage was recorded wrongly, the application did not move.
    is_correction = False

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.CheckConstraint(
                name="application_country_is_given",
                condition=~Q(country=""),
                violation_error_message=_("Choose the country where this application was made."),
            ),
            models.CheckConstraint(
                name="application_kind_is_known",
                condition=Q(kind__in=ApplicationKind.values),
                violation_error_message=_("Choose what was applied for."),
            ),
            models.CheckConstraint(
                name="application_stage_is_known",
                condition=Q(stage__in=Stage.values),
                violation_error_message=_("This stage does not exist. Choose one from the list."),
            ),
            models.CheckConstraint(
                name="travel_document_is_no_asylum_claim",
                condition=~Q(kind=ApplicationKind.TRAVEL_DOCUMENT)
                | Q(stage__in=sorted(STAGES_OF_TRAVEL_DOCUMENT)),
                violation_error_message=NOT_ASYLUM,
            ),
            models.CheckConstraint(
                name="travel_stage_needs_travel_kind",
                condition=Q(kind=ApplicationKind.TRAVEL_DOCUMENT) | ~Q(stage__in=sorted(TRAVEL_STAGES)),
                violation_error_message=NOT_TRAVEL,
            ),
            models.CheckConstraint(
                name="unknown_status_has_a_next_check",
                condition=~Q(stage=Stage.STATUS_UNKNOWN) | Q(next_check_on__isnull=False),
                violation_error_message=NEEDS_CHECK,
            ),
        ]

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens here by itself."""
        return self.stage in FINISHED

    @property
    def headline(self) -> str:
        """Country, what was asked for and where it stands, so that no refusal reads as another one."""
        return f"{countries.name(self.country)}: {self.stage_in_words}"

    @property
    def stage_in_words(self) -> str:
        """The same without the country."""
        return stage_in_words(self.kind, self.stage, self.evidence)

    def clean(self) -> None:
        """Refuse stages the kind cannot reach, moves the law does not know, unknowns nobody checks."""
        if self.kind == ApplicationKind.TRAVEL_DOCUMENT and self.stage not in STAGES_OF_TRAVEL_DOCUMENT:
            raise refusal("stage", NOT_ASYLUM)
        if self.kind != ApplicationKind.TRAVEL_DOCUMENT and self.stage in TRAVEL_STAGES:
            raise refusal("stage", NOT_TRAVEL)
        if self.stage == Stage.STATUS_UNKNOWN and not self.has_value("next_check_on"):
            raise refusal("next_check_on", NEEDS_CHECK)
        self._refuse_impossible_move()
        unknown = set(self.value_or_none("tags") or ()) - set(Tag.values)
        if unknown:
            raise refusal("tags", _("This kind of procedure does not exist. Choose from the list."))
        if (
            self.value_or_none("served_on")
            and self.value_or_none("decided_on")
            and self.served_on < self.decided_on
        ):
            raise refusal("served_on", _("It was served before it was decided. Check both dates."))

    def _refuse_impossible_move(self) -> None:
        changed: dict[str, Any] = {} if self._state.adding else self.changes()
        before = changed.get("stage")
        if before is None or self.is_correction or may_move(before, self.stage):
            return
        raise refusal(
            "stage",
            _(
                "An application does not go from “%(before)s” to “%(after)s”. "
                "If it was recorded wrongly, tick “Correction”."
            )
            % {"before": Stage(before).label, "after": Stage(self.stage).label},
        )
