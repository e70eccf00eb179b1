"""Each date on the board opens its chain: facts, rule, source, who confirmed it, day, what changed."""

import html
import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from cases.deadlines import DerivedDeadline
from cases.models import Case, Deadline, Identity, IdentityDocument, Stay
from law.models.legal_rule import LegalRule, RuleConfirmation
from tests.desk.test_case_damage import BROKEN, overwrite

pytestmark = pytest.mark.django_db


@pytest.fixture
def today(case):
    return case.today()


@pytest.fixture
def stay(case, olga, today):
    """Nine days in Kazakhstan, with a deadline of eighty more."""
    row = Stay.objects.create(case=case, by=olga, country="KZ", entered_on=today - timedelta(9))
    case.refresh_deadlines(today=case.today())
    return row


def page(desk, case, kind="stay_end"):
    row = Deadline.objects.get(case=case, kind=kind)
    answer = desk.get(f"/desk/board/{row.pk}/")
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_a_stay_end_says_facts_rule_source_confirmation_and_day(case, stay, today, olga, at_desk):
    """Sabotage: leave the explanation out of views.board.deadline, or rule.html out of its template."""
    text = page(at_desk(olga), case)
    last = today + timedelta(80)
    assert f"Entry {today - timedelta(9):%A} {today - timedelta(9)}" in text
    assert "At most 90 days within any 180 days in a row" in text
    assert "Rule kz-2023@1 · Confidence: high · to be confirmed by a lawyer" in text
    assert "Source: commonspace.eu" in text
    assert f"So the day is {last:%A} {last}" in text


def test_the_line_on_the_board_leads_to_the_chain(case, stay, today, olga, at_desk):
    """Sabotage: take the link from line.html."""
    row = Deadline.objects.get(case=case, kind="stay_end")
    Deadline.objects.apply(
        case,
        [DerivedDeadline("stay_end", row.source, today + timedelta(5), "KZ", "kz-2023@1")],
        unreadable=(),
        today=None,
    )
    board = at_desk(olga).get("/desk/board/?whose=mine").content.decode()
    assert re.search(rf'href="/desk/board/{row.pk}/\?whose=mine"\s*>\s*<b>Legal stay ends</b>', board)


def test_who_confirmed_the_rule_and_when_stands_beside_it(case, stay, olga, lena, at_desk):
    rule = LegalRule.objects.version("kz-2023@1")
    RuleConfirmation(
        rule=rule, verified_on=date(2026, 11, 20), by=lena, source_seen="Decree 3, article 2"
    ).save()
    text = page(at_desk(olga), case)
    assert "confirmed by lena on 2026-11-20" in text
    law = text.partition("Rule kz-2023")[2].partition("So the day is")[0]
    assert "to be confirmed by a lawyer" not in law


def test_facts_that_changed_since_are_said(case, stay, today, olga, at_desk):
    """Sabotage: let changed_since() return nothing."""
    assert "have changed since" not in page(at_desk(olga), case)
    stay.entered_on = today - timedelta(19)
    stay.save(by=olga)
    text = page(at_desk(olga), case)
    assert "Counted today by the same version it is" in text
    assert f"{today + timedelta(70)}" in text.partition("have changed since")[2]


def test_a_new_version_of_the_rule_is_said_and_the_stored_one_still_explains(
    case, stay, today, olga, at_desk
):
    """Sabotage: explain by the version in force instead of the stored one."""
    old = LegalRule.objects.version("kz-2023@1")
    LegalRule(
        table="stay",
        code="kz-2023",
        version=2,
        row={**old.row, "rule": {"kind": "per_entry", "days": 60}},
        valid_from=old.valid_from,
        replaces=old,
        corrects=True,
    ).save()
    text = page(at_desk(olga), case)
    assert "Rule kz-2023@1" in text
    assert "Another version of the rule is in force now: kz-2023@2." in text
    assert f"{today + timedelta(50)}" in text
    assert "have changed since" not in text
    case.refresh_deadlines(today=case.today())
    assert "Rule kz-2023@2" in page(at_desk(olga), case)


def test_a_typed_day_names_its_author_and_the_day_of_the_rule(case, stay, today, olga, at_desk):
    stay.last_legal_day, stay.last_legal_day_source = today + timedelta(30), "the officer's stamp"
    stay.save(by=olga)
    case.refresh_deadlines(today=case.today())
    text = page(at_desk(olga), case)
    assert "Typed by olga" in text
    assert "the officer's stamp" in text
    assert f"The rules give {today + timedelta(80):%A} {today + timedelta(80)}." in text


def test_a_question_says_what_to_do(case, olga, today, at_desk):
    Stay.objects.create(case=case, by=olga, country="EG", entered_on=today - timedelta(9))
    case.refresh_deadlines(today=case.today())
    text = page(at_desk(olga), case, "stay_question")
    assert "Type the last legal day with its source." in text


def test_the_end_of_a_passport_names_its_rule_and_not_the_birth_date(case, olga, at_desk):
    Identity.objects.create(case=case, by=olga, born_on=date(1981, 10, 1))
    IdentityDocument.objects.create(case=case, by=olga, kind="internal_passport", issued_on=date(2001, 11, 1))
    case.refresh_deadlines(today=case.today())
    text = page(at_desk(olga), case, "document_end")
    assert "Rule ru-internal-passport@1" in text
    assert "90 days after the birthday" in text
    assert "So the day is Wednesday 2026-12-30" in text
    assert "1981" not in text


def test_a_damaged_cell_is_said_and_breaks_nothing(case, stay, olga, at_desk):
    overwrite("cases_stay", "entered_on", stay, BROKEN)
    text = page(at_desk(olga), case)
    assert "Something in this file does not open" in text


def test_a_date_without_its_fact_says_so(case, stay, olga, today, at_desk):
    other = Case.objects.open_case(by=olga, country="KZ")
    Deadline.objects.apply(
        other,
        [DerivedDeadline("stay_end", f"stay:{stay.pk}", today, "KZ", "kz-2023@1")],
        unreadable=(),
        today=None,
    )
    assert "is no longer in the file" in page(at_desk(olga), other)


@pytest.mark.parametrize("person", ["mark", "oskar"])
def test_nobody_without_the_case_reads_the_chain(case, stay, request, at_desk, person):
    """Sabotage: look the deadline up without visible_to()."""
    row = Deadline.objects.get(case=case, kind="stay_end")
    answer = at_desk(request.getfixturevalue(person)).get(f"/desk/board/{row.pk}/")
    assert answer.status_code == (302 if person == "mark" else 404)
    assert "kz-2023" not in answer.content.decode()


def test_the_chain_speaks_russian(case, stay, olga, at_desk):
    olga.language = "ru"
    olga.save(update_fields=["language"])
    text = page(at_desk(olga), case)
    assert "Как посчитан этот срок" in text
    assert "Не более 90 дней за любые 180 дней подряд" in text
    assert "Источник:" in text


# What stands beside a document


def notes(desk, case):
    text = desk.get(f"/desk/cases/case/{case.pk}/change/").content.decode()
    return html.unescape(" ".join(re.findall(r'<ul class="row-notes">(.*?)</ul>', text, re.S)))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"kind": "travel_passport_10", "issued_on": date(2020, 3, 5)}, "valid until Tuesday 2030-03-05"),
        (
            {"kind": "travel_passport_10", "issued_on": date(2020, 3, 5), "valid_until": date(2029, 1, 1)},
            "The typed day goes first; by the rule it would be Tuesday 2030-03-05",
        ),
        ({"kind": "internal_passport", "number": "12 34 56"}, "usually it is like 12 34 567890"),
        ({"kind": "internal_passport"}, "Armenia, Belarus, Kazakhstan, Kyrgyzstan"),
        (
            {"kind": "travel_passport_5", "invalidated_on": timezone.localdate() - timedelta(1)},
            "It opens no border as it is now",
        ),
        ({"kind": "travel_passport_5", "custody": "unit"}, "It opens no border as it is now"),
    ],
)
def test_what_the_rules_say_of_a_document_stands_beside_it(case, olga, at_desk, facts, said):
    """Sabotage: take put_document_notes out of render_change_form."""
    IdentityDocument.objects.create(case=case, by=olga, **facts)
    found = notes(at_desk(olga), case)
    assert said in found
    if "rule" in found:
        assert "to be confirmed by a lawyer" in found


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("internal_passport", "12 34 567890"),
        ("travel_passport_10", "75 1234567"),
        ("military_id", "АБ № 1234567"),
    ],
)
def test_a_usual_number_is_not_warned_of_and_no_number_is_refused(case, olga, at_desk, kind, number):
    row = IdentityDocument.objects.create(case=case, by=olga, kind=kind, number=number)
    assert "unusual" not in notes(at_desk(olga), case)
    row.number = "?"
    row.save(by=olga)
    assert "unusual" in notes(at_desk(olga), case)
