"""How to reach the person without harming them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import Facet, of_case, refusal
from vault.fields import BlindIndex, SealedCharField, SealedDateField, SealedTextField


class ChannelKind(models.TextChoices):
    """By what means."""

    PHONE = "phone", _("Phone")
    SIGNAL = "signal", "Signal"
    TELEGRAM = "telegram", "Telegram"
    WHATSAPP = "whatsapp", "WhatsApp"
    MATRIX = "matrix", "Matrix"
    EMAIL = "email", _("E-mail")
    IN_PERSON = "in_person", _("In person")
    THROUGH_SOMEBODY = "through_somebody", _("Through somebody else")
    OTHER = "other", pgettext_lazy("contact channel", "Other")


class ChannelOwner(models.TextChoices):
    """Whose number or address it is."""

    PERSON = "person", _("The person's own")
    RELATIVE = "relative", _("A relative's")
    FRIEND = "friend", _("A friend's")
    LAWYER = "lawyer", _("The lawyer's")
    OTHER = "other", pgettext_lazy("owner of a contact channel", "Somebody else's")


class ContactChannel(Facet):
    """One way to reach the person, and when it is safe. A relative's is "never contact" unless cleared."""

    sealed_label = "cases.contact_channel"

    case = of_case("contacts")
    kind = models.CharField(_("kind"), max_length=20, choices=ChannelKind)
    value = SealedCharField(_("number or address"), null=True, blank=True)
    phone_index = BlindIndex("value", normalise="vault.normalise.contact_phone")
    handle_index = BlindIndex("value", normalise="vault.normalise.contact_handle")
    owner = models.CharField(
        _("whose it is"), max_length=20, choices=ChannelOwner, default=ChannelOwner.PERSON
    )
    owner_remark = SealedCharField(_("who that is"), null=True, blank=True)
    never_contact = models.BooleanField(
        _("never contact"), default=False, help_text=_("Kept so that nobody calls it by mistake.")
    )
    cleared_for_contact = models.BooleanField(
        _("cleared for contact"),
        default=False,
        help_text=_("Relatives: tick only when the person asked us to call them."),
    )
    safe_hours = SealedCharField(_("safe time to contact"), null=True, blank=True)
    duress_word = SealedCharField(_("code word under duress"), null=True, blank=True)
    known_since_on = SealedDateField(_("known since"), null=True, blank=True)
    rotation_on = SealedDateField(
        _("number expected to change on"),
        null=True,
        blank=True,
        help_text=_("For SIM cards that are changed by plan."),
    )
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact channel")
        verbose_name_plural = _("contact channels")
        constraints = [
            models.CheckConstraint(
                name="never_contact_is_never_cleared",
                condition=Q(never_contact=False) | Q(cleared_for_contact=False),
                violation_error_message=_(
                    "A channel is either cleared for contact or never to be used. Choose one."
                ),
            ),
            models.CheckConstraint(
                name="relative_is_never_contacted_uncleared",
                condition=~Q(owner=ChannelOwner.RELATIVE)
                | Q(never_contact=True)
                | Q(cleared_for_contact=True),
                violation_error_message=_(
                    "Relatives are never contacted unless the person asked for it: tick one of the two boxes."
                ),
            ),
        ]

    def clean(self) -> None:
        """Refuse a channel without an address, except where people meet."""
        if self.kind != ChannelKind.IN_PERSON and not self.has_value("value"):
            raise refusal("value", _("Write the number or address of this channel."))
