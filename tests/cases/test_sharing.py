"""A case that is lent, a colleague who stands in, a leaver whose cases are handed over."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, CaseShare, Deputy, Task
from desk import board
from reminders.models import Reminder
from reminders.planning import plan
from staff.models import TrailRow
from staff.trail import Verb
from tests.dated import NOW
from tests.dated import TODAY as MONDAY
from tests.page import form_data, new_row
from tests.staff.flow import asks_for_a_code

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
LATER = TODAY + timedelta(10)


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


def sees(person, case, **when):
    return Case.objects.visible_to(person, **when).filter(pk=case.pk).exists()


@pytest.fixture
def marat(team):
    """A second caseworker of team Astana."""
    from tests.conftest import _person

    return _person("marat", "caseworker", team)


# -- shares


def test_a_share_is_ended_at_once_and_can_be_taken_up_again(case, olga, oskar):
    """Sabotage: drop `ended=False` from CaseShareQuerySet.running(), or from the defaults in share()."""
    share = case.share(to=oskar, until_on=LATER, by=olga)
    share.end(by=olga)
    assert not sees(oskar, case)
    case.share(to=oskar, until_on=LATER, by=olga)
    assert sees(oskar, case)
    row = TrailRow.objects.get(verb=Verb.CASE_SHARE_ENDED)
    told = {"about": str(oskar.pk), "access": [["cases.CaseShare", str(share.pk), 2]]}
    assert (row.actor, row.case, row.details) == (olga, case.pk, told)


@pytest.mark.parametrize("days", [-1, 367, 4000])
def test_a_share_has_an_end_that_deserves_the_name(case, olga, oskar, days):
    """Sabotage: take check_share() out of Case.share()."""
    with pytest.raises(ValidationError):
        case.share(to=oskar, until_on=TODAY + timedelta(days), by=olga)
    assert not CaseShare.objects.exists()


def test_who_was_lent_a_case_does_not_pass_it_on(case, olga, oskar, lena, mark):
    """Sabotage: require_visible_to() instead of require_held_by() in Case.share()."""
    share = case.share(to=oskar, until_on=LATER, by=olga)
    case.share(to=lena, until_on=LATER, by=olga)
    for person in (oskar, lena, mark):
        with pytest.raises(PermissionDenied):
            case.share(to=oskar, until_on=TODAY + timedelta(300), by=person)
    with pytest.raises(PermissionDenied):
        share.end(by=lena)
    share.refresh_from_db()
    assert (share.until_on, share.ended) == (LATER, False)


def test_on_the_page_a_share_is_given_and_ended(case, olga, oskar, at_desk):
    """Sabotage: leave `end_now` out of ShareInline.fields, or out of _save_shares()."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    given = form_data(page) | new_row(page, "shares", user=str(oskar.pk), until_on=LATER.isoformat())
    assert desk.post(address(case), given).status_code == 302
    assert sees(oskar, case)
    page = desk.get(address(case))
    desk.post(address(case), form_data(page, **{"shares-0-end_now": "on"}))
    assert not sees(oskar, case)
    page = desk.get(address(case))
    assert page.content.decode().count("shares-0-until_on") == 0  # what is over is the trail's business
    again = form_data(page) | new_row(page, "shares", user=str(oskar.pk), until_on=LATER.isoformat())
    assert desk.post(address(case), again).status_code == 302
    assert sees(oskar, case)


def test_a_day_that_is_over_is_refused_beside_its_field(case, olga, oskar, at_desk):
    """Sabotage: take ShareForm.clean() out; the record then refuses the whole page."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    data = form_data(page) | new_row(page, "shares", user=str(oskar.pk), until_on="2020-01-01")
    answer = desk.post(address(case), data)
    assert answer.status_code == 200
    assert "Choose a last day from today on" in answer.content.decode()


def test_the_tab_of_shares_is_for_those_who_answer_for_the_case(case, olga, oskar, at_desk):
    """Sabotage: `return INLINES` in CaseAdmin.get_inlines."""
    case.share(to=oskar, until_on=LATER, by=olga)
    desk = at_desk(oskar)
    page = desk.get(address(case))
    assert page.status_code == 200
    assert b"shares-TOTAL_FORMS" not in page.content


def test_what_is_shared_is_listed_apart(case, olga, oskar, at_desk):
    """Sabotage: `return queryset` for "shared" in MineFilter."""
    own = Case.objects.open_case(by=oskar, country="GE")
    case.share(to=oskar, until_on=LATER, by=olga)
    text = at_desk(oskar).get("/desk/cases/case/?whose=shared").content.decode()
    assert case.code_name in text
    assert own.code_name not in text


# -- deputies


def name(away, deputy, by, **days):
    days = {"from_on": TODAY, "until_on": LATER, "today": TODAY} | days
    return Deputy.objects.appoint(away=away, deputy=deputy, by=by, **days)


def test_a_deputy_sees_what_the_colleague_sees_from_the_first_to_the_last_day(case, olga, marat, oskar):
    """Sabotage: `lte`/`gte` -> `lt`/`gt` in DeputyQuerySet.on(), or drop the share line of lent_to()."""
    lent = Case.objects.open_case(by=oskar, country="GE")
    lent.share(to=olga, until_on=LATER + timedelta(5), by=oskar)
    name(olga, marat, olga, from_on=TODAY + timedelta(1))
    for row in (case, lent):
        seen = [sees(marat, row, today=TODAY + timedelta(n)) for n in (0, 1, 10, 11)]
        assert seen == [False, True, True, False]
    assert TrailRow.objects.get(verb=Verb.DEPUTY_NAMED).actor == olga


def test_a_deputyship_is_not_handed_down(case, olga, marat, petra):
    """Marat stands in for Olga; who stands in for Marat sees Marat's alone."""
    from tests.conftest import _person

    timur = _person("timur", "caseworker", olga.team)
    name(olga, marat, olga)
    name(marat, timur, marat)
    assert sees(marat, case)
    assert not sees(timur, case)


def test_whoever_left_has_no_deputy(case, olga, marat, petra):
    """Sabotage: drop `away__is_active` and the role from held_by()."""
    name(olga, marat, olga)
    olga.deactivate(by=petra)
    assert not sees(marat, case)


def test_a_deputy_who_may_see_no_cases_any_more_sees_none(case, olga, marat):
    name(olga, marat, olga)
    marat.role = ""
    assert not sees(marat, case)


def test_a_coordinators_deputy_sees_the_team_and_may_not_assign(case, olga, petra, paula, marat):
    """The acts stay those of the deputy's own role."""
    name(petra, marat, petra)
    assert sees(marat, case)
    with pytest.raises(PermissionDenied):
        case.assign(to=marat, by=marat)


@pytest.mark.parametrize("who", ["mark", "oskar", "anton", "vera", "lena", "marat"])
def test_nobody_else_names_a_deputy(who, olga, request, marat):
    """Sabotage: `return True` in may_name_for()."""
    with pytest.raises(PermissionDenied):
        name(olga, marat, request.getfixturevalue(who))
    assert not Deputy.objects.exists()


def test_nobody_names_themselves_by_any_door(olga, petra, marat):
    """Sabotage: drop the constraint deputy_is_named_by_another."""
    with pytest.raises(ValidationError, match="cannot name yourself"):
        name(olga, petra, petra)
    row = Deputy(away=olga, deputy=petra, named_by=petra, from_on=TODAY, until_on=TODAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    row = Deputy(away=olga, deputy=olga, named_by=petra, from_on=TODAY, until_on=TODAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize("deputy", ["oskar", "lena", "anton", "mark"])
def test_a_deputy_is_of_the_team_and_does_the_same_work(deputy, olga, petra, request):
    """Sabotage: take the last two `if`s out of Deputy.clean()."""
    with pytest.raises(ValidationError):
        name(olga, request.getfixturevalue(deputy), petra)


def test_days_in_the_past_or_without_end_are_refused(olga, marat):
    """Sabotage: take check_days() out of appoint()."""
    for first, last in ((-5, -1), (0, 93), (3, 2)):
        with pytest.raises(ValidationError):
            name(olga, marat, olga, from_on=TODAY + timedelta(first), until_on=TODAY + timedelta(last))


def test_either_of_the_two_or_a_coordinator_ends_it(case, olga, marat, petra, oskar):
    """Sabotage: take the `if` out of Deputy.end()."""
    for by in (olga, marat, petra):
        row = name(olga, marat, petra)
        with pytest.raises(PermissionDenied):
            row.end(by=oskar)
        row.end(by=by)
        assert not sees(marat, case)


def test_the_deputys_board_counts_these_dates_as_theirs(dated_case, olga, marat):
    """Sabotage: `me = {user.pk.bytes}` in board._marks()."""
    dated_case(MONDAY, by=olga)
    assert board.marks(marat, NOW) == []
    Deputy.objects.appoint(
        away=olga, deputy=marat, by=olga, from_on=MONDAY, until_on=TODAY + timedelta(30), today=MONDAY
    )
    assert [mark.mine for mark in board.marks(marat, NOW)] == [True]


def test_the_deputy_is_reminded_beside_the_colleague(dated_case, olga, marat, petra):
    """Sabotage: take `self.deputies` out of Recipients.of()."""
    dated_case(MONDAY + timedelta(14), by=olga)
    Deputy.objects.create(away=olga, deputy=marat, named_by=olga, from_on=MONDAY, until_on=MONDAY)
    plan(NOW)
    told = {row.payload["recipient"] for row in Reminder.objects.all()}
    assert told == {str(olga.pk), str(marat.pk)}
    Reminder.objects.all().delete()
    plan(datetime(2026, 11, 24, 10, tzinfo=UTC) + timedelta(days=6))  # a week later nobody stands in any more
    assert {row.payload["recipient"] for row in Reminder.objects.all()} == {str(olga.pk)}


# -- handing over


def test_a_leavers_cases_and_tasks_go_to_a_colleague_in_one_step(case, olga, marat, petra, oskar):
    """Sabotage: leave out the tasks, or take the closed cases along."""
    second = Case.objects.open_case(by=olga, country="KG")
    closed = Case.objects.open_case(by=olga, country="KG")
    closed.close(on=TODAY, by=olga, reason="safe")
    task = Task.objects.create(case=case, text="Call the lawyer", assignee=olga, by=olga)
    foreign = Case.objects.open_case(by=oskar, country="GE")
    moved = Case.objects.hand_over(of=olga, to=marat, by=petra, reason="Olga leaves")
    assert {row.pk for row in moved} == {case.pk, second.pk}
    workers = dict(Case.objects.values_list("pk", "caseworker__username"))
    assert workers == {case.pk: "marat", second.pk: "marat", closed.pk: "olga", foreign.pk: "oskar"}
    assert Task.objects.get(pk=task.pk).assignee == marat
    assert TrailRow.objects.filter(verb=Verb.CASE_ASSIGNED).count() == 2
    assert TrailRow.objects.get(verb=Verb.CASES_HANDED_OVER).details["about"] == str(olga.pk)


def test_it_is_all_or_nothing(case, olga, petra, oskar):
    """Oskar is of another team. Sabotage: take the atomic() out of hand_over()."""
    with pytest.raises(ValidationError):
        Case.objects.hand_over(of=olga, to=oskar, by=petra)
    assert Case.objects.get().caseworker == olga


@pytest.mark.parametrize("who", ["mark", "oskar", "anton", "olga", "lena", "marat"])
def test_only_a_coordinator_hands_over(who, case, olga, marat, request):
    """Sabotage: take the `if` out of hand_over()."""
    with pytest.raises(PermissionDenied):
        Case.objects.hand_over(of=olga, to=marat, by=request.getfixturevalue(who))


def test_a_coordinator_of_another_team_moves_nothing(case, olga, petra, other_team, oskar):
    petra.team = other_team
    petra.save()
    assert Case.objects.hand_over(of=olga, to=oskar, by=petra) == []
    assert Case.objects.get().caseworker == olga


def test_closing_an_account_that_holds_cases_asks_twice(case, olga, anton, petra, at_desk):
    """Sabotage: `form = None` in UserAdmin.close_view. The digest then shows whose cases nobody has."""
    from desk import digest

    desk, page = at_desk(anton), f"/desk/staff/user/{olga.pk}/close/"
    assert "still holds cases" in desk.get(page).content.decode()
    assert case.code_name not in desk.get(page).content.decode()
    desk.post(page)
    olga.refresh_from_db()
    assert olga.is_active
    desk.post(page, {"all_the_same": "on"})
    olga.refresh_from_db()
    assert not olga.is_active
    assert [line.case_id for line in digest.compose(petra, TODAY).without_caseworker] == [case.pk]


# -- the page


def test_a_coordinator_hands_over_on_the_page(case, olga, marat, petra, at_desk):
    """Sabotage: take the call of plan_case() or hand_over() out of the view."""
    desk = at_desk(petra)
    text = desk.get("/desk/access/").content.decode()
    assert f"/desk/access/hand-over/{olga.pk}/" in text
    page = f"/desk/access/hand-over/{olga.pk}/"
    assert desk.post(page, {"to": str(marat.pk)}).status_code == 422  # says why
    assert desk.post(page, {"to": str(marat.pk), "reason": "She leaves."}).status_code == 302
    assert Case.objects.get().caseworker == marat
    assert desk.get(page).status_code == 404  # nothing of hers is left


def test_hand_over_asks_for_a_fresh_code(case, olga, petra, at_desk, monkeypatch):
    """Sabotage: take step_up_required off the view."""
    desk = at_desk(petra)
    monkeypatch.setattr("staff.stepup.is_fresh", lambda request: False)
    answer = desk.post(f"/desk/access/hand-over/{olga.pk}/", {"reason": "x"})
    assert asks_for_a_code(answer)


@pytest.mark.parametrize(("who", "status"), [("olga", 403), ("oskar", 403), ("lena", 403), ("anton", 403)])
def test_nobody_else_gets_that_far(who, status, case, olga, request, at_desk):
    """Sabotage: take the first `if` out of access.hand_over()."""
    person = request.getfixturevalue(who)
    assert at_desk(person).get(f"/desk/access/hand-over/{olga.pk}/").status_code == status


def test_a_deputy_is_named_and_ended_on_the_page(case, olga, marat, at_desk):
    """Sabotage: leave "appoint" or "end_deputy" out of _post()."""
    desk = at_desk(olga)
    days = {"from_on": TODAY.isoformat(), "until_on": LATER.isoformat()}
    sent = {"act": "appoint", "away": str(olga.pk), "deputy": str(marat.pk)} | days
    assert desk.post("/desk/access/", sent | {"until_on": "2020-01-01"}).status_code == 422
    assert desk.post("/desk/access/", sent).status_code == 302
    assert sees(marat, case)
    text = desk.get("/desk/access/").content.decode()
    assert "<b>marat</b> stands in for <b>olga</b>" in text
    desk.post("/desk/access/", {"act": "end_deputy", "key": str(Deputy.objects.get().pk)})
    assert not sees(marat, case)


def test_the_page_offers_only_people_of_the_team(olga, oskar, petra, marat, at_desk):
    """Sabotage: `User.objects.active()` in DeputyForm."""
    form = at_desk(olga).get("/desk/access/").context["form"]
    assert {user.username for user in form.fields["away"].queryset} == {"olga"}
    assert {user.username for user in form.fields["deputy"].queryset} == {"petra", "marat"}


def test_a_shared_case_is_listed_and_given_back(case, olga, oskar, at_desk):
    """Sabotage: `CaseShare.objects.all()` in _shares(), or nothing for "give_back"."""
    case.share(to=oskar, until_on=LATER, by=olga)
    desk = at_desk(oskar)
    assert case.code_name in desk.get("/desk/access/").content.decode()
    desk.post("/desk/access/", {"act": "give_back", "key": str(case.pk)})
    assert not sees(oskar, case)
    assert case.code_name not in desk.get("/desk/access/").content.decode()


@pytest.mark.speaks_sql
def test_more_rows_take_no_more_queries_and_no_heavy_page(olga, oskar, petra, marat, at_desk):
    """Sabotage: drop select_related from _shares()."""
    desk, counts = at_desk(oskar), []
    desk.get("/desk/access/")
    for number in (3, 30):
        for _each in range(number):
            Case.objects.open_case(by=olga, country="KZ").share(to=oskar, until_on=LATER, by=olga)
        with CaptureQueriesContext(connection) as asked:
            page = desk.get("/desk/access/")
        counts.append(len(asked))
        assert len(page.content) < 100_000
    assert counts[0] == counts[1] <= 30
