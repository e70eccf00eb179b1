"""Procedural terms: each sentence of the design's "Procedural deadlines" that can be a vector is one here."""

from datetime import date, datetime, timedelta

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from law.rules.procedure import UNITS, last_day, last_day_after_pause, last_moment
from law.rules.values import BadValue

FRIDAY, SATURDAY, SUNDAY, MONDAY = date(2026, 5, 8), date(2026, 5, 9), date(2026, 5, 10), date(2026, 5, 11)


def ends(event, amount, unit, roll=None, country=None):
    return last_day(event, amount, unit, roll=roll, holidays=country)


@pytest.mark.parametrize(
    ("event", "amount", "unit", "expected"),
    [
        (date(2026, 5, 1), 1, "calendar_days", date(2026, 5, 2)),
        (date(2026, 5, 1), 14, "calendar_days", date(2026, 5, 15)),
        (date(2024, 2, 28), 1, "calendar_days", date(2024, 2, 29)),
        (date(2026, 5, 1), 2, "weeks", date(2026, 5, 15)),
        (date(2026, 5, 1), 1, "months", date(2026, 6, 1)),
        (date(2026, 1, 31), 1, "months", date(2026, 2, 28)),
        (date(2024, 1, 31), 1, "months", date(2024, 2, 29)),
        (date(2026, 1, 31), 2, "months", date(2026, 3, 31)),
        (date(2026, 11, 30), 3, "months", date(2027, 2, 28)),
        (date(2026, 12, 31), 1, "months", date(2027, 1, 31)),
        (date(2026, 2, 28), 1, "months", date(2026, 3, 28)),
        (date(2024, 2, 29), 1, "years", date(2025, 2, 28)),
        (date(2024, 2, 29), 4, "years", date(2028, 2, 29)),
        (date(2096, 2, 29), 4, "years", date(2100, 2, 28)),
        (FRIDAY, 1, "working_days", MONDAY),
        (SATURDAY, 1, "working_days", MONDAY),
        (MONDAY, 5, "working_days", date(2026, 5, 18)),
        (date(2026, 12, 30), 1, "working_days", date(2026, 12, 31)),
        (date(2026, 12, 30), 2, "working_days", date(2027, 1, 1)),
        (date(9999, 12, 28), 3, "working_days", date(9999, 12, 31)),
        (date(9998, 12, 31), 1, "years", date(9999, 12, 31)),
        (date(2199, 12, 31), 1, "years", date(2200, 12, 31)),
    ],
)
def test_the_day_of_the_event_is_not_counted(event, amount, unit, expected):
    assert ends(event, amount, unit) == expected


@pytest.mark.parametrize("unit", sorted(UNITS - {"hours"}))
def test_the_clock_time_of_the_event_matters_for_hours_alone(unit):
    assert ends(datetime(2026, 5, 5, 23, 59), 3, unit) == ends(date(2026, 5, 5), 3, unit)


def test_a_last_day_rolls_off_weekends_and_holidays_only_if_told_so():
    assert ends(FRIDAY, 1, "calendar_days", roll=None) == SATURDAY
    assert ends(FRIDAY, 1, "calendar_days", roll=False) == SATURDAY
    assert ends(FRIDAY, 1, "calendar_days", roll=True) == MONDAY
    assert ends(FRIDAY, 2, "calendar_days", roll=True) == MONDAY
    assert ends(FRIDAY, 3, "calendar_days", roll=True) == MONDAY


def test_german_holidays_move_a_last_day():
    """Good Friday 3 April 2026, then a weekend, then Easter Monday: the term runs on to Tuesday the 7th."""
    assert ends(date(2026, 3, 20), 2, "weeks", roll=True, country="DE") == date(2026, 4, 7)
    assert ends(date(2026, 3, 20), 2, "weeks", roll=True) == date(2026, 4, 3)
    assert ends(date(2026, 3, 20), 2, "weeks", roll=None, country="DE") == date(2026, 4, 3)
    assert ends(date(2026, 4, 2), 1, "working_days", country="DE") == date(2026, 4, 7)


def test_observed_days_are_holidays():
    """4 July 2026 is a Saturday, observed on Friday the 3rd."""
    assert ends(date(2026, 7, 2), 1, "calendar_days", roll=True, country="US") == date(2026, 7, 6)


def test_regional_holidays_are_not_national_ones():
    """Corpus Christi, 4 June 2026, is a holiday in parts of Germany only."""
    assert ends(date(2026, 6, 3), 1, "calendar_days", roll=True, country="DE") == date(2026, 6, 4)


@pytest.mark.parametrize(
    ("event", "amount", "day", "moment"),
    [
        (datetime(2026, 5, 5, 10, 30), 24, date(2026, 5, 6), "2026-05-06T10:30"),
        (datetime(2026, 5, 5, 23, 59), 1, date(2026, 5, 6), "2026-05-06T00:59"),
        (datetime(2026, 5, 5, 23, 0), 1, date(2026, 5, 5), "2026-05-06T00:00"),
        (datetime(2026, 5, 5, 0, 0), 24, date(2026, 5, 5), "2026-05-06T00:00"),
        (date(2026, 5, 5), 24, date(2026, 5, 5), "2026-05-06T00:00"),
        (date(2026, 5, 5), 1, date(2026, 5, 5), "2026-05-05T01:00"),
        (date(2026, 5, 5), 72, date(2026, 5, 7), "2026-05-08T00:00"),
        (datetime(2026, 3, 28, 12, 0), 24, date(2026, 3, 29), "2026-03-29T12:00"),
        (datetime(2024, 2, 28, 12, 0), 24, date(2024, 2, 29), "2024-02-29T12:00"),
    ],
)
def test_hours_run_by_the_clock_and_midnight_ends_the_day_before(event, amount, day, moment):
    assert ends(event, amount, "hours") == day
    ended = last_moment(event, amount, roll=None, holidays=None)
    assert ended.isoformat(timespec="minutes") == moment


@pytest.mark.parametrize(
    ("event", "amount", "day", "moment"),
    [
        (datetime(2026, 5, 8, 10, 0), 24, MONDAY, "2026-05-11T10:00"),
        (datetime(2026, 5, 8, 10, 0), 48, MONDAY, "2026-05-11T10:00"),
        (datetime(2026, 5, 8, 10, 0), 10, FRIDAY, "2026-05-08T20:00"),
        # Friday 00:00 + 48 h closes the Saturday: the term runs to the end of Monday.
        (FRIDAY, 48, MONDAY, "2026-05-12T00:00"),
        (FRIDAY, 24, FRIDAY, "2026-05-09T00:00"),
    ],
)
def test_a_rolled_moment_keeps_its_clock_time(event, amount, day, moment):
    assert ends(event, amount, "hours", roll=True) == day
    ended = last_moment(event, amount, roll=True, holidays=None)
    assert ended.isoformat(timespec="minutes") == moment


def test_a_pause_moves_the_last_day_by_its_length_and_then_it_rolls():
    def paused(roll, runs_on_from=date(2026, 4, 18)):
        return last_day_after_pause(
            date(2026, 4, 1),
            1,
            "months",
            paused_on=date(2026, 4, 10),
            runs_on_from=runs_on_from,
            roll=roll,
            holidays=None,
        )

    assert (paused(None), paused(True)) == (SATURDAY, MONDAY)
    assert paused(True, runs_on_from=date(2026, 4, 10)) == date(2026, 5, 1)
    with pytest.raises(BadValue, match="before it stops"):
        last_day_after_pause(
            FRIDAY, 1, "weeks", paused_on=MONDAY, runs_on_from=SUNDAY, roll=None, holidays=None
        )


@pytest.mark.parametrize("unit", sorted(UNITS))
@pytest.mark.parametrize("amount", [80_000_000, 10**12, 10**400])
def test_a_result_past_the_year_9999_is_refused_at_once(unit, amount):
    with pytest.raises(BadValue, match="9999"):
        ends(FRIDAY, amount, unit, roll=True, country="DE")


def test_a_roll_past_the_year_9999_is_refused():
    with pytest.raises(BadValue, match="9999"):
        ends(datetime(9999, 12, 30, 12, 0), 1, "years")
    assert ends(date(9999, 12, 30), 1, "calendar_days", roll=True) == date(9999, 12, 31)


@pytest.mark.parametrize("code", ["EU", "de", "XX", "", "Germany", "NYSE", "ECB", "HolidayBase", "SCHENGEN"])
def test_a_code_without_holidays_is_refused_in_every_unit(code):
    for unit in UNITS:
        with pytest.raises(BadValue, match="holidays"):
            ends(FRIDAY, 1, unit, country=code)


def test_an_unknown_unit_or_an_amount_of_nothing_is_refused():
    with pytest.raises(BadValue, match="unit"):
        ends(FRIDAY, 1, "fortnights")
    for unit in UNITS:
        with pytest.raises(BadValue, match="amount"):
            ends(FRIDAY, 0, unit)


@settings(max_examples=60, deadline=None)
@given(
    st.dates(date(1900, 1, 1), date(2110, 12, 31)),
    st.integers(1, 400),
    st.sampled_from([None, "DE", "US", "KZ", "AM", "FR"]),
)
def test_working_days_are_counted_one_by_one(event, amount, country):
    """A slow count, day by day, with the package asked directly."""
    calendar = {} if country is None else holidays.country_holidays(country)
    day, left = event, amount
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in calendar
    assert ends(event, amount, "working_days", country=country) == day
    assert ends(event, amount, "working_days", roll=True, country=country) == day


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    st.integers(1, 5000),
    st.sampled_from(sorted(UNITS)),
    st.sampled_from([None, "DE", "GE"]),
)
def test_rolling_never_shortens_and_ends_on_a_working_day(event, amount, unit, country):
    still, rolled = (ends(event, amount, unit, roll=roll, country=country) for roll in (None, True))
    assert rolled >= still
    assert rolled.weekday() < 5
    assert country is None or rolled not in holidays.country_holidays(country)
