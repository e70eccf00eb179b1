"""Identity documents: which borders they open, until when, and in whose hands they are."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import Facet, of_case, refusal
from law import countries
from vault.fields import BlindIndex, SealedCharField, SealedDateField, SealedTextField


class DocumentKind(models.TextChoices):
    """What kind of paper it is."""

    INTERNAL_PASSPORT = "internal_passport", _("Internal passport")
    TRAVEL_PASSPORT_5 = "travel_passport_5", _("Travel passport, 5 years")
    TRAVEL_PASSPORT_10 = "travel_passport_10", _("Travel passport, 10 years (biometric)")
    MILITARY_ID = "military_id", _("Military ID")
    RETURN_CERTIFICATE = "return_certificate", _("Certificate of return")
    REFUGEE_TRAVEL_DOCUMENT = "refugee_travel_document", _("Refugee travel document")
    HOST_STATE_PAPER = "host_state_paper", _("Paper of the host state")
    OTHER = "other", pgettext_lazy("document", "Other")


class Custody(models.TextChoices):
    """Who has it."""

    PERSON = "person", _("The person")
    UNIT = "unit", _("The military unit")
    EMPLOYER = "employer", _("The employer")
    POLICE = "police", _("The police")
    LAWYER = "lawyer", _("The lawyer")
    LOST = "lost", _("Lost")
    UNKNOWN = "unknown", pgettext_lazy("custody", "Not known")


class Authenticity(models.TextChoices):
    """What we think of it."""

    UNKNOWN = "unknown", pgettext_lazy("authenticity", "Not checked")
    GENUINE = "genuine", _("Genuine")
    DOUBTFUL = "doubtful", _("Doubtful")
    FORGED = "forged", _("Forged")


class IdentityDocument(Facet):
    """One document. It stays in the file when it is replaced; then it is no longer in use."""

    sealed_label = "cases.identity_document"

    case = of_case("documents")
    kind = models.CharField(_("kind"), max_length=30, choices=DocumentKind)
    issued_by_country = countries.CountryField(_("issued by"), default="RU")
    number = SealedCharField(_("series and number"), null=True, blank=True, max_length=60)
    number_index = BlindIndex("number", normalise="vault.normalise.document_number")
    issued_on = SealedDateField(_("date of issue"), null=True, blank=True)
    valid_until = SealedDateField(
        _("valid until"),
        null=True,
        blank=True,
        help_text=_("The last valid day, as printed or as the rule gives it."),
    )
    custody = models.CharField(_("held by"), max_length=20, choices=Custody, default=Custody.PERSON)
    authenticity = models.CharField(
        _("authenticity"), max_length=20, choices=Authenticity, default=Authenticity.UNKNOWN
    )
    invalidated_on = SealedDateField(
        _("declared invalid by the state on"),
        null=True,
        blank=True,
        help_text=_("From this day the desk lets it open no border: to be confirmed by a lawyer."),
    )
    in_use = models.BooleanField(_("in use"), default=True, help_text=_("Untick it once it is replaced."))
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("identity document")
        verbose_name_plural = _("identity documents")
        constraints = [
            models.CheckConstraint(
                name="document_kind_is_given",
                condition=Q(kind__in=DocumentKind.values),
                violation_error_message=_("Choose what kind of document this is."),
            )
        ]

    @property
    def in_force(self) -> bool:
        """Whether its end still matters: in use, not lost, not declared invalid."""
        return self.in_use and self.custody != Custody.LOST and not self.has_value("invalidated_on")

    def clean(self) -> None:
        """Refuse days that cannot be: an end before the issue, a declaration that lies ahead."""
        today = countries.today_in(self.case.country, timezone.now())
        if self.value_or_none("invalidated_on") and self.invalidated_on > today:
            # Its end is no longer watched from then on: a slip of the pen must not do that.
            raise refusal("invalidated_on", _("This day lies ahead. Type it once it was declared invalid."))
        if not self.value_or_none("issued_on"):
            return
        if self.value_or_none("valid_until") and self.valid_until < self.issued_on:
            raise refusal("valid_until", _("The document ends before it was issued. Check both dates."))
        if self.value_or_none("invalidated_on") and self.invalidated_on < self.issued_on:
            raise refusal(
                "invalidated_on", _("It was declared invalid before it was issued. Check both dates.")
            )
