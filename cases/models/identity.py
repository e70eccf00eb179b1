"""Who the person is: the part of a file that must never leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from cases.models.history import UNSAID, Facet, KeptQuerySet, _Unsaid, refusal
from cases.models.name_word import NameWord
from law import countries
from vault.fields import SealedCharField, SealedDateField, SealedJSONField

if TYPE_CHECKING:
    from staff.models import User


class IdentityQuerySet(KeptQuerySet["Identity"]):
    """Identities, each with the words of its names beside it."""

    def bulk_create(
        self, objs: Iterable[Identity], *args: Any, by: User | None | _Unsaid = UNSAID, **kw: Any
    ) -> list[Identity]:
        """As for every facet; their words are indexed in the same transaction."""
        with transaction.atomic(using=self.db, savepoint=False):
            rows = super().bulk_create(objs, *args, by=by, **kw)
            NameWord.renew(self.using(self.db).filter(pk__in=[row.pk for row in rows]))
        return rows


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

    objects = models.Manager.from_queryset(IdentityQuerySet)()

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

    def save(self, *, by: User | None | _Unsaid = UNSAID, **options: Any) -> None:
        """As for every facet; the words of the names are indexed in the same transaction."""
        with transaction.atomic(using=options.get("using")):
            super().save(by=by, **options)
            NameWord.renew(Identity.objects.filter(pk=self.pk))

    @classmethod
    def renew_beside(cls, rows: Sequence[Any]) -> int:
        """Bring the words of these identities up to date; for `vault reindex`."""
        return NameWord.renew(cls.objects.filter(pk__in=[row.pk for row in rows]))

    @classmethod
    def stale_beside(cls, rows: Sequence[Any]) -> Iterator[tuple[Any, str]]:
        """The identities whose words are not indexed as they stand; for `vault verify`."""
        return NameWord.missing(rows)
