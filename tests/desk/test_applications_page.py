"""Applications by country: who sees which, what the cells say, what is next, and what a refusal is called."""

import csv
import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from cases.models import Application, Case, Deputy, FactHistory
from desk import applications_by_country, digest
from desk.applications_by_country import ApplicationFilter, Group
from desk.board import Whose
from law import countries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    """Pages set the language of their reader and leave it so."""
    with translation.override("en"):
        yield


PAGE = "/desk/applications/"


def text_of(answer):
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def words_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(answer)).split())


def application(case, by, country="DE", kind="asylum_claim", stage="lodged", **facts):
    facts.setdefault("evidence", "paper_seen")
    row = Application.objects.create(case=case, by=by, country=country, kind=kind, stage=stage, **facts)
    case.refresh_deadlines(today=case.today())
    return row


def today():
    return timezone.localdate()


def entries(user, first=0, last=99, **wanted):
    return applications_by_country.entries(user, timezone.now(), ApplicationFilter(**wanted), first, last)


def test_a_cell_has_its_count_its_code_names_and_leads_to_its_lines(case, olga, at_desk):
    """Sabotage: count cases instead of applications, or leave the group out of ApplicationQuery.as_filter."""
    desk = at_desk(olga)
    application(case, olga)
    application(case, olga, country="FR", stage="interview_done", next_check_on=today() + timedelta(5))
    application(case, olga, stage="refused")
    other = Case.objects.open_case(by=olga, country="KZ")
    application(other, olga)
    text = text_of(desk.get(PAGE))
    cell = re.search(r'href="([^"]*country=DE&group=begun)">2<', text)
    assert cell
    assert case.code_name in text
    cut = words_of(desk.get(cell[1]))
    assert "Germany: Asked for, lodged" in cut
    assert cut.count("Germany: Asylum claim: Lodged") == 2
    assert "Asylum claim: Refused" not in cut
    assert "France" not in cut
    assert "Back to all countries" in cut


def test_a_line_says_what_is_next_and_how_near_it_is(case, olga, at_desk):
    """Sabotage: leave the ids in _next_steps unparsed (rest instead of rest[:36])."""
    application(case, olga, country="KZ", stage="refused", served_on=today() - timedelta(85))
    application(case, olga, country="AM", stage="refused")
    text = words_of(at_desk(olga).get(PAGE))
    assert re.search(r"days? left .* Kazakhstan: Asylum claim: Refused .* Next: Window of appeal", text)
    assert "To find out: On which day was the service of the decision?" in text


def test_only_visible_cases_are_counted(case, olga, oskar, petra, mark, sign_in):
    """Sabotage: `Application.objects.all()` in applications_by_country._rows, in entries() or in counts()."""
    application(case, olga)
    assert [entry.code_name for entry in entries(petra)] == [case.code_name]
    assert [count.total for count in applications_by_country.counts(petra, timezone.now(), Whose.ALL)] == [1]
    for nobody in (oskar, mark):
        assert entries(nobody) == []
        assert applications_by_country.counts(nobody, timezone.now(), Whose.ALL) == []
    assert case.code_name not in text_of(sign_in(oskar).get(PAGE))
    assert "No application here" in text_of(sign_in(oskar).get(PAGE))
    answer = sign_in(mark).get(PAGE)
    assert answer.status_code == 302
    assert answer.url.startswith("/account/")


def test_mine_team_and_all(case, olga, petra, sign_in):
    application(case, olga)
    assert "Mine 1" in words_of(sign_in(olga).get(PAGE))
    text = words_of(sign_in(petra).get(f"{PAGE}?whose=mine"))
    assert "All I may see 1 My team 1 Mine 0" in text
    assert case.code_name not in text


def test_pages_follow_one_order_whether_days_are_near_far_or_none(olga):
    """Near days are opened first, the rest only where a page asks for it: together they are one list.

    Sabotage: let entries() look at near days alone, or sort these by their ids alone.
    """
    days = [1, 70, 3, None, 29, 400, None, 2, 31, -4]
    for number, day in enumerate(days):
        row = Case.objects.open_case(by=olga, country="KZ")
        when = None if day is None else today() + timedelta(day)
        application(row, olga, country=["DE", "FR"][number % 2], next_check_on=when)
    whole = entries(olga)
    assert [entry.left for entry in whole if entry.due] == sorted(day for day in days if day is not None)
    assert [entry.due for entry in whole[-2:]] == [None, None]
    for size in (1, 3, 5):
        paged = [entry for first in range(0, 10, size) for entry in entries(olga, first, first + size)]
        assert paged == whole
    for cut in ({"country": "FR"}, {"group": Group.BEGUN}, {"country": "DE", "group": Group.BEGUN}):
        some = [each for each in whole if each.country == cut.get("country", each.country)]
        assert entries(olga, **cut) == some
        assert entries(olga, 0, 2, **cut) + entries(olga, 2, 99, **cut) == some
    assert entries(olga, group=Group.REFUSED) == []


def test_who_stands_in_finds_the_colleagues_applications_under_mine(case, olga, paula, petra, sign_in):
    """As on the deadline board. Sabotage: leave the deputies out of _of_whom."""
    application(case, olga)
    assert entries(petra, whose=Whose.MINE) == []
    Deputy.objects.create(
        away=olga,
        deputy=petra,
        from_on=today() - timedelta(1),
        until_on=today() + timedelta(3),
        named_by=olga,
    )
    assert [entry.code_name for entry in entries(petra, whose=Whose.MINE)] == [case.code_name]
    assert entries(paula, whose=Whose.MINE) == []
    assert "Mine 1" in words_of(sign_in(petra).get(PAGE))


def test_a_request_for_a_travel_document_stands_in_no_column_about_protection():
    """Sabotage: leave the kind out of group_of()."""
    kind = "travel_document_or_visa_for_asylum"
    assert applications_by_country.group_of(kind, "travel_document_refused") == Group.TRAVEL_REFUSED
    for stage in ("decision_pending", "appeal_dismissed", "appeal_pending", "travel_document_granted"):
        assert applications_by_country.group_of(kind, stage) == Group.TRAVEL
    assert applications_by_country.group_of("asylum_claim", "refused") == Group.REFUSED


@pytest.mark.speaks_sql
def test_the_page_takes_as_many_queries_for_forty_cases_as_for_four_and_stays_light(olga, at_desk):
    """Sabotage: ask for each line's deadline by itself."""
    desk, counts = at_desk(olga), []
    desk.get(PAGE)
    for more in (4, 36):
        for number in range(more):
            case = Case.objects.open_case(by=olga, country="KZ")
            application(case, olga, country=["DE", "FR", "KZ", "NL"][number % 4], next_check_on=today())
        with CaptureQueriesContext(connection) as queries:
            answer = desk.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert len(answer.content) <= 100_000
    assert "31 to 40 of 40" in words_of(desk.get(f"{PAGE}?page=2"))


@pytest.mark.parametrize("query", ["country=XX", "group=nothing", "page=-4", "whose=%00", "countries=all"])
def test_a_strange_address_is_still_the_page(case, olga, at_desk, query):
    application(case, olga)
    assert case.code_name in text_of(at_desk(olga).get(f"{PAGE}?{query}"))


# -- a refused travel permit is shown as exactly that


PHRASES = {
    "en": ("Travel document refused; no decision on protection", r"asylum claim: refused|asylum refused"),
    "ru": ("отказано в проездном документе; решения о защите нет", r"убежища: отказ|отказано в убежище"),
}


@pytest.mark.parametrize("language", PHRASES)
def test_a_refused_travel_document_is_called_that_wherever_it_is_shown(case, olga, petra, sign_in, language):
    """Lists, the tab, the boards, the page of a date, the digest on screen and on paper, statistics.

    Sabotage: the stage alone in application.stage_in_words(), or the country alone in the digest.
    """
    application(
        case, olga, kind="travel_document_or_visa_for_asylum", stage="travel_document_refused",
        next_check_on=today(),
    )  # fmt: skip
    petra.language = language
    petra.save(update_fields=["language"])
    desk = sign_in(petra)
    phrase, never = PHRASES[language]
    (deadline,) = case.deadlines.all()
    for page in (
        PAGE,
        f"{PAGE}?group=travel_refused",
        f"/desk/cases/case/{case.pk}/change/",
        "/desk/board/",
        f"/desk/board/{deadline.pk}/",
        "/desk/digest/",
        "/desk/digest/?print=1",
        "/desk/digest/?section=next_7_days",
        "/desk/statistics/?of=applications",
        "/desk/statistics/csv/applications/",
    ):
        text = words_of(desk.get(page)).casefold()
        assert phrase.casefold() in text, page
        assert not re.search(never, text), page
    # It is counted under its own name, and not among the refusals of protection.
    rows = list(csv.reader(text_of(desk.get("/desk/statistics/csv/applications/")).splitlines()))
    (head,) = [row for row in rows if phrase.casefold() in map(str.casefold, row)]
    with translation.override(language):
        (line,) = [row for row in rows if row and row[0] == countries.name("DE")]
        counted = dict(zip(head, line, strict=True))
        assert counted.pop(str(Group.TRAVEL_REFUSED.label)) == "1"
        assert counted[str(Group.REFUSED.label)] == "0"


# -- questions on the digest


def test_the_digest_asks_for_the_day_of_service(case, olga, petra, oskar, sign_in):
    """Sabotage: leave `questions` out of compose()."""
    row = application(case, olga, country="KZ", stage="refused")
    composed = digest.compose(petra, today())
    (asking,) = composed.questions
    assert asking.headline == "Kazakhstan: Asylum claim: Refused"
    assert "service of the decision" in asking.question
    desk = sign_in(petra)
    assert "To find out before a term can be counted 1" in words_of(desk.get("/desk/digest/"))
    assert case.code_name in text_of(desk.get("/desk/digest/?section=questions"))
    row.served_on = today()
    row.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert digest.compose(petra, today()).questions == []
    assert not any("asks" in str(each.readable_record) for each in FactHistory.objects.of(case))
