"""The reminder ledger: what is to be said to whom, said once, and never lost. The broker holds none of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.deadlines import DEFAULT_LEADS
from cases.models.deadline import DeadlineKind
from vault.bulk import read_columns
from vault.fields import KeyedTokenField, SealedDateTimeField, SealedJSONField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

LONGEST_LEAD_DAYS = 365
MOST_LEADS = 12
# Stands in the payload of the daily mail to coordinators, where others name a deadline.
DAILY = "daily"
# Begins what stands there for other mails to coordinators: something happened that cannot wait.
NOTICE = "notice:"


def is_of_a_deadline(name: str) -> bool:
    """Whether what stands in a payload's `deadline` is a deadline's id."""
    return name not in (DAILY, "") and not name.startswith(NOTICE)


class ReminderState(models.TextChoices):
    """How far a reminder has come; the last three are final."""

    QUEUED = "queued", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    DEAD = "dead", _("Could not be delivered")
    CANCELLED = "cancelled", _("No longer needed")


UNFINISHED = (ReminderState.QUEUED, ReminderState.SENDING)


class Trouble(models.TextChoices):
    """Why a reminder has not been delivered (yet)."""

    NONE = "", _("None")
    REFUSED = "refused", _("The mail server refuses the address")
    NO_ADDRESS = "no_address", _("The account has no working e-mail address")
    ADDRESS_UNREADABLE = "address_unreadable", _("The account's e-mail address does not open")
    UNREADABLE = "unreadable", _("The reminder itself does not open")
    FAILED = "failed", _("Sending it failed again and again")


class ReminderQuerySet(SealedQuerySet["Reminder"]):
    """Questions to the ledger."""

    def due(self, now: datetime) -> Self:
        """Rows to claim at `now`: waiting for their time, or left behind by a process that died."""
        return self.filter(next_at__lte=now)

    def unfinished(self) -> Self:
        """Rows that will still be worked on."""
        return self.filter(next_at__isnull=False)

    def dead(self) -> Self:
        """Rows that nobody was told of: the desk shows a banner for them."""
        return self.filter(state=ReminderState.DEAD)

    def forget(self, deadlines: Iterable[UUID]) -> int:
        """Delete the rows about these deadlines, sent or not; returns how many. For erasure only."""
        about = {str(key) for key in deadlines}
        found = read_columns(self.all(), "pk", "payload") if about else []
        gone = [
            UUID(bytes=key)
            for key, payload in found
            if isinstance(payload, dict) and payload.get("deadline") in about
        ]
        for start in range(0, len(gone), 500):
            self.filter(pk__in=gone[start : start + 500]).delete()
        return len(gone)

    def retry(self, now: datetime) -> int:
        """Try dead rows again, once their cause was put right."""
        return self.dead().update(state=ReminderState.QUEUED, next_at=now, attempts=0, trouble=Trouble.NONE)


class Reminder(SealedModel):
    """One thing to say to one person. What it is about is sealed as one payload; nothing here points at it.

    `payload` holds deadline (a UUID, "daily", or "notice:" and an id), due_on, lead_days, recipient; `key`
    makes it unique. `next_at` is when to work on it next; while it is being sent, when its
    lease ends. NULL once finished.
    """

    sealed_under = None
    sealed_label = "cases.reminder"

    payload = SealedJSONField(key="calendar", editable=False)
    key = KeyedTokenField(
        "payload", names=("deadline", "due_on", "lead_days", "recipient"), key="calendar", unique=True
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ReminderState, default=ReminderState.QUEUED, editable=False
    )
    next_at = models.DateTimeField(null=True, default=timezone.now, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    trouble = models.CharField(
        _("trouble"), max_length=20, choices=Trouble, default="", blank=True, editable=False
    )

    objects = models.Manager.from_queryset(ReminderQuerySet)()

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        # SQLite does not use a partial index on `state IN (...)` with bound parameters.
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="reminder_next"),
            models.Index(fields=["state"], condition=Q(next_at__isnull=True), name="reminder_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                name="reminder_state_fits_its_lease",
                condition=Q(state=ReminderState.QUEUED, next_at__isnull=False, lease__isnull=True)
                | Q(state=ReminderState.SENDING, next_at__isnull=False, lease__isnull=False)
                | Q(
                    state__in=[ReminderState.SENT, ReminderState.DEAD, ReminderState.CANCELLED],
                    next_at__isnull=True,
                    lease__isnull=True,
                ),
                violation_error_message=_(
                    "Only a waiting reminder has a time, and only one being sent a lease."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def about(
        cls, deadline: UUID | str, due_on: date, lead_days: int, recipient: UUID | str
    ) -> dict[str, Any]:
        """The payload of a reminder; its four entries decide what counts as the same reminder."""
        return {
            "deadline": str(deadline),
            "due_on": due_on.isoformat(),
            "lead_days": lead_days,
            "recipient": str(recipient),
        }


class Postbox(SealedModel):
    """When a colleague was mailed last: mails must stay rare enough to be read."""

    sealed_under = None
    sealed_label = "cases.postbox"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="postbox", editable=False
    )
    mailed_at = SealedDateTimeField(key="calendar", null=True, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    busy_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("postbox")
        verbose_name_plural = _("postboxes")
        constraints = [
            models.CheckConstraint(
                name="postbox_lease_has_an_end",
                condition=Q(lease__isnull=True, busy_until__isnull=True)
                | Q(lease__isnull=False, busy_until__isnull=False),
                violation_error_message=_("A postbox that is in use says until when."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class LeadTimesManager(models.Manager["LeadTimes"]):
    """Lead times as coordinators set them."""

    def table(self) -> dict[str, tuple[int, ...]]:
        """Days before the date, longest first, for every kind of deadline."""
        table = dict.fromkeys(DeadlineKind.values, DEFAULT_LEADS)
        table.update((row.kind, row.leads()) for row in self.filter(kind__in=table))
        return table


def parse_leads(text: str) -> tuple[int, ...]:
    """The days in `text` ("30, 14, 7"), longest first; 0, the day itself, always belongs to them.

    Raises ValidationError that says how to write them.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValidationError(_("Write days divided by commas, for example: 30, 14, 7, 3, 1, 0."))
    days = {int(part) for part in parts} | {0}
    if max(days) > LONGEST_LEAD_DAYS or len(days) > MOST_LEADS:
        raise ValidationError(
            _("At most %(count)d reminders, none of them more than %(days)d days ahead.")
            % {"count": MOST_LEADS, "days": LONGEST_LEAD_DAYS}
        )
    return tuple(sorted(days, reverse=True))


class LeadTimes(models.Model):
    """How many days before a date of one kind reminders go out. Without a row the usual ones count.

    The kinds are those of deadlines, and the database says so there alone: one more is one migration.
    """

    kind = models.CharField(_("kind of deadline"), max_length=20, unique=True)
    days = models.CharField(_("days before"), max_length=100, default="30, 14, 7, 3, 1, 0")

    objects = LeadTimesManager()

    class Meta:
        verbose_name = _("lead times")
        verbose_name_plural = _("lead times")

    def __str__(self) -> str:
        return str(dict(DeadlineKind.choices).get(self.kind, self.kind))

    def clean(self) -> None:
        """Refuse a kind that there is not, and what cannot be read as days, beside its field."""
        if self.kind not in DeadlineKind.values:
            raise ValidationError(
                {"kind": _("This kind of deadline does not exist. Choose one from the list.")}
            )
        try:
            parse_leads(self.days)
        except ValidationError as problem:
            raise ValidationError({"days": problem.messages}) from None

    def leads(self) -> tuple[int, ...]:
        """The days, longest first; the usual ones where what stands there cannot be read as days."""
        try:
            return parse_leads(self.days)
        except ValidationError:
            return DEFAULT_LEADS


def rows_by_recipient(rows: Iterable[Reminder]) -> dict[UUID, list[Reminder]]:
    """The rows by whom they go to. Raises a kind of CannotOpen for a row that does not open."""
    found: dict[UUID, list[Reminder]] = {}
    for row in rows:
        found.setdefault(UUID(row.payload["recipient"]), []).append(row)
    return found
