"""The deadline board: every open date that a person may see, live from Deadline and never from Reminder.

Two steps, so that a long list costs little: first each date alone, to count and to cut; then whole lines for
those that are shown. What does not open stands in a part of its own, at the top: it may be due today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cases import provenance
from cases.models import Case, Deadline, Deputy
from cases.models.case import Colour
from law import countries
from staff.models import User
from staff.roles import Permission, may
from vault.bulk import read_columns
from vault.cipher import CannotOpen
from vault.show import UNREADABLE, display_value

SOON_DAYS, WINDOW_DAYS = 7, 30
CRITICAL_DAYS = 1
# The last place on earth where a day begins lies this far ahead of UTC.
FURTHEST_AHEAD = timedelta(hours=14)
URGENCY_CLASS = {Colour.RED: "u3", Colour.ORANGE: "u2", Colour.YELLOW: "u1", Colour.GREEN: "u0"}


class Whose(TextChoices):
    """Whose dates are shown."""

    ALL = "all", _("All I may see")
    TEAM = "team", _("My team")
    MINE = "mine", _("Mine")


class Part(TextChoices):
    """The parts of the board, in the order of the page."""

    UNREADABLE = "unreadable", _("Dates that do not open")
    OVERDUE = "overdue", _("Overdue")
    TODAY = "today", _("Due today")
    SOON = "soon", _("Next 7 days")
    LATER = "later", _("Within 30 days")


class Mark(NamedTuple):
    """One open date, as little of it as counting needs; a tuple, because there are tens of thousands.

    They sort by date and key. `due_on` and `left` (days) are None, `order` is 0, where it does not open;
    `part` is None for what is more than 30 days ahead; `key` is the 16 bytes of the deadline's id.
    """

    order: int
    key: bytes
    due_on: date | None
    left: int | None
    part: Part | None
    mine: bool
    team: bool

    @property
    def pk(self) -> UUID:
        """The id of the deadline."""
        return UUID(bytes=self.key)

    def belongs_to(self, whose: Whose) -> bool:
        """Whether the reader asked for it."""
        return whose == Whose.ALL or (self.mine if whose == Whose.MINE else self.team)


def part_of(left: int | None) -> Part | None:
    """Where a date that many days ahead stands on the board; None for what is more than 30 days ahead."""
    if left is None:
        return Part.UNREADABLE
    if left <= 0:
        return Part.TODAY if left == 0 else Part.OVERDUE
    if left <= SOON_DAYS:
        return Part.SOON
    return Part.LATER if left <= WINDOW_DAYS else None


@dataclass(frozen=True)
class Line:
    """One date as the board shows it."""

    deadline: Deadline
    case: Case
    due_on: date | None
    left: int | None
    country: str
    urgency: str
    why: str
    anchor: str
    seen_by: str
    put_off_until: date | None
    reason: str

    @property
    def style(self) -> str:
        """The class that says how near it is."""
        return nearness(self.left)

    @property
    def words(self) -> str:
        """How near it is, in words and a number."""
        return days_left_words(self.left)


def nearness(left: int | None) -> str:
    """The class of a badge for `left` days; an unreadable date counts as the worst."""
    if left is None or left < 0:
        return "d-over"
    if left <= CRITICAL_DAYS:
        return "d-crit"
    return "d-soon" if left <= SOON_DAYS else "d-ok"


def days_left_words(left: int | None) -> str:
    """`left` days in words: "3 days overdue", "today", "tomorrow", "5 days left"."""
    if left is None:
        return str(UNREADABLE)
    if left < 0:
        return ngettext("%(n)d day overdue", "%(n)d days overdue", -left) % {"n": -left}
    if left == 0:
        return gettext("today")
    if left == 1:
        return gettext("tomorrow, 1 day left")
    return ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}


def choices_of(user: User) -> list[Whose]:
    """The views that the user's role has use for."""
    if may(user, Permission.SEE_TEAM) and user.team_id:
        return [Whose.ALL, Whose.TEAM, Whose.MINE]
    return [Whose.ALL, Whose.MINE]


def window(now: datetime) -> date:
    """The last day that any country could still count as within 30 days at `now`."""
    return (now + FURTHEST_AHEAD).date() + timedelta(days=WINDOW_DAYS)


def marks(user: User, now: datetime, *, until: date | None = None) -> list[Mark]:
    """Every open date the user may see, overdue or due until `until` (the 30 days by default), by date.

    "Today" is the date in the deadline's country at the aware moment `now`.
    """
    return _marks(_visible(user).in_weeks_until(until or window(now)), user, now)


def marks_between(user: User, now: datetime, first: date, last: date) -> list[Mark]:
    """The same for the days from `first` to `last`, both counted in; what does not open is left out."""
    week: Any = Deadline._meta.get_field("due_week")
    weeks = [week.token(first + timedelta(days=n)) for n in range(0, (last - first).days + 7, 7)]
    found = _marks(_visible(user).filter(due_week__in=weeks), user, now)
    return [mark for mark in found if mark.due_on and first <= mark.due_on <= last]


def cases_without_date(user: User) -> Any:
    """Cases in work without one open date: nobody is reminded of them."""
    dated = Deadline.objects.open().values("case")
    return Case.objects.visible_to(user).in_work().exclude(pk__in=dated)


def _visible(user: User) -> Any:
    return Deadline.objects.open().of(Case.objects.visible_to(user))


def _marks(rows: Any, user: User, now: datetime) -> list[Mark]:
    todays: dict[str, int] = {}
    # Who stands in for a colleague has the colleague's dates to see to as well.
    away = Deputy.objects.on(timezone.localdate(now)).filter(deputy=user).values_list("away", flat=True)
    me, us = {user.pk.bytes, *(pk.bytes for pk in away)}, user.team_id and user.team_id.bytes
    found = []
    for pk, country, due_on, worker, team in read_columns(
        rows, "pk", "country", "due_on", "case__caseworker", "case__team"
    ):
        mine, ours = worker in me, team == us
        if isinstance(due_on, CannotOpen):
            found.append(Mark(0, pk, None, None, Part.UNREADABLE, mine, ours))
            continue
        today = todays.get(country)
        if today is None:
            today = todays[country] = countries.today_in(country, now).toordinal()
        day = due_on.toordinal()
        found.append(Mark(day, pk, due_on, day - today, part_of(day - today), mine, ours))
    found.sort()
    return found


def parts(found: Sequence[Mark], whose: Whose) -> dict[Part, list[Mark]]:
    """The marks the reader asked for, by part of the board; every part is there, be it empty."""
    board: dict[Part, list[Mark]] = {part: [] for part in Part}
    for mark in found:
        if mark.part is not None and mark.belongs_to(whose):
            board[mark.part].append(mark)
    return board


def count(found: Sequence[Mark], whose: Whose) -> int:
    """How many dates that view of the board has."""
    return sum(mark.part is not None and mark.belongs_to(whose) for mark in found)


def lines(user: User, wanted: Sequence[UUID], now: datetime) -> list[Line]:
    """Whole lines for these deadlines, in their order; the number of queries does not grow with them."""
    found = {row.pk: row for row in readable(user).filter(pk__in=wanted)}
    rows = [found[pk] for pk in wanted if pk in found]
    origins = provenance.origins(rows)
    people = _names(rows)
    return [_line(row, now, origins[row.pk], people) for row in rows]


def readable(user: User) -> Any:
    """Deadlines of the cases that `user` may open, whole, with what a line needs."""
    rows = Deadline.objects.of(Case.objects.visible_to(user)).select_related("case", "case__caseworker")
    return rows.with_keys()


def _names(rows: Iterable[Deadline]) -> dict[UUID, str]:
    ids = {row.readable_care.seen_by for row in rows} - {None}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}


def _line(row: Deadline, now: datetime, origin: provenance.Origin, people: dict[UUID, str]) -> Line:
    today = row.today(now)
    due_on = row.due_on if row.opens() else None
    care = row.readable_care
    return Line(
        deadline=row,
        case=row.case,
        due_on=due_on,
        left=(due_on - today).days if due_on else None,
        country=countries.name(row.country),
        urgency=URGENCY_CLASS.get(row.case.colour, ""),  # type: ignore[call-overload]
        why=origin.text,
        anchor=origin.anchor,
        seen_by=people.get(care.seen_by, "") if care.seen_by else "",
        put_off_until=care.snoozed_until if row.sleeps_on(today) else None,
        reason=str(display_value(row, "reason")),
    )
