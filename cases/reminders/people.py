"""Who is told of a deadline, and as what: decided when planning, and again before every mail."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import F

from cases import countries
from cases.deadlines import lead_reached, unseen_goes_up_at
from cases.models import Care, Deadline, LeadTimes, Status
from cases.models.deadline import DeadlineQuerySet
from staff.models import User
from staff.roles import Act, may, sees_cases

# A weekend and a day: nothing can go up unseen earlier than that before its date.
EARLIEST_ESCALATION_DAYS = 4


def watched(rows: DeadlineQuerySet | None = None) -> Any:
    """Open deadlines of cases in work, with what telling somebody needs and nothing else."""
    if rows is None:
        rows = Deadline.objects.open()
    return (
        rows.exclude(case__status=Status.CLOSED)
        .annotate(worker_id=F("case__caseworker_id"), team_id=F("case__team_id"), colour=F("case__colour"))
        .only("id", "case_id", "kind", "country", "state", "due_on", "care")
    )


class People:
    """The staff as it is now: read once, asked many times. `now` is an aware moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.leads = LeadTimes.objects.table()
        self.longest_lead = max(*(max(leads) for leads in self.leads.values()), EARLIEST_ESCALATION_DAYS)
        self.users = {user.pk: user for user in User.objects.filter(is_active=True) if sees_cases(user)}
        self._coordinators: dict[UUID | None, list[UUID]] = {}
        for user in self.users.values():
            if may(user, Act.SIGN_DIGEST):
                self._coordinators.setdefault(user.team_id, []).append(user.pk)
        self._todays: dict[str, date] = {}
        # Rows of the case lists that nobody of their team can be told of, found by told().
        self.forsaken: set[UUID] = set()

    def all_coordinators(self) -> list[UUID]:
        """Everyone who signs the digest, of every team."""
        return [each for team in self._coordinators.values() for each in team]

    def today(self, country: str) -> date:
        """The date in that country."""
        found = self._todays.get(country)
        if found is None:
            found = self._todays[country] = countries.today_in(country, self.now)
        return found

    def told(self, row: Any) -> set[tuple[int, UUID]]:
        """(lead in days, person) for everyone who is to be told of a watched() row at this moment.

        The caseworker at every lead; coordinators where there is no caseworker, every day once it is overdue,
        and when nobody has seen it a day before. Raises a kind of CannotOpen for a date that does not open.
        """
        due_on = row.due_on
        days_left = (due_on - self.today(row.country)).days
        if days_left > self.longest_lead:
            return set()
        care = row.taken
        leads = self.leads[row.kind]
        if care.snoozed_until is not None:
            if self.today(row.country) < care.snoozed_until:
                return set()
            # The day it slept until is a reminder of its own.
            leads = (*leads, (due_on - care.snoozed_until).days)
        lead = lead_reached(days_left, leads)
        worker = row.worker_id if row.worker_id in self.users else None
        found = set()
        if lead is not None and worker is not None:
            found.add((lead, worker))
        if days_left < 0:
            found.update((days_left, each) for each in self._above(row))
        elif worker is None and lead is not None:
            found.update((lead, each) for each in self._above(row))
        elif days_left <= EARLIEST_ESCALATION_DAYS and care.seen_at is None and self._goes_up(row, care):
            found.update((min(days_left, 1), each) for each in self._above(row))
        return found

    def _goes_up(self, row: Any, care: Care) -> bool:
        return self.now >= unseen_goes_up_at(row.due_on, care.armed_at, countries.zone(row.country))

    def _above(self, row: Any) -> list[UUID]:
        """The coordinators of the row's team; where it has none, all of them, and the desk says so."""
        team = self._coordinators.get(row.team_id)
        if team is None:
            if row.worker_id not in self.users:
                self.forsaken.add(row.pk)
            return self.all_coordinators()
        return team


def zone_of(user: User) -> ZoneInfo:
    """The zone in which the user lives; UTC where it is not known any more."""
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
