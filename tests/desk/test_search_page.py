"""The search as a page: one box everywhere, answers to a POST only, and the typed name nowhere else."""

import logging
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.models import Case, Identity
from staff.models import TrailRow
from staff.trail import Verb
from tests.end_to_end.haystack import found_in, spellings
from tests.staff.flow import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql]

SEARCH = "/desk/search/"
NAME = "Ыргызбаев"


@pytest.fixture
def known(case, olga):
    Identity.objects.create(
        by=olga, case=case, surname=NAME, given_name="Тестомир", surname_latin="Yrgyzbaev"
    )
    return case


def ask(desk, text):
    return desk.post(SEARCH, {"q": text})


def read(answer, status=200):
    assert answer.status_code == status
    return answer.content.decode()


def cards(text):
    return re.findall(r'<li class="line card">.*?href="/desk/cases/case/([0-9a-f-]{36})/change/"', text, re.S)


def test_a_card_says_which_case_and_why_and_never_what_is_stored(known, olga, at_desk):
    """Sabotage: print the identity's surname on the card."""
    text = read(ask(at_desk(olga), "yrgyzbaev"))
    assert cards(text) == [str(known.pk)]
    for word in (known.code_name, "Kazakhstan", "olga", "Green: no hurry", "surname", "1 case matches."):
        assert word in text
    assert NAME not in text
    assert "Тестомир" not in text


def test_a_get_is_an_empty_box_whatever_the_address_says(known, olga, at_desk):
    """Sabotage: read the query from request.GET as well."""
    text = read(at_desk(olga).get(SEARCH, {"q": NAME}))
    assert cards(text) == []
    assert NAME not in text
    assert 'name="q" value=""' in text
    assert "What can be found" in text
    assert not TrailRow.objects.filter(verb=Verb.CASES_SEARCHED).exists()


@pytest.mark.parametrize(
    "path", ["/desk/board/", "/desk/cases/case/", "/desk/cases/case/add/", "/account/", SEARCH]
)
def test_the_box_stands_in_the_head_of_every_page_and_sends_by_post(path, olga, at_desk):
    text = read(at_desk(olga).get(path))
    box = re.search(r'<form id="desk-search"[^>]*>.*?</form>', text, re.S)[0]
    for part in (
        'role="search"',
        'method="post"',
        f'action="{SEARCH}"',
        'autocomplete="off"',
        'data-key="/"',
    ):
        assert part in box
    assert 'spellcheck="false"' in box
    assert "csrfmiddlewaretoken" in box


def test_who_sees_no_case_has_no_box_and_no_page(known, anton, mark):
    """Sabotage: leave `if not sees_cases(user)` out of the view."""
    desk = signed_in(Client(), anton)
    assert "desk-search" not in read(desk.get("/desk/staff/user/"))
    assert NAME not in read(ask(desk, NAME), status=403)
    assert desk.get(SEARCH).status_code == 403
    desk = signed_in(Client(), mark)
    assert ask(desk, NAME).status_code == 403
    assert "desk-search" not in read(desk.get("/account/"))
    assert not TrailRow.objects.filter(verb=Verb.CASES_SEARCHED).exists()


def test_oskar_is_told_the_same_as_of_a_name_that_nobody_has(known, oskar, at_desk):
    """Sabotage: Case.objects.all() in search.cases()."""
    desk = at_desk(oskar)
    answers = [
        re.sub(r'value="[^"]*"', "", read(ask(desk, text))) for text in (NAME, "Фыргызбаев", known.code_name)
    ]
    assert "No case that you may see matches." in answers[0]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Type what you know"),
        (" . ", "Type at least two letters or digits."),
        ("а" * 101, "too long to search for"),
        ("а б в г д е ж з и", "at most eight words"),
        ("Иван\x00ов", "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_in_words_and_not_noted(typed, told, olga, at_desk):
    assert told in read(ask(at_desk(olga), typed), status=422)
    assert not TrailRow.objects.filter(verb=Verb.CASES_SEARCHED).exists()


def test_a_search_needs_the_pages_own_token(known, olga):
    strict = signed_in(Client(), olga)
    strict.handler.enforce_csrf_checks = True
    assert NAME not in read(ask(strict, NAME), status=403)


def test_the_page_takes_no_more_queries_for_more_matches(olga, at_desk):
    """Sabotage: leave select_related out of search._rank()."""
    desk, counts = at_desk(olga), []
    ask(desk, NAME)  # the first page of a session writes more than the next
    for number in (3, 17):
        for _each in range(number):
            Identity.objects.create(by=olga, case=Case.objects.open_case(by=olga, country="KZ"), surname=NAME)
        with CaptureQueriesContext(connection) as asked:
            text = read(ask(desk, NAME))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 30
    assert len(text.encode()) < 100_000


def test_the_typed_name_stays_nowhere_in_clear(known, olga, at_desk, caplog):
    """Done when the query is found nowhere in clear: addresses, title, session, messages, logs, any column.

    Sabotage: redirect to ?q=; the query in the title, in messages or in a log; code_name__icontains=query.
    """
    with caplog.at_level(logging.DEBUG), CaptureQueriesContext(connection) as asked:
        answer = ask(at_desk(olga), NAME)
    text = read(answer)
    assert "Location" not in answer
    assert "no-store" in answer["Cache-Control"]
    assert NAME not in re.search(r"<title>.*?</title>", text, re.S)[0]
    assert text.count(NAME) == 1, "it stands in the box alone, to be corrected"
    needles = spellings(NAME) | spellings("yrgyzbaev")
    logged = " ".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert not found_in(logged.encode(), needles)
    assert not found_in(repr(asked.captured_queries).encode(), needles), "not even as a parameter"
    assert not found_in(everything_stored(), needles)


def everything_stored():
    """Every cell of every table, as bytes."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                parts += [
                    bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
                    for cell in row
                ]
    return b"\n".join(parts)


def test_the_page_speaks_russian(known, olga, at_desk):
    olga.language = "ru"
    olga.save()
    text = read(ask(at_desk(olga), NAME))
    assert "Совпадение:" in text
    assert "фамилия" in text
