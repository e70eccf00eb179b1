"""What is due and has no row: planned once, by whom it concerns, whatever was missed or run twice."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from cases.deadlines import DerivedDeadline
from cases.models import Deadline
from reminders import planning, purging
from reminders.models import Heartbeat, LeadTimes, PlanTrouble, Pulse, Reminder
from reminders.planning import full_plan_is_due
from staff.models import User
from tests.dated import NOW, TODAY, arm
from tests.writes import write

pytestmark = pytest.mark.django_db


def planned():
    """(username, lead) of every planned reminder."""
    names = {str(user.pk): user.username for user in User.objects.all()}
    return sorted(
        (names[row.payload["recipient"]], row.payload["lead_days"]) for row in Reminder.objects.all()
    )


def test_a_date_within_its_longest_lead_is_planned_once(dated_case):
    dated_case(TODAY + timedelta(days=25))
    for _ in range(3):
        planning.plan(NOW)
    assert planned() == [("olga", 30)]


def test_a_date_further_away_than_the_longest_lead_waits(dated_case):
    dated_case(TODAY + timedelta(days=31))
    assert planning.plan(NOW).made == 0


def test_after_days_of_downtime_one_reminder_goes_out_not_five(dated_case):
    """Fails when plan() makes a row for every lead that was reached."""
    dated_case(TODAY + timedelta(days=31))
    planning.plan(NOW)
    planning.plan(NOW + timedelta(days=28))
    assert planned() == [("olga", 3)]


def test_every_lead_is_reached_in_its_turn(dated_case):
    case = dated_case(TODAY + timedelta(days=31))
    Deadline.objects.get().mark_seen(by=case.caseworker)
    for day in range(32):
        planning.plan(NOW + timedelta(days=day))
    assert [lead for _who, lead in planned()] == [0, 1, 3, 7, 14, 30]


def test_a_date_that_moved_is_reminded_afresh(dated_case):
    """Fails when due_on is left out of the key."""
    case = dated_case(TODAY + timedelta(days=7))
    planning.plan(NOW)
    source = Deadline.objects.get().source
    Deadline.objects.apply(
        case, [DerivedDeadline("task", source, TODAY + timedelta(days=40), "KZ")], unreadable=(), today=None
    )
    planning.plan(NOW)
    planning.plan(NOW + timedelta(days=33))
    assert planned() == [("olga", 7), ("olga", 7)]


def test_two_planners_at_once_make_one_row(dated_case, monkeypatch):
    """The second has looked before the first wrote. Fails when bulk_create() minds conflicts."""
    dated_case(TODAY)
    monkeypatch.setattr("reminders.planning.ASKED_AT_ONCE", 0)
    for _ in range(2):
        planning.plan(NOW)
    assert planned() == [("olga", 0)]


def test_what_is_done_or_sleeps_or_belongs_to_a_closed_case_is_not_planned(dated_case, olga):
    for act in ("done", "snoozed", "closed"):
        case = dated_case(TODAY + timedelta(days=6))
        deadline = Deadline.objects.get(case=case)
        if act == "done":
            deadline.mark_done(by=olga)
        elif act == "snoozed":
            deadline.snooze(until=TODAY + timedelta(days=2), by=olga, reason="Waiting.", at=NOW)
        else:
            case.close(on=TODAY, by=olga, reason="Safe.")
            Deadline.objects.filter(case=case).update(state="open")
    assert planning.plan(NOW).made == 0


def test_a_snooze_ends_with_a_reminder_of_its_own(dated_case, olga):
    dated_case(TODAY + timedelta(days=7))
    planning.plan(NOW)
    Deadline.objects.get().snooze(until=TODAY + timedelta(days=2), by=olga, reason="Waiting.", at=NOW)
    planning.plan(NOW + timedelta(days=1))
    assert planned() == [("olga", 7)]
    planning.plan(NOW + timedelta(days=2))
    assert planned() == [("olga", 5), ("olga", 7)]


# -- who


def test_without_a_caseworker_the_coordinators_of_the_team_are_told(dated_case, petra, paula, oskar):
    dated_case(TODAY + timedelta(days=14), by=petra)
    planning.plan(NOW)
    assert planned() == [("paula", 14), ("petra", 14)]


def test_a_caseworker_who_left_is_replaced_by_the_coordinators(dated_case, olga, petra):
    dated_case(TODAY + timedelta(days=14))
    olga.deactivate(by=None)
    planning.plan(NOW)
    assert planned() == [("petra", 14)]


def test_an_account_that_lost_its_role_is_told_nothing(dated_case, olga, petra):
    dated_case(TODAY + timedelta(days=14))
    write(olga, role="")
    planning.plan(NOW)
    assert planned() == [("petra", 14)]


def test_overdue_is_told_to_coordinators_every_day_and_to_the_caseworker_once(dated_case, petra):
    dated_case(TODAY - timedelta(days=3))
    for day in range(3):
        planning.plan(NOW + timedelta(days=day))
    assert planned() == [("olga", 0), ("petra", -5), ("petra", -4), ("petra", -3)]


def test_a_date_nobody_saw_goes_to_the_coordinators_a_day_before(dated_case, petra):
    """Thursday's date, in Almaty. Fails when Recipients.of() does not ask unseen_goes_up_at()."""
    dated_case(date(2026, 11, 26))
    planning.plan(datetime(2026, 11, 24, 18, 59, tzinfo=UTC))
    assert planned() == [("olga", 3)]
    planning.plan(datetime(2026, 11, 24, 19, 0, tzinfo=UTC))
    assert planned() == [("olga", 1), ("olga", 3), ("petra", 1)]


def test_a_date_that_was_seen_stays_with_its_caseworker(dated_case, olga, petra):
    dated_case(date(2026, 11, 26))
    Deadline.objects.get().mark_seen(by=olga)
    planning.plan(datetime(2026, 11, 24, 19, 0, tzinfo=UTC))
    assert planned() == [("olga", 1)]


def test_a_date_typed_this_afternoon_goes_up_tomorrow_morning(dated_case, petra):
    typed = datetime(2026, 11, 24, 10, tzinfo=UTC)
    dated_case(date(2026, 11, 25), armed_at=typed)
    planning.plan(typed)
    assert planned() == [("olga", 1)]
    planning.plan(datetime(2026, 11, 25, 4, tzinfo=UTC))
    assert planned() == [("olga", 0), ("olga", 1), ("petra", 0)]


def test_a_deadline_that_nobody_can_be_told_of_shows_on_the_desk(dated_case, olga, paula):
    dated_case(TODAY)
    olga.deactivate(by=None)
    write(paula, team=None)
    assert planning.plan(NOW).nobody == 1
    assert planned() == [("paula", 0)]
    assert Heartbeat.objects.get(name=Pulse.PLAN).trouble == PlanTrouble.NOBODY


# -- when


@pytest.mark.parametrize(
    ("country", "hour", "planned"),
    [("KZ", 18, 0), ("KZ", 19, 1), ("US", 4, 0), ("US", 5, 1), ("XX", 9, 0), ("XX", 10, 1)],
)
def test_a_day_begins_when_it_begins_in_the_country_of_the_deadline(dated_case, country, hour, planned):
    """Asia/Almaty is UTC+5 since March 2024; an unknown country counts by the first date on earth."""
    dated_case(date(2026, 12, 24), country=country)
    day = 23 if country != "US" else 24
    assert planning.plan(datetime(2026, 11, day, hour, tzinfo=UTC)).made == planned


def test_lead_times_are_data(dated_case):
    LeadTimes.objects.create(kind="task", days="60, 2")
    dated_case(TODAY + timedelta(days=50))
    dated_case(TODAY + timedelta(days=50), kind="interview")
    planning.plan(NOW)
    assert planned() == [("olga", 60)]


def test_a_saved_case_is_planned_at_once(dated_case):
    case, other = dated_case(TODAY), dated_case(TODAY)
    planning.plan_case(case, NOW)
    (row,) = Reminder.objects.all()
    assert UUID(row.payload["deadline"]) == case.deadlines.get().pk
    assert other.deadlines.count() == 1


def test_one_damaged_date_does_not_stop_the_others_and_shows_on_the_desk(dated_case):
    dated_case(TODAY)
    broken = dated_case(TODAY)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_deadline SET due_on = %s WHERE case_id = %s",
            [b"\x01damaged", broken.pk if connection.vendor == "postgresql" else broken.pk.hex],
        )
    planned = planning.plan(NOW)
    assert (planned.made, planned.unreadable) == (1, 1)
    assert Heartbeat.objects.get(name=Pulse.PLAN).trouble == PlanTrouble.UNREADABLE


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (NOW - timedelta(minutes=1), True),
        (NOW, False),
        (NOW + timedelta(hours=3), True),
    ],
    ids=["never planned", "another hour", "same minute", "the clock went back"],
)
def test_the_full_plan_runs_every_hour(last, due):
    assert full_plan_is_due(last, NOW) is due


def test_the_full_plan_runs_when_a_date_changes_anywhere():
    """Midnight in Kolkata is half past an hour."""
    midnight = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    assert full_plan_is_due(midnight - timedelta(minutes=1), midnight)
    assert not full_plan_is_due(midnight, midnight + timedelta(minutes=1))


def test_a_minute_with_nothing_to_do_asks_little(dated_case, petra, django_assert_max_num_queries):
    for _ in range(5):
        dated_case(TODAY)
    planning.scan(NOW)
    with django_assert_max_num_queries(12):
        planning.scan(NOW + timedelta(minutes=1))


# -- what a stolen ledger tells


def test_the_ledger_holds_no_readable_date_and_points_at_nothing(dated_case):
    case = dated_case(TODAY)
    planning.plan(NOW)
    table, columns = Reminder._meta.db_table, {field.column for field in Reminder._meta.concrete_fields}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        row = dict(zip([each[0] for each in cursor.description], cursor.fetchone(), strict=True))
    assert columns == {"id", "payload", "key", "state", "next_at", "lease", "attempts", "trouble"}
    text = (
        "".join(str(value) for name, value in row.items() if name != "next_at") + bytes(row["payload"]).hex()
    )
    for secret in (
        case.pk.hex,
        str(case.pk),
        case.deadlines.get().pk.hex,
        str(TODAY),
        case.caseworker.pk.hex,
    ):
        assert secret not in text


def test_old_rows_go_and_recent_ones_stay(dated_case, olga):
    case = dated_case(TODAY)
    Deadline.objects.get().mark_seen(by=olga)
    planning.plan(NOW)
    Reminder.objects.update(state="sent", next_at=None)
    assert purging.purge(NOW + timedelta(days=30)) == 0
    assert purging.purge(NOW + timedelta(days=31)) == 0  # still open: it would be sent again
    Deadline.objects.get(case=case).mark_done(by=olga)
    assert purging.purge(NOW + timedelta(days=31)) == 1
    assert planning.plan(NOW + timedelta(days=31)).made == 0


def test_purging_never_brings_a_reminder_back(dated_case, petra):
    dated_case(TODAY)
    for day in range(45):
        now = NOW + timedelta(days=day)
        planning.plan(now)
        Reminder.objects.update(state="sent", next_at=None)
        purging.purge(now)
    assert planning.plan(now).made == 0
    assert all(lead == 0 or lead < -13 for _who, lead in planned())


def test_arming_is_kept_sealed(dated_case):
    case = dated_case(TODAY)
    arm(case, NOW)
    assert Deadline.objects.get().readable_care.armed_at == NOW
