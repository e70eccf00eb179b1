"""The coordinators' digest: what it shows, who signs it, and the daily mail that only says "look"."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from cases.models import Application, Case, Deadline, DigestSignature
from cases.models.application import ApplicationKind, Stage
from desk import digest
from reminders import planning, sending
from reminders.models import Reminder
from reminders.models.reminder import Trouble
from reminders.planning import plan_daily_mails
from staff.models import TrailRow, User
from tests.dated import NOW, TODAY
from tests.writes import write

pytestmark = pytest.mark.django_db


def names(section):
    return {line.code_name for line in section}


def test_dates_stand_under_overdue_seven_and_thirty_days(dated_case, petra):
    cases = {days: dated_case(TODAY + timedelta(days=days)) for days in (-400, -1, 0, 7, 8, 30, 31)}
    found = digest.compose(petra, TODAY, NOW)
    assert names(found.overdue) == {cases[-400].code_name, cases[-1].code_name}
    assert names(found.next_7_days) == {cases[0].code_name, cases[7].code_name}
    assert names(found.next_30_days) == {cases[8].code_name, cases[30].code_name}
    assert found.overdue[0].days_left == -400


def test_what_nobody_saw_and_what_has_no_caseworker_is_shown(dated_case, olga, petra):
    seen, unseen = dated_case(TODAY), dated_case(TODAY)
    orphan = Case.objects.open_case(by=petra, country="GE")
    left = Case.objects.open_case(by=olga, country="GE")
    Deadline.objects.get(case=seen).mark_seen(by=olga)
    found = digest.compose(petra, TODAY, NOW)
    assert names(found.unseen) == {unseen.code_name}
    assert names(found.without_caseworker) == {orphan.code_name}
    olga.deactivate(by=None)
    assert left.code_name in names(digest.compose(petra, TODAY, NOW).without_caseworker)


def test_a_status_that_nobody_knows_is_asked_about_when_its_check_is_due(olga, petra):
    case = Case.objects.open_case(by=olga, country="KZ")
    for stage, check in ((Stage.STATUS_UNKNOWN, TODAY), (Stage.STATUS_UNKNOWN, TODAY + timedelta(days=1)),
                         (Stage.LODGED, TODAY)):  # fmt: skip
        Application.objects.create(
            by=olga,
            case=case,
            country="FR",
            kind=ApplicationKind.ASYLUM_CLAIM,
            stage=stage,
            next_check_on=check,
        )
    case.refresh_deadlines(today=case.today())
    found = digest.compose(petra, TODAY, NOW)
    assert len(found.next_7_days) == 3
    assert [line.due_on for line in found.status_unknown] == [TODAY]


def test_reminders_that_reached_nobody_are_named(dated_case, olga, petra):
    case = dated_case(TODAY + timedelta(days=14))
    planning.plan(NOW)
    Reminder.objects.update(state="dead", next_at=None, trouble=Trouble.REFUSED)
    (line,) = digest.compose(petra, TODAY, NOW).undelivered
    assert (line.recipient, line.code_name, line.case_id) == ("olga", case.code_name, case.pk)


def test_another_team_s_cases_stay_out(dated_case, oskar, petra):
    dated_case(TODAY, by=oskar)
    found = digest.compose(petra, TODAY, NOW)
    assert not any(found.sections()[name] for name in found.sections() if name != "troubles")


def test_closed_and_done_stay_out(dated_case, olga, petra):
    dated_case(TODAY).close(on=TODAY, by=olga, reason="Safe.")
    Deadline.objects.get(case=dated_case(TODAY)).mark_done(by=olga)
    assert digest.compose(petra, TODAY, NOW).open_count() == len(digest.compose(petra, TODAY, NOW).troubles)


@pytest.mark.parametrize("person", ["olga", "anton", "mark"])
def test_only_coordinators_read_and_sign_it(person, petra, request):
    user = request.getfixturevalue(person)
    with pytest.raises(PermissionDenied):
        digest.compose(user, TODAY, NOW)
    with pytest.raises(PermissionDenied):
        digest.sign(user, digest.compose(petra, TODAY, NOW))


def test_its_queries_do_not_grow_with_its_lines(dated_case, petra, django_assert_max_num_queries):
    for _ in range(20):
        dated_case(TODAY)
    # Four of them ask for shares, deputies, openings and seals of cases: tests/thief/.
    with django_assert_max_num_queries(24):
        digest.compose(petra, TODAY, NOW)


# -- signing


def test_a_signature_keeps_sealed_what_was_open_and_is_on_the_trail(dated_case, petra):
    case = dated_case(TODAY)
    signature = digest.sign(petra, digest.compose(petra, TODAY, NOW), at=NOW)
    row = TrailRow.objects.get(verb="digest_signed")
    assert (row.actor, row.details["about"]) == (petra, str(signature.pk))
    kept = DigestSignature.objects.get().shown
    assert kept["next_7_days"][0]["code_name"] == case.code_name
    assert kept["next_7_days"][0]["due_on"] == "2026-11-23"


def test_signing_twice_says_who_signed_when(petra, paula):
    petra.time_zone = "Asia/Almaty"
    found = digest.compose(petra, TODAY, NOW)
    digest.sign(petra, found, at=NOW)
    with pytest.raises(digest.AlreadySigned, match="petra signed this digest on 2026-11-23 15:00"):
        digest.sign(petra, found, at=NOW + timedelta(hours=1))
    assert TrailRow.objects.filter(verb="digest_signed").count() == 1
    digest.sign(paula, digest.compose(paula, TODAY, NOW), at=NOW + timedelta(minutes=1))
    assert [each.coordinator for each in digest.signatures(TODAY)] == [petra, paula]


def test_the_database_holds_one_signature_a_day(petra):
    found = digest.compose(petra, TODAY, NOW)
    digest.sign(petra, found, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        DigestSignature.objects.create(coordinator=petra, day=TODAY, signed_at=NOW, shown={})


# -- the daily mail


def days_of(user):
    rows = [row.payload for row in Reminder.objects.all()]
    return sorted(about["due_on"] for about in rows if about["recipient"] == str(user.pk))


def at(user, zone):
    User.objects.filter(pk=user.pk).update(time_zone=zone)


@pytest.mark.slow
def test_it_goes_out_every_day_at_eight_also_when_nothing_is_due(petra, mailroom):
    """Fails when plan_daily_mails() asks whether anything is due."""
    for hour in range(3 * 24):
        now = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
        planning.scan(now)
        sending.drain(now)
    assert mailroom.to == ["petra@staff.invalid"] * 3
    assert len({len(raw) for _to, raw in mailroom.mails}) == 1


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Asia/Almaty", 3), ("Pacific/Kiritimati", -6), ("America/New_York", 13), ("Not/A_Zone", 8)],
)
def test_eight_o_clock_is_where_the_coordinator_lives(petra, zone, hour):
    """`hour` is counted from midnight UTC; on Kiritimati, day 23 begins while it is day 22 there."""
    at(petra, zone)
    eight = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
    assert plan_daily_mails(eight) == 1
    assert days_of(petra) == ["2026-11-23"]
    Reminder.objects.all().delete()
    plan_daily_mails(eight - timedelta(minutes=1))
    assert days_of(petra) == []


@pytest.mark.parametrize(("first", "days"), [(date(2026, 3, 27), 4), (date(2026, 10, 23), 4)])
def test_a_clock_change_neither_skips_nor_repeats_a_mail(petra, first, days):
    """Berlin changes its clocks on 29 March and 25 October 2026."""
    at(petra, "Europe/Berlin")
    made = []
    for quarter in range(days * 96):
        now = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(minutes=15 * quarter)
        if plan_daily_mails(now):
            made.append(now)
    assert days_of(petra) == [str(first + timedelta(days=n)) for n in range(days)]
    assert {moment.hour for moment in made} == {6, 7}


def test_after_days_of_downtime_there_is_one_mail(petra, mailroom):
    planning.scan(NOW)
    sending.drain(NOW)
    later = NOW + timedelta(days=5)
    planning.scan(later)
    sending.drain(later)
    assert mailroom.to == ["petra@staff.invalid"] * 2
    assert days_of(petra) == ["2026-11-23", "2026-11-28"]


def test_caseworkers_administrators_and_others_get_none(olga, anton, mark):
    assert plan_daily_mails(NOW) == 0


def test_a_former_coordinator_s_mail_is_cancelled(petra, mailroom):
    plan_daily_mails(NOW)
    write(petra, role="caseworker")
    assert sending.drain(NOW).cancelled == 1
    assert mailroom.mails == []


def test_its_row_tells_nothing_of_whom(petra):
    plan_daily_mails(NOW)
    assert UUID(Reminder.objects.get().payload["recipient"]) == petra.pk
