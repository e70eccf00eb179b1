"""What the person agreed to: per purpose, no by default, until a day, taken back at any moment."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models.contact import ChannelOwner, ContactChannel
from cases.models.history import UNSAID, Facet, _Unsaid, of_case, refusal, require_actor
from cases.models.sharing import CaseShare
from staff import trail
from staff.roles import Role
from vault.fields import SealedCharField, SealedDateField, SealedTextField

if TYPE_CHECKING:
    from cases.models.case import Case
    from staff.models import User


class Purpose(models.TextChoices):
    """What is agreed to. The values are stored: never change one."""

    KEEP = "keep", pgettext_lazy("consent", "Keep the file while we help")
    SHARING = "sharing", pgettext_lazy("consent", "Show the file to a lawyer or another team")
    RELATIVES = "relatives", pgettext_lazy("consent", "Contact relatives")
    STATISTICS = "statistics", pgettext_lazy("consent", "Be counted in published figures")
    PHOTOGRAPHS = "photographs", pgettext_lazy("consent", "Publish photographs or the story")


# What is read out or shown to the person, in their language; each purpose is agreed to on its own.
ASKED = {
    Purpose.KEEP: _(
        "We keep what you told us, sealed, as long as we help you. You can have it erased at any time."
    ),
    Purpose.SHARING: _(
        "A lawyer or colleagues of another team may read your file, each until a day. "
        "When you take this back, they lose it at once."
    ),
    Purpose.RELATIVES: _(
        "We may contact the relatives you name, in the way you name. Without this we never do."
    ),
    Purpose.STATISTICS: _(
        "You are counted in figures that we publish, never in a number below five. "
        "Figures that are published already stay as they are."
    ),
    Purpose.PHOTOGRAPHS: _(
        "We may publish the photographs or the story that we showed you before. "
        "What others have copied cannot be called back."
    ),
}


class ConsentMethod(models.TextChoices):
    """How the person said so."""

    FORM = "form", pgettext_lazy("consent given", "On our form")
    CALL = "call", pgettext_lazy("consent given", "On the telephone")
    MESSAGE = "message", pgettext_lazy("consent given", "In a message")
    LETTER = "letter", pgettext_lazy("consent given", "In a letter or e-mail")
    IN_PERSON = "in_person", pgettext_lazy("consent given", "In person")


class ConsentLanguage(models.TextChoices):
    """The language in which it was explained."""

    ENGLISH = "en", "English"
    RUSSIAN = "ru", "Русский"
    OTHER = "other", pgettext_lazy("language", "Another one, through an interpreter")


class Consent(Facet):
    """The person agreed to one purpose. A later yes is a new row; a withdrawn one never counts again.

    Everything but who noted it is sealed: that somebody agreed to be named is nobody's business either.
    """

    sealed_label = "cases.consent"

    case = of_case("consents")
    purpose = SealedCharField(_("agreed to"), choices=Purpose, max_length=20)
    given_on = SealedDateField(_("agreed on"))
    given_how = SealedCharField(_("how the person said so"), choices=ConsentMethod, max_length=20)
    language = SealedCharField(_("language it was explained in"), choices=ConsentLanguage, max_length=10)
    valid_until = SealedDateField(
        _("counts until"), null=True, blank=True, help_text=_("Empty: until it is withdrawn.")
    )
    withdrawn_on = SealedDateField(
        _("withdrawn on"), null=True, blank=True, help_text=_("It stops counting at once, for good.")
    )
    withdrawn_how = SealedCharField(
        _("how it was withdrawn"), choices=ConsentMethod, max_length=20, null=True, blank=True
    )
    remark = SealedTextField(_("remark"), null=True, blank=True)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("noted by"),
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was taken back; also where the day does not open."""
        return self.has_value("withdrawn_on")

    def counts_on(self, day: datetime.date) -> bool:
        """Whether it holds on `day`; what does not open, or was taken back since, does not."""
        given, until = self.value_or_none("given_on"), self.value_or_none("valid_until")
        if self.is_withdrawn or given is None or (self.has_value("valid_until") and until is None):
            return False
        return bool(given <= day and (until is None or day <= until))

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Who notes it first stands beside it."""
        if self._state.adding:
            self.noted_by = self.noted_by or by

    def clean(self) -> None:
        """Refuse what nobody can rely on: no purpose or day, days out of order, a withdrawal taken back."""
        if self.value_or_none("purpose") not in Purpose.values:
            raise refusal("purpose", _("Choose what the person agreed to."))
        if not self.has_value("given_on"):
            raise refusal("given_on", _("Type the day on which the person agreed."))
        given = self.value_or_none("given_on")
        for name in ("valid_until", "withdrawn_on"):
            if given and self.value_or_none(name) and self.value_or_none(name) < given:
                raise refusal(name, _("This day comes before the person agreed. Check both days."))
        if self.has_value("withdrawn_how") and not self.is_withdrawn:
            raise refusal("withdrawn_on", _("Type the day on which the person took it back."))
        if self.is_withdrawn and not self.has_value("withdrawn_how"):
            raise refusal("withdrawn_how", _("Choose how the person took it back."))
        before: dict[str, Any] = {} if self._state.adding else self.changes()
        if before.get("withdrawn_on") and not self.is_withdrawn:
            raise refusal("withdrawn_on", _("What was withdrawn stays so. Add a new consent instead."))

    def save(self, *, by: User | None | _Unsaid = UNSAID, **options: Any) -> None:
        """As every facet; a withdrawal takes effect in the same transaction. Raises ValidationError."""
        fresh = self.is_withdrawn and (self._state.adding or "withdrawn_on" in self.changes())
        with transaction.atomic(using=options.get("using")):
            super().save(by=by, **options)
            if fresh:
                self._take_effect(require_actor(by))

    def _take_effect(self, by: User | None) -> None:
        """End what rested on it alone: shares outside the team, clearances to call relatives."""
        others = Consent.objects.filter(case=self.case_id).exclude(pk=self.pk).with_keys()
        if any(row.value_or_none("purpose") == self.purpose and not row.is_withdrawn for row in others):
            return
        if self.purpose == Purpose.SHARING:
            for share in shares_outside(self.case):
                share.ended = True
                share.save(update_fields=["ended"])
                trail.append(by, trail.Verb.CASE_SHARE_ENDED, case_id=self.case_id, about=share.user_id)
        elif self.purpose == Purpose.RELATIVES:
            for channel in _cleared_channels(self.case):
                channel.cleared_for_contact, channel.never_contact = False, True
                channel.save(by=by)


def shares_outside(case: Case) -> list[CaseShare]:
    """Shares that are not ended, with lawyers and with people of other teams."""
    outside = Q(user__role=Role.LAWYER) | ~Q(user__team=case.team_id) | Q(user__team=None)
    return list(CaseShare.objects.filter(outside, case=case, ended=False).select_related("user"))


def _cleared_channels(case: Case) -> list[ContactChannel]:
    rows = ContactChannel.objects.filter(case=case, owner=ChannelOwner.RELATIVE, cleared_for_contact=True)
    return list(rows.with_keys())


@dataclass(frozen=True)
class ConsentStatus:
    """One purpose on a day: whether it is agreed to, since and until when, and what lacks it."""

    purpose: Purpose
    asked: str
    agreed: bool
    word: str
    until: datetime.date | None
    warnings: Sequence[str]


def has_consent(rows: Iterable[Consent], purpose: Purpose, on: datetime.date) -> bool:
    """Whether one of `rows` lets us do this on `on`."""
    return any(row.value_or_none("purpose") == purpose and row.counts_on(on) for row in rows)


def consent_statuses(case: Case, rows: Sequence[Consent], today: datetime.date) -> list[ConsentStatus]:
    """Every purpose with its answer on `today`, and a warning where something is done without it."""
    return [_status(case, purpose, rows, today) for purpose in Purpose]


def _status(case: Case, purpose: Purpose, rows: Sequence[Consent], today: datetime.date) -> ConsentStatus:
    mine = [row for row in rows if row.value_or_none("purpose") == purpose]
    counting = [row for row in mine if row.counts_on(today)]
    ends = [row.value_or_none("valid_until") for row in counting]
    until = None if None in ends else max(ends, default=None)
    if counting:
        word = pgettext("consent", "agreed")
    elif not mine:
        word = pgettext("consent", "not asked, or said no")
    elif all(row.is_withdrawn for row in mine):
        word = pgettext("consent", "withdrawn")
    else:
        word = pgettext("consent", "does not count now")
    lacking = [] if counting else _lacking(case, purpose, today)
    return ConsentStatus(purpose, str(ASKED[purpose]), bool(counting), word, until, lacking)


def _lacking(case: Case, purpose: Purpose, today: datetime.date) -> list[str]:
    """What is done in the file although the person has not agreed to it."""
    if purpose == Purpose.KEEP:
        return [gettext("Ask whether we may keep this file; close it or have it erased otherwise.")]
    if purpose == Purpose.SHARING:
        return [
            gettext("No consent to that is noted, and %(name)s can open this case. Ask, or end the share.")
            % {"name": share.user.username}
            for share in shares_outside(case)
            if share.until_on >= today
        ]
    if purpose == Purpose.RELATIVES and _cleared_channels(case):
        return [gettext("No consent to that is noted, and a relative is cleared for contact. Ask first.")]
    return []


def ending(rows: Iterable[Consent]) -> list[Consent]:
    """Those of one case whose end somebody must ask about: not withdrawn, not followed by a longer one."""
    running = [row for row in rows if not row.is_withdrawn]
    found = []
    for row in running:
        until = row.value_or_none("valid_until")
        if until is None:
            continue
        longer = [
            other
            for other in running
            if other.pk != row.pk
            and other.value_or_none("purpose") == row.value_or_none("purpose")
            and (not other.has_value("valid_until") or (other.value_or_none("valid_until") or until) > until)
        ]
        if not longer:
            found.append(row)
    return found
