"""The board as a page: counts, pages, links, the frame around every page, and pages for what went wrong."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from cases.deadlines import DerivedDeadline
from cases.models import Case, Deadline
from config import errors
from desk import board
from law import countries
from reminders.models import Heartbeat, Pulse, Reminder
from tests.house.test_style import INLINE
from tests.staff.flow import signed_in

pytestmark = pytest.mark.django_db

BOARD = "/desk/board/"


@pytest.fixture
def today():
    """The date in Almaty."""
    return countries.today_in("KZ", timezone.now())


@pytest.fixture
def dates(case, today):
    """A function: that many open dates of Olga's case, so many days ahead."""

    def add(count, left):
        stored = [
            DerivedDeadline(row.kind, row.source, row.due_on, "KZ")
            for row in Deadline.objects.filter(case=case)
        ]
        new = [
            DerivedDeadline("task", f"task:{uuid4()}", today + timedelta(left), "KZ")
            for _each in range(count)
        ]
        Deadline.objects.apply(case, stored + new, unreadable=(), today=None)

    return add


def read(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def lines(text):
    return re.findall(r'id="d-([0-9a-f-]{36})"', text)


def total(text, part):
    return int(re.search(rf'id="part-{part}">[^<]*<span class="total">(\d+)<', text)[1])


def test_every_part_says_how_many_and_where_the_rest_is(dates, olga, at_desk):
    """Sabotage: leave `more` out of the section, or cut a part without its count."""
    dates(37, 3)
    desk = at_desk(olga)
    text = read(desk.get(BOARD))
    assert (total(text, "soon"), len(lines(text))) == (37, 10)
    assert "27 more: show all" in text
    seen = []
    for page in (1, 2):
        text = read(desk.get(BOARD, {"part": "soon", "page": page}))
        assert total(text, "soon") == 37
        seen += lines(text)
    assert "31 to 37 of 37" in text
    assert sorted(seen) == sorted(str(row.pk) for row in Deadline.objects.all())


def test_a_day_of_the_month_opens_its_dates(dates, olga, at_desk, today):
    dates(2, 3)
    dates(1, 4)
    desk, day = at_desk(olga), today + timedelta(3)
    text = read(desk.get(BOARD, {"month": f"{day:%Y-%m}"}))
    link = re.search(rf'href="([^"]*day={day}[^"]*)" aria-label="([^"]*)"', text)
    assert link[2].endswith(f"{day}: 2 deadlines")
    assert len(lines(read(desk.get(link[1].replace("&amp;", "&"))))) == 2


def test_a_far_month_shows_what_is_due_then(dates, olga, at_desk, today):
    dates(3, 200)
    day = today + timedelta(200)
    text = read(at_desk(olga).get(BOARD, {"month": f"{day:%Y-%m}"}))
    assert "3 deadlines in this month" in text
    assert not lines(text)


@pytest.mark.speaks_sql
def test_the_page_takes_no_more_queries_for_more_dates(olga, petra, at_desk, today):
    """Sabotage: `{{ line.case.team }}` in the line, or drop select_related in board.readable()."""
    desk, counts = at_desk(petra), []
    read(desk.get(BOARD))  # the first page of a session writes more than the next
    for number in (5, 45):
        for _each in range(number):
            case = Case.objects.open_case(by=olga, country="KZ")
            Deadline.objects.apply(
                case,
                [DerivedDeadline("task", f"task:{uuid4()}", today + timedelta(_each % 31), "KZ")],
                unreadable=(),
                today=None,
            )
        with CaptureQueriesContext(connection) as asked:
            read(desk.get(BOARD))
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 30


@pytest.mark.parametrize(
    "query",
    [
        "part=nothing",
        "page=-1",
        "page=99999999999999999999",
        "day=2026-02-30",
        "month=..",
        "whose=%00",
        "day=9999-12-31",
    ],
)
def test_a_strange_address_is_still_a_board(dates, olga, at_desk, query):
    dates(1, 1)
    read(at_desk(olga).get(f"{BOARD}?{query}"))


def test_each_line_leads_to_its_file(case, dates, olga, at_desk):
    dates(1, 0)
    text = read(at_desk(olga).get(BOARD))
    assert f'href="{reverse("admin:cases_case_change", args=[case.pk])}#tasks-group"' in text
    assert case.code_name in text


def test_an_empty_board_says_so_kindly(olga, at_desk):
    desk = at_desk(olga)
    assert "No case is yours yet" in read(desk.get(BOARD))
    Case.objects.open_case(by=olga, country="KZ")
    text = read(desk.get(BOARD))
    assert "Nothing is overdue, and nothing is due within 30 days." in text
    assert "1 case in work has no open date at all" in text


def test_colleagues_see_their_own_views(dates, olga, petra):
    dates(1, 0)
    assert re.findall(r'class="chip"[^>]*>\s*([^<]+?)\s*<', read(signed_in(Client(), olga).get(BOARD))) == [
        "All I may see",
        "Mine",
    ]
    text = read(signed_in(Client(), petra).get(f"{BOARD}?whose=mine"))
    assert re.findall(r'class="chip"[^>]*>\s*([^<]+?)\s*<span class="total">(\d+)', text) == [
        ("All I may see", "1"), ("My team", "1"), ("Mine", "0")
    ]  # fmt: skip
    assert not lines(text)


def test_oskar_sees_nothing_of_it(dates, case, oskar, at_desk):
    dates(1, 0)
    text = read(at_desk(oskar).get(BOARD))
    assert case.code_name not in text
    assert not lines(text)


# -- the frame


PAGES = {
    "olga": [
        BOARD,
        f"{BOARD}?part=soon",
        "/account/",
        "/desk/cases/case/",
        "/desk/cases/case/add/",
        "/nothing/",
    ],
    "petra": [
        BOARD,
        "/desk/digest/",
        "/desk/digest/?print=1",
        "/desk/digest/?section=overdue",
        "/desk/staff/user/",
    ],
    "anton": ["/desk/staff/user/", "/desk/staff/user/add/", "/desk/staff/rolegrant/", "/desk/digest/"],
    "mark": ["/account/"],
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_page_has_inline_style_or_script_and_each_stays_small(request, dates, at_desk, name, language):
    """The content policy would drop it, silently. Sabotage: `style=` in any template or format_html()."""
    person = request.getfixturevalue(name)
    person.language = language
    person.save(update_fields=["language"])
    dates(60, 2)
    dates(60, -2)
    desk = at_desk(person)
    for page in PAGES[name]:
        answer = desk.get(page, follow=True)
        text = answer.content.decode()
        assert not INLINE.search(text), page
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', text), page
        # What is printed is the whole, however long.
        assert len(answer.content) <= 100_000 or "print" in page, page
        assert f'<html lang="{language}"' in text


def test_titles_say_only_the_name_of_the_site_and_of_the_case(case, olga, at_desk):
    desk = at_desk(olga)
    pages = [BOARD, "/desk/cases/case/", reverse("admin:cases_case_change", args=[case.pk]), "/account/"]
    titles = [re.search(r"<title>(.*?)</title>", read(desk.get(page)), re.DOTALL)[1] for page in pages]
    titles = [" ".join(title.split()) for title in titles]
    assert titles == [
        f"{first} | {settings.SITE_NAME}" for first in ("Deadlines", "Cases", case.code_name, "Your account")
    ]


def test_main_links_follow_the_role(olga, petra, anton, vera):
    def links(person):
        text = read(signed_in(Client(), person).get("/account/"))
        nav = text[text.index("main-nav") : text.index("</nav>")]
        return re.findall(r"<a [^>]*>\s*([^<]+?)\s*</a>\s*</li>", nav)

    assert links(olga) == ["Deadlines", "Inbox", "Cases", "Applications", "Rules", "Access"]
    assert links(petra) == [
        "Deadlines", "Inbox", "Cases", "Applications", "Digest", "Statistics", "Rules", "Access",
        "Accounts", "Role requests",
    ]  # fmt: skip
    assert links(vera) == ["Trail"]
    assert links(anton) == ["Accounts", "Role requests"]


def test_the_head_says_who_in_which_language_and_zone_and_signs_out_by_post(olga, at_desk):
    text = read(at_desk(olga).get(BOARD))
    assert re.search(r"<b>olga</b>\s*<span class=\"dim\">caseworker · English · UTC</span>", text)
    assert f'<form id="logout-form" method="post" action="{reverse("logout")}">' in text


def test_a_demonstration_is_marked_on_every_page(olga, at_desk, client):
    mark = "all people and cases here are invented"
    assert mark not in client.get(reverse("login")).content.decode()
    olga.demo = True
    olga.save(update_fields=["demo"])
    assert mark in client.get(reverse("login")).content.decode()
    desk = at_desk(olga)
    assert all(mark in read(desk.get(page)) for page in (BOARD, "/account/", "/desk/cases/case/"))


def test_silent_reminders_are_said_on_every_page_but_not_to_strangers(olga, at_desk, client):
    """Sabotage: drop `desk_alarms` from the context processor."""
    alarm = "Reminders have stopped"
    assert alarm not in client.get(reverse("login")).content.decode()
    desk = at_desk(olga)
    assert all(alarm in read(desk.get(page)) for page in (BOARD, "/account/", "/desk/cases/case/"))
    for job in Pulse:
        Heartbeat.objects.beat(job, timezone.now())
    assert alarm not in read(desk.get(BOARD))


def test_a_reminder_that_reached_nobody_is_a_red_banner(olga, at_desk, today):
    payload = Reminder.about(uuid4(), today, 0, olga.pk)
    Reminder.objects.create(payload=payload, state="dead", next_at=None)
    assert re.search(r'class="banner red undelivered" role="alert"', read(at_desk(olga).get(BOARD)))


def test_the_board_speaks_russian_dates(dates, olga, at_desk, today):
    olga.language = "ru"
    olga.save(update_fields=["language"])
    dates(1, 0)
    text = read(at_desk(olga).get(BOARD))
    with translation.override("ru"):
        from django.utils.formats import date_format

        assert date_format(today, "D Y-m-d") in text


# -- what went wrong


def test_error_pages_stand_without_the_database(django_assert_num_queries, rf):
    """Sabotage: give errors._page() the request."""
    request = rf.get("/")
    pages = [errors.bad_request, errors.permission_denied, errors.page_not_found, errors.server_error]
    with django_assert_num_queries(0):
        answers = [*(page(request) for page in pages), errors.csrf_failure(request)]
    assert [answer.status_code for answer in answers] == [400, 403, 404, 500, 403]
    for answer in answers:
        text = answer.content.decode()
        assert not INLINE.search(text)
        assert 'href="/"' in text
        assert f"<title>{re.search(r'<h1>(.*)</h1>', text)[1]} | {settings.SITE_NAME}</title>" in text


def test_a_page_that_breaks_shows_our_own_page(olga, at_desk, monkeypatch):
    desk = at_desk(olga)
    desk.raise_request_exception = False
    monkeypatch.setattr(board, "marks", lambda *_args, **_named: 1 / 0)
    answer = desk.get(BOARD)
    assert answer.status_code == 500
    assert "Something broke" in answer.content.decode()


def test_the_start_page_leads_to_the_board(olga, at_desk):
    assert at_desk(olga).get("/", follow=True).redirect_chain[-1][0] == BOARD


def test_a_refusal_is_in_words(olga, at_desk):
    answer = at_desk(olga).get("/desk/digest/")
    assert answer.status_code == 403
    assert "The digest is for coordinators. Ask one of your team." in answer.content.decode()


@pytest.fixture
def rf():
    """Requests without a session."""
    return RequestFactory()
