"""What is warned of and never silently repaired, and what an explained assessment carries."""

from datetime import date, timedelta

import pytest

from law.rules.doubts import Doubt, StayDoubt, doubts_about
from law.rules.explain import Window, explain, windows_of
from law.rules.reference import in_force
from law.rules.stay import AllOf, CalendarYear, PerEntry, Rolling, Rule, Stay, Unknown, UntilDocument
from tests.law.rules.test_reference import ROWS

TODAY = date(2026, 7, 1)
RULE = Rule(PerEntry(90))


def day(distance):
    return TODAY + timedelta(days=distance)


def doubts(*stays, rule=RULE, caps=(), verified_on=TODAY):
    return doubts_about(rule, stays, as_of=TODAY, caps=caps, verified_on=verified_on)


def test_leaving_and_coming_back_on_one_day_is_no_overlap_in_any_order():
    there_and_back = [Stay(day(-9), day(-9)), Stay(day(-9), day(-4)), Stay(day(-4), day(-4))]
    assert doubts(*there_and_back) == doubts(*there_and_back[::-1]) == ()


def test_a_plain_history_raises_no_doubt():
    assert doubts(Stay(day(-100), day(-50)), Stay(day(-50), day(-20)), Stay(day(-3))) == ()


@pytest.mark.parametrize(
    ("stays", "kind", "positions"),
    [
        ([Stay(day(1))], Doubt.ENTRY_IN_FUTURE, (0,)),
        ([Stay(day(-5), day(-1)), Stay(day(-9), day(-4))], Doubt.OVERLAPPING_STAYS, (0, 1)),
        ([Stay(day(-5), day(-1)), Stay(day(-5), day(-1))], Doubt.OVERLAPPING_STAYS, (0, 1)),
        ([Stay(day(-9)), Stay(day(-9))], Doubt.OVERLAPPING_STAYS, (0, 1)),
        ([Stay(day(-2)), Stay(day(-9))], Doubt.OPEN_STAY_BEFORE_LATER_ENTRY, (0, 1)),
        ([Stay(day(-2), None, "permit", day(-3))], Doubt.BASIS_ENDED_BEFORE_ENTRY, (0,)),
        ([Stay(day(-2), None, "visa_free", day(-3))], Doubt.BASIS_ENDED_BEFORE_ENTRY, (0,)),
        ([Stay(day(-2), None, "permit")], Doubt.BASIS_WITHOUT_END, (0,)),
        ([Stay(day(-9), None, "visa_free", day(-1))], Doubt.COUNTED_PAST_OWN_END, (0,)),
        ([Stay(day(-9), day(-4), "visa_free", day(-5))], Doubt.COUNTED_PAST_OWN_END, (0,)),
    ],
)
def test_each_doubt_names_its_stays(stays, kind, positions):
    assert StayDoubt(kind, positions) in doubts(*stays)


def test_what_is_not_yet_past_its_end_is_not_in_doubt():
    assert doubts(Stay(TODAY)) == ()
    assert doubts(Stay(TODAY, None, "permit", TODAY)) == ()
    assert doubts(Stay(day(-9), None, "visa_free", TODAY)) == ()
    assert doubts(Stay(day(-9), day(9), "visa_free", day(2))) == ()
    assert doubts(Stay(day(-9), None, "permit", day(-1))) == ()


def test_an_unconfirmed_rule_is_in_doubt():
    assert doubts(verified_on=None) == (StayDoubt(Doubt.RULE_NOT_CONFIRMED),)


def test_a_cap_that_has_passed_is_not_hidden_by_an_undetermined_rule():
    passed = StayDoubt(Doubt.CAP_PASSED_UNDER_UNDETERMINED_RULE)
    unknown, document = Rule(Unknown()), Rule(UntilDocument())
    assert doubts(Stay(day(-9)), rule=unknown, caps=[day(-1)]) == (passed,)
    assert passed in doubts(Stay(day(-9), None, "visa_free", day(-1)), rule=unknown)
    assert passed in doubts(Stay(day(-9)), rule=unknown, caps=[day(5), day(-1)])
    assert passed not in doubts(Stay(day(-9)), rule=unknown, caps=[TODAY])
    assert passed not in doubts(Stay(day(-9)), rule=document, caps=[day(-1)])
    assert passed not in doubts(Stay(day(-9)), caps=[day(-1)])
    assert passed not in doubts(Stay(day(-9), None, "permit", day(9)), rule=unknown, caps=[day(-1)])
    assert passed not in doubts(rule=unknown, caps=[day(-1)])


# The explanation


def armenia():
    return in_force(ROWS, country="AM", basis="visa_free", on=TODAY)


def test_two_readings_are_shown_and_the_earlier_is_reminded():
    """100 days in autumn 2025 use up the rolling year, not the calendar year."""
    stays = [Stay(date(2025, 9, 1), date(2025, 12, 9)), Stay(date(2026, 6, 1))]
    explained = explain(armenia(), stays, as_of=TODAY)
    assert explained.row.id == "am-cis"
    assert explained.answer.last_legal_day == date(2026, 11, 27)
    assert explained.conservative.last_legal_day == date(2026, 8, 19)
    assert explained.reminded_day == date(2026, 8, 19)
    assert explained.windows == (Window(date(2026, 1, 1), TODAY, 180),)
    assert StayDoubt(Doubt.RULE_NOT_CONFIRMED) in explained.doubts


def test_a_reading_under_which_the_entry_was_unlawful_is_reminded_at_once():
    stays = [Stay(date(2025, 7, 1), date(2025, 12, 30)), Stay(date(2026, 6, 1))]
    explained = explain(armenia(), stays, as_of=TODAY)
    assert (explained.answer.status, explained.conservative.status) == ("ok", "inadmissible")
    assert explained.reminded_day == date(2026, 5, 31)


def test_one_reading_and_no_last_day_leave_nothing_to_remind_of():
    row = in_force(ROWS, country="UZ", basis="visa_free", on=TODAY)
    explained = explain(row, [Stay(TODAY)], as_of=TODAY)
    assert (explained.answer.status, explained.conservative, explained.reminded_day) == (
        "unknown",
        None,
        None,
    )


def test_every_part_with_a_window_shows_it():
    rule = Rule(AllOf((PerEntry(60), Rolling(90, 180), CalendarYear(180))))
    assert set(windows_of(rule, date(2026, 3, 1))) == {
        Window(date(2025, 9, 3), date(2026, 3, 1), 90),
        Window(date(2026, 1, 1), date(2026, 3, 1), 180),
    }
    assert windows_of(Rule(Rolling(1, 10**9)), TODAY)[0].first == date.min
