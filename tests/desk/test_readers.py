"""Who has seen a case: asked by the coordinators of its team, answered from the trail."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import Case, CaseShare
from staff import trail
from staff.models import TrailRow
from staff.trail import Verb
from tests.writes import write

pytestmark = pytest.mark.django_db


def page(case):
    return reverse("readers", args=[case.pk])


def lines(text):
    return {
        re.search(r"<b>(.*?)</b>", row)[1]: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))
        for row in re.findall(r"<tr>\s*<td>(.*?)</tr>", text, re.DOTALL)
    }


def test_a_coordinator_reads_who_opened_it_and_how_often(case, olga, petra, sign_in):
    hers, his = sign_in(olga), sign_in(petra)
    file = reverse("admin:cases_case_change", args=[case.pk])
    for _time in range(3):
        assert hers.get(file).status_code == 200
    seen = lines(his.get(page(case)).content.decode())
    assert "opened the file 3 times" in seen["olga"]
    assert "caseworker" in seen["olga"]
    assert TrailRow.objects.latest("id").verb == Verb.TRAIL_READ


def test_who_was_refused_stands_apart(case, oskar, petra, sign_in):
    """Sabotage: count refusals as acts in readers()."""
    sign_in(oskar).get(reverse("admin:cases_case_change", args=[case.pk]))
    text = sign_in(petra).get(page(case)).content.decode()
    assert "oskar" not in lines(text)
    assert "oskar" in text[text.index("Tried and were refused") :]


def test_the_way_to_it_is_on_the_case(case, olga, petra, sign_in):
    file = reverse("admin:cases_case_change", args=[case.pk])
    assert page(case) in sign_in(petra).get(file).content.decode()
    assert page(case) not in sign_in(olga).get(file).content.decode()


@pytest.mark.parametrize(("name", "status"), [("oskar", 404), ("mark", 302), ("anton", 404), ("vera", 404)])
def test_who_may_not_see_the_case_learns_nothing(name, status, request, case, sign_in):
    """The page of a case that never was. Sabotage: Case.objects.all() instead of visible_to() in show()."""
    client = sign_in(request.getfixturevalue(name))
    answer = client.get(page(case))
    assert answer.status_code == status
    if status == 404:
        nowhere = client.get("/desk/readers/5f0c6b9e-3d54-4c8e-9a55-111111111111/")
        assert answer.content == nowhere.content
        assert TrailRow.objects.filter(case=case.pk, verb=Verb.REFUSED).count() == 1


def test_a_caseworker_is_told_whom_to_ask(case, olga, sign_in):
    answer = sign_in(olga).get(page(case))
    assert answer.status_code == 403
    assert "coordinators read" in answer.content.decode()


def test_a_coordinator_of_another_team_does_not_read_it(case, petra, other_team, sign_in):
    """Although the case is shared with her. Sabotage: drop the team from shows_readers_to()."""
    from datetime import timedelta

    from django.utils import timezone

    CaseShare.objects.create(case=case, user=petra, until_on=timezone.localdate() + timedelta(days=3))
    write(petra, team=other_team)
    petra.refresh_from_db()
    assert Case.objects.visible_to(petra).filter(pk=case.pk).exists()
    assert sign_in(petra).get(page(case)).status_code == 403


def test_the_number_of_questions_does_not_grow(case, olga, petra, oskar, sign_in):
    his = sign_in(petra)

    def questions():
        with CaptureQueriesContext(connection) as asked:
            assert his.get(page(case)).status_code == 200
        return len(asked)

    questions()
    few = questions()
    for person in (olga, oskar, None):
        for _time in range(20):
            trail.append(person, Verb.CASE_OPENED, case_id=case.pk)
    assert questions() == few
