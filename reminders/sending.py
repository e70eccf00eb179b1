"""Send what is due: claim, check again, send outside of any transaction, mark with the lease."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from cases.models import Colour, Deadline
from reminders import ledger
from reminders.models import Circuit, Heartbeat, Postbox, Pulse, Reminder, ReminderState, Trouble
from reminders.models.reminder import is_of_a_deadline
from reminders.notify import Post, RecipientRefused, ServerDown
from reminders.recipients import OpenDeadline, Recipients, open_deadlines
from staff.models import User
from vault.cipher import CannotOpen, Erased
from vault.keyring import keyed_hash

log = logging.getLogger(__name__)

BETWEEN_MAILS = timedelta(hours=4)
# Well below the task's time limit; the next round goes on.
BUDGET_SECONDS = 50.0


@dataclass
class DrainResult:
    """What a drain did, in rows of the ledger; `mails` is the number of mails that the server took."""

    mails: int = 0
    sent: int = 0
    cancelled: int = 0
    put_off: int = 0
    failed: int = 0


@dataclass
class Letter:
    """Rows of one batch that one mail to one person answers."""

    user: User
    rows: list[Reminder] = field(default_factory=list)
    urgent: bool = False


def drain(now: datetime | None = None) -> DrainResult:
    """Send what is due at `now`. Any number of them may run at once."""
    now = now or timezone.now()
    done = DrainResult()
    circuit = Circuit.objects.current()
    if not circuit.resting(now) and Reminder.objects.due(now).exists():
        try:
            with Post() as post:
                _Round(now, post, done).work()
        except ServerDown as problem:
            circuit.fail(now)
            log.warning("The mail server does not take mail (%s); it will be tried again.", problem)
        else:
            circuit.succeed()
    Heartbeat.objects.beat(Pulse.DRAIN, now)
    return done


class _Round:
    """One drain with one connection: nobody gets two mails in it."""

    def __init__(self, now: datetime, post: Post, done: DrainResult) -> None:
        self.now, self.post, self.done = now, post, done
        self.recipients = Recipients(now)
        self.mailed: set[UUID] = set()
        self.refused: set[UUID] = set()
        self.began = time.monotonic()

    def work(self) -> None:
        """Batch after batch, until nothing is due or the time is up. Raises ServerDown."""
        while time.monotonic() - self.began < BUDGET_SECONDS:
            claimed_at = time.monotonic()
            lease, rows = ledger.claim(self.now, self._clock())
            if not rows:
                return
            letters = list(self._sort(lease, rows))
            # Half a lease is left for the mail that is under way: nobody else may claim its rows meanwhile.
            give_up_at = claimed_at + ledger.lease_time().total_seconds() / 2
            for position, letter in enumerate(letters):
                try:
                    if time.monotonic() > give_up_at:
                        raise _OutOfTime
                    self._deliver(lease, letter)
                except (ServerDown, _OutOfTime) as stop:
                    left = [row for each in letters[position:] for row in each.rows]
                    ledger.hand_back(left, lease, self.now)
                    self.done.put_off += len(left)
                    if isinstance(stop, ServerDown):
                        raise
                    return

    def _clock(self) -> datetime:
        return self.now + timedelta(seconds=time.monotonic() - self.began)

    # -- before the mail

    def _sort(self, lease: UUID, rows: list[Reminder]) -> Iterable[Letter]:
        """End what is not to be sent; give the rest by person."""
        letters: dict[UUID, Letter] = {}
        dead, over, readable = [], [], []
        for row in rows:
            try:
                readable.append((row, row.payload))
            except Erased:
                over.append(row)
            except CannotOpen:
                dead.append(row)
        deadlines = self._deadlines(about["deadline"] for _row, about in readable)
        for row, about in readable:
            user = self.recipients.users.get(UUID(about["recipient"]).bytes)
            if row.attempts > ledger.MOST_ATTEMPTS:
                # Claimed again and again by workers that died over it.
                self._finish([row], lease, ReminderState.DEAD, Trouble.FAILED)
            elif user is None or not self._still_wanted(about, user, deadlines.get(about["deadline"])):
                over.append(row)
            else:
                letter = letters.setdefault(user.pk, Letter(user))
                letter.rows.append(row)
                letter.urgent |= self._is_urgent(about, deadlines.get(about["deadline"]))
        self._finish(dead, lease, ReminderState.DEAD, Trouble.UNREADABLE)
        self._finish(over, lease, ReminderState.CANCELLED)
        return letters.values()

    def _deadlines(self, names: Iterable[str]) -> dict[str, OpenDeadline]:
        ids = {UUID(name) for name in names if is_of_a_deadline(name)}
        return {str(UUID(bytes=row.pk)): row for row in open_deadlines(Deadline.objects.filter(pk__in=ids))}

    def _still_wanted(self, about: dict[str, Any], user: User, row: OpenDeadline | None) -> bool:
        """Whether it would be planned now: the deadline is open, unmoved, awake, and this person's."""
        if not is_of_a_deadline(about["deadline"]):
            return user in self.recipients.all_coordinators()
        if row is None:
            return False
        try:
            recipients = self.recipients.of(row)
        except Erased:
            return False
        except CannotOpen:
            return True  # once too often is better than never
        return str(row.due_on) == about["due_on"] and user.pk.bytes in {who for _lead, who in recipients}

    def _is_urgent(self, about: dict[str, Any], row: OpenDeadline | None) -> bool:
        if row is None or row.colour == Colour.RED:
            return True
        return date.fromisoformat(about["due_on"]) <= self.recipients.today(row.country)

    # -- the mail

    def _deliver(self, lease: UUID, letter: Letter) -> None:
        user, rows = letter.user, letter.rows
        if user.pk in self.mailed:
            # They were in the ledger before the mail went out, and the mail says: look at the desk.
            self._finish(rows, lease, ReminderState.SENT)
        elif user.pk in self.refused:
            self._fail(rows, lease, Trouble.REFUSED)
        elif address := self._address(user, rows, lease):
            self._deliver_to(address, lease, letter)

    def _address(self, user: User, rows: list[Reminder], lease: UUID) -> str:
        try:
            address = str(user.address or "").strip()
            validate_email(address)
        except CannotOpen:
            self._finish(rows, lease, ReminderState.DEAD, Trouble.ADDRESS_UNREADABLE)
        except ValidationError:
            self._finish(rows, lease, ReminderState.DEAD, Trouble.NO_ADDRESS)
        else:
            return address
        return ""

    def _deliver_to(self, address: str, lease: UUID, letter: Letter) -> None:
        user, rows = letter.user, letter.rows
        box = ledger.take_postbox(user, lease, self._clock())
        if box is None:
            self._put_off(rows, lease, self.now + ledger.lease_time())
            return
        mailed_at = _mailed_at(box)
        if not letter.urgent and mailed_at is not None and self.now - mailed_at < BETWEEN_MAILS:
            self._put_off(rows, lease, mailed_at + BETWEEN_MAILS)
            ledger.leave_postbox(box, lease)
            return
        sent_at = None
        try:
            self.post.send(address, user.language, _message_id(user, rows))
            sent_at = self.now
            self.mailed.add(user.pk)
            self.done.mails += 1
            self._finish(rows, lease, ReminderState.SENT)
        except RecipientRefused:
            self.refused.add(user.pk)
            self._fail(rows, lease, Trouble.REFUSED)
        except ServerDown:
            raise
        except Exception as problem:  # one letter that cannot be written must not stop the others
            log.error("A reminder could not be sent: %s", type(problem).__name__)
            self._fail(rows, lease, Trouble.FAILED)
        finally:
            ledger.leave_postbox(box, lease, sent_at)

    # -- after the mail

    def _finish(
        self, rows: list[Reminder], lease: UUID, state: ReminderState, trouble: Trouble = Trouble.NONE
    ) -> None:
        ours = ledger.finish(rows, lease, state, trouble) if rows else 0
        self.done.sent += ours * (state == ReminderState.SENT)
        self.done.cancelled += ours * (state == ReminderState.CANCELLED)
        self.done.failed += ours * (state == ReminderState.DEAD)

    def _fail(self, rows: list[Reminder], lease: UUID, trouble: Trouble) -> None:
        ledger.fail(rows, lease, trouble, self.now)
        self.done.failed += len(rows)

    def _put_off(self, rows: list[Reminder], lease: UUID, until: datetime) -> None:
        ledger.hand_back(rows, lease, until)
        self.done.put_off += len(rows)


class _OutOfTime(Exception):
    """The lease is nearly over."""


def _mailed_at(box: Postbox) -> datetime | None:
    try:
        return box.mailed_at
    except CannotOpen:
        return None


def _message_id(user: User, rows: list[Reminder]) -> str:
    """The same for the same reminders, so that a mail server can drop the repeat after a crash."""
    return keyed_hash("address", "message-id", user.pk.bytes, *sorted({row.key for row in rows})).hex()[:32]
