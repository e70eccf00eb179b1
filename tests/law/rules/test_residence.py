"""What the facts of a file make of a rule: which row, which stays, which papers, and the day to be out."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from law.rules.document_ends import DerivedEnd, derived_end
from law.rules.doubts import Doubt
from law.rules.explain import explain
from law.rules.reference import in_force
from law.rules.residence import Crossing, Notice, Paper, residences, what_if
from law.rules.stay import PerEntry, Rolling, Rule
from law.rules.versions import DocumentRules
from tests.law.rules.test_reference import ROWS

TODAY = date(2026, 7, 1)
PASSPORT = Paper("travel_passport_10", date(2031, 1, 1))
INTERNAL = Paper("internal_passport", date(2026, 8, 15))
KZ = in_force(ROWS, country="KZ", basis="visa_free", on=TODAY)


def day(distance):
    return TODAY + timedelta(days=distance)


def crossing(country, entry, left=None, basis="visa_free", until=None, number=1):
    days = [None if each is None else day(each) for each in (entry, left, until)]
    return Crossing(UUID(int=number), country, days[0], days[1], basis, days[2])


def only(*crossings, papers=(PASSPORT,), rows=ROWS):
    (found,) = residences(rows, crossings, papers, on=TODAY)
    return found


def test_the_last_day_comes_from_the_row_in_force_and_all_stays_in_the_country():
    """60 days in spring leave 30 of the 90."""
    found = only(crossing("KZ", -100, -41, number=2), crossing("KZ", -9))
    assert (found.status, found.last_day, found.ref) == ("ok", day(20), f"kz-2023@{KZ.version}")
    assert found.explained.answer.days_used == 70


def test_stays_in_other_countries_use_no_days():
    alone = only(crossing("KZ", -9))
    both = residences(ROWS, [crossing("KZ", -9), crossing("AM", -100, -41, number=2)], [PASSPORT], on=TODAY)
    assert both[0].last_day == alone.last_day
    assert [each.country for each in both] == ["KZ", "AM"]


def test_the_states_of_a_common_area_are_one_country():
    """Sabotage: group by country alone in residences()."""
    found = only(
        crossing("FR", -100, -41, "short_stay_visa", 60, number=2),
        crossing("DE", -9, None, "short_stay_visa", 60),
    )
    assert (found.country, found.row.country) == ("DE", "SCHENGEN")
    assert found.last_day == day(20)


def test_the_earlier_of_two_readings_is_reminded():
    found = only(
        Crossing(UUID(int=2), "AM", date(2025, 9, 1), date(2025, 12, 9)),
        Crossing(UUID(int=1), "AM", date(2026, 6, 1)),
    )
    assert found.last_day == date(2026, 8, 19)
    assert found.explained.answer.last_legal_day == date(2026, 11, 27)


def test_no_rule_asks_a_person_and_gives_no_day():
    for country, notices in (("UZ", []), ("EG", [Notice.NO_RULE])):
        found = only(crossing(country, -9))
        assert (found.asks, found.last_day, found.ref) == (True, None, "")
        assert [each for each in found.notices if each == Notice.NO_RULE] == notices


def test_a_paper_of_ones_own_ends_the_stay_whether_a_rule_is_known_or_not():
    for country, basis, ref in (("KZ", "permit", "any-permit"), ("EG", "visa", "")):
        found = only(crossing(country, -9, None, basis, 33))
        assert (found.status, found.last_day) == ("other_basis", day(33))
        assert found.ref.partition("@")[0] == ref


def test_an_unlimited_stay_has_no_last_day_and_asks_nothing():
    found = only(crossing("BY", -9), papers=[])
    assert (found.status, found.last_day, found.asks) == ("unlimited", None, False)
    assert only(crossing("BY", -9)).last_day == PASSPORT.valid_until


# Papers


def test_the_last_paper_to_end_caps_the_stay():
    assert only(crossing("KZ", -9), papers=[INTERNAL]).last_day == date(2026, 8, 15)
    both = only(crossing("KZ", -9), papers=[INTERNAL, PASSPORT])
    assert both.last_day == day(80)
    assert Notice.PAPER_ENDS_FIRST not in both.notices
    assert Notice.PAPER_ENDS_FIRST in only(crossing("KZ", -9), papers=[INTERNAL]).notices


def test_an_internal_passport_counts_only_where_the_rule_takes_it():
    """Sabotage: leave `inner and` out of border_papers()."""
    found = only(crossing("GE", -9), papers=[INTERNAL])
    assert found.cap is None
    assert Notice.NO_PAPER in found.notices


@pytest.mark.parametrize(
    ("papers", "notice"),
    [
        ([], Notice.NO_PAPER),
        ([Paper("military_id", day(3))], Notice.NO_PAPER),
        ([Paper("travel_passport_5")], Notice.PAPER_WITHOUT_END),
        ([Paper("travel_passport_5", day(-20))], Notice.PAPER_ENDED_BEFORE_ENTRY),
    ],
)
def test_what_says_nothing_about_a_last_day_is_warned_of_and_caps_nothing(papers, notice):
    found = only(crossing("KZ", -9), papers=papers)
    assert found.last_day == day(80)
    assert notice in found.notices


def test_a_passport_without_an_end_caps_nothing():
    found = only(crossing("KZ", -9), papers=[Paper("internal_passport", endless=True), INTERNAL])
    assert (found.cap, found.last_day) == (None, day(80))


def test_a_paper_does_not_end_a_stay_that_rests_on_another():
    found = only(crossing("KZ", -9, None, "permit", 90), papers=[INTERNAL])
    assert (found.cap, found.last_day) == (None, day(90))


# Days and gaps


def test_a_stay_without_an_entry_is_not_counted_and_asked_for():
    found = only(crossing("KZ", None, number=2), crossing("KZ", -9))
    assert found.last_day == day(80)
    assert Notice.ENTRY_MISSING in found.notices
    alone = only(crossing("KZ", None))
    assert (alone.here, alone.last_day) == (None, None)


def test_who_left_today_may_still_be_here_today_and_is_reminded_of_nothing():
    found = only(crossing("KZ", -89, 0))
    assert (found.status, found.here.exit, found.asks) == ("ok", TODAY, False)
    assert found.reentry == day(91)


def test_who_is_out_learns_when_an_entry_is_lawful_again():
    found = only(crossing("KZ", -99, -10))
    assert (found.status, found.last_day, found.reentry) == ("outside", None, day(81))


def test_an_entry_to_come_has_its_last_day_already():
    found = only(crossing("KZ", 5))
    assert (found.as_of, found.last_day) == (day(5), day(94))


def test_two_open_stays_in_two_countries_both_have_a_last_day():
    """Sabotage: keep only the newest in residences()."""
    newer, older = residences(ROWS, [crossing("KZ", -50, number=2), crossing("GE", -9)], [PASSPORT], on=TODAY)
    assert (newer.country, older.country) == ("GE", "KZ")
    assert older.last_day == day(39)
    assert Notice.OPEN_STAY_ELSEWHERE in older.notices
    assert Notice.OPEN_STAY_ELSEWHERE not in newer.notices


def test_an_open_stay_followed_by_another_entry_is_doubted_and_both_count():
    found = only(crossing("KZ", -50, number=2), crossing("KZ", -9))
    assert found.here.id == UUID(int=1)
    assert found.explained.answer.days_used == 51
    assert Doubt.OPEN_STAY_BEFORE_LATER_ENTRY in {doubt.kind for doubt in found.explained.doubts}


# A rule that changes


def ending(row, on, rule=None):
    rows = [each for each in ROWS if each.id != row.id]
    rows.append(replace(row, valid_to=on))
    if rule is not None:
        rows.append(replace(row, version="next", rule=rule, valid_from=on + timedelta(1), valid_to=None))
    return rows


def test_a_stricter_rule_to_come_is_reminded_of_before_it_comes():
    """Sabotage: leave `following` out of _reminded_day()."""
    found = only(crossing("KZ", -9), rows=ending(KZ, day(30), Rule(PerEntry(50))))
    assert (found.last_day, found.ref) == (day(40), "kz-2023@next")
    assert found.explained.answer.last_legal_day == day(80)
    assert Notice.RULE_ENDS in found.notices


def test_a_milder_rule_to_come_lengthens_nothing_before_it_comes():
    found = only(crossing("KZ", -9), rows=ending(KZ, day(30), Rule(Rolling(150, 180))))
    assert found.last_day == day(80)


def test_a_rule_that_ends_with_nothing_after_it_ends_the_stay():
    found = only(crossing("KZ", -9), rows=ending(KZ, day(30)))
    assert (found.last_day, found.following.row) == (day(30), None)


def test_a_rule_that_ends_after_the_stay_is_no_news():
    found = only(crossing("KZ", -9), rows=ending(KZ, day(90)))
    assert found.following is None


# What if


def test_leaving_and_coming_back_is_counted_and_changes_nothing():
    facts = [crossing("KZ", -59)]
    back = what_if(ROWS, facts, [PASSPORT], country="KZ", leave=day(10), back=day(40), on=TODAY)
    assert (back.here.entry, back.status) == (day(40), "ok")
    assert back.last_day == day(59)  # 70 days used: 20 more
    assert facts == [crossing("KZ", -59)]


def test_coming_back_too_early_says_when_instead():
    found = what_if(ROWS, [crossing("KZ", -89)], [PASSPORT], country="KZ", leave=TODAY, back=day(9), on=TODAY)
    assert (found.status, found.reentry) == ("inadmissible", day(91))


def test_only_leaving_says_from_when_one_may_come_again():
    found = what_if(ROWS, [crossing("KZ", -89)], [PASSPORT], country="KZ", leave=TODAY, back=None, on=TODAY)
    assert (found.status, found.reentry) == ("outside", day(91))


# Properties

near = st.integers(-300, 60)
some = st.builds(
    lambda number, country, entry, length, open_ended, basis, until: crossing(
        country, entry, None if open_ended else min(0, entry + length), basis, until, number
    ),
    st.integers(1, 10**9),
    st.sampled_from(["KZ", "AM", "GE", "DE", "FR", "UZ", "EG"]),
    near,
    st.integers(0, 120),
    st.booleans(),
    st.sampled_from(["visa_free", "permit", "short_stay_visa"]),
    st.none() | near,
)


@given(st.lists(some, max_size=6, unique_by=lambda each: each.id), st.randoms())
def test_the_order_of_the_facts_is_irrelevant(facts, dice):
    shuffled = list(facts)
    dice.shuffle(shuffled)

    def answers(given):
        found = residences(ROWS, given, [PASSPORT, INTERNAL], on=TODAY)
        return {(r.row.id, r.explained.answer, r.last_day, r.ref, r.reentry) for r in found}

    assert answers(facts) == answers(shuffled)


@given(st.lists(some, max_size=6, unique_by=lambda each: each.id))
def test_every_answer_is_that_of_the_rule_and_no_reminder_comes_later(facts):
    for found in residences(ROWS, facts, [PASSPORT], on=TODAY):
        stays = [each.as_stay() for each in found.stays]
        caps = () if found.cap is None else (found.cap,)
        assert found.explained.answer == explain(found.row, stays, as_of=found.as_of, caps=caps).answer
        if found.explained.reminded_day is not None:
            assert found.last_day <= found.explained.reminded_day


# Ends of documents

RULES = DocumentRules(None, "", (5, 10), "ru-travel-passport@1")


def test_a_travel_passport_ends_after_its_term():
    end = derived_end("travel_passport_5", issued_by="RU", issued=date(2024, 2, 29), born=None, rules=RULES)
    assert end == DerivedEnd("ru-travel-passport@1", date(2029, 2, 28))


@pytest.mark.parametrize(
    "facts",
    [
        {"issued": None},
        {"issued_by": "KZ"},
        {"kind": "military_id"},
        {"rules": DocumentRules(None, "", (5,), "")},
        {"kind": "internal_passport"},
    ],
)
def test_no_end_is_invented(facts):
    usual = {"kind": "travel_passport_10", "issued_by": "RU", "issued": TODAY, "born": None, "rules": RULES}
    usual |= facts
    assert derived_end(usual.pop("kind"), **usual) == DerivedEnd()
