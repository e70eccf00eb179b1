"""Help requests as the inbox lists them: which of them wait, how urgent each is by now, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import (
    Count,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from inbox import requests
from inbox.models import RequestOutcome
from inbox.models.outcome import requests_visible_to
from intake import triage
from intake.models import Channel, Colour, HelpRequest, Language, Message, State
from law import countries
from staff import trail
from staff.models import User
from staff.roles import Permission, may

NOT_URGENT = -1
KEEP_DAYS, WARN_DAYS = 30, 7
ERASED_AT_ONCE = 200
MOST_HOURS_AS_HOURS = 48


class InboxFilter(TextChoices):
    """Which requests are shown: those that wait for somebody, all, or those of one state."""

    WAITING = "waiting", pgettext_lazy("requests", "Waiting for us")
    ANSWERED = "answered", pgettext_lazy("requests", "Answered")
    ACCEPTED = "accepted", pgettext_lazy("requests", "Became cases")
    DECLINED = "declined", pgettext_lazy("requests", "Declined")
    REFERRED = "referred", pgettext_lazy("requests", "Referred to others")
    SPAM = "spam", pgettext_lazy("requests", "Spam")
    ALL = "all", pgettext_lazy("requests", "All")


@dataclass(frozen=True)
class Line:
    """One request of the list; `urgency` is its colour by now, `came_as` the one it came in with."""

    key: UUID
    urgency: Colour
    came_as: Colour
    state: str
    waits: str
    clock: str
    late: bool
    added: int
    country: str
    language: str
    channel: str


@dataclass(frozen=True)
class RequestWithAdditions:
    """A request with additions that nobody opened: (colour they came in with, since when) of each."""

    key: UUID
    state: str
    colour: int
    received_at: datetime
    additions: Sequence[tuple[int, datetime]]

    @property
    def waits(self) -> bool:
        """Whether somebody must look at it; what is spam stays so."""
        return self.state != State.SPAM

    def row(self, now: datetime) -> dict[str, Any]:
        """As `RequestList` gives it: as urgent as its most urgent addition and, while new, as itself."""
        running = list(self.additions)
        if self.state == State.NEW:
            running.append((self.colour, self.received_at))
        urgency = max(
            triage.risen_colour(triage.Colour(colour), waited_hours=hours_between(at, now))
            for colour, at in running
        )
        new = self.state == State.NEW
        return {
            "pk": self.key,
            "urgency": int(urgency),
            "since": self.received_at if new else min(at for _colour, at in running),
            "colour": self.colour,
            "state": self.state,
            "received_at": self.received_at,
        }


def added_to(user: User) -> list[RequestWithAdditions]:
    """Requests with unopened additions that `user` may open; a partial index holds the additions alone.

    Asked once for a page: a few of thousands, so that all else is asked of one index.
    """
    if not may(user, Permission.WORK_INBOX):
        return []
    of_request = ("request", "request__state", "request__colour", "request__received_at")
    found: dict[tuple[UUID, str, int, datetime], list[tuple[int, datetime]]] = {}
    for *request, colour, at in Message.objects.filter(opened=False).values_list(
        *of_request, "colour", "received_at"
    ):
        found.setdefault(tuple(request), []).append((colour, at))  # type: ignore[arg-type]
    rows = [RequestWithAdditions(*request, additions) for request, additions in found.items()]
    accepted = {row.key for row in rows if row.state == State.ACCEPTED}
    if accepted:
        accepted -= set(requests_visible_to(user).filter(pk__in=accepted).values_list("pk", flat=True))
    return [row for row in rows if row.key not in accepted]


class RequestList(Sequence[dict[str, Any]]):
    """The requests of one choice in their order; reads no more of them than up to the end of a slice.

    Thousands are sorted by the database from one index, without what was added; the few with additions are
    sorted in here and put between them.
    """

    def __init__(self, rows: Any, few: Iterable[RequestWithAdditions], now: datetime) -> None:
        rows = rows.exclude(pk__in=Message.objects.filter(opened=False).values("request"))
        self._rows = rows.annotate(urgency=_alone(now)).order_by("-urgency", "received_at", "pk")
        self._few = [row.row(now) for row in few]

    def __len__(self) -> int:
        return int(self._rows.count()) + len(self._few)

    def __getitem__(self, wanted: Any) -> Any:
        if not isinstance(wanted, slice):
            return self[wanted : wanted + 1][0]
        rows = self._rows.values("pk", "urgency", "colour", "state", "received_at")[: wanted.stop]
        many = [row | {"since": row["received_at"]} for row in rows]
        return sorted([*many, *self._few], key=_place)[wanted]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self[:])


def _place(row: Mapping[str, Any]) -> Any:
    return (-row["urgency"], row["since"], row["pk"].hex)


def _alone(now: datetime) -> Choose:
    """The colour by now of a request to which nothing was added: it rises while nobody opens it."""
    return Choose(
        When(state=State.NEW, then=_risen_colour(now)), default=F("colour"), output_field=IntegerField()
    )


def list_requests(
    user: User, kept: str, now: datetime, added: Sequence[RequestWithAdditions] | None = None
) -> RequestList:
    """The requests that `user` may open, the most urgent and longest waiting first, as dictionaries."""
    few = added_to(user) if added is None else added
    if kept == InboxFilter.WAITING:
        few = [row for row in few if row.waits]
    elif kept != InboxFilter.ALL:
        few = [row for row in few if row.state == kept]
    return RequestList(_filtered_rows(user, kept), few, now)


def _filtered_rows(user: User, kept: str) -> Any:
    """The rows of one choice. Only accepted ones hang on a case: for all others the state alone is asked."""
    if not may(user, Permission.WORK_INBOX):
        return HelpRequest.objects.none()
    if kept == InboxFilter.WAITING:
        return HelpRequest.objects.filter(state__in=requests.WAITING)
    if kept in (InboxFilter.ALL, InboxFilter.ACCEPTED):
        rows = requests_visible_to(user)
        return rows if kept == InboxFilter.ALL else rows.filter(state=State.ACCEPTED)
    return HelpRequest.objects.filter(state=kept)


def _elsewhere(added: Iterable[RequestWithAdditions]) -> int:
    """How many wait only because something was added."""
    return sum(row.waits and row.state not in requests.WAITING for row in added)


def _by_urgency(rows: Any, now: datetime) -> QuerySet[HelpRequest, Any]:
    """`rows` with the colour that each has by now, and since when it waits: `RequestList` in SQL alone."""
    added = Message.objects.filter(request=OuterRef("pk"), opened=False).order_by().values("request")
    rows = rows.annotate(
        added_colour=Subquery(added.annotate(most=Max(_risen_colour(now))).values("most")),
        added_since=Subquery(added.annotate(first=Min("received_at")).values("first")),
    )
    rows = rows.annotate(
        urgency=Choose(
            When(
                state=State.NEW,
                then=Greatest(_risen_colour(now), Coalesce(F("added_colour"), Value(NOT_URGENT))),
            ),
            default=Coalesce(F("added_colour"), F("colour")),
            output_field=IntegerField(),
        ),
        since=Choose(
            When(state=State.NEW, then=F("received_at")), default=Coalesce("added_since", "received_at")
        ),
    )
    return rows.order_by("-urgency", "since", "pk").values(  # type: ignore[no-any-return]
        "pk", "urgency", "since", "colour", "state", "received_at"
    )


def late(user: User, now: datetime) -> list[Line]:
    """Requests that nobody opened and whose clock has run out: all red ones, and what has risen to orange."""
    unopened = Q(state=State.NEW) | Q(pk__in=Message.objects.filter(opened=False).values("request"))
    rows = requests_visible_to(user).filter(unopened).exclude(state=State.SPAM)
    urgent: Any = _by_urgency(rows, now).filter(urgency__gte=Colour.ORANGE)
    return [line for line in lines(list(urgent), now) if line.late or line.urgency > line.came_as]


def red(now: datetime) -> list[tuple[UUID, datetime]]:
    """Requests that are red by now and that nobody opened, with the hour since which they wait."""
    unopened = Q(state=State.NEW) | Q(pk__in=Message.objects.filter(opened=False).values("request"))
    rows: Any = _by_urgency(HelpRequest.objects.filter(unopened).exclude(state=State.SPAM), now)
    return list(rows.filter(urgency=Colour.RED).order_by("since", "pk").values_list("pk", "since"))


def ending(before: datetime) -> QuerySet[HelpRequest]:
    """Requests without an answer or a case that came before `before`, and nothing was added since then."""
    lively = Message.objects.filter(received_at__gte=before).values("request")
    quiet = HelpRequest.objects.filter(state__in=(*requests.WAITING, *requests.ENDS), received_at__lt=before)
    return quiet.exclude(pk__in=lively)


def erased_soon(user: User, now: datetime) -> list[Line]:
    """Requests that are erased within WARN_DAYS because nobody answered them."""
    if not may(user, Permission.WORK_INBOX):
        return []
    rows = ending(now - timedelta(days=KEEP_DAYS - WARN_DAYS)).filter(state__in=requests.WAITING)
    return lines(list(_by_urgency(rows, now)), now)


def erase_unanswered(now: datetime) -> int:
    """Erase what got neither answer nor case in KEEP_DAYS, and reasons without a request; how many."""
    done = 0
    while keys := list(ending(now - timedelta(days=KEEP_DAYS)).values_list("pk", flat=True)[:ERASED_AT_ONCE]):
        with transaction.atomic():
            requests.forget(keys, counted=True)
            for key in keys:
                trail.append(None, trail.Verb.REQUEST_ERASED, about=key, at=now)
        done += len(keys)
    RequestOutcome.objects.filter(case=None).exclude(request__in=HelpRequest.objects.values("pk")).delete()
    return done


def _risen_colour(now: datetime) -> Choose:
    """`triage.risen_colour` in SQL, for a row with `colour` and `received_at` that nobody opened yet."""
    whens = []
    for colour in (triage.Colour.ORANGE, triage.Colour.YELLOW):
        hours, now_is = 0, colour
        steps = []
        while now_is < triage.Colour.RED:
            hours += triage.CLOCK_HOURS[now_is] or 0
            now_is = triage.Colour(now_is + 1)
            run_out = now - timedelta(hours=hours)
            steps.append(When(colour=colour, received_at__lte=run_out, then=Value(int(now_is))))
        whens += reversed(steps)
    return Choose(*whens, default=F("colour"), output_field=IntegerField())


def waiting_count(user: User) -> int:
    """How many requests wait, for the link to the inbox."""
    if not may(user, Permission.WORK_INBOX):
        return 0
    return HelpRequest.objects.filter(state__in=requests.WAITING).count() + _elsewhere(added_to(user))


def counts(user: User, added: Sequence[RequestWithAdditions] | None = None) -> dict[str, int]:
    """How many requests each choice shows."""
    if not may(user, Permission.WORK_INBOX):
        return dict.fromkeys(InboxFilter.values, 0)
    others = HelpRequest.objects.exclude(state=State.ACCEPTED).order_by()
    found: dict[str, int] = dict(others.values_list("state").annotate(n=Count("state")))
    found[State.ACCEPTED] = _filtered_rows(user, InboxFilter.ACCEPTED).count()
    few = added_to(user) if added is None else added
    return {
        InboxFilter.WAITING: sum(found.get(state, 0) for state in requests.WAITING) + _elsewhere(few),
        **{kept: found.get(kept, 0) for kept in InboxFilter.values if kept in State.values},
        InboxFilter.ALL: sum(found.values()),
    }


def lines(rows: Sequence[Any], now: datetime) -> list[Line]:
    """What a page shows of the rows of `list_requests`; two questions more, however many there are.

    A request that was withdrawn meanwhile is left out.
    """
    keys = [row["pk"] for row in rows]
    told = HelpRequest.objects.filter(pk__in=keys).values_list("pk", "country", "language", "channel")
    plain = {key: (country, language, channel) for key, country, language, channel in told}
    added: dict[UUID, list[tuple[int, datetime]]] = {}
    for key, colour, at in Message.objects.filter(request__in=keys, opened=False).values_list(
        "request", "colour", "received_at"
    ):
        added.setdefault(key, []).append((colour, at))
    found = [row for row in rows if row["pk"] in plain]
    return [_line(row, plain[row["pk"]], added.get(row["pk"], []), now) for row in found]


def _line(
    row: dict[str, Any], plain: tuple[str, str, str], added: list[tuple[int, datetime]], now: datetime
) -> Line:
    country, language, channel = plain
    running = list(added)
    if row["state"] == State.NEW:
        running.append((row["colour"], row["received_at"]))
    clock, late = clock_words(running, now)
    if not running and row["state"] == State.OPENED:
        clock = gettext("opened, not answered yet")
    return Line(
        key=row["pk"],
        urgency=Colour(row["urgency"]),
        came_as=Colour(row["colour"]),
        state=str(State(row["state"]).label),
        waits=length(hours_between(row["since"], now)),
        clock=clock,
        late=late,
        added=len(added),
        country=countries.name(country) or str(_("country not said")),
        language=str(Language(language).label),
        channel=str(Channel(channel).label),
    )


def hours_between(since: datetime, now: datetime) -> int:
    """Whole hours from `since` to `now`, never less than none."""
    return max(0, int((now - since) // timedelta(hours=1)))


def length(hours: int) -> str:
    """A length of time in words: hours, from two days on days."""
    if hours < 1:
        return gettext("less than an hour")
    if hours < MOST_HOURS_AS_HOURS:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    days = hours // 24
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def clock_words(running: Sequence[tuple[int, datetime]], now: datetime) -> tuple[str, bool]:
    """The nearest of the clocks that run, as (colour it came in with, since when), and whether it is late."""
    left = []
    for colour, since in running:
        hours = triage.hours_left(triage.Colour(colour), waited_hours=hours_between(since, now))
        if hours is not None:
            left.append(hours)
    if not left:
        return (gettext("no clock"), False) if running else ("", False)
    nearest = min(left)
    if nearest > 0:
        return gettext("open it within %(time)s") % {"time": length(nearest)}, False
    if nearest == 0:
        return gettext("open it now"), True
    return gettext("open it now: late by %(time)s") % {"time": length(-nearest)}, True
