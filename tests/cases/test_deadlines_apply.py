"""The deadlines of a case follow its facts, keep what people did with them, and tell a thief nothing."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from cases.deadlines import DerivedDeadline
from cases.models import Case, Deadline, DeadlineState, Stay
from staff.models import TrailRow
from vault import rotation
from vault.cipher import Sealed

pytestmark = pytest.mark.django_db

DAY = date(2026, 12, 10)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def case(olga):
    return Case.objects.open_case(by=olga, country="KZ")


def due(day=DAY, kind="task", source=None, country="KZ"):
    return DerivedDeadline(kind, source or f"task:{uuid4()}", day, country)


def only(case):
    return Deadline.objects.get(case=case)


def test_facts_become_open_deadlines(case, olga):
    Stay.objects.create(by=olga, case=case, country="AM", entered_on=date(2026, 9, 12),
                        last_legal_day=DAY, last_legal_day_source="stamp")  # fmt: skip
    case.refresh_deadlines(today=case.today())
    deadline = only(case)
    assert (deadline.kind, deadline.due_on, deadline.state) == ("stay_end", DAY, DeadlineState.OPEN)


def test_applying_the_same_facts_again_writes_nothing(case, django_assert_num_queries):
    dues = [due(), due(), due()]
    Deadline.objects.apply(case, dues, unreadable=(), today=None)
    before = list(Deadline.objects.filter(case=case).values_list("id", "due_week"))
    with django_assert_num_queries(4):  # savepoint, lock, read, release
        applied = Deadline.objects.apply(case, dues, unreadable=(), today=None)
    assert (applied.added, applied.rearmed, applied.cancelled) == (0, 0, 0)
    assert sorted(Deadline.objects.filter(case=case).values_list("id", "due_week")) == sorted(before)


def test_new_deadlines_of_a_case_are_one_insert(case, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        Deadline.objects.apply(case, [due() for _ in range(12)], unreadable=(), today=None)
    assert Deadline.objects.filter(case=case).count() == 12


def test_a_date_that_did_not_move_keeps_who_saw_it(case, olga):
    fact = due()
    Deadline.objects.apply(case, [fact], unreadable=(), today=None)
    only(case).snooze(until=date(2026, 12, 1), by=olga, reason="The embassy answers on Monday.", at=NOW)
    Deadline.objects.apply(case, [fact, due()], unreadable=(), today=None)
    kept = next(row for row in Deadline.objects.all() if row.source == fact.source)
    assert kept.is_seen
    assert kept.sleeps_on(date(2026, 11, 30))
    assert not kept.sleeps_on(date(2026, 12, 1))
    assert kept.reason == "The embassy answers on Monday."


def test_a_date_that_moved_is_armed_afresh(case, olga):
    """Fails when follow() leaves `care` alone for a moved date."""
    Deadline.objects.apply(case, [due(source="task:1")], unreadable=(), today=None)
    only(case).mark_done(by=olga)
    Deadline.objects.apply(case, [due(DAY + timedelta(40), source="task:1")], unreadable=(), today=None)
    deadline = only(case)
    assert deadline.state == DeadlineState.OPEN
    assert not deadline.is_seen
    assert deadline.due_week == Deadline._meta.get_field("due_week").token(DAY + timedelta(40))


def test_a_deadline_names_its_rule_and_another_rule_for_the_same_day_reminds_nobody_afresh(case, olga):
    """Sabotage: leave `rule` out of the last save() of follow()."""
    Deadline.objects.apply(
        case, [DerivedDeadline("stay_end", "stay:1", DAY, "KZ", "kz-2023@1")], unreadable=(), today=None
    )
    only(case).mark_seen(by=olga, at=NOW)
    assert only(case).rule == "kz-2023@1"
    Deadline.objects.apply(
        case, [DerivedDeadline("stay_end", "stay:1", DAY, "KZ", "kz-2023@2")], unreadable=(), today=None
    )
    assert only(case).rule == "kz-2023@2"
    assert only(case).is_seen


def test_a_done_date_stays_done_while_its_fact_stands(case, olga):
    fact = due()
    Deadline.objects.apply(case, [fact], unreadable=(), today=None)
    only(case).mark_done(by=olga)
    Deadline.objects.apply(case, [fact], unreadable=(), today=None)
    assert only(case).state == DeadlineState.DONE


def test_what_is_no_longer_true_is_cancelled_with_its_reason(case):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    Deadline.objects.apply(case, [], unreadable=(), today=None)
    deadline = only(case)
    assert deadline.state == DeadlineState.CANCELLED
    assert "no longer" in deadline.reason


def test_what_is_true_again_is_open_again(case):
    fact = due()
    for dues in ([fact], [], [fact]):
        Deadline.objects.apply(case, dues, unreadable=(), today=None)
    assert only(case).state == DeadlineState.OPEN


def test_a_damaged_fact_does_not_silence_its_date(case):
    Deadline.objects.apply(case, [due(source="stay:7")], unreadable=(), today=None)
    Deadline.objects.apply(case, [], unreadable={"stay:7"}, today=None)
    assert only(case).state == DeadlineState.OPEN


def test_a_damaged_deadline_is_repaired_from_its_fact(case):
    fact = due()
    Deadline.objects.apply(case, [fact], unreadable=(), today=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_deadline SET due_on = %s", [b"\x01damaged"])
    Deadline.objects.apply(case, [fact], unreadable=(), today=None)
    assert only(case).due_on == DAY


def test_a_closed_case_has_no_open_deadlines(case, olga):
    Stay.objects.create(by=olga, case=case, country="AM", entered_on=date(2026, 9, 12),
                        last_legal_day=DAY, last_legal_day_source="stamp")  # fmt: skip
    case.refresh_deadlines(today=case.today())
    case.close(on=date(2026, 11, 23), by=olga, reason="Safe.")
    assert only(case).state == DeadlineState.CANCELLED


def test_a_window_is_cut_to_the_day_and_sorted(case):
    wanted = [date(2026, 11, 25), date(2026, 11, 30), date(2026, 12, 6)]
    others = [date(2026, 11, 24), date(2026, 12, 7), date(2027, 12, 1)]
    Deadline.objects.apply(
        case, [due(day) for day in [*others, *reversed(wanted)]], unreadable=(), today=None
    )
    found = Deadline.objects.open().due_between(wanted[0], wanted[-1])
    assert [row.due_on for row in found] == wanted


def test_what_is_long_overdue_is_never_overlooked(case):
    """Fails when in_weeks_until() asks for known past weeks instead of leaving out the weeks to come."""
    ancient, coming = date(1994, 3, 1), DAY + timedelta(days=400)
    Deadline.objects.apply(
        case, [due(ancient), due(DAY), due(DAY + timedelta(days=7)), due(coming)], unreadable=(), today=None
    )
    assert [row.due_on for row in Deadline.objects.open().due_until(DAY)] == [ancient, DAY]


@pytest.fixture
def calendar_key(own_key):
    own_key("calendar")


def test_under_a_changed_key_the_weeks_to_come_are_left_out_as_before(calendar_key, case):
    """Sabotage: leave the ids of the keys out of what _weeks_ahead remembers its tokens for."""
    Deadline.objects.apply(case, [due(), due(DAY + timedelta(days=400))], unreadable=(), today=None)
    seen = []
    for step in (None, rotation.add, rotation.rotate, rotation.retire):
        if step:
            step("calendar")
        stored = set(Deadline.objects.values_list("due_week", flat=True))
        seen.append(stored)
        assert len(stored) == 2
        assert len(Deadline.objects.weeks_until(DAY)) == 1, step
    assert seen[0].isdisjoint(seen[-1])


def test_a_colleague_without_the_case_sees_and_changes_none_of_its_dates(case, oskar):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    assert not Deadline.objects.of(Case.objects.visible_to(oskar))
    with pytest.raises(PermissionDenied):
        only(case).mark_done(by=oskar)
    assert only(case).state == DeadlineState.OPEN


def test_done_seen_and_snoozed_are_on_the_trail_without_the_deadline(case, olga):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    deadline = only(case)
    deadline.mark_seen(by=olga, at=NOW)
    deadline.snooze(until=date(2026, 11, 30), by=olga, reason="Waiting for the lawyer.", at=NOW)
    deadline.mark_done(by=olga, at=NOW)
    deadline.reopen(by=olga, reason="Wrong line.", at=NOW)
    rows = TrailRow.objects.filter(case=case.pk, verb__startswith="deadline").order_by("id")
    assert [row.verb for row in rows] == [
        "deadline_seen", "deadline_snoozed", "deadline_done", "deadline_reopened"
    ]  # fmt: skip
    assert str(deadline.pk) not in str([row.details for row in rows])
    assert not only(case).is_seen


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (date(2026, 11, 23), "too early"),
        (date(2026, 12, 11), "after the date itself"),
        (date(2026, 12, 1), "  "),
    ],
)
def test_a_snooze_cannot_hide_a_date(case, olga, until, reason):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    with pytest.raises(ValidationError):
        only(case).snooze(until=until, by=olga, reason=reason, at=NOW)
    assert not only(case).readable_care.snoozed_until


def test_an_overdue_date_sleeps_for_thirty_days_at_most(case, olga):
    Deadline.objects.apply(case, [due(date(2026, 11, 1))], unreadable=(), today=None)
    with pytest.raises(ValidationError):
        only(case).snooze(until=date(2026, 12, 24), by=olga, reason="Later.", at=NOW)
    only(case).snooze(until=date(2026, 12, 23), by=olga, reason="Later.", at=NOW)
    assert only(case).sleeps_on(date(2026, 12, 22))


def test_no_ciphertext_tells_by_its_length_that_a_date_is_near(case, olga):
    """Fails when Care.as_json() leaves its entries at their own lengths."""
    Deadline.objects.apply(case, [due(), due(), due()], unreadable=(), today=None)
    seen, done, untouched = Deadline.objects.all()
    seen.snooze(until=date(2026, 12, 1), by=olga, reason="The consulate is closed.", at=NOW)
    done.mark_done(by=olga, reason="Passport is here.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(care), length(reason_padded), length(due_on) FROM cases_deadline")
        assert len(set(cursor.fetchall())) == 1
    assert not untouched.is_seen
    entries = [{name: len(text) for name, text in row.care.items()} for row in (seen, done, untouched)]
    assert entries[0] == entries[1] == entries[2]


def test_a_deadline_has_no_readable_date(case):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    row = Deadline.objects.get()
    readable = {
        field.name: row.__dict__[field.attname]
        for field in row._meta.concrete_fields
        if type(row.__dict__[field.attname]) is not Sealed
    }
    assert set(readable) == {"id", "case", "kind", "country", "state", "due_week"}


def test_the_order_of_insertion_is_shuffled(case):
    """Fails when apply() inserts as derive() sorts."""
    dues = [due(DAY + timedelta(days=n)) for n in range(30)]
    Deadline.objects.apply(case, dues, unreadable=(), today=None)
    place = "ctid" if connection.vendor == "postgresql" else "rowid"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM cases_deadline ORDER BY {place}")
        ids = [str(value).replace("-", "") for (value,) in cursor.fetchall()]
    by_id = {row.pk.hex: row.due_on for row in Deadline.objects.all()}
    assert [by_id[each] for each in ids] != sorted(by_id.values())


@pytest.mark.parametrize("wrong", [{"state": "forgotten"}, {"kind": "birthday"}, {"country": ""}])
def test_the_database_refuses_what_no_deadline_can_be(case, wrong):
    Deadline.objects.apply(case, [due()], unreadable=(), today=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Deadline.objects.filter(case=case).update(**wrong)
