"""The panel above the crossings: the last legal day, why, what is doubtful, and "what if"."""

import html
import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from cases.models import Application, Case, FactHistory, IdentityDocument, Stay
from cases.models.stay_words import DOUBTS, NOTICES
from desk import stay_page
from law import countries
from law.models.legal_rule import LegalRule
from law.rules.doubts import Doubt
from law.rules.residence import Notice
from law.rules.stay import AllOf, PerEntry, Rolling
from law.words.rules import limit_in_words
from staff.models import TrailRow
from tests.desk.test_case_damage import BROKEN, overwrite
from tests.page import form_data

pytestmark = pytest.mark.django_db

TO_CONFIRM = "to be confirmed by a lawyer"


@pytest.fixture
def today(case):
    return case.today()


@pytest.fixture
def stay(case, olga, today):
    """Adds a stay; days are counted from today."""

    def add(entered, left=None, country="KZ", **facts):
        days = {"entered_on": entered, "left_on": left}
        days = {name: None if n is None else today + timedelta(n) for name, n in days.items()}
        return Stay.objects.create(case=case, by=olga, country=country, **days | facts)

    return add


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


def words(page):
    """What the stay panel says, as one line of text."""
    panel = page.content.decode().partition('<div class="stay-panel">')[2].partition("</fieldset>")[0]
    panel = panel.partition('class="inline-related')[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", panel)).split())


def iso(today, days):
    return (today + timedelta(days)).isoformat()


def test_the_panel_says_the_last_legal_day_and_why(case, stay, today, olga, at_desk):
    """Sabotage: leave the rule out of the panel's template."""
    stay(-100, -41)
    stay(-9)
    text = words(at_desk(olga).get(address(case)))
    last = today + timedelta(20)
    assert f"Last legal day: {last:%A} {last} 20 days left" in text
    assert "At most 90 days within any 180 days in a row" in text
    assert f"The window reaches from {iso(today, -179)} to {today}." in text
    assert "Days used: 70 of 90." in text
    assert f"Counted from the entry on {iso(today, -9)}." in text
    assert f"{iso(today, -100)} to {iso(today, -41)}: 60 days" in text
    assert "Rule kz-2023@1 · Confidence: high" in text
    assert TO_CONFIRM in text
    assert "Source: commonspace.eu" in text


def test_the_panel_speaks_russian(case, stay, today, olga, at_desk):
    olga.language = "ru"
    olga.save(update_fields=["language"])
    stay(-100, -41)
    stay(-9)
    text = words(at_desk(olga).get(address(case)))
    assert "Последний законный день:" in text
    assert "Не более 90 дней за любые 180 дней подряд" in text
    assert "Использовано дней: 70 из 90." in text
    assert "подтвердить" in text


def test_both_readings_are_shown_and_the_earlier_is_the_last_day(case, olga, at_desk):
    case.country = "AM"
    case.save(by=olga)
    Stay.objects.create(case=case, by=olga, country="AM", entered_on=date(2025, 9, 1),
                        left_on=date(2025, 12, 9))  # fmt: skip
    Stay.objects.create(case=case, by=olga, country="AM", entered_on=date(2026, 6, 1))
    place = stay_page.panel(case, today=date(2026, 7, 1)).places[0]
    assert place.day == date(2026, 8, 19)
    assert [reading.day for reading in place.readings] == [date(2026, 11, 27), date(2026, 8, 19)]
    assert place.rule.stricter


def test_an_override_stands_beside_the_computed_day_with_its_author(case, stay, today, olga, at_desk):
    stay(-9, last_legal_day=today + timedelta(40), last_legal_day_source="the officer's stamp")
    text = words(at_desk(olga).get(address(case)))
    assert "Typed by hand by olga" in text
    assert "the officer's stamp" in text
    assert f"Last legal day: {today + timedelta(40):%A}" in text
    assert f"By the rule: {today + timedelta(80):%A} {iso(today, 80)}" in text


def test_a_country_without_a_rule_asks_for_the_day(case, stay, olga, at_desk):
    stay(-9, country="EG")
    text = words(at_desk(olga).get(address(case)))
    assert "No rule gives a last legal day" in text
    assert "Type the last legal day with its source." in text
    assert "Last legal day:" not in text


def test_a_dangerous_country_is_never_passed_over(case, stay, olga, at_desk):
    stay(-9, country="BY")
    text = words(at_desk(olga).get(address(case)))
    assert "Danger: never recommend this country." in text
    assert "practice of handing people over" in text


def test_a_damaged_cell_leaves_no_day_on_the_panel(case, stay, olga, at_desk):
    row = stay(-100, -41)
    stay(-9)
    overwrite("cases_stay", "entered_on", row, BROKEN)
    text = words(at_desk(olga).get(address(case)))
    assert "Something in this file does not open" in text
    assert "Last legal day:" not in text


def test_who_is_out_reads_when_an_entry_is_lawful_again(case, stay, today, olga, at_desk):
    stay(-99, -10)
    text = words(at_desk(olga).get(address(case)))
    assert f"First day for another entry: {today + timedelta(81):%A} {iso(today, 81)}" in text


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(-50, None), (-9, None)], "has no exit, though there is an entry on"),
        ([(-50, -9), (-20, None)], "overlap. Ask which stamps are right"),
        ([(None, None), (-9, None)], "has no entry that can be counted"),
        ([(-9, None)], "No document in the file opens this border."),
    ],
)
def test_every_doubt_is_a_sentence_to_act_on(case, stay, olga, at_desk, rows, sentence):
    for entered, left in rows:
        stay(entered, left)
    assert sentence in words(at_desk(olga).get(address(case)))


def test_no_doubt_lacks_its_words():
    """Sabotage: drop an entry of DOUBTS or NOTICES."""
    assert set(DOUBTS) == set(Doubt) - {Doubt.RULE_NOT_CONFIRMED}
    assert set(NOTICES) == set(Notice) - {Notice.RULE_ENDS}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_sentence_about_law_has_a_source_or_says_that_a_lawyer_must_confirm_it(
    case, olga, at_desk, language
):
    """Walks the panel through every rule. Sabotage: drop `rule.check` or the source from rule.html."""
    olga.language = language
    olga.save(update_fields=["language"])
    rows = [row for row in LegalRule.objects.stay_rows() if row.country in countries.COUNTRIES]
    for country in sorted({row.country for row in rows} | {"DE"}):
        Stay.objects.create(case=case, by=olga, country=country, entered_on=case.today() - timedelta(3))
    page = at_desk(olga).get(address(case)).content.decode()
    laws = re.findall(r'<div class="law">(.*?)</div>', page, re.S)
    assert len(laws) >= len({row.country for row in rows})
    with translation.override(language):
        to_confirm, source = translation.gettext("to be confirmed by a lawyer"), translation.gettext("Source")
    for law in laws:
        assert to_confirm in law
        assert re.search(source + r': <span lang="en">[^<]+</span>', law)
    # Every article with a day has the rule that gave it.
    for article in re.findall(r"<article.*?</article>", page, re.S):
        assert 'class="law"' in article or 'class="last-day"' not in article


@pytest.mark.parametrize(("n", "russian"), [(1, "1 дня"), (21, "21 дня"), (30, "30 дней"), (2, "2 дней")])
def test_numbers_of_rules_agree_in_russian(n, russian):
    with translation.override("ru"):
        assert (
            limit_in_words(PerEntry(n)) == f"Не более {russian} после каждого въезда; день въезда — первый."
        )


def test_a_rule_of_several_parts_says_each():
    assert len(limit_in_words(AllOf((PerEntry(60), Rolling(90, 180)))).split(". ")) == 2


# What if


def ask(desk, case, **typed):
    page = desk.get(address(case))
    asked = {f"what_if-{name}": value for name, value in typed.items()}
    return desk.post(address(case), form_data(page, _what_if="1", **asked))


def test_what_if_answers_on_the_page_and_stores_nothing(case, stay, today, olga, at_desk):
    """Sabotage: let CaseForm.is_valid ignore `only_asking`."""
    stay(-59)
    desk = at_desk(olga)
    page = desk.get(address(case))
    before = Case.objects.get().version, FactHistory.objects.count()
    typed = {
        "what_if-leaves": iso(today, 10),
        "what_if-returns": iso(today, 40),
        "stays-0-actual_place": "a friend's flat",
    }
    answer = desk.post(address(case), form_data(page, _what_if="1", summary="typed meanwhile", **typed))
    assert answer.status_code == 200
    last = today + timedelta(59)
    assert f"Coming back on {iso(today, 40)} the last legal day would be {last:%A} {last}." in words(answer)
    assert "That is 20 days" in words(answer)
    assert (Case.objects.get().version, FactHistory.objects.count()) == before
    text = answer.content.decode()
    assert "typed meanwhile" in text
    assert "a friend&#x27;s flat" in text
    assert 'class="errornote"' not in text


def test_what_if_without_the_second_day_says_from_when_one_may_come_again(case, stay, today, olga, at_desk):
    stay(-89)
    answer = words(ask(at_desk(olga), case, leaves=str(today)))
    assert f"the first day for another entry is {today + timedelta(91):%A} {iso(today, 91)}" in answer


def test_what_if_of_an_unlawful_return_says_the_first_lawful_day(case, stay, today, olga, at_desk):
    stay(-89)
    answer = words(ask(at_desk(olga), case, leaves=str(today), returns=iso(today, 9)))
    assert f"An entry into Kazakhstan on {iso(today, 9)} would not be lawful." in answer
    assert iso(today, 91) in answer


@pytest.mark.parametrize(
    ("leaves", "returns", "message"),
    [
        (None, None, "Type the day of leaving, of coming back, or both."),
        (None, 9, "The person is there now. Type the day of leaving too."),
        (-20, 9, "This is before the entry."),
        (9, 3, "This is too early."),
    ],
)
def test_what_if_says_what_is_missing(case, stay, today, olga, at_desk, leaves, returns, message):
    stay(-9)
    days = {"leaves": leaves, "returns": returns}
    typed = {name: iso(today, n) for name, n in days.items() if n is not None}
    assert message in words(ask(at_desk(olga), case, **typed))


@pytest.mark.parametrize("person", ["mark", "oskar"])
def test_who_may_not_open_the_case_learns_nothing_from_what_if(case, stay, today, request, at_desk, person):
    """Sabotage: look the case up with Case.objects in a view of its own."""
    stay(-9)
    answer = at_desk(request.getfixturevalue(person)).post(
        address(case), {"_what_if": "1", "what_if-leaves": str(today)}
    )
    assert answer.status_code in (403, 404)
    assert case.code_name not in answer.content.decode()
    assert str(today) not in answer.content.decode()


def test_asking_shows_the_file_so_it_is_on_the_trail(case, stay, today, olga, at_desk):
    stay(-9)
    desk = at_desk(olga)
    page = desk.get(address(case))
    before = TrailRow.objects.filter(verb="case_opened").count()
    desk.post(address(case), form_data(page, _what_if="1", **{"what_if-leaves": str(today)}))
    assert TrailRow.objects.filter(verb="case_opened").count() == before + 1


# Weight


def test_an_ordinary_case_with_its_panel_stays_light(case, stay, today, olga, at_desk):
    """Three stays, two passports, a claim. Sabotage: name each field's box in case_page._box again."""
    for entered, left in ((-90, -61), (-50, -21), (-9, None)):
        stay(entered, left)
    for kind in ("internal_passport", "travel_passport_10"):
        issued = today - timedelta(900)
        IdentityDocument.objects.create(case=case, by=olga, kind=kind, number="1", issued_on=issued)
    Application.objects.create(case=case, by=olga, country="DE", kind="asylum_claim", stage="registered")
    case.refresh_deadlines(today=case.today())
    assert len(at_desk(olga).get(address(case)).content) <= 100_000


@pytest.mark.speaks_sql
def test_the_panel_costs_the_same_queries_however_many_stays(case, stay, olga, at_desk):
    desk = at_desk(olga)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert desk.get(address(case)).status_code == 200
        return len(seen)

    stay(-9)
    IdentityDocument.objects.create(case=case, by=olga, kind="travel_passport_10")
    queries()
    few = queries()
    for n in range(8):
        stay(-400 + n * 40, -380 + n * 40, country=["KZ", "AM", "GE", "TR"][n % 4])
    assert queries() == few
