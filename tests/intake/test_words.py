"""The words of the form and of the flags: complete, and the same as the desk's."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from intake import countries, words
from intake.forms import latest_today
from intake.triage import Danger, Fact, Source, flag_for
from law import countries as of_the_desk

facts = st.builds(Fact, st.sampled_from(Danger), st.none() | st.integers(-90, 90), st.sampled_from(Source))


@given(facts, st.sampled_from(["en", "ru"]))
def test_every_flag_says_why(fact, language):
    """Sabotage: leave a danger out of TOLD."""
    flag = flag_for(fact)
    if flag:
        with translation.override(language):
            said = words.why(flag)
            assert said.startswith(str(words.TOLD[fact.danger]))
        assert "%" not in said


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Fact(Danger.DETAINED), "Задержан"),
        (Fact(Danger.DEPLOYMENT), "Приказ отправить воевать: дата неизвестна"),
        (Fact(Danger.DEPLOYMENT, 48), "Приказ отправить воевать: в течение 48 часов"),
        (Fact(Danger.STAY_ENDS, 3), "Конец законного пребывания: через 3 дня"),
        (Fact(Danger.STAY_ENDS, -3), "Конец законного пребывания: дата уже прошла"),
        (Fact(Danger.NO_NEWS, 31), "Нет вестей: 31 день назад"),
    ],
)
def test_a_flag_in_russian(fact, said):
    with translation.override("ru"):
        assert words.why(flag_for(fact)) == said


def test_every_event_and_every_tick_is_a_danger_of_triage():
    """Sabotage: rename a value of Event."""
    assert {event.value for event in words.Event} - {"other"} <= set(Danger)
    assert set(words.DANGERS) <= set(Danger)
    assert set(words.TOLD) == set(Danger)


def test_the_form_offers_some_countries_of_the_one_list_and_sorts_them_by_name():
    """Sabotage: leave out `if row.on_form`."""
    offered = countries.form_choices()
    assert {code for code, _name in offered} == {c.code for c in countries.COUNTRIES.values() if c.on_form}
    assert 0 < len(offered) < len(countries.COUNTRIES)
    assert [name for _code, name in offered] == sorted(name for _code, name in offered)


def test_today_is_counted_where_it_is_latest():
    """One day too few is a warning too early; one too many is a missed date."""
    for hour in range(24):
        now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        for code in countries.COUNTRIES:
            assert latest_today(now) >= of_the_desk.today_in(code, now)
