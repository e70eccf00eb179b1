"""What is due and has no row in the ledger yet. Never "what is due today": a missed run loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.utils import timezone

from cases.models import Case, Deadline
from inbox import listing
from law import countries
from reminders.models import DAILY, Heartbeat, PlanTrouble, Pulse, Reminder
from reminders.models.reminder import NOTICE
from reminders.purging import purge
from reminders.recipients import OpenDeadline, Recipients, open_deadlines, zone_of
from staff.models import User
from vault.bulk import insert_new
from vault.cipher import CannotOpen, Erased

log = logging.getLogger(__name__)

BATCH = 5000
# Well below the most parameters that either database takes in one statement.
ASKED_AT_ONCE = 5000
RECIPIENTS_AT_ONCE, ALONE_HOURS = 2, 2
DAILY_MAIL_AT = time(8)
# The last place on earth where a day begins lies this far ahead of UTC.
FURTHEST_AHEAD = timedelta(hours=14)


@dataclass
class PlanResult:
    """What a plan did: rows made; deadlines that do not open; deadlines without anybody of their team."""

    made: int = 0
    unreadable: int = 0
    nobody: int = 0

    def trouble(self) -> str:
        """What the desk must say about it."""
        if self.unreadable:
            return PlanTrouble.UNREADABLE
        return PlanTrouble.NOBODY if self.nobody else PlanTrouble.NONE


def scan(now: datetime | None = None) -> None:
    """The minute's round: daily mails, the full plan where a date has changed or an hour has passed."""
    now = now or timezone.now()
    plan_daily_mails(now)
    tell_of_red_requests(now)
    last = Heartbeat.objects.filter(name=Pulse.PLAN).values_list("at", flat=True).first()
    if full_plan_is_due(last, now):
        plan(now)
        if last is None or last.date() != now.date():
            purge(now)
    Heartbeat.objects.beat(Pulse.SCAN, now)


def full_plan_is_due(last: datetime | None, now: datetime) -> bool:
    """Whether another hour has begun since `last`, or another date in any country we know."""
    if last is None or last > now or (now - last) >= timedelta(hours=1) or last.hour != now.hour:
        return True
    return any(
        countries.today_in(code, last) != countries.today_in(code, now) for code in countries.COUNTRIES
    )


def plan(now: datetime | None = None) -> PlanResult:
    """Look through every deadline that may be near or overdue, week by week, and write what is missing."""
    now = now or timezone.now()
    recipients, done = Recipients(now), PlanResult()
    last = (now + FURTHEST_AHEAD).date() + timedelta(days=recipients.longest_lead)
    for week in Deadline.objects.weeks_until(last):
        _write(open_deadlines(Deadline.objects.filter(due_week=week)), recipients, done)
    done.nobody = len(recipients.forsaken)
    if done.unreadable:
        log.error("%d deadlines do not open. Run: manage.py vault verify", done.unreadable)
    Heartbeat.objects.beat(Pulse.PLAN, now, done.trouble())
    return done


def plan_case(case: Case, now: datetime | None = None) -> PlanResult:
    """The same for one case, at once: the desk calls it in the transaction that saves the facts."""
    recipients, done = Recipients(now or timezone.now()), PlanResult()
    _write(open_deadlines(Deadline.objects.filter(case=case)), recipients, done)
    return done


def plan_daily_mails(now: datetime) -> int:
    """One row per coordinator and local date, from 08:00 in the coordinator's own zone. Returns rows made.

    Neither a clock change nor a machine that was off at eight is a case of its own.
    """
    recipients = Recipients(now)
    wanted = []
    for coordinator in recipients.all_coordinators():
        local = now.astimezone(zone_of(coordinator))
        if local.time() >= DAILY_MAIL_AT:
            wanted.append(Reminder.about(DAILY, local.date(), 0, coordinator.pk))
    return _insert_missing(wanted, now)


def tell_coordinators(about: UUID, team: UUID | None, person: User, now: datetime) -> int:
    """The mail that says nothing, at once, to those who coordinate `team` or the team of `person`.

    Where neither has a coordinator, to all of them. `about` is the record they find on the desk. Rows made.
    """
    everybody = [each for each in Recipients(now).all_coordinators() if each.pk != person.pk]
    teams = {team, person.team_id} - {None}
    recipients = [each for each in everybody if each.team_id in teams] or everybody
    day = now.date()
    return _insert_missing([Reminder.about(f"{NOTICE}{about}", day, 0, each.pk) for each in recipients], now)


def tell_of_red_requests(now: datetime) -> int:
    """The mail that says nothing, about each red request that nobody opened: at once to two coordinators,
    to all of them once it has waited ALONE_HOURS, and anew each day. Rows made.
    """
    waiting = listing.red(now)
    everybody = sorted(Recipients(now).all_coordinators(), key=lambda each: each.pk) if waiting else []
    wanted = []
    for key, since in waiting:
        # Which two hangs on the request: they take turns, and a second round names the same ones.
        first = key.int % len(everybody) if everybody else 0
        recipients = (everybody[first:] + everybody[:first])[:RECIPIENTS_AT_ONCE]
        for each in everybody if now - since >= timedelta(hours=ALONE_HOURS) else recipients:
            wanted.append(Reminder.about(f"{NOTICE}{key}", now.date(), 0, each.pk))
    return _insert_missing(wanted, now) if wanted else 0


def _write(rows: Iterable[OpenDeadline], recipients: Recipients, done: PlanResult) -> None:
    payloads = _payloads(rows, recipients, done)
    while batch := list(islice(payloads, BATCH)):
        done.made += _insert_missing(batch, recipients.now)


def _payloads(
    rows: Iterable[OpenDeadline], recipients: Recipients, done: PlanResult
) -> Iterator[dict[str, Any]]:
    for row in rows:
        try:
            found = recipients.of(row)
        except Erased:
            continue
        except CannotOpen:
            done.unreadable += 1
            continue
        if found:
            deadline, due_on = str(UUID(bytes=row.pk)), row.due_on
            for lead, person in found:
                yield Reminder.about(deadline, due_on, lead, recipients.ids[person])


def _insert_missing(payloads: list[dict[str, Any]], now: datetime) -> int:
    """Add what is not in the ledger; two planners at once are told apart by the unique key."""
    field: Any = Reminder._meta.get_field("key")
    wanted = {field.token(payload): payload for payload in payloads}
    keys = iter(list(wanted))
    while chunk := list(islice(keys, ASKED_AT_ONCE)):
        for known in Reminder.objects.filter(key__in=chunk).values_list("key", flat=True):
            del wanted[known]
    missing = [Reminder(payload=payload, next_at=now) for payload in wanted.values()]
    insert_new(missing)
    return len(missing)
