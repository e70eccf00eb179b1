"""Whether reminders and the desk's own jobs are alive, for `/healthz` and the banner. Silence is an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reminders.models import Circuit, Heartbeat, PlanTrouble, Pulse, Reminder

OLDEST = timedelta(minutes=5)
# Beat to broker to worker to database: the first two have come all that way. A chore may take its time.
WATCHED = {Pulse.SCAN: OLDEST, Pulse.DRAIN: OLDEST, Pulse.CHORES: timedelta(minutes=15)}
# A server that restarts is nobody's alarm.
MAIL_MAY_REST = timedelta(minutes=5)

Signs = Mapping[str, Heartbeat]


@dataclass(frozen=True)
class Trouble:
    """What the banner says; `code` names it, `red` where somebody may miss a date."""

    code: str
    headline: str
    text: str
    red: bool = True


def silent_jobs(moment: datetime, last: Signs) -> list[Pulse]:
    """The jobs whose last sign of life is older at `moment` than WATCHED says, or missing."""
    return [job for job, oldest in WATCHED.items() if job not in last or moment - last[job].at > oldest]


def banner(now: datetime | None = None) -> list[Trouble]:
    """What everyone at the desk must know about the reminders; nothing when all is well.

    The board is computed from the deadlines themselves and stays right whatever this says.
    """
    moment, last = now or timezone.now(), Heartbeat.objects.last()
    return [
        *_silence(moment, last),
        *_mail_server(moment),
        *_mails_to_nobody(),
        *_plan_trouble(last),
        *_chore_trouble(last),
        *_access_trouble(last),
    ]


def _silence(now: datetime, last: Signs) -> Iterable[Trouble]:
    silent = silent_jobs(now, last)
    if Pulse.CHORES in silent:
        yield Trouble(
            "no_chores",
            _("The desk's own jobs have stopped"),
            _("Where a rule has changed, dates may be wrong. Tell an administrator today."),
        )
    if {Pulse.SCAN, Pulse.DRAIN} & set(silent):
        yield Trouble(
            "silent",
            _("Reminders have stopped"),
            _("Look at the board yourself, and tell an administrator."),
        )


def _mail_server(now: datetime) -> Iterable[Trouble]:
    circuit = Circuit.objects.current()
    if circuit.broken_since is not None and now - circuit.broken_since > MAIL_MAY_REST:
        yield Trouble(
            "mail_server",
            _("The mail server does not answer"),
            _("Reminders wait until it does. Look at the board yourself."),
        )


def _mails_to_nobody() -> Iterable[Trouble]:
    dead = Reminder.objects.dead().count()
    if dead:
        yield Trouble(
            "undelivered",
            _("Somebody was not reminded"),
            ngettext(
                "%(count)d reminder could not be delivered. The digest says to whom.",
                "%(count)d reminders could not be delivered. The digest says to whom.",
                dead,
            )
            % {"count": dead},
        )


def _plan_trouble(last: Signs) -> Iterable[Trouble]:
    row = last.get(Pulse.PLAN)
    if row is not None and row.trouble == PlanTrouble.UNREADABLE:
        yield Trouble(
            "unreadable",
            _("Some deadlines do not open"),
            _("Nobody is reminded of them. Tell an administrator today."),
        )
    elif row is not None and row.trouble == PlanTrouble.NOBODY:
        yield Trouble(
            "nobody",
            _("Some deadlines have nobody to remind"),
            _("Neither a caseworker nor a coordinator of their team. Assign the cases."),
        )


def _chore_trouble(last: Signs) -> Iterable[Trouble]:
    row = last.get(Pulse.CHORES)
    if row is not None and row.trouble == PlanTrouble.CHORE:
        yield Trouble(
            "chore",
            _("A job of the desk fails"),
            _("It is tried again and again. Tell an administrator: the log of the chores names it."),
        )


def _access_trouble(last: Signs) -> Iterable[Trouble]:
    if _was_changed_from_outside(last):
        yield Trouble(
            "changed",
            _("The database was changed from outside: see the runbook"),
            _("What was changed counts for nothing. Tell an administrator now."),
        )


def _was_changed_from_outside(last: Signs) -> bool:
    row = last.get(Pulse.ACCESS)
    return row is not None and row.trouble == PlanTrouble.CHANGED


def report(now: datetime | None = None) -> tuple[bool, str]:
    """Whether all is well, and a few plain words that name the part that is not."""
    try:
        last = Heartbeat.objects.last()
    except (DatabaseError, InterfaceError):
        return False, "The database does not answer."
    silent = silent_jobs(now or timezone.now(), last)
    if _was_changed_from_outside(last):
        return False, "The database was changed from outside: see the runbook."
    if silent:
        names = " and ".join(job.value for job in silent)
        where = "the chores" if silent == [Pulse.CHORES] else "beat, broker and worker"
        return False, f"No sign of life from {names} for minutes: look at {where}."
    return True, "All is well."
