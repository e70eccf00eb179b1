"""The ledger, a transactional outbox: claim rows, hand them back, finish them.

Short transactions; whoever lost its lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from reminders.models import Postbox, Reminder, ReminderState, Trouble
from staff.models import User

BATCH = 50
MOST_ATTEMPTS = 8
# A row that was claimed so often without an answer may be what kills the worker: it is taken alone, so that
# its neighbours do not die with it.
SUSPECT_ATTEMPTS = 2
FIRST_WAIT = timedelta(minutes=1)


def lease_time() -> timedelta:
    """How long a claimed row belongs to its worker."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim(now: datetime, clock: datetime | None = None) -> tuple[UUID, list[Reminder]]:
    """Lease rows that were due at `now`, the longest waiting first, and count the attempt.

    The lease runs from `clock`, the time it is by now.

    One ORM code: SKIP LOCKED on Postgres, and on SQLite the one writer that BEGIN IMMEDIATE lets in.
    """
    lease = uuid4()
    with transaction.atomic():
        due = Reminder.objects.due(now).order_by("next_at")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows = list(due[:BATCH])
        if rows and rows[0].attempts >= SUSPECT_ATTEMPTS:
            rows = rows[:1]
        else:
            rows = [row for row in rows if row.attempts < SUSPECT_ATTEMPTS]
        Reminder.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=ReminderState.SENDING,
            lease=lease,
            next_at=(clock or now) + lease_time(),
            attempts=F("attempts") + 1,
        )
    for row in rows:
        row.attempts += 1
    return lease, rows


def finish(
    rows: Collection[Reminder], lease: UUID, state: ReminderState, trouble: Trouble = Trouble.NONE
) -> int:
    """End the rows that are still ours. Returns how many were."""
    return _ours(rows, lease).update(state=state, trouble=trouble, next_at=None, lease=None)


def hand_back(rows: Collection[Reminder], lease: UUID, until: datetime) -> int:
    """Nothing was tried: the attempt does not count, and the rows wait until `until`."""
    return _ours(rows, lease).update(
        state=ReminderState.QUEUED, next_at=until, lease=None, attempts=F("attempts") - 1
    )


def fail(rows: Collection[Reminder], lease: UUID, trouble: Trouble, now: datetime) -> None:
    """It was tried in vain: wait twice as long each time; after the eighth attempt the row is dead."""
    for row in rows:
        if row.attempts >= MOST_ATTEMPTS:
            finish([row], lease, ReminderState.DEAD, trouble)
        else:
            _ours([row], lease).update(
                state=ReminderState.QUEUED,
                trouble=trouble,
                next_at=now + FIRST_WAIT * 2 ** (row.attempts - 1),
                lease=None,
            )


def _ours(rows: Collection[Reminder], lease: UUID):  # type: ignore[no-untyped-def]
    return Reminder.objects.filter(pk__in=[row.pk for row in rows], lease=lease)


def take_postbox(user: User, lease: UUID, now: datetime) -> Postbox | None:
    """The user's postbox, held for one mail; None while another worker mails the same person."""
    with transaction.atomic():
        Postbox.objects.get_or_create(user_id=user.pk)
        box = Postbox.objects.select_for_update().get(user_id=user.pk)
        if box.busy_until is not None and box.busy_until > now:
            return None
        box.lease, box.busy_until = lease, now + lease_time()
        box.save(update_fields=["lease", "busy_until"])
    return box


def leave_postbox(box: Postbox, lease: UUID, mailed_at: datetime | None = None) -> None:
    """Let others mail this person again, and note when it was mailed."""
    box.lease = box.busy_until = None
    if mailed_at is not None:
        box.mailed_at = mailed_at
        box.save(update_fields=["lease", "busy_until", "mailed_at"])
    else:
        Postbox.objects.filter(pk=box.pk, lease=lease).update(lease=None, busy_until=None)
