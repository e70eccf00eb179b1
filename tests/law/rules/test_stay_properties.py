"""What holds for every rule and every history: the fast count is the slow count, and what law implies."""

import random
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from law.rules.stay import AllOf, CalendarYear, PerEntry, Rolling, Rule, Stay, assess_stay
from tests.law.rules import slow_twin
from tests.law.rules.strategies import counted_bases, counts, determined_limits, rules, situations

DAY = timedelta(days=1)


def last_day(assessment):
    """A day to compare by: without an end it is the end of time, without admission before all time."""
    if assessment.status in ("unlimited", "unknown", "outside"):
        return date.max
    return assessment.last_legal_day or date.min


@settings(max_examples=150, deadline=None)
@given(situations())
def test_intervals_and_sets_of_days_give_the_same_eight_fields(situation):
    """Done when this holds. Sabotage seen: `<= part.days` in _holds_on_entry made `<`."""
    rule, stays, as_of, caps = situation
    assert asdict(assess_stay(rule, stays, as_of=as_of, caps=caps)) == slow_twin.assess(
        rule, stays, as_of, caps
    )


@settings(max_examples=50, deadline=None)
@given(situations(st.builds(Rule, determined_limits, st.just(frozenset({"visa_free", "permit"})))))
def test_counting_rules_give_the_same_where_nearly_every_stay_counts(situation):
    rule, stays, as_of, caps = situation
    stays = [replace(stay, basis_valid_until=None) for stay in stays]
    assert asdict(assess_stay(rule, stays, as_of=as_of, caps=caps)) == slow_twin.assess(
        rule, stays, as_of, caps
    )


@pytest.mark.parametrize("days", [3651, 3652, 3653])
@pytest.mark.parametrize("kind", [PerEntry, lambda n: Rolling(n, 4000), lambda n: Rolling(n, n + 1)])
def test_ten_years_are_the_horizon(days, kind):
    entry = date(2020, 2, 29)
    answer = assess_stay(Rule(kind(days)), [Stay(entry)], as_of=date(2024, 2, 29))
    if days <= 3652:
        assert (answer.status, answer.last_legal_day) == ("ok", entry + (days - 1) * DAY)
    else:
        assert (answer.status, answer.last_legal_day) == ("unlimited", None)


@pytest.mark.parametrize("entry", [date(2095, 6, 1), date(2023, 1, 1), date(2024, 1, 1), date(2024, 12, 31)])
@pytest.mark.parametrize("days", [1, 364, 365, 366])
def test_a_year_of_365_days_is_exceeded_only_by_a_leap_year(entry, days):
    """2100 is no leap year: from 1 June 2095 a limit of 365 days is first exceeded on 31 December 2096."""
    rule, stays = Rule(CalendarYear(days)), [Stay(entry)]
    answer = assess_stay(rule, stays, as_of=entry)
    assert asdict(answer) == slow_twin.assess(rule, stays, entry)
    if days == 366:
        assert answer.status == "unlimited"


@settings(max_examples=100, deadline=None)
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_entries_caps_and_parts_does_not_matter(situation, shuffler: random.Random):
    rule, stays, as_of, caps = situation
    answer = assess_stay(rule, stays, as_of=as_of, caps=caps)
    limit = rule.limit
    if isinstance(limit, AllOf):
        limit = AllOf(tuple(shuffler.sample(limit.rules, len(limit.rules))))
    shuffled = Rule(limit, rule.counted_bases)
    stays, caps = shuffler.sample(stays, len(stays)), shuffler.sample(caps, len(caps))
    assert assess_stay(shuffled, stays, as_of=as_of, caps=caps) == answer


@settings(max_examples=100, deadline=None)
@given(situations())
def test_presence_is_a_union(situation):
    """A stay written down twice, or cut into two that overlap, uses no day twice."""
    rule, stays, as_of, caps = situation
    answer = assess_stay(rule, stays, as_of=as_of, caps=caps)
    assert assess_stay(rule, stays + stays, as_of=as_of, caps=caps) == answer
    pieces = []
    for stay in stays:
        if stay.exit is not None and stay.exit < as_of and stay.exit > stay.entry:
            middle = stay.entry + (stay.exit - stay.entry) // 2
            pieces += [replace(stay, exit=middle), replace(stay, entry=middle)]
        else:
            pieces.append(stay)
    assert assess_stay(rule, pieces, as_of=as_of, caps=caps) == answer


@settings(max_examples=100, deadline=None)
@given(situations(), st.integers(1, 500), st.integers(0, 100))
def test_a_stay_of_the_future_changes_nothing(situation, later, length):
    rule, stays, as_of, caps = situation
    future = as_of + later * DAY
    for stay in (Stay(future), Stay(future, future + length * DAY, basis_valid_until=as_of)):
        with_it = assess_stay(rule, [*stays, stay], as_of=as_of, caps=caps)
        assert with_it == assess_stay(rule, stays, as_of=as_of, caps=caps)


@settings(max_examples=100, deadline=None)
@given(
    situations(
        st.builds(Rule, st.one_of(st.builds(Rolling, counts, counts), st.builds(CalendarYear, counts)))
    ),
    st.integers(1, 300),
    st.integers(0, 100),
)
def test_one_more_past_stay_never_lengthens_the_present_one(situation, ago, length):
    rule, stays, as_of, caps = situation
    present = Stay(as_of - 5 * DAY) if as_of > date(1900, 2, 1) else Stay(as_of)
    past_exit = present.entry - ago * DAY
    past = Stay(past_exit - length * DAY, past_exit)
    before = assess_stay(rule, [*stays, present], as_of=as_of, caps=caps)
    after = assess_stay(rule, [*stays, present, past], as_of=as_of, caps=caps)
    assert last_day(after) <= last_day(before)


@settings(max_examples=100, deadline=None)
@given(situations(), st.data())
def test_all_of_is_never_later_than_its_parts(situation, data):
    rule, stays, as_of, caps = situation
    other = data.draw(determined_limits)
    together = assess_stay(
        Rule(AllOf((rule.limit, other)), rule.counted_bases), stays, as_of=as_of, caps=caps
    )
    for part in (rule.limit, other):
        alone = assess_stay(Rule(part, rule.counted_bases), stays, as_of=as_of, caps=caps)
        if together.status != "unknown":
            assert last_day(together) <= last_day(alone)
        if None not in (alone.earliest_entry, together.earliest_entry):
            assert together.earliest_entry >= alone.earliest_entry


@settings(max_examples=150, deadline=None)
@given(situations())
def test_all_of_one_part_is_that_part(situation):
    rule, stays, as_of, caps = situation
    wrapped = Rule(AllOf((AllOf((rule.limit,)),)), rule.counted_bases)
    assert assess_stay(wrapped, stays, as_of=as_of, caps=caps) == assess_stay(
        rule, stays, as_of=as_of, caps=caps
    )


@settings(max_examples=100, deadline=None)
@given(situations(st.builds(Rule, determined_limits, counted_bases)), st.integers(-500, 500))
def test_a_cap_never_lengthens(situation, distance):
    rule, stays, as_of, caps = situation
    cap = max(as_of + distance * DAY, date(1899, 1, 1))
    without = assess_stay(rule, stays, as_of=as_of, caps=caps)
    capped = assess_stay(rule, stays, as_of=as_of, caps=[*caps, cap])
    assert last_day(capped) <= last_day(without)
    assert capped.days_used == without.days_used
    if without.earliest_entry is None and without.status in ("outside", "inadmissible"):
        assert capped.earliest_entry is None


@settings(max_examples=150, deadline=None)
@given(situations(rules))
def test_the_planned_exit_of_the_present_stay_changes_nothing(situation):
    rule, stays, as_of, caps = situation
    present = Stay(as_of, as_of + 3 * DAY)
    others = [stay for stay in stays if stay.entry < as_of]
    answer = assess_stay(rule, [*others, present], as_of=as_of, caps=caps)
    assert answer == assess_stay(rule, [*others, replace(present, exit=as_of)], as_of=as_of, caps=caps)
    assert answer == assess_stay(rule, [*others, replace(present, exit=None)], as_of=as_of, caps=caps)


@settings(max_examples=150, deadline=None)
@given(situations(st.builds(Rule, determined_limits)))
def test_on_the_earliest_entry_a_person_is_let_in_and_a_day_earlier_not(situation):
    rule, stays, as_of, caps = situation
    answer = assess_stay(rule, stays, as_of=as_of, caps=caps)
    if answer.status != "outside" or answer.earliest_entry is None:
        return
    arrival = answer.earliest_entry
    past = [s for s in stays if s.entry <= as_of]
    assert assess_stay(rule, [*past, Stay(arrival)], as_of=arrival, caps=caps).status in ("ok", "unlimited")
    if arrival > as_of:
        early = assess_stay(rule, [*past, Stay(arrival - DAY)], as_of=arrival - DAY, caps=caps)
        assert early.status == "inadmissible"
