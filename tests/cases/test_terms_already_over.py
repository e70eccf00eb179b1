"""A term that was over before the desk counted it: asked about once, never shown as somebody's missed day."""

import html
import re
from datetime import date, timedelta

import pytest

from cases.models import Application, Case, Deadline, DeadlineState, Stay
from law.rules.procedure import same_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def today(case):
    return case.today()


def stay(case, by, entered_on, **facts):
    return Stay.objects.create(case=case, by=by, country="KZ", entered_on=entered_on, **facts)


def terms(case):
    """Open deadlines of the case but for the end of the stay, as (kind, day)."""
    rows = Deadline.objects.open().filter(case=case).exclude(kind="stay_end")
    return {(row.kind, row.due_on) for row in rows}


def words_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


def test_a_new_case_in_kazakhstan_is_not_overdue_but_asks(case, olga, today, at_desk):
    """Five days to ask for asylum, a month after entry. Sabotage: leave `today` out of apply_facts."""
    stay(case, olga, today - timedelta(30))
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("term_passed", today)}
    desk = at_desk(olga)
    board = words_of(desk.get("/desk/board/"))
    assert "Overdue 0" in board
    assert "Term already over: was it kept?" in board
    assert f"Its last day was {today - timedelta(25)}." in board
    row = Deadline.objects.get(kind="term_passed")
    page = words_of(desk.get(f"/desk/board/{row.pk}/"))
    assert f"{today - timedelta(25)}, before the desk counted it." in page
    assert "If it was kept, type in the case what was done and when" in page
    assert "to be confirmed by a lawyer" in page
    assert "Source:" in page
    assert "have changed since" not in page


def test_a_term_that_ran_out_under_our_eyes_is_overdue(case, olga, today):
    """Sabotage: leave the stored rows out of `watched` in DeadlineQuerySet.apply."""
    stay(case, olga, today - timedelta(7))
    case.refresh_deadlines(today=today - timedelta(6))
    case.refresh_deadlines(today=today)
    assert terms(case) == {("apply_by", today - timedelta(2))}


def test_on_its_last_day_it_is_due_and_no_question(case, olga, today):
    stay(case, olga, today - timedelta(5))
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("apply_by", today)}


def test_the_answer_is_kept_until_another_day_is_over(case, olga, today):
    """Sabotage: leave the day out of the question's source."""
    row = stay(case, olga, today - timedelta(30))
    case.refresh_deadlines(today=today - timedelta(3))
    Deadline.objects.get(kind="term_passed").mark_done(by=olga, reason="No claim is planned.")
    case.refresh_deadlines(today=case.today())
    assert terms(case) == set()
    row.entered_on = today - timedelta(40)
    row.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("term_passed", today)}
    states = set(Deadline.objects.filter(kind="term_passed").values_list("state", flat=True))
    assert states == {DeadlineState.DONE, DeadlineState.OPEN}


def test_an_unanswered_question_does_not_move_from_day_to_day(case, olga, today):
    """Sabotage: give the question without question=True."""
    stay(case, olga, today - timedelta(30))
    case.refresh_deadlines(today=today - timedelta(3))
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("term_passed", today - timedelta(3))}


def test_the_fact_that_answers_it_takes_it_away(case, olga, today):
    stay(case, olga, today - timedelta(30))
    case.refresh_deadlines(today=case.today())
    Application.objects.create(
        case=case, by=olga, country="KZ", kind="asylum_claim", stage="lodged", lodged_on=today - timedelta(27)
    )
    case.refresh_deadlines(today=case.today())
    assert terms(case) == set()
    assert Deadline.objects.get(kind="term_passed").state == DeadlineState.CANCELLED


def test_a_window_of_appeal_that_had_closed_is_asked_about_and_a_corrected_day_opens_it(
    case, olga, today, at_desk
):
    """Sabotage: take APPEAL_END out of COUNTED."""
    row = Application.objects.create(
        case=case, by=olga, country="KZ", kind="asylum_claim", stage="refused", evidence="paper_seen",
        served_on=today - timedelta(200),
    )  # fmt: skip
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("term_passed", today)}
    text = words_of(at_desk(olga).get("/desk/applications/"))
    assert "Kazakhstan: Asylum claim: Refused" in text
    assert "Next: Term already over: was it kept?" in text
    row.served_on = today - timedelta(20)
    row.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert terms(case) == {("appeal_end", same_day(today - timedelta(20), 3))}


def test_the_end_of_the_stay_itself_is_overdue_from_the_first_hour(olga, today):
    """An overstay goes on; nobody asks whether it was kept. Sabotage: put STAY_END into COUNTED."""
    case = Case.objects.open_case(by=olga, country="AM")
    Stay.objects.create(
        case=case, by=olga, country="AM", entered_on=date(2026, 1, 1), last_legal_day=today - timedelta(2),
        last_legal_day_source="stamp",
    )  # fmt: skip
    case.refresh_deadlines(today=case.today())
    assert {row.kind for row in Deadline.objects.open().filter(case=case)} == {"stay_end"}


def test_nobody_without_the_case_reads_the_question(case, olga, oskar, mark, today, sign_in):
    stay(case, olga, today - timedelta(30))
    case.refresh_deadlines(today=case.today())
    row = Deadline.objects.get(kind="term_passed")
    assert sign_in(oskar).get(f"/desk/board/{row.pk}/").status_code == 404
    answer = sign_in(mark).get(f"/desk/board/{row.pk}/")
    assert (answer.status_code, answer.url[:9]) == (302, "/account/")
