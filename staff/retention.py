"""Retention: the old end of the trail is removed so that the rest can still be checked, and it shows.

Who worked on which case in which year is itself worth protecting, so the trail is not kept for ever. A cut
signs where the kept part begins; without that signature a missing beginning is a fault. It is the only code
that lifts the triggers, in one transaction with what it writes about itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from staff import append_only, chain, checkpoints, trail
from staff.chain import Head, TrailLink
from staff.checkpoints import Checkpoint, Kind
from vault import signing

# What is younger is never cut, so that a mistaken or forced command leaves the time in which questions come
# up.
KEPT_DAYS = 365
TABLES = ("staff_traillink", "staff_trailrow")


class CannotCut(ValueError):
    """The trail was not cut; the message says why and what to do."""


@dataclass(frozen=True)
class TrailCut:
    """What a cut removed: how many rows, and the signed place where the chain begins now."""

    rows: int
    checkpoint: Checkpoint


def cut(
    before_on: date,
    *,
    today: date,
    reason: str,
    save: Callable[[str], object] | None = None,
    now: datetime | None = None,
) -> TrailCut:
    """Remove the rows from before `before_on` (a UTC day; that day itself stays). Raises CannotCut, Broken.

    `save` is given each removed link as an export line first; what it raises stops the cut. Everything
    happens in one transaction, with the triggers standing again at its end.
    """
    if not reason.strip():
        raise CannotCut("Say why: it stands on the trail (--reason).")
    if before_on > today - timedelta(days=KEPT_DAYS):
        raise CannotCut(
            f"The last {KEPT_DAYS} days of the trail are never cut. Choose a day up to "
            f"{today - timedelta(days=KEPT_DAYS)}."
        )
    if not signing.can_sign():
        raise CannotCut("This process holds no signing key. Do this on the desk.")
    if fallen := append_only.missing(connection):
        raise CannotCut(
            f"Triggers that keep the trail are missing: {', '.join(fallen)}. Find out who removed them, then "
            "run: manage.py trail guard"
        )
    with transaction.atomic():
        return _cut(before_on, reason, save, now or timezone.now())


def _cut(before_on: date, reason: str, save: Callable[[str], object] | None, now: datetime) -> TrailCut:
    end = checkpoints.verify_all()
    first = Checkpoint.objects.cut()
    begins = first.position if first else 0
    last = _last_before(before_on, end)
    count = last - begins
    if count <= 0:
        raise CannotCut(f"No linked row of the trail is from before {before_on}. Nothing was changed.")
    for line in chain.export(after=begins, until=last) if save else ():
        save(line)  # type: ignore[misc]
    here = Head(last, TrailLink.objects.values_list("hash", flat=True).get(position=last))
    # The row about the cut is linked before the cut, so that the chain is never without an end.
    trail.append(
        None, trail.Verb.TRAIL_CUT, reason=f"{reason.strip()} ({count} rows, before {before_on})", at=now
    )
    chain.extend_all()
    signed = checkpoints.sign(here, kind=Kind.CUT, now=now)
    with append_only.without_triggers(connection, TABLES), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM staff_trailrow WHERE id IN (SELECT row_id FROM staff_traillink WHERE position <= "
            "%s)",
            [last],
        )
        cursor.execute("DELETE FROM staff_traillink WHERE position <= %s", [last])
    checkpoints.verify_all()
    return TrailCut(count, signed)


def _last_before(before_on: date, end: Head) -> int:
    """The last position of which nothing up to it is from `before_on` or later."""
    midnight = datetime(before_on.year, before_on.month, before_on.day, tzinfo=UTC)
    kept = TrailLink.objects.filter(row__at__gte=midnight).aggregate(first=Min("position"))["first"]
    return (kept or end.position + 1) - 1
