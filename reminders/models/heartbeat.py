"""Signs of life of reminders and the desk's own jobs, and what the last attempt found of the mail server."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

LONGEST_PAUSE = timedelta(minutes=15)


class Pulse(models.TextChoices):
    """The jobs that must stay alive."""

    SCAN = "scan", _("planning of reminders")
    DRAIN = "drain", _("sending of reminders")
    PLAN = "plan", _("full look through all deadlines")
    CHORES = "chores", _("the desk's own jobs")
    ACCESS = "access", _("look at what decides who reads")


class PlanTrouble(models.TextChoices):
    """What the last full plan could not do for some date, or the last round of the desk's own jobs at all."""

    NONE = "", _("None")
    UNREADABLE = "unreadable", _("Some deadlines do not open")
    NOBODY = "nobody", _("Some deadlines have nobody to remind")
    CHORE = "chore", _("A job of the desk fails")
    CHANGED = "changed", _("The database was changed from outside")


class HeartbeatManager(models.Manager["Heartbeat"]):
    """Writes and reads signs of life."""

    def beat(self, name: Pulse, now: datetime, trouble: str = "") -> None:
        """The job `name` did its work at `now`."""
        self.update_or_create(name=name, defaults={"at": now, "trouble": trouble})

    def last(self) -> dict[str, Heartbeat]:
        """The last sign of life of each job that ever gave one, by name."""
        return {row.name: row for row in self.all()}


class Heartbeat(models.Model):
    """When a job last did its work through beat, broker, worker and database."""

    name = models.CharField(primary_key=True, max_length=10, choices=Pulse, editable=False)
    at = models.DateTimeField(editable=False)
    trouble = models.CharField(max_length=20, choices=PlanTrouble, default="", blank=True, editable=False)

    objects = HeartbeatManager()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return str(self.name)


class CircuitManager(models.Manager["Circuit"]):
    """The one row."""

    def current(self) -> Circuit:
        """The state of the mail server; closed until an attempt fails."""
        return self.get_or_create(pk=Circuit.MAIL)[0]


class Circuit(models.Model):
    """Whether the mail server is being left alone for a while after it failed. It is tried again for ever."""

    MAIL = "mail"

    name = models.CharField(primary_key=True, max_length=10, default=MAIL, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    broken_since = models.DateTimeField(null=True, editable=False)
    open_until = models.DateTimeField(null=True, editable=False)

    objects = CircuitManager()

    class Meta:
        verbose_name = _("mail server")
        verbose_name_plural = _("mail server")
        constraints = [
            models.CheckConstraint(
                name="circuit_failures_have_a_beginning",
                condition=Q(failures=0, broken_since__isnull=True, open_until__isnull=True)
                | Q(failures__gt=0, broken_since__isnull=False, open_until__isnull=False),
                violation_error_message=_("A failing mail server needs a beginning and an end of its rest."),
            )
        ]

    def __str__(self) -> str:
        return str(self.name)

    def resting(self, now: datetime) -> bool:
        """Whether the mail server is left alone at `now`."""
        return self.open_until is not None and now < self.open_until

    def fail(self, now: datetime) -> None:
        """An attempt failed: wait twice as long as last time, 15 minutes at most."""
        one_round = timedelta(seconds=settings.DRAIN_SECONDS)
        pause = min(LONGEST_PAUSE, one_round * 2 ** min(self.failures, 20))
        self.failures, self.open_until = self.failures + 1, now + pause
        self.broken_since = self.broken_since or now
        self.save()

    def succeed(self) -> None:
        """The mail server works."""
        if self.failures:
            self.failures, self.broken_since, self.open_until = 0, None, None
            self.save()
