"""How soon somebody must act: facts in, explained flags out. No Django, no clock, no score.

A fact says what a person (or a caseworker) told and, where it has a moment, how far away that is: whole hours
or days left, rounded down, negative once it has passed. For what happened already it is the days since. An
unknown distance counts as the nearest: whoever does not know the date of his deployment may leave tonight.
The words for people stand in `intake.words`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class Colour(IntEnum):
    """How soon somebody must act; a higher number is more urgent."""

    GREEN = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3


# Hours within which somebody opens the request; green has no clock.
CLOCK_HOURS: dict[Colour, int | None] = {
    Colour.RED: 0,
    Colour.ORANGE: 24,
    Colour.YELLOW: 72,
    Colour.GREEN: None,
}


class Danger(StrEnum):
    """What a fact is about. The values are stored: never change them."""

    DETAINED = "detained"
    AT_THE_BORDER = "at_the_border"
    HANDOVER = "handover"
    DEPLOYMENT = "deployment"
    SUICIDE_RISK = "suicide_risk"
    VISIT = "visit"
    STAY_ENDS = "stay_ends"
    APPEAL_ENDS = "appeal_ends"
    BORDER_CROSSING = "border_crossing"
    NO_SHELTER = "no_shelter"
    NO_MONEY = "no_money"
    NUMBER_COMPROMISED = "number_compromised"
    DOCUMENT_ENDS = "document_ends"
    HEARING = "hearing"
    NO_NEWS = "no_news"


class Unit(StrEnum):
    """What a fact's distance is counted in."""

    NONE = ""
    HOURS_LEFT = "hours_left"
    DAYS_LEFT = "days_left"
    DAYS_SINCE = "days_since"


class Source(StrEnum):
    """Who set the flag."""

    PERSON = "person"
    STAFF = "staff"


@dataclass(frozen=True)
class Fact:
    """One danger that was told. `distance` is in the unit of its danger; None: not known, or it has none."""

    danger: Danger
    distance: int | None = None
    source: Source = Source.PERSON


@dataclass(frozen=True)
class Flag:
    """A fact that calls for a colour, and why: its distance and the limit that it is within."""

    colour: Colour
    fact: Fact
    unit: Unit
    limit: int | None

    @property
    def clock_hours(self) -> int | None:
        """Hours within which somebody opens the request because of this flag."""
        return CLOCK_HOURS[self.colour]

    def record(self) -> dict[str, str | int | None]:
        """The flag as JSON, for the sealed box; `flag_of` reads it."""
        return {
            "danger": str(self.fact.danger),
            "distance": self.fact.distance,
            "source": str(self.fact.source),
            "colour": int(self.colour),
            "limit": self.limit,
        }


def flag_of(record: Mapping[str, Any]) -> Flag:
    """The flag that `Flag.record` wrote down. Raises ValueError or KeyError for anything else."""
    fact = Fact(Danger(record["danger"]), record["distance"], Source(record["source"]))
    return Flag(Colour(record["colour"]), fact, unit_of(fact.danger), record["limit"])


@dataclass(frozen=True)
class Triage:
    """The colour of a request and the flags that give it, the most urgent first."""

    colour: Colour
    flags: tuple[Flag, ...]


# (colour, unit, limit) by danger, the most urgent first; a limit is counted in.
RULES: dict[Danger, tuple[tuple[Colour, Unit, int | None], ...]] = {
    Danger.DETAINED: ((Colour.RED, Unit.NONE, None),),
    Danger.AT_THE_BORDER: ((Colour.RED, Unit.NONE, None),),
    Danger.HANDOVER: ((Colour.RED, Unit.NONE, None),),
    Danger.DEPLOYMENT: ((Colour.RED, Unit.HOURS_LEFT, 72),),
    Danger.SUICIDE_RISK: ((Colour.RED, Unit.NONE, None),),
    Danger.VISIT: ((Colour.RED, Unit.DAYS_SINCE, 0),),
    Danger.STAY_ENDS: ((Colour.ORANGE, Unit.DAYS_LEFT, 7), (Colour.YELLOW, Unit.DAYS_LEFT, 30)),
    Danger.APPEAL_ENDS: ((Colour.ORANGE, Unit.DAYS_LEFT, 7),),
    Danger.BORDER_CROSSING: ((Colour.ORANGE, Unit.HOURS_LEFT, 48),),
    Danger.NO_SHELTER: ((Colour.ORANGE, Unit.NONE, None),),
    Danger.NO_MONEY: ((Colour.ORANGE, Unit.NONE, None),),
    Danger.NUMBER_COMPROMISED: ((Colour.ORANGE, Unit.NONE, None),),
    Danger.DOCUMENT_ENDS: ((Colour.YELLOW, Unit.DAYS_LEFT, 60),),
    Danger.HEARING: ((Colour.YELLOW, Unit.DAYS_LEFT, 14),),
    Danger.NO_NEWS: ((Colour.YELLOW, Unit.DAYS_SINCE, 30),),
}
# Long silence is the danger here, not a recent moment.
_AT_LEAST = frozenset({Danger.NO_NEWS})


def unit_of(danger: Danger) -> Unit:
    """What the distance of a fact about `danger` is counted in."""
    return RULES[danger][0][1]


def flag_for(fact: Fact) -> Flag | None:
    """The flag that `fact` raises, or None where it is too far away to matter yet.

    What has passed stays as urgent as what is about to: an order, a term or a hearing that was missed.
    """
    for colour, unit, limit in RULES[fact.danger]:
        if limit is None or fact.distance is None or _within(fact.danger, fact.distance, limit):
            return Flag(colour, fact, unit, limit)
    return None


def _within(danger: Danger, distance: int, limit: int) -> bool:
    return distance >= limit if danger in _AT_LEAST else distance <= limit


def assess(facts: Iterable[Fact]) -> Triage:
    """The colour of the most urgent flag, green without one. Neither order nor repetition matters."""
    raised = {flag for fact in facts if (flag := flag_for(fact)) is not None}
    flags = tuple(sorted(raised, key=_order))
    return Triage(flags[0].colour if flags else Colour.GREEN, flags)


def _order(flag: Flag) -> tuple[int, str, bool, int, str]:
    distance = flag.fact.distance
    return -flag.colour, flag.fact.danger, distance is not None, distance or 0, flag.fact.source


def risen_colour(colour: Colour, *, waited_hours: int) -> Colour:
    """The colour of a request that nobody opened for `waited_hours` whole hours.

    Each time a clock has run out the colour rises by one, and the next clock starts then: yellow is orange
    after 72 hours and red after 96. Green has no clock and stays.
    """
    return _running(colour, waited_hours)[0]


def hours_left(colour: Colour, *, waited_hours: int) -> int | None:
    """Hours until the clock that runs now runs out, for a request that came in as `colour`.

    0 or less: it is red, and for so long; None: it has no clock.
    """
    colour, waited_hours = _running(colour, waited_hours)
    clock = CLOCK_HOURS[colour]
    return None if clock is None else clock - waited_hours


def _running(colour: Colour, waited_hours: int) -> tuple[Colour, int]:
    """The colour now, and how long its own clock has run."""
    while colour < Colour.RED:
        clock = CLOCK_HOURS[colour]
        if clock is None or waited_hours < clock:
            break
        waited_hours -= clock
        colour = Colour(colour + 1)
    return colour, waited_hours
