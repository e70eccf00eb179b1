"""The list of cases: what it shows, how it is narrowed, and that more rows need no more queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, Stay
from law import countries

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql]

LIST = "/desk/cases/case/"


def in_kazakhstan(days):
    """The date `days` from today where the stay is: there midnight comes five hours earlier."""
    return countries.today_in("KZ", timezone.now()) + timedelta(days)


def with_stay(by, days, **facts):
    case = Case.objects.open_case(by=by, country="KZ", **facts)
    Stay.objects.create(
        case=case,
        by=by,
        country="KZ",
        last_legal_day=in_kazakhstan(days),
        last_legal_day_source="x",
    )
    case.refresh_deadlines(today=case.today())
    return case


def names(page):
    return [case.code_name for case in page.context["cl"].result_list]


def test_the_list_needs_the_same_queries_for_five_rows_and_for_fifty(olga, petra, at_desk):
    """Sabotage: leave select_related out of get_queryset, or ask for the deadline row by row."""
    desk = at_desk(petra)
    counts = []
    for more in (5, 45):
        for number in range(more):
            with_stay(olga if number % 2 else petra, number)
        desk.get(LIST)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = desk.get(LIST)
        counts.append(len(queries))
    assert len(names(page)) == 50
    assert counts[0] == counts[1], [query["sql"][:150] for query in queries]


def test_a_page_of_the_list_stays_light(olga, at_desk):
    """At most 100 kB for fifty cases. Sabotage: list_per_page = 500 and 200 more cases."""
    for number in range(50):
        with_stay(olga, number)
    assert len(at_desk(olga).get(LIST).content) < 100_000


def test_red_comes_first_and_urgency_is_said_by_class_and_by_word(olga, at_desk):
    """Sabotage: order_by("colour")."""
    green = with_stay(olga, 3)
    red = with_stay(olga, 300, colour="red")
    yellow = with_stay(olga, -2, colour="yellow")
    page = at_desk(olga).get(LIST)
    assert names(page) == [red.code_name, yellow.code_name, green.code_name]
    text = page.content.decode()
    assert '<span class="badge u3">Red: now</span>' in text
    assert '<span class="badge d-over">2 days overdue</span>' in text
    assert '<span class="badge d-soon">3 days left</span>' in text
    assert str(in_kazakhstan(300)) in text


def test_the_next_deadline_is_the_earliest_open_one(olga, at_desk):
    """Sabotage: `<` -> `>` in listing.next_due."""
    case = with_stay(olga, 20)
    Stay.objects.create(
        case=case,
        by=olga,
        country="KZ",
        last_legal_day=in_kazakhstan(4),
        last_legal_day_source="x",
    )
    case.refresh_deadlines(today=case.today())
    assert "4 days left" in at_desk(olga).get(LIST).content.decode()


def test_closed_cases_leave_the_list_until_they_are_asked_for(olga, at_desk):
    """Sabotage: `return queryset` for None in StatusFilter.queryset."""
    kept, gone = with_stay(olga, 1), with_stay(olga, 2)
    gone.close(on=timezone.localdate(), by=olga, reason="safe")
    desk = at_desk(olga)
    assert names(desk.get(LIST)) == [kept.code_name]
    assert names(desk.get(f"{LIST}?status=closed")) == [gone.code_name]
    assert len(names(desk.get(f"{LIST}?status=all"))) == 2


def test_filters_narrow_and_offer_only_countries_one_sees(olga, oskar, petra, at_desk):
    """Sabotage: `list_filter = ("country",)` or lookups over Case.objects.all()."""
    mine = with_stay(olga, 1, colour="red")
    theirs = with_stay(petra, 2)
    theirs.assign(to=None, by=petra)
    Case.objects.open_case(by=oskar, country="GE")
    desk = at_desk(petra)
    text = desk.get(LIST).content.decode()
    assert "Kazakhstan" in text
    assert "Georgia" not in text
    assert names(desk.get(f"{LIST}?colour__exact=red")) == [mine.code_name]
    assert names(desk.get(f"{LIST}?whose=nobody")) == [theirs.code_name]
    assert names(desk.get(f"{LIST}?whose=mine")) == []
    assert names(desk.get(f"{LIST}?country=GE")) == []


def test_no_column_of_the_list_opens_a_sealed_cell(case, olga, at_desk, monkeypatch):
    """Sabotage: add shown_column("summary") to list_display."""
    from vault.fields import SealedTextField

    def opened(*args):
        raise AssertionError("opened a sealed cell")

    monkeypatch.setattr(SealedTextField, "open", opened)
    assert at_desk(olga).get(LIST).status_code == 200
