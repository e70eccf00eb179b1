"""Code names: unique, neutral, made by us."""

import re

import pytest
from django.db import IntegrityError, connection, transaction

from cases.models import Case
from cases.models import case as case_module
from cases.models.code_name_words import LOOKS, THINGS

pytestmark = pytest.mark.django_db


def test_code_name_is_two_words_and_a_number(case):
    assert re.fullmatch(r"[A-Z][a-z]+ [a-z]+ [1-9][0-9]", case.code_name)
    assert str(case) == case.code_name


def test_words_last_for_many_more_than_a_hundred_thousand_cases():
    assert len(set(LOOKS)) == len(LOOKS)
    assert len(set(THINGS)) == len(THINGS)
    assert len(LOOKS) * len(THINGS) * 90 > 40 * 100_000


def test_words_say_nothing_about_war_flight_people_or_urgency():
    loaded = {
        *(
            "army",
            "border",
            "bullet",
            "deserter",
            "escape",
            "exile",
            "flag",
            "gun",
            "hammer",
            "hero",
            "loyal",
        ),
        *(
            "officer",
            "prison",
            "refugee",
            "rifle",
            "runaway",
            "russian",
            "soldier",
            "star",
            "tank",
            "traitor",
        ),
        *("war", "red", "orange", "yellow", "green"),
    }
    assert not loaded & {*LOOKS, *THINGS}


def test_a_taken_name_is_not_given_twice(case, olga, monkeypatch):
    names = iter([case.code_name, case.code_name, "Quiet lantern 42"])
    monkeypatch.setattr(case_module, "new_code_name", lambda: next(names))
    assert Case.objects.open_case(by=olga, country="AM").code_name == "Quiet lantern 42"
    assert Case.objects.count() == 2


def test_the_database_itself_refuses_a_second_case_of_the_same_name(case, olga):
    other = Case.objects.open_case(by=olga, country="AM")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_case SET code_name = %s WHERE id = %s", [case.code_name, other.pk.hex])
    other.code_name = case.code_name
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save(by=olga)
