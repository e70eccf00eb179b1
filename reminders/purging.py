"""Old rows of the ledger go: what lies behind is nobody's business for longer than needed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from cases.models import Deadline
from reminders.models import Reminder
from reminders.models.reminder import is_of_a_deadline
from vault.cipher import CannotOpen

KEEP_DAYS = 30
PAGE = 5000


def purge(now: datetime | None = None) -> int:
    """Delete finished rows that no plan can ask for again. Returns how many went.

    A row is kept while its key still says "told already": until its date lies 30 days back, and the reminder
    of the day itself for as long as its deadline is open.
    """
    last_kept = (now or timezone.now()).date() - timedelta(days=KEEP_DAYS)
    finished = Reminder.objects.filter(next_at__isnull=True).order_by("pk").only("id", "payload")
    gone, after = 0, UUID(int=0)
    while page := list(finished.filter(pk__gt=after)[:PAGE]):
        after = page[-1].pk
        old = [row for row in page if _is_old(row, last_kept)]
        standing = _still_open([row.payload["deadline"] for row in old])
        going = [row.pk for row in old if not _still_says_so(row, standing)]
        for start in range(0, len(going), 500):
            gone += Reminder.objects.filter(pk__in=going[start : start + 500]).delete()[0]
    return gone


def _is_old(row: Reminder, last_kept: date) -> bool:
    try:
        due_on, lead = date.fromisoformat(row.payload["due_on"]), int(row.payload["lead_days"])
    except CannotOpen:
        return False
    return due_on + timedelta(days=max(0, -lead)) < last_kept


def _still_open(names: list[str]) -> dict[str, date]:
    ids, found = [UUID(name) for name in names if is_of_a_deadline(name)], {}
    for start in range(0, len(ids), 500):
        for row in Deadline.objects.open().filter(pk__in=ids[start : start + 500]).only("id", "due_on"):
            if row.opens():
                found[str(row.pk)] = row.due_on
    return found


def _still_says_so(row: Reminder, standing: dict[str, date]) -> bool:
    about = row.payload
    due_on = standing.get(about["deadline"])
    return due_on is not None and due_on.isoformat() == about["due_on"] and about["lead_days"] >= 0
