"""A lost phone: two people take the old second factor away, and the owner sets up a new one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff import trail
from staff.models.devices import BackupSheet, TotpDevice
from staff.models.grants import RoleGrant
from staff.models.two_person import TwoPersonRequest, different_people, one_open_request
from staff.models.user import User, UserQuerySet
from staff.roles import ROLES_WITH, Permission, may, needs_approval
from vault.bound import BoundQuerySet
from vault.fields import SealedCharField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

# One asks, another approves; with fewer people left on the desk, the console has to do it.
NEEDED_ON_THE_DESK = 2
# What was said on the phone two days ago proves nothing today.
DECIDED_WITHIN = timedelta(hours=48)


class DeviceResetQuerySet(BoundQuerySet["DeviceReset"], SealedQuerySet["DeviceReset"]):
    """Questions and doors to resets."""

    def open(self) -> DeviceResetQuerySet:
        """Requests that nobody decided yet."""
        return self.filter(state=DeviceReset.State.REQUESTED)

    def expire(self, *, now: datetime) -> int:
        """Close the requests that nobody decided on within 48 hours; returns how many."""
        late = self.open().filter(requested_at__lte=now - DECIDED_WITHIN)
        with transaction.atomic():
            # What was changed from outside stays as it is, for whoever looks into it.
            rows = list(late.select_for_update().intact())
            for row in rows:
                row.state, row.decided_at = DeviceReset.State.EXPIRED, now
                row.save(update_fields=["state", "decided_at"])
                trail.append(
                    None, trail.Verb.DEVICE_RESET_EXPIRED, about=row.subject_id, access=[row], at=now
                )
        return len(rows)

    def request(self, subject: User, *, by: User, reason: str, also_password: bool = False) -> DeviceReset:
        """Ask to take away `subject`'s second factor, and the password where that is lost as well.

        Raises trail.Refused where `by` may not ask, else ValidationError with a sentence for the page.
        """
        if not may(by, Permission.RESET_DEVICES):
            raise trail.Refused(_("Only an administrator or a coordinator resets a second factor."))
        reset = DeviceReset(subject=subject, requested_by=by, reason=reason, also_password=also_password)
        with transaction.atomic():
            self.filter(subject=subject).expire(now=timezone.now())
            reset.full_clean()
            if needs_approval(subject.role) and not approvers(subject):
                raise ValidationError(
                    _(
                        "Nobody is left who could approve the role anew afterwards. Reset this one on the "
                        "console, with “manage.py reset_second_factor”."
                    )
                )
            reset.save()
            trail.append(by, trail.Verb.DEVICE_RESET_REQUESTED, about=subject.pk, reason=reason)
        return reset

    def reset_from_console(self, subject: User, *, reason: str) -> DeviceReset:
        """Reset at once, on the machine itself. Raises ValidationError while two people could do it.

        The role stays: whoever has a shell on the machine could give it anyway, and nobody may be left who
        could approve it anew.
        """
        if not reason.strip():
            raise ValidationError(_("Say why: it stands on the trail."))
        if can_be_helped(subject):
            raise ValidationError(_("Two people can do this on the desk. Ask them."))
        reset = DeviceReset(
            subject=subject,
            reason=reason,
            origin=DeviceReset.Origin.CONSOLE,
            state=DeviceReset.State.APPROVED,
            decided_at=timezone.now(),
        )
        with transaction.atomic():
            reset.save()
            reset._take_away(by=None)
        return reset


def helpers(subject: User) -> UserQuerySet:
    """The people other than `subject` who may ask for or approve a reset."""
    people = User.objects.active().accepted().filter(role__in=ROLES_WITH[Permission.RESET_DEVICES])
    return people.exclude(pk=subject.pk)


def approvers(subject: User) -> UserQuerySet:
    """Those of them who may approve a role."""
    return helpers(subject).filter(role__in=ROLES_WITH[Permission.APPROVE_ROLES])


def can_be_helped(subject: User) -> bool:
    """Whether enough people are left on the desk: two for the reset, one of them to approve the role anew."""
    if needs_approval(subject.role) and not approvers(subject):
        return False
    return helpers(subject).count() >= NEEDED_ON_THE_DESK


class DeviceReset(TwoPersonRequest, SealedModel):
    """A request to take away somebody's second factor, and what became of it."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("waiting for a second person")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("expired: nobody decided")

    class Origin(models.TextChoices):
        PAGE = "page", _("asked for on the desk")
        CONSOLE = "console", _("done on the console")

    subject = models.ForeignKey(User, models.PROTECT, related_name="resets", verbose_name=_("account"))
    reason = SealedCharField(
        _("reason"), max_length=200, help_text=_("How you made sure that it is really this person who asks.")
    )
    also_password = models.BooleanField(_("the password is lost too"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PAGE)
    requested_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked for by")
    )
    requested_at = models.DateTimeField(_("asked for at"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)

    decides = Permission.RESET_DEVICES
    refused_to_others = _("Only an administrator or a coordinator decides on a reset.")

    bound_label = "staff.reset"
    bound_columns = (
        "id", "subject_id", "also_password", "state", "origin", "requested_by_id", "decided_by_id"
    )  # fmt: skip

    sealed_under = "subject"
    sealed_label = "staff.device-reset"

    objects = DeviceResetQuerySet.as_manager()

    class Meta:
        verbose_name = _("reset of a second factor")
        verbose_name_plural = _("resets of second factors")
        ordering = ["-requested_at"]
        # Every condition names its NULL cases: a CHECK lets NULL through.
        constraints = [
            different_people(
                "reset_asked_by_another_than_subject",
                "requested_by",
                "subject",
                _("This is your own second factor. Two other people have to reset it."),
            ),
            different_people(
                "reset_decided_by_another_than_subject",
                "decided_by",
                "subject",
                _("This is your own second factor. Somebody else has to decide."),
            ),
            different_people(
                "reset_decided_by_another_than_asked",
                "decided_by",
                "requested_by",
                _("You asked for this reset yourself. A second person has to decide."),
            ),
            models.CheckConstraint(
                name="reset_needs_two_people",
                condition=Q(origin="page", state="requested", requested_by__isnull=False, decided_by=None)
                | Q(
                    origin="page",
                    state__in=["approved", "refused"],
                    requested_by__isnull=False,
                    decided_by__isnull=False,
                )
                | Q(origin="page", state="expired", requested_by__isnull=False, decided_by=None)
                | Q(origin="console", state="approved", requested_by=None, decided_by=None),
                violation_error_message=_("A reset needs one person who asks and another who decides."),
            ),
            one_open_request(
                "reset_one_open_request",
                _("A reset was asked for already. A second person has to decide on it."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.subject)

    def is_late(self, *, now: datetime) -> bool:
        """Whether nobody decided within 48 hours."""
        return self.state == self.State.REQUESTED and now - self.requested_at >= DECIDED_WITHIN

    def approve(self, *, by: User) -> None:
        """Take the second factor away. Raises trail.Refused, or ValidationError with a sentence."""
        with transaction.atomic():
            self._decide(self.State.APPROVED, by=by)
            self._take_away(by=by)

    def refuse(self, *, by: User) -> None:
        """Leave everything as it is; raises as approve()."""
        with transaction.atomic():
            self._decide(self.State.REFUSED, by=by)
            trail.append(by, trail.Verb.DEVICE_RESET_REFUSED, about=self.subject_id, access=[self])

    def _decide(self, state: State, *, by: User) -> None:
        stored = self.lock_undecided(by=by)
        if stored.is_late(now=timezone.now()):
            raise ValidationError(
                _("This request is older than 48 hours. Speak with the person and ask anew.")
            )
        stored.decided_at = timezone.now()
        stored.record_decision(state, by=by)
        self.refresh_from_db()

    def _take_away(self, *, by: User | None) -> None:
        subject: Any = User.objects.select_for_update().get(pk=self.subject_id)
        TotpDevice.objects.filter(user=subject).delete()
        BackupSheet.objects.filter(user=subject).delete()
        subject.phone = subject.sheet = None
        if self.also_password:
            # An administrator invites the person again; nobody ever sees or sends a password.
            subject.set_unusable_password()
        subject.session_epoch += 1
        subject.save(update_fields=["phone", "sheet", "password", "session_epoch"])
        trail.append(
            by, trail.Verb.DEVICE_RESET, about=subject.pk, reason=str(self.reason), access=[subject, self]
        )
        if by is not None:
            RoleGrant.objects.lapse(subject, asked_by=self._asks_anew(by), by=by)

    def _asks_anew(self, by: User) -> User:
        """Who asks for the role that lapses: who asks does not decide, so it is the one who could not."""
        asked: Any = self.requested_by
        return next((one for one in (asked, by) if not may(one, Permission.APPROVE_ROLES)), asked)
