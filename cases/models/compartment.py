"""The parts of a file that stay closed: opened by one person, with a reason, for a quarter of an hour."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models.history import value_or_none
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedDateTimeField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.case import Case

MINUTES = 15
# What was typed while a compartment closed by itself is still saved; nothing is shown for it.
LATE_MINUTES = 60
SHORTEST_REASON = 10


class Compartment(models.TextChoices):
    """What each of them holds."""

    IDENTITY = "identity", pgettext_lazy("compartment", "Identity")
    ROUTE = "route", pgettext_lazy("compartment", "Route")
    VETTING = "vetting", pgettext_lazy("compartment", "Vetting and war conduct")
    LINKS = "links", pgettext_lazy("compartment", "Links between people")


ACTS = {
    Compartment.IDENTITY: Permission.OPEN_IDENTITY,
    Compartment.ROUTE: Permission.OPEN_ROUTE,
    Compartment.VETTING: Permission.OPEN_VETTING,
    Compartment.LINKS: Permission.OPEN_LINKS,
}
# The facets inside: their past is shown there and nowhere else.
FACETS = {
    Compartment.IDENTITY: frozenset({"identity"}),
    Compartment.ROUTE: frozenset[str](),
    Compartment.VETTING: frozenset({"vetting", "warconduct"}),
    Compartment.LINKS: frozenset[str](),
}
CLOSED_FACETS = frozenset().union(*FACETS.values())


def offered_to(user: User) -> list[Compartment]:
    """The compartments that the user's role may open, in order."""
    return [which for which in Compartment if may(user, ACTS[which])]


class OpeningQuerySet(BoundQuerySet["CompartmentOpening"], SealedQuerySet["CompartmentOpening"]):
    """Who has which compartment open."""

    def open(
        self, case: Case, which: Compartment, *, by: User, reason: str, now: datetime.datetime
    ) -> CompartmentOpening:
        """Open it to `by` for a quarter of an hour. Raises trail.Refused, ValidationError.

        The pages ask for a fresh code before they call this. The route needs a vetting by two people first.
        """
        from cases.models.vetting import Vetting

        case.require_visible_to(by)
        if not may(by, ACTS[which]):
            raise trail.Refused(
                gettext("Your role does not open this part of the file. Ask a coordinator who does."),
                case_id=case.pk,
            )
        if len(reason.strip()) < SHORTEST_REASON:
            raise ValidationError(
                {"reason": _("Say in a few words what you need it for: the reason stands on the trail.")}
            )
        if which == Compartment.ROUTE and not Vetting.objects.clears(case):
            raise ValidationError(
                _("The route opens after two people have cleared the vetting. Ask the lawyer of the case.")
            )
        until = now + datetime.timedelta(minutes=MINUTES)
        with transaction.atomic():
            row, _new = self.update_or_create(case=case, person=by, which=which, defaults={"until_at": until})
            trail.append(
                by,
                trail.Verb.COMPARTMENT_OPENED,
                case_id=case.pk,
                fields=[which],
                reason=reason.strip(),
                at=now,
            )
        return row

    def until(
        self, case: Case, which: str, person: User, *, now: datetime.datetime, late_minutes: int = 0
    ) -> datetime.datetime | None:
        """Until when it stands open to `person`; None where it is closed, or was for `late_minutes`."""
        if not may(person, ACTS[Compartment(which)]):
            return None
        row = self.filter(case=case, person=person, which=which).intact().with_keys().first()
        until: datetime.datetime | None = value_or_none(row, "until_at") if row is not None else None
        late = datetime.timedelta(minutes=late_minutes)
        return until if until is not None and until + late > now else None

    def close(self, case: Case, which: Compartment, *, by: User) -> None:
        """Close it before its time."""
        with transaction.atomic():
            if self.filter(case=case, person=by, which=which).delete()[0]:
                trail.append(by, trail.Verb.COMPARTMENT_CLOSED, case_id=case.pk, fields=[which])

    def sweep(self, now: datetime.datetime) -> int:
        """Forget openings that are over, with their grace; how many. Needs the desk's keys."""
        over = now - datetime.timedelta(minutes=LATE_MINUTES)
        old = [row.pk for row in self.with_keys() if (value_or_none(row, "until_at") or over) <= over]
        for start in range(0, len(old), 500):
            self.filter(pk__in=old[start : start + 500]).delete()
        return len(old)


class CompartmentOpening(BoundModel, SealedModel):
    """One compartment that stands open to one person, until a sealed moment."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="+", editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    which = models.CharField(max_length=10, choices=Compartment, editable=False)
    until_at = SealedDateTimeField(editable=False)

    sealed_under = "case"
    sealed_label = bound_label = "cases.compartment_opening"
    # The moment is sealed itself, for this row.
    bound_columns = ("id", "case_id", "person_id", "which")

    objects = models.Manager.from_queryset(OpeningQuerySet)()

    class Meta:
        verbose_name = _("opened compartment")
        verbose_name_plural = _("opened compartments")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "person", "which"],
                name="compartment_opened_once",
                violation_error_message=_("This compartment stands open to you already."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


def is_open(case: Case, which: Compartment, person: User, *, now: datetime.datetime) -> Any:
    """Whether it stands open to `person` at `now`."""
    return CompartmentOpening.objects.until(case, which, person, now=now) is not None
