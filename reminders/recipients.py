"""The recipients of a reminder: who is told of a deadline, and as what. Asked when planning and sending."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cases.deadlines import lead_reached, unseen_goes_up_at
from cases.models import Care, Deputy, Status
from cases.models.deadline import DeadlineQuerySet
from law import countries
from reminders.models import LeadTimes
from staff.models import User
from staff.roles import Permission, may
from vault.bulk import read_columns
from vault.cipher import CannotOpen

# A weekend and a day: nothing can go up unseen earlier than that before its date.
EARLIEST_ESCALATION_DAYS = 4
NOT_LOOKED_UP: Any = object()


class OpenDeadline(NamedTuple):
    """An open deadline of a case in work, as far as telling somebody needs it; nothing that names a person.

    Where its date or its care does not open, the error stands there. UUIDs are 16 bytes.
    """

    pk: bytes
    kind: str
    country: str
    due_on: date | CannotOpen
    care: dict[str, str] | CannotOpen
    colour: str
    worker: bytes | None
    team: bytes


def open_deadlines(rows: DeadlineQuerySet) -> list[OpenDeadline]:
    """`rows` that somebody may have to be told of."""
    open_rows = rows.open().exclude(case__status=Status.CLOSED)
    columns = ("pk", "kind", "country", "due_on", "care", "case__colour", "case__caseworker", "case__team")
    return [OpenDeadline(*row) for row in read_columns(open_rows, *columns)]


class Recipients:
    """The staff as it is now: read once, asked many times. `now` is an aware moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.leads = LeadTimes.objects.table()
        self.longest_lead = max(*(max(leads) for leads in self.leads.values()), EARLIEST_ESCALATION_DAYS)
        active = User.objects.filter(is_active=True)
        self.users = {user.pk.bytes: user for user in active if may(user, Permission.HOLD_CASES)}
        self.ids = {pk: str(user.pk) for pk, user in self.users.items()}
        self.deputies = self._standing_in()
        self._coordinators: dict[bytes | None, list[bytes]] = {}
        for user in self.users.values():
            if may(user, Permission.SIGN_DIGEST):
                team = user.team_id.bytes if user.team_id else None
                self._coordinators.setdefault(team, []).append(user.pk.bytes)
        self._todays: dict[str, date] = {}
        self._reached: dict[tuple[str, int], int | None] = {}
        # Deadlines that nobody of their team can be told of, found by of().
        self.forsaken: set[bytes] = set()

    def _standing_in(self) -> dict[bytes, set[bytes]]:
        """Who stands in for whom on their own day: away → deputies."""
        day = self.now.date()
        near = Deputy.objects.filter(
            ended=False, from_on__lte=day + timedelta(1), until_on__gte=day - timedelta(1)
        )
        found: dict[bytes, set[bytes]] = {}
        for row in near:
            deputy = self.users.get(row.deputy_id.bytes)
            if deputy is None:
                continue
            if row.from_on <= self.now.astimezone(zone_of(deputy)).date() <= row.until_on:
                found.setdefault(row.away_id.bytes, set()).add(deputy.pk.bytes)
        return found

    def all_coordinators(self) -> list[User]:
        """Everyone who signs the digest, of every team."""
        return [self.users[each] for team in self._coordinators.values() for each in team]

    def today(self, country: str) -> date:
        """The date in that country."""
        found = self._todays.get(country)
        if found is None:
            found = self._todays[country] = countries.today_in(country, self.now)
        return found

    def of(self, row: OpenDeadline) -> set[tuple[int, bytes]]:
        """(lead in days, person) for everyone who is to be told of `row` at this moment.

        The caseworker, and who stands in for them, at every lead; coordinators where there is no caseworker,
        every day once it is overdue, and when nobody has seen it a day before. Raises a kind of CannotOpen
        for a date that does not open.
        """
        if isinstance(row.due_on, CannotOpen):
            raise row.due_on
        today = self.today(row.country)
        days_left = (row.due_on - today).days
        if days_left > self.longest_lead:
            return set()
        # Care that does not open counts as nobody's: then more people are told, not fewer.
        care = None if isinstance(row.care, CannotOpen) else row.care
        lead = self._lead(row.kind, days_left)
        if care is not None and not care["snoozed_until"].isspace():
            until = Care.from_json(care).snoozed_until
            if until is not None and today < until:
                return set()
            # The day it slept until is a reminder of its own.
            lead = lead_reached(days_left, (*self.leads[row.kind], (row.due_on - until).days))
        has_worker = row.worker in self.users
        found = {(lead, row.worker)} if lead is not None and row.worker in self.users else set()
        if found:
            found |= {(lead, deputy) for deputy in self.deputies.get(row.worker, ())}
        if days_left < 0:
            found.update((days_left, each) for each in self._above(row))
        elif lead is not None and not has_worker:
            found.update((lead, each) for each in self._above(row))
        elif days_left <= EARLIEST_ESCALATION_DAYS and self._goes_up(row.due_on, row.country, care):
            found.update((min(days_left, 1), each) for each in self._above(row))
        return found

    def _lead(self, kind: str, days_left: int) -> int | None:
        """lead_reached(), remembered: a window of thousands of dates has few distances."""
        found = self._reached.get((kind, days_left), NOT_LOOKED_UP)
        if found is NOT_LOOKED_UP:
            found = self._reached[kind, days_left] = lead_reached(days_left, self.leads[kind])
        return found

    def _goes_up(self, due_on: date, country: str, stored: dict[str, str] | None) -> bool:
        care = Care.from_json(stored) if stored is not None else Care()
        if care.seen_at is not None:
            return False
        return self.now >= unseen_goes_up_at(due_on, care.armed_at, countries.zone(country))

    def _above(self, row: OpenDeadline) -> list[bytes]:
        """The coordinators of the row's team; where it has none, all of them, and the desk says so."""
        team = self._coordinators.get(row.team)
        if team is None:
            if row.worker not in self.users:
                self.forsaken.add(row.pk)
            return [each for others in self._coordinators.values() for each in others]
        return team


def zone_of(user: User) -> ZoneInfo:
    """The zone in which the user lives; UTC where it is not known any more."""
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
