"""Who the person is: the part of a file that must never leave it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases import countries
from cases.models.history import Facet, refusal
from vault.fields import SealedCharField, SealedDateField, SealedJSONField


class Identity(Facet):
    """Names as the person and as a passport spell them, birth date, citizenships. One per case."""

    sealed_label = "cases.identity"

    case = models.OneToOneField(
        "cases.Case",
        on_delete=models.PROTECT,
        related_name="identity",
        editable=False,
        verbose_name=_("case"),
        error_messages={"unique": _("This case has its identity already. Change that one.")},
    )
    surname = SealedCharField(_("surname"), null=True, blank=True)
    given_name = SealedCharField(_("given name"), null=True, blank=True)
    patronymic = SealedCharField(_("patronymic"), null=True, blank=True)
    surname_latin = SealedCharField(_("surname in Latin letters"), null=True, blank=True)
    given_name_latin = SealedCharField(_("given name in Latin letters"), null=True, blank=True)
    aliases = SealedCharField(
        _("other names"),
        null=True,
        blank=True,
        help_text=_("Earlier surnames, nicknames; commas between them."),
    )
    born_on = SealedDateField(_("date of birth"), null=True, blank=True)
    citizenships = SealedJSONField(
        _("citizenships"), null=True, blank=True, help_text=_("Country codes: a list such as RU, KZ.")
    )

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identity")

    def clean(self) -> None:
        """Refuse citizenships that are not a list of two-letter codes."""
        if "citizenships" in self.unreadable_fields() or self.citizenships in (None, ""):
            return
        listed = self.citizenships
        if not isinstance(listed, list) or any(code not in countries.COUNTRIES for code in listed):
            raise refusal(
                "citizenships", _("Write two-letter country codes with commas between them, such as RU, KZ.")
            )
