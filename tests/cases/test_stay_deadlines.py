"""The last legal day is counted from the crossings in the file, and reminded of."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Case, Deadline, Identity, IdentityDocument, Stay
from tests.desk.test_case_damage import BROKEN, overwrite

pytestmark = pytest.mark.django_db

TODAY = date(2026, 7, 1)
KINDS = ["stay_end", "stay_question", "document_end"]


def day(distance):
    return TODAY + timedelta(days=distance)


@pytest.fixture
def stay(case, olga):
    """Adds a stay of the case, in Kazakhstan unless told otherwise."""

    def add(entered_on, left_on=None, **facts):
        facts = {"country": "KZ", "entered_on": entered_on, "left_on": left_on} | facts
        return Stay.objects.create(case=case, by=olga, **facts)

    return add


@pytest.fixture
def document(case, olga):
    """Adds a document of the case."""
    return lambda kind, **facts: IdentityDocument.objects.create(case=case, by=olga, kind=kind, **facts)


def dues(case, today=TODAY):
    """Kind, day and rule of each open deadline about stays and documents, after a refresh."""
    Case.objects.get(pk=case.pk).refresh_deadlines(today=today)
    rows = Deadline.objects.filter(case=case, kind__in=KINDS).open()
    return sorted((row.kind, row.due_on, row.rule) for row in rows)


def test_the_crossings_in_the_file_give_the_last_legal_day_and_its_rule(case, stay):
    """Sabotage: take `place.last_day` out of _Reader._stay."""
    stay(day(-100), day(-41))
    stay(day(-9))
    assert dues(case) == [("stay_end", day(20), "kz-2023@1")]


def test_another_exit_moves_the_day(case, stay, olga):
    earlier = stay(day(-100), day(-41))
    stay(day(-9))
    assert dues(case)[0][1] == day(20)
    earlier.left_on = day(-51)
    earlier.save(by=olga)
    assert dues(case)[0][1] == day(30)


def test_a_day_typed_by_hand_overrides_the_computed_one(case, stay, olga):
    """Sabotage: ask `place` before `typed` in _Reader._stay."""
    row = stay(day(-9), last_legal_day=day(40), last_legal_day_source="stamp of the border guard")
    assert dues(case) == [("stay_end", day(40), "")]
    row.last_legal_day = row.last_legal_day_source = None
    row.save(by=olga)
    assert dues(case) == [("stay_end", day(80), "kz-2023@1")]


def test_the_earlier_of_two_readings_is_reminded(case, stay):
    stay(date(2025, 9, 1), date(2025, 12, 9), country="AM")
    stay(date(2026, 6, 1), country="AM")
    assert dues(case) == [("stay_end", date(2026, 8, 19), "am-cis@1")]


def test_without_a_rule_somebody_is_asked_once_and_the_question_does_not_move(case, stay, olga):
    """Sabotage: leave `not due.question` out of Deadline.follow."""
    row = stay(day(-9), country="UZ")
    assert dues(case) == [("stay_question", TODAY, "")]
    Deadline.objects.get(kind="stay_question").mark_seen(by=olga)
    assert dues(case, day(5)) == [("stay_question", TODAY, "")]
    assert Deadline.objects.get(kind="stay_question").is_seen
    row.last_legal_day, row.last_legal_day_source = day(51), "registration slip"
    row.save(by=olga)
    assert dues(case, day(5)) == [("stay_end", day(51), "")]


def test_a_stay_without_an_entry_is_asked_for(case, stay):
    stay(None)
    assert dues(case) == [("stay_question", TODAY, "")]


def test_who_left_has_no_last_day_also_on_the_day_of_leaving(case, stay):
    stay(day(-89), TODAY)
    stay(day(-200), day(-190), country="UZ")
    assert dues(case) == []


def test_open_stays_in_two_countries_are_both_reminded(case, stay):
    stay(day(-50))
    stay(day(-9), country="GE")
    assert [due[:2] for due in dues(case)] == [("stay_end", day(39)), ("stay_end", day(355))]


def test_a_passport_that_ends_first_ends_the_stay(case, stay, document):
    stay(day(-9))
    paper = document("travel_passport_5", valid_until=day(30))
    assert dues(case) == [("document_end", day(30), ""), ("stay_end", day(30), "kz-2023@1")]
    assert paper.in_force


@pytest.mark.parametrize(
    "facts",
    [
        {"invalidated_on": day(-3)},
        {"custody": "lost"},
        {"custody": "unit"},
        {"authenticity": "forged"},
        {"in_use": False},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_a_paper_that_opens_no_border_ends_no_stay(case, stay, document, facts):
    """Sabotage: drop one of the conditions in papers_of()."""
    stay(day(-9))
    document("travel_passport_5", valid_until=day(30), **facts)
    assert [due for due in dues(case) if due[0] == "stay_end"] == [("stay_end", day(80), "kz-2023@1")]


# Documents


def test_an_internal_passport_ends_by_birth_date_and_issue(case, document, olga):
    """Born 45 years before October 2026: ninety days after that birthday."""
    Identity.objects.create(case=case, by=olga, born_on=date(1981, 10, 1))
    document("internal_passport", issued_on=date(2001, 11, 1))
    assert dues(case) == [("document_end", date(2026, 12, 30), "ru-internal-passport@1")]


def test_a_travel_passport_ends_after_its_years(case, document):
    document("travel_passport_10", issued_on=date(2020, 3, 5))
    assert dues(case) == [("document_end", date(2030, 3, 5), "ru-travel-passport@1")]


def test_an_end_that_was_typed_wins_over_the_derived_one(case, document):
    document("travel_passport_10", issued_on=date(2020, 3, 5), valid_until=date(2030, 3, 4))
    assert dues(case) == [("document_end", date(2030, 3, 4), "")]


def test_a_passport_without_birth_date_or_issue_has_no_end(case, document):
    document("internal_passport", issued_on=date(2001, 11, 1))
    document("travel_passport_5")
    assert dues(case) == []


# Damage


@pytest.mark.parametrize("column", ["entered_on", "left_on", "basis_valid_until"])
def test_a_damaged_cell_of_a_stay_leaves_its_deadline_as_it_was(case, stay, column):
    """Sabotage: take `places.unsure` out of _Reader._stay."""
    row = stay(day(-9))
    before = dues(case)
    overwrite("cases_stay", column, row, BROKEN)
    assert dues(case) == before


def test_a_damaged_earlier_stay_does_not_lengthen_the_present_one(case, stay):
    """Sabotage: let only the damaged stay itself be unsure in whereabouts()."""
    earlier = stay(day(-100), day(-41))
    stay(day(-9))
    before = dues(case)
    overwrite("cases_stay", "entered_on", earlier, BROKEN)
    assert ("stay_end", day(20), "kz-2023@1") in dues(case)
    assert [due for due in dues(case) if due[0] == "stay_end"] == before


def test_a_damaged_birth_date_leaves_the_end_of_the_passport_as_it_was(case, document, olga):
    """Sabotage: leave end_is_damaged() out of _Reader._document."""
    identity = Identity.objects.create(case=case, by=olga, born_on=date(1981, 10, 1))
    document("internal_passport", issued_on=date(2001, 11, 1))
    before = dues(case)
    overwrite("cases_identity", "born_on", identity, BROKEN)
    assert dues(case) == before != []


def test_the_number_of_queries_does_not_grow_with_the_stays(case, stay, document):
    def queries():
        fresh = Case.objects.get(pk=case.pk)
        with CaptureQueriesContext(connection) as seen:
            fresh.facts(today=TODAY)
        return len(seen)

    stay(day(-500), day(-490))
    document("travel_passport_10", issued_on=date(2020, 3, 5))
    queries()
    few = queries()
    for n in range(9):
        stay(day(-480 + n * 20), day(-470 + n * 20), country=["KZ", "AM", "GE"][n % 3])
        document("internal_passport", issued_on=date(2020, 3, 5))
    assert queries() == few
