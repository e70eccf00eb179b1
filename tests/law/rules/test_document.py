"""Ends of passports that follow from other dates."""

from datetime import date

import pytest

from law.rules.document import InternalPassportRule, travel_passport_valid_until, valid_until
from law.rules.values import BadValue


@pytest.mark.parametrize(
    ("born", "issued", "expected"),
    [
        (date(2000, 5, 10), date(2014, 6, 1), date(2020, 8, 8)),
        (date(2000, 5, 10), date(2020, 5, 9), date(2020, 8, 8)),
        (date(2000, 5, 10), date(2020, 5, 10), date(2045, 8, 8)),
        (date(2000, 5, 10), date(2045, 5, 9), date(2045, 8, 8)),
        (date(2000, 5, 10), date(2045, 5, 10), None),
        (date(1980, 3, 3), date(2026, 1, 1), None),
        (date(2000, 2, 29), date(2014, 3, 1), date(2020, 5, 29)),
        (date(2000, 2, 29), date(2020, 2, 28), date(2020, 5, 29)),
        (date(2000, 2, 29), date(2020, 2, 29), date(2045, 5, 29)),
        (date(2000, 2, 29), date(2045, 2, 27), date(2045, 5, 29)),
        (date(2000, 2, 29), date(2045, 2, 28), None),
        (date(2000, 5, 10), date(2000, 5, 10), date(2020, 8, 8)),
        (date(2199, 12, 31), date(2199, 12, 31), date(2220, 3, 30)),
    ],
)
def test_an_internal_passport_ends_90_days_after_the_birthdays_of_20_and_45(born, issued, expected):
    assert valid_until(born, issued) == expected


def test_nobody_has_a_passport_from_before_the_birth():
    with pytest.raises(BadValue, match="date_of_birth"):
        valid_until(date(2000, 5, 10), date(2000, 5, 9))


def test_the_ages_are_data():
    rule = InternalPassportRule("test", (25,), 0)
    assert valid_until(date(2000, 5, 10), date(2024, 1, 1), rule) == date(2025, 5, 10)


def test_a_travel_passport_runs_five_or_ten_years():
    assert travel_passport_valid_until(date(2020, 2, 29), 5) == date(2025, 2, 28)
    assert travel_passport_valid_until(date(2020, 3, 1), 10) == date(2030, 3, 1)
    with pytest.raises(BadValue, match="term"):
        travel_passport_valid_until(date(2020, 3, 1), 7)
