"""Break-glass: a case outside one's own, opened for some hours with a reason, and everybody hears of it.

Every try counts, also one for a code name that does not exist: the answer is the same, so that nobody can ask
this door who is a client. From the fourth try of a day on, a coordinator has to approve.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models.sharing import asked_once
from staff import trail
from staff.models import User
from staff.models.two_person import DECIDED_ALREADY, TwoPersonRequest, different_people
from staff.roles import Permission, may
from vault.bound import BoundQuerySet
from vault.fields import SealedTextField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.case import Case

HOURS = 4
FREE_A_DAY = 3
MOST_A_DAY = 20
SHORTEST_REASON = 10


class EmergencyState(models.TextChoices):
    """What became of a try."""

    OPEN = "open", pgettext_lazy("emergency opening", "Opened")
    WAITING = "waiting", pgettext_lazy("emergency opening", "Waits for a coordinator")
    APPROVED = "approved", pgettext_lazy("emergency opening", "Approved by a coordinator")
    REFUSED = "refused", pgettext_lazy("emergency opening", "Refused by a coordinator")


COUNTS = (EmergencyState.OPEN, EmergencyState.APPROVED)


def opened_to(user: User, now: datetime.datetime) -> Q:
    """Cases that stand open to `user` in an emergency at `now`."""
    rows = EmergencyOpening.objects.running(now).intact().filter(person=user).exclude(case=None)
    return Q(pk__in=asked_once(user, "emergencies", lambda: [row.case_id for row in rows]))


class EmergencyQuerySet(BoundQuerySet["EmergencyOpening"], SealedQuerySet["EmergencyOpening"]):
    """Emergency openings, in the office's language."""

    def break_glass(
        self, *, case: Case | None, by: User, reason: str, now: datetime.datetime, day: datetime.date
    ) -> EmergencyOpening:
        """Open `case` to `by` for some hours from `now`, or ask for it; None where none bears the typed name.

        `day` is the date in the house's time, never in a zone that a person chose. The tries of the last 24
        hours count. Raises trail.Refused without the role, ValidationError without a reason or after too
        many tries.
        """
        if not may(by, Permission.BREAK_GLASS):
            raise trail.Refused(_("Your role does not open cases in an emergency. Ask a coordinator."))
        if len(reason.strip()) < SHORTEST_REASON:
            raise ValidationError(
                {"reason": _("Say what happened, in a sentence: the coordinators will read it.")}
            )
        for _attempt in range(MOST_A_DAY):
            row = self._next(by, day, now)
            row.case, row.reason = case, reason.strip()
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
                    verb = (
                        trail.Verb.GLASS_BROKEN
                        if row.state == EmergencyState.OPEN
                        else trail.Verb.GLASS_ASKED
                    )
                    trail.append(by, verb, case_id=row.case_id, about=row.pk, reason=row.reason, at=now)
            except IntegrityError:
                continue  # another try of the same person took the number in the same moment
            return row
        raise ValidationError(gettext("Too many tries at once. Wait a moment, then try again."))

    def _next(self, by: User, day: datetime.date, now: datetime.datetime) -> EmergencyOpening:
        last = self.filter(person=by, day=day).aggregate(most=models.Max("number"))["most"] or 0
        # Of the trail: rows of this table can be deleted by SQL; there the chain tells.
        acts = (trail.Verb.GLASS_BROKEN, trail.Verb.GLASS_ASKED)
        since = now - datetime.timedelta(hours=24)
        tries = trail.TrailRow.objects.filter(actor=by, verb__in=acts, at__gt=since, at__lte=now).count()
        if max(last, tries) >= MOST_A_DAY:
            raise ValidationError(gettext("That is enough for today. Speak with a coordinator."))
        free = max(last, tries) < FREE_A_DAY
        row = self.model(
            person=by,
            day=day,
            number=last + 1,
            state=EmergencyState.OPEN if free else EmergencyState.WAITING,
            until_at=now + datetime.timedelta(hours=HOURS),
        )
        return cast("EmergencyOpening", row)

    def running(self, now: datetime.datetime) -> EmergencyQuerySet:
        """Those that stand open at `now`."""
        return cast(EmergencyQuerySet, self.filter(state__in=COUNTS, until_at__gt=now))

    def since(self, day: datetime.date) -> EmergencyQuerySet:
        """Tries of `day` and later, the latest first."""
        return cast(EmergencyQuerySet, self.filter(day__gte=day).order_by("-day", "-number"))

    def concerning(self, coordinator: User) -> EmergencyQuerySet:
        """What a coordinator has to know: tries by people of the team, and on cases of the team."""
        if coordinator.team_id is None:
            return cast(EmergencyQuerySet, self.none())
        team = coordinator.team_id
        return cast(EmergencyQuerySet, self.filter(Q(person__team=team) | Q(case__team=team)))


class EmergencyOpening(TwoPersonRequest, SealedModel):
    """One try. Its days and hours are readable: they are the staff's, not the client's."""

    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who"))
    case = models.ForeignKey(
        "cases.Case", models.PROTECT, null=True, related_name="+", verbose_name=_("case")
    )
    day = models.DateField(_("day"))
    number = models.PositiveSmallIntegerField(_("number of the day"))
    state = models.CharField(_("state"), max_length=10, choices=EmergencyState)
    until_at = models.DateTimeField(_("open until"))
    reason = SealedTextField(_("reason"))

    undecided = EmergencyState.WAITING
    decides = Permission.ASSIGN_CASES
    refused_to_others = _("Only a coordinator decides on this.")
    decision_fields = ("until_at",)
    not_validated = ("case", "reason")

    sealed_under = "case"
    sealed_label = bound_label = "cases.emergency"
    bound_columns = ("id", "person_id", "case_id", "day", "number", "state", "until_at", "decided_by_id")

    objects = models.Manager.from_queryset(EmergencyQuerySet)()

    class Meta:
        verbose_name = _("emergency opening")
        verbose_name_plural = _("emergency openings")
        constraints = [
            # Two tries in the same moment cannot both be the third of a day.
            models.UniqueConstraint(
                fields=["person", "day", "number"],
                name="emergency_counted_once",
                violation_error_message=_("Another try took this number. Try again."),
            ),
            models.CheckConstraint(
                name="emergency_beyond_the_limit_is_approved",
                condition=Q(number__lte=FREE_A_DAY) | ~Q(state=EmergencyState.OPEN),
                violation_error_message=_("From the fourth time in a day a coordinator has to approve."),
            ),
            models.CheckConstraint(
                name="emergency_decision_names_who_decided",
                condition=Q(decided_by__isnull=True, state__in=[EmergencyState.OPEN, EmergencyState.WAITING])
                | Q(decided_by__isnull=False, state__in=[EmergencyState.APPROVED, EmergencyState.REFUSED]),
                violation_error_message=DECIDED_ALREADY,
            ),
            different_people(
                "emergency_decided_by_another",
                "decided_by",
                "person",
                _("You asked for this yourself. Another coordinator has to decide."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def decide(self, *, approve: bool, by: User, now: datetime.datetime) -> None:
        """Let it open for some hours from `now`, or refuse it. Raises trail.Refused, ValidationError."""
        with transaction.atomic():
            stored = self.lock_undecided(by=by)
            stored.until_at = now + datetime.timedelta(hours=HOURS)
            stored.record_decision(EmergencyState.APPROVED if approve else EmergencyState.REFUSED, by=by)
            verb = trail.Verb.GLASS_APPROVED if approve else trail.Verb.GLASS_REFUSED
            trail.append(by, verb, case_id=stored.case_id, about=stored.pk, access=[stored], at=now)

    def end(self, *, by: User, now: datetime.datetime) -> None:
        """Close it before its time: the person, or a coordinator whom it concerns. Raises trail.Refused."""
        if by != self.person and not (
            may(by, Permission.ASSIGN_CASES) and type(self).objects.concerning(by).filter(pk=self.pk).exists()
        ):
            raise trail.Refused(_("Only the person or a coordinator of the team closes this."))
        with transaction.atomic():
            self.until_at = now
            self.save(update_fields=["until_at"])
            trail.append(
                by, trail.Verb.GLASS_CLOSED, case_id=self.case_id, about=self.pk, access=[self], at=now
            )
