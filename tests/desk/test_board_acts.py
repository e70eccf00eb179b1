"""Seen, done and put off from the board: by POST, by those who may, about the date that was on the screen."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.deadlines import DerivedDeadline
from cases.models import Deadline, DeadlineState
from law import countries
from reminders.models import Reminder
from staff.models import TrailRow
from staff.trail import Verb
from tests.staff.flow import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def today():
    """The date in Almaty."""
    return countries.today_in("KZ", timezone.now())


@pytest.fixture
def deadline(dated_case, today):
    """An open date of Olga's, five days ahead."""
    return Deadline.objects.get(case=dated_case(today + timedelta(5)))


def address(deadline):
    return reverse("deadline", args=[deadline.pk])


def post(desk, deadline, act, **typed):
    data = {"act": act, "due": deadline.due_on.isoformat(), "back": ""} | typed
    return desk.post(address(deadline), data)


def verbs(case_id):
    return list(
        TrailRow.objects.filter(case=case_id, verb__startswith="deadline")
        .order_by("id")
        .values_list("verb", "actor__username")
    )


def test_seen_from_the_line_is_on_the_trail_and_on_the_board(deadline, olga, at_desk):
    desk = at_desk(olga)
    assert "not seen yet" in desk.get("/desk/board/").content.decode()
    assert post(desk, deadline, "seen").url == "/desk/board/"
    text = desk.get("/desk/board/").content.decode()
    assert "seen by olga" in text
    assert "not seen yet" not in text
    assert verbs(deadline.case_id) == [("deadline_seen", "olga")]


def test_done_takes_the_line_away_and_can_be_taken_back(deadline, olga, at_desk):
    desk = at_desk(olga)
    post(desk, deadline, "done", reason="Passport handed over.")
    deadline.refresh_from_db()
    assert (deadline.state, deadline.reason) == (DeadlineState.DONE, "Passport handed over.")
    text = desk.get("/desk/board/").content.decode()
    assert f'id="d-{deadline.pk}"' not in text
    assert f'href="{address(deadline)}?"' in text
    assert "Open it again" in desk.get(address(deadline)).content.decode()
    assert post(desk, deadline, "reopen", reason="Wrong line.").status_code == 302
    assert f'id="d-{deadline.pk}"' in desk.get("/desk/board/").content.decode()
    assert verbs(deadline.case_id) == [("deadline_done", "olga"), ("deadline_reopened", "olga")]


def test_an_opened_date_is_reminded_of_at_once(deadline, olga, at_desk):
    """Sabotage: leave plan_case out of the view."""
    desk = at_desk(olga)
    post(desk, deadline, "done")
    Reminder.objects.all().delete()
    post(desk, deadline, "reopen", reason="Wrong line.")
    assert Reminder.objects.count() == 1


def test_put_off_stays_on_the_board_with_its_reason(deadline, olga, at_desk, today):
    desk = at_desk(olga)
    post(desk, deadline, "snooze", until=str(today + timedelta(3)), reason="The embassy answers on Monday.")
    text = desk.get("/desk/board/").content.decode()
    assert f'id="d-{deadline.pk}"' in text
    assert "The embassy answers on Monday." in text
    assert verbs(deadline.case_id) == [("deadline_snoozed", "olga")]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"until": "", "reason": "The embassy."}, "Choose the day"),
        ({"until": "next week", "reason": "The embassy."}, "Write the day as"),
        ({"until": "2026-02-30", "reason": "The embassy."}, "Write the day as"),
        ({"until": "1999-01-01", "reason": "The embassy."}, "Choose a day after today."),
        ({"until": "9999-12-31", "reason": "The embassy."}, "Choose a day within"),
        ({"until": "SOON", "reason": ""}, "Say why this can wait"),
    ],
)
def test_what_was_typed_is_kept_when_it_cannot_be_put_off(deadline, olga, at_desk, today, typed, says):
    """Sabotage: redirect after a refusal."""
    typed = typed | ({"until": str(today + timedelta(2))} if typed["until"] == "SOON" else {})
    answer = post(at_desk(olga), deadline, "snooze", **typed)
    text = answer.content.decode()
    assert (answer.status_code, says in text) == (422, True)
    assert typed["reason"] in text
    assert f'value="{typed["until"]}"' in text
    assert verbs(deadline.case_id) == []


def test_a_date_that_moved_meanwhile_is_left_alone(deadline, olga, at_desk, today):
    """A person must not mark done what they have not seen. Sabotage: drop require_unchanged()."""
    desk, source = at_desk(olga), deadline.source
    Deadline.objects.apply(
        deadline.case,
        [DerivedDeadline("task", source, today + timedelta(2), "KZ")],
        unreadable=(),
        today=None,
    )
    answer = post(desk, deadline, "done")
    assert answer.status_code == 422
    assert "the date has changed" in answer.content.decode()
    assert Deadline.objects.get(pk=deadline.pk).state == DeadlineState.OPEN


def test_what_a_colleague_has_done_is_not_done_twice(deadline, olga, petra, at_desk):
    desk = at_desk(olga)
    deadline.mark_done(by=petra, reason="I was there.")
    answer = post(desk, deadline, "done")
    assert answer.status_code == 422
    assert "Meanwhile" in answer.content.decode()
    assert verbs(deadline.case_id) == [("deadline_done", "petra")]


def test_an_unreadable_date_can_be_seen_and_done(deadline, olga, at_desk):
    from tests.desk.test_board import damage

    damage(deadline)
    desk = at_desk(olga)
    assert "Dates that do not open" in desk.get("/desk/board/").content.decode()
    assert desk.get(address(deadline)).status_code == 200
    assert desk.post(address(deadline), {"act": "seen", "due": ""}).status_code == 302
    assert (
        desk.post(
            address(deadline), {"act": "snooze", "due": "", "until": "2027-01-01", "reason": "x"}
        ).status_code
        == 422
    )
    assert desk.post(address(deadline), {"act": "done", "due": ""}).status_code == 302
    assert verbs(deadline.case_id) == [("deadline_seen", "olga"), ("deadline_done", "olga")]


@pytest.mark.parametrize("act", ["", "cancel", "delete", "reopen"])
def test_no_other_act_exists(deadline, olga, at_desk, act):
    assert post(at_desk(olga), deadline, act, reason="x").status_code == 422
    assert verbs(deadline.case_id) == []


@pytest.mark.parametrize("act", ["seen", "done", "snooze", "reopen"])
def test_reading_an_address_changes_nothing(deadline, olga, at_desk, act):
    at_desk(olga).get(address(deadline), {"act": act, "due": deadline.due_on.isoformat(), "reason": "x"})
    assert verbs(deadline.case_id) == []


def test_a_form_from_elsewhere_is_refused(deadline, olga):
    """Sabotage: csrf_exempt on the view."""
    desk = signed_in(Client(), olga)
    desk.handler.enforce_csrf_checks = True
    answer = post(desk, deadline, "done")
    assert answer.status_code == 403
    assert "no longer valid" in answer.content.decode()
    assert verbs(deadline.case_id) == []


def test_a_date_of_somebody_elses_case_is_a_date_that_never_was(deadline, oskar, at_desk):
    """Sabotage: start board.readable() from Deadline.objects instead of visible_to(user)."""
    desk = at_desk(oskar)
    never = reverse("deadline", args=[uuid4()])
    pages = [desk.get(address(deadline)), desk.get(never), post(desk, deadline, "done"), desk.post(never)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.content for page in pages}) == 1
    assert Deadline.objects.get(pk=deadline.pk).state == DeadlineState.OPEN
    refused = TrailRow.objects.filter(verb=Verb.REFUSED, actor=oskar).values_list("case", flat=True)
    assert list(refused) == [deadline.case_id] * 2


def test_an_administrator_gets_no_date(deadline, anton, at_desk):
    desk = at_desk(anton)
    assert desk.get(address(deadline)).status_code == 404
    assert post(desk, deadline, "done").status_code == 404
    assert desk.get("/desk/board/").url == reverse("admin:staff_user_changelist")


def test_mark_gets_nothing(deadline, mark, at_desk):
    desk = at_desk(mark)
    for page in ("/desk/board/", address(deadline), "/desk/digest/"):
        assert desk.get(page).url.startswith(reverse("account"))
        assert desk.post(page, {"act": "done"}).status_code == 403
    assert verbs(deadline.case_id) == []


def test_a_stranger_is_sent_to_the_door(deadline, client):
    for page in ("/", "/desk/board/", address(deadline), "/desk/digest/"):
        assert client.get(page).url.startswith(reverse("login"))
        assert client.post(page).status_code in (403, 405)


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("whose=mine&part=soon&page=2", "/desk/board/?whose=mine&part=soon&page=2"),
        ("day=2026-12-10&month=2026-12", "/desk/board/?day=2026-12-10&month=2026-12"),
        ("whose=team", "/desk/board/"),  # a caseworker has no such view
        ("next=https://elsewhere.example/&part=x&whose=%0d%0aX", "/desk/board/"),
    ],
)
def test_the_way_back_leads_to_the_same_board_and_nowhere_else(deadline, olga, at_desk, back, leads_to):
    assert post(at_desk(olga), deadline, "seen", back=back).url == leads_to
