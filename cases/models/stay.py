"""Where the person is and was, on what legal basis, and the day to be out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import Facet, of_case, refusal
from law import countries
from law.stages import Basis
from vault.fields import SealedCharField, SealedDateField, SealedTextField

if TYPE_CHECKING:
    from staff.models import User

NEEDS_SOURCE = _(
    "A last legal day typed by hand needs its source. Say where it comes from: stamp, letter, lawyer."
)
NEEDS_AUTHOR = _("A last legal day typed by hand needs its author. Save it as the person who typed it.")


class EntryKind(models.TextChoices):
    """How the person came in."""

    BORDER_POST = "border_post", _("Through a border post, stamped or recorded")
    UNRECORDED = "unrecorded", _("Through a border post, no record")
    IRREGULAR = "irregular", _("Outside a border post, not by land")
    IRREGULAR_LAND_BORDER = "irregular_land_border", _("Outside a border post, over a land border")
    UNKNOWN = "unknown", pgettext_lazy("kind of entry", "Not known")


class Stay(Facet):
    """One stay in one country, from entry to exit; both days count."""

    sealed_label = "cases.stay"

    case = of_case("stays")
    country = countries.CountryField(_("country"))
    entered_on = SealedDateField(_("date of entry"), null=True, blank=True)
    left_on = SealedDateField(_("date of exit"), null=True, blank=True)
    entry_kind = models.CharField(
        _("kind of entry"), max_length=30, choices=EntryKind, default=EntryKind.BORDER_POST
    )
    basis = models.CharField(_("legal basis"), max_length=30, choices=Basis, default=Basis.VISA_FREE)
    basis_valid_until = SealedDateField(_("basis valid until"), null=True, blank=True)
    registered_place = SealedTextField(_("registered address"), null=True, blank=True)
    registered_place_from = SealedDateField(_("registered there since"), null=True, blank=True)
    registration_done_on = SealedDateField(
        _("registration done on"),
        null=True,
        blank=True,
        help_text=_("The day on which the duty to register at this address was fulfilled."),
    )
    actual_place = SealedTextField(_("place of actual stay"), null=True, blank=True)
    last_legal_day = SealedDateField(
        _("last legal day"),
        null=True,
        blank=True,
        help_text=_("Typed by hand: the day to be out, counted in."),
    )
    last_legal_day_source = SealedCharField(
        _("source of the last legal day"), null=True, blank=True, max_length=300
    )
    last_legal_day_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("last legal day typed by"),
    )

    class Meta:
        verbose_name = _("stay")
        verbose_name_plural = _("stays")
        constraints = [
            models.CheckConstraint(
                name="stay_country_is_given",
                condition=~Q(country=""),
                violation_error_message=_("Choose the country of this stay."),
            ),
            models.CheckConstraint(
                name="last_legal_day_has_a_source",
                condition=Q(last_legal_day__isnull=True) | Q(last_legal_day_source__isnull=False),
                violation_error_message=NEEDS_SOURCE,
            ),
            models.CheckConstraint(
                name="last_legal_day_has_an_author",
                condition=Q(last_legal_day__isnull=True) | Q(last_legal_day_by__isnull=False),
                violation_error_message=NEEDS_AUTHOR,
            ),
        ]

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Whoever types the last legal day is its author."""
        typed = self._state.adding or {"last_legal_day", "last_legal_day_source"} & before.keys()
        if typed and by is not None and self.has_value("last_legal_day"):
            self.last_legal_day_by = by

    def clean(self) -> None:
        """Refuse an exit before the entry, and a last legal day that nobody can check."""
        if (
            self.value_or_none("left_on")
            and self.value_or_none("entered_on")
            and self.left_on < self.entered_on
        ):
            raise refusal("left_on", _("The exit is before the entry. Check both dates."))
        if self.value_or_none("left_on") and self.left_on > countries.today_in(self.country, timezone.now()):
            # A planned exit would end the watch over the last legal day.
            raise refusal("left_on", _("This exit lies ahead. Type it once the person has left the country."))
        if not self.has_value("last_legal_day"):
            return
        if not self.has_value("last_legal_day_source"):
            raise refusal("last_legal_day_source", NEEDS_SOURCE)
        if (
            self.value_or_none("entered_on")
            and self.value_or_none("last_legal_day")
            and self.last_legal_day < self.entered_on
        ):
            raise refusal("last_legal_day", _("The last legal day is before the entry. Check both dates."))
