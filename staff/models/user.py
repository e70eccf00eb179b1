"""People who work at the desk, and their teams."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from staff import roles, trail
from staff.roles import Role
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedEmailField
from vault.models import OwnerModel
from vault.queryset import SealedQuerySet


class Team(models.Model):
    """People who share an office and a list of cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserQuerySet(BoundQuerySet["User"], SealedQuerySet["User"]):
    """Questions about accounts."""

    def active(self) -> UserQuerySet:
        """Accounts that may sign in."""
        return self.filter(is_active=True)

    def accepted(self) -> UserQuerySet:
        """Accounts whose owner chose a password; an invited person has none yet."""
        return self.exclude(password__startswith="!")  # noqa: S106 (the mark of "no password")

    def with_role(self, role: Role) -> UserQuerySet:
        """Active accounts on which `role` is in effect."""
        return self.active().filter(role=role)

    def end_sessions(self) -> int:
        """End every session of these accounts; how many accounts.

        One that was changed from outside signs nobody in, and must not keep the others' sessions alive.
        """
        with transaction.atomic():
            people = list(self.select_for_update().intact())
            for person in people:
                person.end_sessions()
        return len(people)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes accounts. Nothing here makes a superuser."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=User.normalize_username(username or ""))  # type: ignore[no-any-return]

    def create_user(
        self,
        username: str,
        password: str | None = None,
        *,
        role: str = "",
        team: Team | None = None,
        language: str = "en",
        time_zone: str = "UTC",
        address: str = "",
        approved_by: User | None = None,
        demo: bool = False,
    ) -> User:
        """A new account, from code: the console, the demo, the tests. Without a password nobody signs in.

        `role` takes effect at once, as granted on the console, or as approved by `approved_by`. Pages never
        pass it: they ask for a RoleGrant, which a coordinator approves.
        """
        from staff.models.grants import RoleGrant

        user = User(
            username=User.normalize_username(username),
            team=team,
            language=language,
            time_zone=time_zone,
            address=address,
            demo=demo,
        )
        user.set_password(password)
        with transaction.atomic():
            user.save(using=self._db)
            if role:
                RoleGrant.objects.grant_from_console(user, Role(role), approved_by=approved_by)
        return user


class User(BoundModel, OwnerModel, AbstractBaseUser):
    """An account. `role` is the role in effect: empty until a RoleGrant was approved."""

    username = models.CharField(
        _("username"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(
                r"^[\w.-]{2,40}\Z", _("Use 2 to 40 letters, digits, dots, hyphens or underscores; no spaces.")
            )
        ],
        help_text=_("Not a real name: it shows in lists and on the trail."),
        error_messages={"unique": _("This username is taken. Choose another one.")},
    )
    role = models.CharField(_("role"), max_length=20, choices=Role, blank=True, default="", editable=False)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, verbose_name=_("team"))
    address = SealedEmailField(
        _("e-mail address"),
        key="address",
        blank=True,
        default="",
        help_text=_("Reminders go here; they say nothing about cases. Never used to reset a password."),
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    time_zone = models.CharField(_("time zone"), max_length=50, default="UTC")
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    is_active = models.BooleanField(_("active"), default=True, editable=False)
    demo = models.BooleanField(default=False, editable=False)
    # The app and the sheet of backup codes in force: a lost row is not "none set up yet".
    phone = models.UUIDField(null=True, editable=False)
    sheet = models.UUIDField(null=True, editable=False)

    # The trail knows when somebody signed in; a second, readable copy would only be one more thing to leak.
    last_login = None
    is_superuser = False

    sealed_label = bound_label = "staff.user"
    bound_columns = (
        "id", "username", "password", "role", "team_id", "is_active", "session_epoch", "phone", "sheet"
    )  # fmt: skip
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                name="role_is_known",
                condition=Q(role__in=["", *Role.values]),
                violation_error_message=_("There is no such role."),
            )
        ]

    def __str__(self) -> str:
        return self.username

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Phones like to begin with a capital letter: all spellings of a username are one."""
        return unicodedata.normalize("NFKC", username).strip().lower()

    def clean(self) -> None:
        self.username = self.normalize_username(self.username)
        if self.time_zone not in available_timezones():
            raise ValidationError(
                {"time_zone": _("Unknown time zone. Choose one from the list, for example Asia/Almaty.")}
            )

    # -- what Django's admin asks

    @property
    def is_staff(self) -> bool:
        """Whether the desk is open to this account: active, with a role in effect."""
        return self.is_active and self.role in Role.values

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return roles.has_permission(self, perm)

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return roles.has_app(self, app_label)

    # -- sessions

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django calls this for the hash and, with older secrets, for its fallback: the epoch is in both."""
        return salted_hmac(
            "staff.session", f"{self.password}:{self.session_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()

    def end_sessions(self) -> None:
        """End every session of this account, here and on other devices."""
        with transaction.atomic():
            self._begin_epoch()
            self.save(update_fields=["session_epoch"])

    def _begin_epoch(self) -> None:
        """Count on from what is stored, locked: an epoch that comes back would bring its sessions back.

        Call it in a transaction, before other bound columns change: it reads them all.
        """
        self.refresh_from_db(fields=["session_epoch"], from_queryset=User.objects.select_for_update())
        self.session_epoch += 1

    # -- leaving and coming back

    def holds_cases(self) -> bool:
        """Whether cases in work stand in this name; how many and which is not the accounts' business."""
        # The room of cases hangs this relation here; nothing of staff imports it.
        return bool(self.cases.exclude(status="closed").exists())

    def deactivate(self, *, by: User | None, verb: trail.Verb = trail.Verb.ACCOUNT_DEACTIVATED) -> None:
        """Close the account: no session lives on, no role stays, open requests for one are withdrawn."""
        from staff.models.grants import Invitation, RoleGrant

        with transaction.atomic():
            self._begin_epoch()
            self.is_active, self.role = False, ""
            self.save(update_fields=["is_active", "role", "session_epoch"])
            # What was changed from outside counts for nothing, and must not keep the account open.
            grants = list(RoleGrant.objects.open().intact().filter(subject=self))
            for grant in grants:
                grant.state = RoleGrant.State.WITHDRAWN
                grant.save(update_fields=["state"])
            Invitation.objects.filter(user=self, used_at=None).delete()
            trail.append(by, verb, about=self.pk, access=[self, *grants])

    def panic(self) -> None:
        """The person's own emergency stop: every session ends and the account closes."""
        self.deactivate(by=self, verb=trail.Verb.PANIC)

    def reactivate(self, *, by: User) -> None:
        """Open the account again, without a role: it has to be asked for and approved anew."""
        with transaction.atomic():
            self.is_active = True
            self.save(update_fields=["is_active"])
            trail.append(by, trail.Verb.ACCOUNT_REACTIVATED, about=self.pk, access=[self])
