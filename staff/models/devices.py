"""The second factor: an authenticator app, and backup codes on paper.

django-otp's base and throttling; its own device models keep secrets in clear, so these are ours.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin
from django_otp.oath import TOTP

from staff import codes, trail
from staff.models.user import User
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedCharField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

STEP_SECONDS = 30
DIGITS = 6
# One step either way: a phone's clock may be up to half a minute off.
TOLERANCE_STEPS = 1
BACKUP_CODES = 10
BACKUP_BITS = 80
LONGEST_WAIT = timedelta(minutes=5)


class ThrottledDevice(ThrottlingMixin):
    """Doubles the wait after each wrong code: 1, 2, 4 … seconds, up to LONGEST_WAIT."""

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> float:
        return 1.0

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        """As django-otp's, with a ceiling: whoever has the password must not keep the owner out for hours.

        At five minutes a try somebody who guesses needs years for one in two of a million codes.
        """
        allowed, facts = super().verify_is_allowed()
        if allowed or facts is None or self.throttling_failure_timestamp is None:
            return allowed, facts
        until = self.throttling_failure_timestamp + LONGEST_WAIT
        if facts["locked_until"] <= until:
            return allowed, facts
        return (True, None) if until <= timezone.now() else (False, facts | {"locked_until": until})

    def __str__(self) -> str:
        return str(self.pk)


class DeviceQuerySet(BoundQuerySet["TotpDevice"], SealedQuerySet["TotpDevice"]):
    """Authenticator apps."""


class TotpDevice(ThrottledDevice, Device, BoundModel, SealedModel):
    """An authenticator app. Its secret is sealed under the account's record key."""

    secret = SealedCharField(_("secret"), max_length=64)
    last_step = models.BigIntegerField(default=-1, editable=False)
    drift_steps = models.SmallIntegerField(default=0, editable=False)

    sealed_under = "user"
    sealed_label = bound_label = "staff.totp"
    # The count of wrong codes too: whoever could set it back could try all codes.
    bound_columns = (
        "id", "user_id", "confirmed", "last_step", "throttling_failure_count", "throttling_failure_timestamp"
    )  # fmt: skip

    objects = DeviceManager.from_queryset(DeviceQuerySet)()

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def in_force(cls, user: User) -> bool:
        """Whether `user` has set up an app; backup codes alone do not count.

        The account says so, not the app's row: who deletes that row has not made the account a new one.
        """
        return user.phone is not None

    @classmethod
    def of(cls, user: User) -> TotpDevice | None:
        """The app in force; None where none was set up, or where its row is gone or another's."""
        found = cls.objects.filter(user=user, confirmed=True, pk=user.phone)
        return found.first()  # type: ignore[no-any-return]

    @classmethod
    def begin(cls, user: User) -> TotpDevice:
        """The device that `user` is about to set up; asked for again, it is the same one."""
        device = cls.objects.filter(user=user, confirmed=False).first()
        if device is None:
            secret = base64.b32encode(secrets.token_bytes(20)).decode()
            device = cls.objects.create(user=user, name="app", confirmed=False, secret=secret)
        return device  # type: ignore[no-any-return]

    @classmethod
    def enrol(cls, user: User) -> TotpDevice:
        """A device in force at once, for the demo and the tests; earlier ones go. It has `secret_b32`."""
        with transaction.atomic():
            cls.objects.filter(user=user).delete()
            device = cls.begin(user)
            device.confirm()
        user.refresh_from_db(fields=["phone"])
        return device

    def confirm(self) -> None:
        """Put the device in force."""
        with transaction.atomic():
            self.confirmed = True
            self.save(update_fields=["confirmed"])
            self.user.phone = self.pk
            self.user.save(update_fields=["phone"])
            trail.append(self.user, trail.Verb.SECOND_FACTOR_ENROLLED, about=self.user_id, access=[self.user])

    @property
    def secret_b32(self) -> str:
        """The secret as apps want it typed."""
        return str(self.secret)

    @property
    def uri(self) -> str:
        """What the QR code says. Its label shows on a searched phone: SITE_NAME and username, no more."""
        label = quote(f"{settings.SITE_NAME}:{self.user.username}")
        facts = {"secret": self.secret_b32, "issuer": settings.SITE_NAME}
        return f"otpauth://totp/{label}?{urlencode(facts)}"

    def code_at(self, moment: float) -> str:
        """The code that the app shows at `moment` (Unix seconds); used by tests and the demo."""
        totp = self._totp(moment)
        totp.drift = 0
        return f"{totp.token():0{DIGITS}d}"

    def verify_token(self, token: str) -> bool:
        """Whether `token` is right now; a code works once, and wrong ones make the next wait longer.

        Call it on a row read with select_for_update(), or two requests could use one code.
        """
        if not self.verify_is_allowed()[0]:
            return False
        typed = "".join(str(token).split())
        totp = self._totp(time.time())
        right = (
            typed.isascii()
            and typed.isdigit()
            and len(typed) == DIGITS
            and totp.verify(int(typed), TOLERANCE_STEPS, self.last_step + 1)
        )
        if not right:
            self.throttle_increment(commit=False)
        else:
            self.last_step, self.drift_steps = totp.t(), totp.drift
            self.throttle_reset(commit=False)
        self.save(
            update_fields=[
                "last_step", "drift_steps", "throttling_failure_count", "throttling_failure_timestamp"
            ]
        )  # fmt: skip
        return bool(right)

    def _totp(self, moment: float) -> TOTP:
        totp = TOTP(base64.b32decode(self.secret_b32), STEP_SECONDS, 0, DIGITS, self.drift_steps)
        totp.time = moment
        return totp


class BackupSheet(ThrottledDevice, Device, BoundModel):
    """The sheet of paper with backup codes, as a device of its own: it is throttled apart from the app."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Stands for the codes that are not used up: one that is put back does not count again.
    unused = models.CharField(max_length=64, editable=False, default="")

    bound_label = "staff.backup-sheet"
    bound_columns = ("id", "user_id", "confirmed", "unused")

    objects = DeviceManager.from_queryset(BoundQuerySet)()

    class Meta:
        verbose_name = _("sheet of backup codes")
        verbose_name_plural = _("sheets of backup codes")
        constraints = [models.UniqueConstraint(name="one_sheet_per_account", fields=["user"])]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def renew(cls, user: User) -> list[str]:
        """Ten new codes, returned once; every earlier code stops working."""
        fresh = [codes.new_code(BACKUP_BITS) for _ in range(BACKUP_CODES)]
        digests = [codes.digest("backup", str(user.pk), codes.normalise(code)) for code in fresh]
        with transaction.atomic():
            cls.objects.filter(user=user).delete()
            sheet = cls.objects.create(user=user, name="paper", unused=_state_of(digests))
            BackupCode.objects.bulk_create(BackupCode(sheet=sheet, digest=digest) for digest in digests)
            user.sheet = sheet.pk
            user.save(update_fields=["sheet"])
            trail.append(user, trail.Verb.BACKUP_CODES_RENEWED, about=user.pk, access=[user])
        return fresh

    @classmethod
    def void(cls, user: User) -> None:
        """Cross out every code; new ones can be made at any time."""
        with transaction.atomic():
            cls.objects.filter(user=user).delete()
            user.sheet = None
            user.save(update_fields=["sheet"])
            trail.append(user, trail.Verb.BACKUP_CODES_VOIDED, about=user.pk, access=[user])

    def verify_token(self, token: str) -> bool:
        """Whether `token` is one of the codes; a right one is used up.

        Call it on a row read with select_for_update(), or two requests could use one code.
        """
        if not self.verify_is_allowed()[0] or self.unused != self._codes_left():
            return False
        digests = codes.digests("backup", str(self.user_id), codes.normalise(str(token)))
        # The DELETE is the check: of two requests with one code, only one deletes it.
        right = bool(self.codes.filter(digest__in=digests).delete()[0])
        if right:
            self.unused = self._codes_left()
            self.throttle_reset(commit=True)
            trail.append(self.user, trail.Verb.BACKUP_CODE_USED, about=self.user_id, access=[self])
        else:
            self.throttle_increment(commit=True)
        return right

    def _codes_left(self) -> str:
        return _state_of(self.codes.values_list("digest", flat=True))


def _state_of(digests: Iterable[str]) -> str:
    return hashlib.sha256("|".join(sorted(digests)).encode()).hexdigest()


class BackupCode(models.Model):
    """One unused backup code, as an HMAC."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sheet = models.ForeignKey(BackupSheet, models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, unique=True, editable=False)

    class Meta:
        verbose_name = _("backup code")
        verbose_name_plural = _("backup codes")

    def __str__(self) -> str:
        return str(self.pk)


def second_factor(user: User, typed: str) -> Device | None:
    """The device that accepts `typed`: six digits go to the app, anything longer to the backup codes."""
    model: Any = TotpDevice if len(codes.normalise(typed)) <= DIGITS else BackupSheet
    in_force = user.phone if model is TotpDevice else user.sheet
    with transaction.atomic():
        for device in (
            model.objects.select_for_update().intact().filter(user=user, confirmed=True, pk=in_force)
        ):
            if device.verify_token(typed):
                return device  # type: ignore[no-any-return]
    return None


def locked_until(devices: Iterable[Device]) -> Any:
    """The latest moment until which one of `devices` refuses every code, or None."""
    moments = [(device.verify_is_allowed()[1] or {}).get("locked_until") for device in devices]
    return max((moment for moment in moments if moment), default=None)
