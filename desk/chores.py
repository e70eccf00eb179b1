"""The desk's own jobs: what needs its keys, so that the worker cannot do it. `manage.py chores` runs them.

A job may be killed anywhere and run twice at once: it goes on from what the database says, or does nothing.
To add one, write a function of a moment and a line in CHORES.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import close_old_connections

from cases.models import CompartmentOpening, RouteNote
from desk import files, recompute
from inbox import listing
from inbox.models import RequestMark, RequestTrace, marks
from intake.models import Answer
from reminders.models import Heartbeat, PlanTrouble, Pulse
from staff import access, checkpoints
from staff.models import DeviceReset, Session
from vault import dropbox, erasure

log = logging.getLogger(__name__)

# One that failed is tried again after this time, however rarely it runs.
RETRY_AFTER = timedelta(minutes=5)
# A form typed overnight is known by its session's row: see staff/interrupted_form.py.
SESSIONS_KEPT = timedelta(days=1)


class Chore(NamedTuple):
    """One job: its name in the log, how often it runs, and what to call with the present moment.

    `do` gives True if it stopped before all was done: then it runs again in the next round.
    """

    name: str
    every: timedelta
    do: Callable[[datetime], bool | None]


def turn_mailbox(now: datetime) -> None:
    """A new mailbox key each week; old ones are destroyed once no backup can hold what they open."""
    if settings.DROPBOX_PRIVATE_FILE and settings.DROPBOX_PUBLIC_FILE:
        dropbox.turn(now.date())
        dropbox.destroy_old(now.date(), window_days=dropbox.BACKUP_WINDOW_DAYS)


def sweep_uploads(now: datetime) -> None:
    """Finish or delete what uploads left that were killed half way, and files of erased cases."""
    files.sweep()


def destroy_read_answers(now: datetime) -> None:
    """An answer in a mailbox lives for a week after it was read, whether its reader comes back or not."""
    Answer.objects.destroy_read(today=now.date())


def erase_unanswered_requests(now: datetime) -> None:
    """A request that got neither answer nor case in 30 days is erased; the digest warned a week before."""
    listing.erase_unanswered(now)


def forget_withdrawn(now: datetime) -> None:
    """Marks of requests that were withdrawn: the public process erases the request and knows no more."""
    if marks.sweep():
        erasure.give_back_pages(RequestMark, RequestTrace)


def sign_trail(now: datetime) -> None:
    """Sign where the trail's chain ends, once an hour; a chain that does not hold is a failing chore."""
    checkpoints.sign_new(now=now)


def watch_access(now: datetime) -> None:
    """Whether what decides who reads is as the desk wrote it; the banner and /healthz say what was found."""
    trouble = PlanTrouble.CHANGED if access.watch(now) else PlanTrouble.NONE
    Heartbeat.objects.beat(Pulse.ACCESS, now, trouble)


def clear_sign_ins(now: datetime) -> None:
    """Sessions past their day, and requests to reset a second factor that nobody decided on in time."""
    Session.objects.filter(expire_date__lt=now - SESSIONS_KEPT).delete()
    DeviceReset.objects.expire(now=now)


def close_compartments(now: datetime) -> None:
    """Forget compartments whose time is over, and erase route notes two weeks after they were used."""
    CompartmentOpening.objects.sweep(now)
    if RouteNote.objects.erase_used(now.date()):
        erasure.give_back_pages(RouteNote)


CHORES: tuple[Chore, ...] = (
    Chore("recompute", timedelta(minutes=1), recompute.go_on),
    Chore("access", timedelta(seconds=45), watch_access),
    Chore("trail", timedelta(minutes=15), sign_trail),
    Chore("sign-ins", timedelta(hours=1), clear_sign_ins),
    Chore("mailbox", timedelta(hours=6), turn_mailbox),
    Chore("compartments", timedelta(minutes=30), close_compartments),
    Chore("uploads", timedelta(hours=12), sweep_uploads),
    Chore("old requests", timedelta(hours=6), erase_unanswered_requests),
    Chore("withdrawn requests", timedelta(minutes=5), forget_withdrawn),
    Chore("read answers", timedelta(hours=1), destroy_read_answers),
)


class Rota:
    """Runs each chore when it is due. It remembers nothing beyond its process: a new one runs all at once."""

    def __init__(self, clock: Callable[[], datetime], chores: Sequence[Chore] = CHORES) -> None:
        self.clock, self.chores = clock, chores
        self.due_at: dict[str, datetime] = {}
        self.failing: set[str] = set()

    def round(self) -> None:
        """Run what is due. One that fails is logged by name and place, and the others run all the same."""
        self._beat()
        for chore in self.chores:
            now = self.clock()
            if now >= self.due_at.get(chore.name, now):
                self.due_at[chore.name] = now + self._run(chore, now)
                self._beat()

    def _run(self, chore: Chore, now: datetime) -> timedelta:
        """Do it; how long to wait before it is done again."""
        try:
            close_old_connections()
            more = chore.do(now)
        except Exception:  # whatever it is: the other chores must not stop
            log.exception("The chore %s failed; it is tried again.", chore.name)
            self.failing.add(chore.name)
            return min(chore.every, RETRY_AFTER)
        self.failing.discard(chore.name)
        return timedelta() if more else chore.every

    def show_life(self) -> None:
        """While the desk is locked: there is nothing to do without its keys, and nothing is wrong."""
        self._beat()

    def _beat(self) -> None:
        """A sign of life, and whether all went well; without a database there is none, and that shows."""
        trouble = PlanTrouble.CHORE if self.failing else PlanTrouble.NONE
        try:
            Heartbeat.objects.beat(Pulse.CHORES, self.clock(), trouble)
        except Exception:
            log.exception("The chores could not write their sign of life.")
