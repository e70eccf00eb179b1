"""Triage: exactly the rules of the house, each flag with its reason; more danger is never less urgent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.triage import (
    CLOCK_HOURS,
    RULES,
    Colour,
    Danger,
    Fact,
    Flag,
    Source,
    Triage,
    Unit,
    assess,
    flag_for,
    flag_of,
    hours_left,
    risen_colour,
    unit_of,
)

RED, ORANGE, YELLOW, GREEN = Colour.RED, Colour.ORANGE, Colour.YELLOW, Colour.GREEN
facts = st.builds(
    Fact,
    st.sampled_from(Danger),
    st.none() | st.integers(-400, 400),
    st.sampled_from(Source),
)


@pytest.mark.parametrize(
    ("danger", "distance", "colour"),
    [
        (Danger.DETAINED, None, RED),
        (Danger.AT_THE_BORDER, None, RED),
        (Danger.HANDOVER, None, RED),
        (Danger.DEPLOYMENT, 72, RED),
        (Danger.DEPLOYMENT, 73, GREEN),
        (Danger.SUICIDE_RISK, None, RED),
        (Danger.VISIT, 0, RED),
        (Danger.VISIT, 1, GREEN),
        (Danger.STAY_ENDS, 7, ORANGE),
        (Danger.STAY_ENDS, 8, YELLOW),
        (Danger.STAY_ENDS, 30, YELLOW),
        (Danger.STAY_ENDS, 31, GREEN),
        (Danger.STAY_ENDS, -2, ORANGE),
        (Danger.APPEAL_ENDS, 7, ORANGE),
        (Danger.APPEAL_ENDS, 8, GREEN),
        (Danger.BORDER_CROSSING, 48, ORANGE),
        (Danger.BORDER_CROSSING, 49, GREEN),
        (Danger.NO_SHELTER, None, ORANGE),
        (Danger.NO_MONEY, None, ORANGE),
        (Danger.NUMBER_COMPROMISED, None, ORANGE),
        (Danger.DOCUMENT_ENDS, 60, YELLOW),
        (Danger.DOCUMENT_ENDS, 61, GREEN),
        (Danger.HEARING, 14, YELLOW),
        (Danger.HEARING, 15, GREEN),
        (Danger.NO_NEWS, 29, GREEN),
        (Danger.NO_NEWS, 30, YELLOW),
    ],
)
def test_each_danger_has_its_colour_up_to_its_last_day(danger, distance, colour):
    """Sabotage: `<` instead of `<=` in `_within`."""
    assert assess([Fact(danger, distance)]).colour is colour


def test_every_danger_has_a_rule_and_nothing_is_green_by_rule():
    assert set(RULES) == set(Danger)
    assert all(colour > GREEN for rules in RULES.values() for colour, _unit, _limit in rules)


def test_nothing_told_is_green_without_flags():
    assert assess([]) == Triage(GREEN, ())


def test_a_date_that_nobody_knows_counts_as_the_nearest():
    """Whoever has an order and no date may leave tonight. Sabotage: skip facts without a distance."""
    assert assess([Fact(Danger.DEPLOYMENT)]).colour is RED
    assert assess([Fact(Danger.STAY_ENDS)]).colour is ORANGE


@given(st.lists(facts), facts)
def test_one_more_danger_never_makes_it_less_urgent(told, more):
    """Sabotage: take the first flag's colour without sorting."""
    assert assess([*told, more]).colour >= assess(told).colour
    assert set(assess(told).flags) <= set(assess([*told, more]).flags)


@given(st.lists(facts), st.randoms())
def test_neither_order_nor_repetition_matters(told, chance):
    """Sabotage: return the flags as they came."""
    shuffled = [*told, *told]
    chance.shuffle(shuffled)
    assert assess(shuffled) == assess(told)


@given(st.lists(facts))
def test_every_flag_explains_itself(told):
    """Which fact, told by whom, how far it is and within which limit; and its own clock."""
    found = assess(told)
    for flag in found.flags:
        assert flag.fact in told
        assert (flag.colour, flag.unit, flag.limit) in RULES[flag.fact.danger]
        assert flag.clock_hours == CLOCK_HOURS[flag.colour]
        assert flag.unit is Unit.NONE or flag.limit is not None
    assert found.colour == max((flag.colour for flag in found.flags), default=GREEN)
    assert [flag.colour for flag in found.flags] == sorted((f.colour for f in found.flags), reverse=True)


@given(facts)
def test_a_flag_is_read_back_as_it_was_written(fact):
    flag = flag_for(fact)
    assert flag is None or flag_of(flag.record()) == flag


@given(st.sampled_from(Danger), st.integers(-400, 400))
def test_nearer_is_never_less_urgent(danger, distance):
    further = 1 if danger is not Danger.NO_NEWS else -1
    near, far = (assess([Fact(danger, d)]).colour for d in (distance, distance + further))
    assert near >= far


@pytest.mark.parametrize(
    ("colour", "waited", "now", "left"),
    [
        (GREEN, 10_000, GREEN, None),
        (YELLOW, 71, YELLOW, 1),
        (YELLOW, 72, ORANGE, 24),
        (YELLOW, 95, ORANGE, 1),
        (YELLOW, 96, RED, 0),
        (ORANGE, 23, ORANGE, 1),
        (ORANGE, 24, RED, 0),
        (ORANGE, 30, RED, -6),
        (RED, 0, RED, 0),
        (RED, 5, RED, -5),
    ],
)
def test_the_colour_rises_by_one_when_its_clock_runs_out(colour, waited, now, left):
    """Sabotage: `waited_hours <= clock` in `_running`."""
    assert risen_colour(colour, waited_hours=waited) is now
    assert hours_left(colour, waited_hours=waited) == left


@given(st.sampled_from(Colour), st.integers(0, 500), st.integers(0, 500))
def test_waiting_longer_is_never_less_urgent(colour, waited, more):
    assert (
        risen_colour(colour, waited_hours=waited + more)
        >= risen_colour(colour, waited_hours=waited)
        >= colour
    )


def test_one_unit_a_danger():
    """A fact has one distance; its rules must read it alike."""
    for danger, rules in RULES.items():
        assert {unit for _colour, unit, _limit in rules} == {unit_of(danger)}
    assert isinstance(flag_for(Fact(Danger.DETAINED)), Flag)
