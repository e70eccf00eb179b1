"""Deriving dates again after a rule changed: a round of the desk's chores, then reminders of what moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cases.models import LeaseLost, Recomputation
from reminders import doorbell, planning

BATCHES_A_ROUND = 20


def go_on(now: datetime) -> bool:
    """One round of the chores: what has come due is asked for, some batches are done. True: there is more."""
    Recomputation.objects.request_due(now)
    return work(now, batches=BATCHES_A_ROUND)


def work(
    now: datetime,
    *,
    batches: int | None = None,
    take_over: bool = False,
    told: Callable[[Recomputation], None] = lambda row: None,
) -> bool:
    """Do up to `batches` batches (None: all there are); whether something is left that nobody holds.

    `told` hears of each batch. What moved is planned at the end, in one look at all deadlines; if that is cut
    short, the hourly plan does it.
    """
    moved = False
    left = batches
    try:
        while left != 0 and (row := Recomputation.objects.claim(now, take_over=take_over)):
            left, anything = _some(row, now, left, told)
            moved = moved or anything
    finally:
        if moved:
            planning.plan(now)
            doorbell.ring()
    return left == 0


def _some(
    row: Recomputation, now: datetime, left: int | None, told: Callable[[Recomputation], None]
) -> tuple[int | None, bool]:
    """Batches of one recomputation; how many are left of the allowance, and whether any date moved."""
    moved = False
    try:
        while left != 0:
            done = row.step(now)
            moved = moved or done.moved > 0
            left = None if left is None else left - 1
            row.refresh_from_db()
            told(row)
            if done.last:
                return left, moved
    except LeaseLost:
        return left, moved
    row.release()
    return left, moved
