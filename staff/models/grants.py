"""How a role comes into effect, and how a person comes to the desk."""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff import codes, trail
from staff.models.devices import TotpDevice
from staff.models.two_person import DECIDED_ALREADY, TwoPersonRequest, different_people, one_open_request
from staff.models.user import User
from staff.roles import Permission, Role, may, needs_approval
from vault.bound import BoundModel, BoundQuerySet
from vault.keyring import keyed_hashes

INVITATION_HOURS = 48
INVITATION_BITS = 100
# Forty bits: short enough to be read out in a call, and only a coordinator may guess at all.
APPROVAL_LETTERS = 8


class NeedsCode(ValidationError):
    """The coordinator did not type the code that the person reads to them."""


class RoleGrantQuerySet(BoundQuerySet["RoleGrant"]):
    """Questions and doors to role grants."""

    def open(self) -> RoleGrantQuerySet:
        """Requests that nobody decided yet."""
        return self.filter(state=RoleGrant.State.REQUESTED)

    def request(self, subject: User, role: Role, *, by: User) -> RoleGrant:
        """Ask for a role. One that sees no case content takes effect at once; others wait for a coordinator.

        Raises trail.Refused where `by` may not ask, ValidationError where a request is open already.
        """
        if not may(by, Permission.MANAGE_ACCOUNTS):
            raise trail.Refused(_("Only an administrator asks for roles."))
        grant = RoleGrant(subject=subject, role=role, requested_by=by)
        with transaction.atomic():
            grant.full_clean()
            grant.save()
            trail.append(by, trail.Verb.ROLE_REQUESTED, about=subject.pk, reason=str(Role(role)))
            if not needs_approval(role):
                grant._take_effect(decided_by=None, actor=by)
        return grant

    def lapse(self, subject: User, *, asked_by: User, by: User) -> None:
        """Take a role that needs approval away, and ask for it anew on behalf of `asked_by`.

        For an account whose second factor or password was just replaced by others: until a coordinator hears
        the code of the new phone from the person, nobody knows who holds that phone.
        """
        role = Role(subject.role) if subject.role else None
        if role is None or not needs_approval(role):
            return
        subject.role = ""
        subject.save(update_fields=["role"])
        trail.append(by, trail.Verb.ROLE_LAPSED, about=subject.pk, reason=str(role), access=[subject])
        # Another role may be asked for already: that request then waits for the code of the new phone.
        if not self.open().filter(subject=subject).exists():
            self.create(subject=subject, role=role, requested_by=asked_by)
            trail.append(asked_by, trail.Verb.ROLE_REQUESTED, about=subject.pk, reason=str(role))

    def grant_from_console(self, subject: User, role: Role, *, approved_by: User | None = None) -> RoleGrant:
        """Grant a role from code, on the machine itself: the first people, the demo. No page calls this."""
        grant = RoleGrant(subject=subject, role=role, origin=RoleGrant.Origin.CONSOLE)
        with transaction.atomic():
            grant.save()
            grant._take_effect(decided_by=approved_by, actor=approved_by)
        return grant


class RoleGrant(TwoPersonRequest):
    """A request for a role, and what became of it. The role in effect stands on the User."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("waiting for a coordinator")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Origin(models.TextChoices):
        PAGE = "page", _("asked for on the desk")
        CONSOLE = "console", _("granted on the console")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(User, models.PROTECT, related_name="grants", verbose_name=_("account"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PAGE)
    requested_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked for by")
    )
    requested_at = models.DateTimeField(_("asked for at"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    # Not a foreign key: the app goes when the person moves to another phone, and this row stays.
    device = models.UUIDField(null=True, blank=True, editable=False)

    bound_label = "staff.grant"
    bound_columns = (
        "id", "subject_id", "role", "state", "origin", "requested_by_id", "decided_by_id", "device"
    )  # fmt: skip

    decides = Permission.APPROVE_ROLES
    refused_to_others = _("Only a coordinator decides on roles.")
    decision_fields = ("decided_at", "device")

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("role request")
        verbose_name_plural = _("role requests")
        ordering = ["-requested_at"]
        # Every condition names its NULL cases: a CHECK lets NULL through.
        constraints = [
            different_people(
                "role_decided_by_another_than_asked",
                "decided_by",
                "requested_by",
                _("You asked for this role yourself. Another coordinator has to decide on it."),
            ),
            different_people(
                "role_decided_by_another_than_subject",
                "decided_by",
                "subject",
                _("This is your own role. Another coordinator has to decide on it."),
            ),
            models.CheckConstraint(
                name="role_seeing_cases_needs_a_coordinator",
                condition=~Q(state="approved")
                | Q(decided_by__isnull=False)
                | Q(origin="console")
                | Q(role=Role.ADMINISTRATOR),
                violation_error_message=_("A role that sees case files needs a coordinator who approves it."),
            ),
            models.CheckConstraint(
                name="role_seeing_cases_is_for_whoever_holds_the_phone",
                condition=~Q(state="approved")
                | Q(device__isnull=False)
                | Q(origin="console")
                | Q(role=Role.ADMINISTRATOR),
                violation_error_message=_(
                    "Type the code that the person reads to you from their own account page."
                ),
            ),
            models.CheckConstraint(
                name="role_request_has_a_requester",
                condition=Q(origin="console", requested_by__isnull=True)
                | Q(origin="page", requested_by__isnull=False),
                violation_error_message=_("Say who asks for this role."),
            ),
            models.CheckConstraint(
                name="role_open_request_is_undecided",
                condition=~Q(state="requested") | Q(decided_by__isnull=True, decided_at__isnull=True),
                violation_error_message=DECIDED_ALREADY,
            ),
            one_open_request(
                "role_one_open_request",
                _("A role was already asked for. A coordinator has to decide on that request first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} – {self.get_role_display()}"

    def code(self) -> str:
        """What the subject reads to the coordinator; "" while no authenticator app is in force.

        It follows from this request and from the app, so that another phone has another code and nothing of
        it is stored.
        """
        found = self._codes(self._app())
        return found[0] if found else ""

    def _app(self) -> TotpDevice | None:
        return TotpDevice.of(self.subject)

    def _codes(self, app: TotpDevice | None) -> list[str]:
        """The code under each codes key of the ring: one may be changed between reading and typing."""
        if app is None:
            return []
        found = keyed_hashes("codes", "role-approval", str(self.pk), str(self.subject_id), str(app.pk))
        return [codes.spell(secret, APPROVAL_LETTERS) for secret in found]

    def approve(self, *, by: User, code: str) -> None:
        """Let the role take effect. `by` is a coordinator, neither the requester nor the subject.

        `code` is what the person read to `by` from their own account page. Whoever holds the phone can read
        it; that this is the person meant, only a coordinator can hear who knows them. Raises trail.Refused
        where `by` is no coordinator, NeedsCode where the code is not that of the phone, else ValidationError
        with a sentence for the page.
        """
        with transaction.atomic():
            self._decide(by=by)
            self.device = self._device_of_code(code)
            self._take_effect(decided_by=by, actor=by)

    def _device_of_code(self, typed: str) -> uuid.UUID:
        """The id of the app whose code `typed` is."""
        app = self._app()
        if app is None:
            raise ValidationError(
                _(
                    "This person has not set up their second factor yet. They sign in first, "
                    "then read you the code."
                )
            )
        said = codes.normalise(typed).encode()
        if not any(hmac.compare_digest(codes.normalise(code).encode(), said) for code in self._codes(app)):
            raise NeedsCode(
                _(
                    "This is not the code of their phone. Let the person read it to you again, from “Your "
                    "account”."
                )
            )
        return app.pk  # type: ignore[no-any-return]

    def refuse(self, *, by: User) -> None:
        """Decide that the role does not take effect; raises as approve()."""
        with transaction.atomic():
            self._decide(by=by)
            self._close(RoleGrant.State.REFUSED, by)
            trail.append(by, trail.Verb.ROLE_REFUSED, about=self.subject_id, reason=self.role, access=[self])

    def _decide(self, *, by: User) -> None:
        stored = self.lock_undecided(by=by)
        self.subject = User.objects.select_for_update().get(pk=stored.subject_id)
        if not self.subject.is_active:
            raise ValidationError(_("This account is closed. It has to be opened again first."))

    def _take_effect(self, *, decided_by: User | None, actor: User | None) -> None:
        self._close(RoleGrant.State.APPROVED, decided_by)
        self.subject.role = self.role
        self.subject.save(update_fields=["role"])
        trail.append(
            actor,
            trail.Verb.ROLE_GRANTED,
            about=self.subject_id,
            reason=self.role,
            access=[self.subject, self],
        )

    def _close(self, state: State, by: User | None) -> None:
        self.decided_at = timezone.now()
        self.record_decision(state, by=by)


class CannotInvite(ValidationError):
    """The invitation cannot be made or accepted; the message says why and what to do."""


class InvitationQuerySet(BoundQuerySet["Invitation"]):
    """Makes and accepts invitations."""

    def issue(self, user: User, *, by: User | None, now: datetime | None = None) -> str:
        """A one-time code for an account without a password; earlier codes of it stop working.

        The code is returned once and kept only as an HMAC. `by` is None on the console.
        """
        if by is not None and not may(by, Permission.MANAGE_ACCOUNTS):
            raise trail.Refused(_("Only an administrator invites people."))
        now = now or timezone.now()
        code = codes.new_code(INVITATION_BITS)
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=user.pk)
            if user.has_usable_password() or not user.is_active:
                raise CannotInvite(_("This person already chose a password, or the account is closed."))
            if by is not None and needs_approval(user.role):
                raise CannotInvite(
                    _(
                        "The role of this account is in effect already: whoever has the code would have the "
                        "role. Invite this person again on the console, with “manage.py invite”."
                    )
                )
            self.filter(user=user, used_at=None).delete()
            self.create(
                user=user,
                made_by=by,
                code_hash=codes.digest("invitation", codes.normalise(code)),
                valid_until_at=now + timedelta(hours=INVITATION_HOURS),
            )
            trail.append(by, trail.Verb.INVITATION_MADE, about=user.pk, at=now)
        return code

    def open_for(self, code: str, *, now: datetime | None = None) -> Invitation | None:
        """The invitation that `code` opens; None where it is unknown, used, old, or its account closed."""
        return (
            self.intact()
            .filter(
                code_hash__in=codes.digests("invitation", codes.normalise(code)),
                used_at=None,
                valid_until_at__gt=now or timezone.now(),
                user__is_active=True,
            )
            .first()
        )

    def accept(self, code: str, password: str, *, now: datetime | None = None) -> User:
        """Set the invited person's password. Raises CannotInvite, or ValidationError for a weak password."""
        now = now or timezone.now()
        with transaction.atomic():
            invitation = self.open_for(code, now=now)
            if invitation is None:
                raise CannotInvite(
                    _("This code is wrong, used already, or older than 48 hours. Ask for a new invitation.")
                )
            # The lock that lets only one of two simultaneous attempts on.
            user = User.objects.select_for_update().intact().get(pk=invitation.user_id)
            if user.has_usable_password():
                raise CannotInvite(_("This code was used already. Ask for a new invitation."))
            validate_password(password, user)
            invitation.used_at = now
            invitation.save(update_fields=["used_at"])
            user.set_password(password)
            user.save(update_fields=["password"])
            trail.append(
                user, trail.Verb.INVITATION_ACCEPTED, about=user.pk, access=[user, invitation], at=now
            )
        return user


class Invitation(BoundModel):
    """A one-time way in for a new account. The code itself is shown once and never stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="invitations", verbose_name=_("account"))
    made_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("invited by")
    )
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    valid_until_at = models.DateTimeField(_("valid until"), editable=False)
    used_at = models.DateTimeField(_("used at"), null=True, editable=False)

    bound_label = "staff.invitation"
    bound_columns = ("id", "user_id", "code_hash", "valid_until_at", "used_at")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                name="invitation_one_open_code",
                fields=["user"],
                condition=Q(used_at=None),
                violation_error_message=_(
                    "This person has a code already. Make a new one: the old one ends."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


def count_holders(role: Role, *, now: datetime | None = None) -> int:
    """How many people hold `role` for good: a password chosen, or an invitation still open."""
    now = now or timezone.now()
    invited: Any = Q(invitations__used_at=None, invitations__valid_until_at__gt=now)
    accepted = User.objects.with_role(role).accepted().count()
    return accepted + User.objects.with_role(role).filter(invited).distinct().count()
