"""Sending, over a real mail server: one mail a person, refusals, crashes, leases, mails that say nothing."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from cases.models import Case, Colour, Deadline
from reminders import ledger, planning, sending
from reminders.models import Circuit, Heartbeat, Postbox, Pulse, Reminder, ReminderState, Trouble
from reminders.notify import BODY_BYTES
from staff.models import User
from tests.dated import NOW, TODAY

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def due(dated_case):
    """Olga has a reminder in the ledger about a date in a fortnight."""
    case = dated_case(TODAY + timedelta(days=14))
    planning.plan(NOW)
    return case


def states():
    return sorted(Reminder.objects.values_list("state", flat=True))


def the_row():
    return Reminder.objects.get()


def test_what_is_due_is_sent_once(due, mailroom):
    for _ in range(2):
        sending.drain(NOW)
    assert mailroom.to == ["olga@staff.invalid"]
    row = the_row()
    assert (row.state, row.next_at, row.lease) == (ReminderState.SENT, None, None)


def test_one_mail_answers_everything_that_is_due_for_a_person(dated_case, mailroom, oskar):
    for _ in range(3):
        dated_case(TODAY + timedelta(days=14))
    dated_case(TODAY + timedelta(days=14), by=oskar)
    planning.plan(NOW)
    assert sending.drain(NOW).sent == 4
    assert sorted(mailroom.to) == ["olga@staff.invalid", "oskar@staff.invalid"]


def test_one_mail_also_when_the_rows_fill_several_batches(dated_case, mailroom, monkeypatch):
    """Fails when a round forgets whom it has told."""
    monkeypatch.setattr(ledger, "BATCH", 2)
    for _ in range(7):
        dated_case(TODAY)
    planning.plan(NOW)
    assert sending.drain(NOW).sent == 7
    assert len(mailroom.mails) == 1


# -- looked at again before the mail


@pytest.mark.parametrize("changed", ["done", "snoozed", "moved", "closed", "handed over", "left", "seen"])
def test_what_is_no_longer_wanted_is_cancelled_not_sent(dated_case, olga, petra, paula, mailroom, changed):
    """Fails when _still_wanted() returns True."""
    case = dated_case(date(2026, 11, 26), by=olga)
    now = datetime(2026, 11, 24, 20, tzinfo=UTC)
    planning.plan(now)
    deadline = Deadline.objects.get()
    if changed == "done":
        deadline.mark_done(by=olga)
    elif changed == "snoozed":
        deadline.snooze(until=date(2026, 11, 26), by=olga, reason="Waiting.", at=now)
    elif changed == "moved":
        deadline.due_on = date(2027, 1, 1)
        deadline.save(update_fields=["due_on"])
    elif changed == "closed":
        case.close(on=TODAY, by=olga, reason="Safe.")
    elif changed == "handed over":
        case.assign(to=paula, by=petra)
    elif changed == "left":
        olga.deactivate(by=None)
    else:
        deadline.mark_seen(by=olga)
    sending.drain(now)
    expected = {
        "handed over": {"paula@staff.invalid", "petra@staff.invalid"},
        "left": {"paula@staff.invalid", "petra@staff.invalid"},
        "seen": {"olga@staff.invalid"},
    }.get(changed, set())
    assert set(mailroom.to) == expected
    assert Reminder.objects.filter(state=ReminderState.CANCELLED).exists()
    assert not Reminder.objects.unfinished().exists()


# -- not too often


def test_a_second_mail_waits_four_hours(due, dated_case, mailroom):
    sending.drain(NOW)
    dated_case(TODAY + timedelta(days=7))
    planning.plan(LATER)
    sending.drain(LATER)
    assert len(mailroom.mails) == 1
    sending.drain(NOW + timedelta(hours=4))
    assert len(mailroom.mails) == 2
    assert states() == ["sent", "sent"]


@pytest.mark.parametrize("pressing", ["today", "overdue", "red"])
def test_what_is_pressing_does_not_wait(due, dated_case, petra, mailroom, pressing):
    """Fails when _is_urgent() returns False."""
    sending.drain(NOW)
    day = {"today": TODAY, "overdue": TODAY - timedelta(days=2)}.get(pressing, TODAY + timedelta(days=7))
    dated_case(day, colour=Colour.RED if pressing == "red" else Colour.GREEN)
    planning.plan(LATER)
    sending.drain(LATER)
    assert mailroom.to.count("olga@staff.invalid") == 2


def test_waiting_does_not_use_up_attempts(due, dated_case, mailroom):
    sending.drain(NOW)
    dated_case(TODAY + timedelta(days=7))
    planning.plan(LATER)
    sending.drain(LATER)
    assert Reminder.objects.get(state=ReminderState.QUEUED).attempts == 0


# -- the mail server


def test_a_mail_server_that_is_down_costs_nothing_but_time(due, no_mail_server, settings):
    """For a day. Fails when ServerDown is treated like Refused."""
    now = NOW
    for _ in range(24 * 12):
        sending.drain(now)
        now += timedelta(minutes=5)
    row = the_row()
    assert (row.state, row.attempts) == (ReminderState.QUEUED, 0)
    settings.EMAIL_PORT = no_mail_server.port
    for _ in range(61):
        sending.drain(now)
        now += timedelta(seconds=15)
    assert no_mail_server.to == ["olga@staff.invalid"]
    assert Circuit.objects.current().broken_since is None


def test_a_broken_circuit_waits_longer_each_time_and_fifteen_minutes_at_most():
    circuit, waits = Circuit.objects.current(), []
    for _ in range(20):
        circuit.fail(NOW)
        waits.append((circuit.open_until - NOW).total_seconds())
    assert waits[:7] == [15, 30, 60, 120, 240, 480, 900]
    assert max(waits) == 900
    assert circuit.broken_since == NOW


def test_a_server_that_fails_in_the_middle_gives_the_attempts_back(due, dated_case, oskar, mailroom):
    dated_case(TODAY + timedelta(days=14), by=oskar)
    planning.plan(NOW)
    mailroom.answer_to_data = "451 try again later"
    sending.drain(NOW)
    assert set(Reminder.objects.values_list("state", "attempts", "lease")) == {("queued", 0, None)}
    assert Circuit.objects.current().resting(NOW)
    assert not Postbox.objects.exclude(busy_until=None).exists()


def test_a_refused_address_is_tried_eight_times_and_then_shown(due, mailroom):
    mailroom.answers["olga@staff.invalid"] = "550 no such mailbox"
    now, tries = NOW, 0
    while (row := the_row()).state == ReminderState.QUEUED:
        now, tries = row.next_at, tries + 1
        sending.drain(now)
    assert tries == 8
    assert (row.state, row.trouble) == (ReminderState.DEAD, Trouble.REFUSED)
    assert now - NOW == timedelta(minutes=1 + 2 + 4 + 8 + 16 + 32 + 64)


def test_a_refused_colleague_does_not_hold_up_the_others(due, dated_case, oskar, mailroom):
    dated_case(TODAY + timedelta(days=14), by=oskar)
    planning.plan(NOW)
    mailroom.answers["olga@staff.invalid"] = "550 no such mailbox"
    sending.drain(NOW)
    assert mailroom.to == ["oskar@staff.invalid"]


def test_a_dead_reminder_can_be_tried_again(due, mailroom):
    Reminder.objects.update(state="dead", next_at=None, attempts=8, trouble=Trouble.REFUSED)
    assert Reminder.objects.retry(NOW) == 1
    sending.drain(NOW)
    assert mailroom.to == ["olga@staff.invalid"]


@pytest.mark.parametrize(
    ("address", "trouble"),
    [
        ("", Trouble.NO_ADDRESS),
        (b"\x01damaged", Trouble.ADDRESS_UNREADABLE),
        ("no at sign", Trouble.NO_ADDRESS),
    ],
)
def test_an_account_without_a_working_address_is_never_silent(due, mailroom, olga, address, trouble):
    """Fails when an empty address is skipped."""
    if isinstance(address, bytes):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE staff_user SET address = %s", [address])
    else:
        olga.address = address
        olga.save(update_fields=["address"])
    sending.drain(NOW)
    assert (the_row().state, the_row().trouble) == (ReminderState.DEAD, trouble)


# -- leases and crashes


def test_a_row_left_by_a_killed_worker_is_taken_up_when_its_lease_ends(due, mailroom):
    """Fails when due() leaves out rows that are being sent."""
    ledger.claim(NOW)
    sending.drain(NOW + timedelta(seconds=119))
    assert mailroom.mails == []
    sending.drain(NOW + timedelta(seconds=121))
    assert mailroom.to == ["olga@staff.invalid"]


def test_who_lost_the_lease_changes_nothing(due):
    """Fails when _ours() does not ask for the lease."""
    slow, rows = ledger.claim(NOW)
    fast, again = ledger.claim(NOW + timedelta(seconds=121))
    assert [row.pk for row in rows] == [row.pk for row in again]
    assert ledger.finish(rows, slow, ReminderState.CANCELLED) == 0
    assert ledger.hand_back(rows, slow, NOW) == 0
    ledger.fail(rows, slow, Trouble.REFUSED, NOW)
    assert the_row().lease == fast
    assert ledger.finish(again, fast, ReminderState.SENT) == 1


def test_two_workers_never_mail_one_person_at_once(due, mailroom, olga):
    """Fails when take_postbox() does not look at busy_until."""
    ledger.take_postbox(olga, uuid4(), NOW)
    assert sending.drain(NOW).put_off == 1
    assert mailroom.mails == []
    sending.drain(NOW + timedelta(seconds=121))
    assert len(mailroom.mails) == 1


def test_a_row_that_kills_its_worker_ends_dead_and_takes_nobody_with_it(dated_case, mailroom, monkeypatch):
    """Fails when claim() does not take suspects alone: the neighbours die with the poison."""
    for _ in range(5):
        dated_case(TODAY)
    planning.plan(NOW)
    poison = Reminder.objects.first().pk

    class Killed(BaseException):
        pass

    def sort(self, lease, rows, healthy=sending._Round._sort):
        if any(row.pk == poison for row in rows) and rows[0].attempts <= ledger.MOST_ATTEMPTS:
            raise Killed
        return healthy(self, lease, rows)

    monkeypatch.setattr(sending._Round, "_sort", sort)
    now = NOW
    for _ in range(40):
        with contextlib.suppress(Killed):
            sending.drain(now)
        now += timedelta(seconds=121)
    assert states() == ["dead", "sent", "sent", "sent", "sent"]
    assert Reminder.objects.get(state="dead").pk == poison
    assert Reminder.objects.get(state="dead").trouble == Trouble.FAILED


def test_a_suspect_is_taken_alone_also_among_fresh_rows(dated_case):
    """Fails when claim() takes the rows after a suspect along."""
    for _ in range(4):
        dated_case(TODAY)
    planning.plan(NOW)
    suspect = Reminder.objects.first()
    Reminder.objects.filter(pk=suspect.pk).update(attempts=2, next_at=NOW - timedelta(minutes=5))
    assert [row.pk for row in ledger.claim(NOW)[1]] == [suspect.pk]
    assert len(ledger.claim(NOW)[1]) == 3


def test_a_reminder_that_does_not_open_is_dead_not_stuck(due, mailroom):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reminders_reminder SET payload = %s", [b"\x01damaged"])
    sending.drain(NOW)
    assert (the_row().state, the_row().trouble) == (ReminderState.DEAD, Trouble.UNREADABLE)


def test_a_mail_repeated_after_a_crash_has_the_same_message_id(due, mailroom, monkeypatch):
    with monkeypatch.context() as crash:
        crash.setattr(ledger, "finish", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sending.drain(NOW)
    Postbox.objects.all().delete()  # what it would have written was lost with the process
    sending.drain(NOW + timedelta(seconds=121))
    assert len(mailroom.mails) == 2
    assert mailroom.message(0)["Message-ID"] == mailroom.message(1)["Message-ID"]


def test_every_drain_leaves_a_sign_of_life(mailroom):
    sending.drain(NOW)
    assert Heartbeat.objects.get(name=Pulse.DRAIN).at == NOW


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "sent", "next_at": NOW},
        {"state": "queued", "next_at": None},
        {"state": "sending", "lease": None},
        {"state": "lost"},
    ],
)
def test_the_ledger_refuses_a_row_that_nobody_would_work_on(due, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.objects.update(**wrong)


# The planner of Postgres decides by the size of the table.
@pytest.mark.only_on("sqlite")
def test_claiming_uses_the_index_of_what_is_unfinished(due):
    assert "reminder_next" in Reminder.objects.due(NOW).order_by("next_at")[:50].explain()


# -- what leaves the house


def sizes(room):
    return {len(raw) - raw.count(to.encode()) * len(to) for to, raw in room.mails}


def test_a_mail_says_nothing(due, mailroom, settings, olga):
    settings.DESK_URL = "https://desk.post.invalid/"
    settings.SITE_NAME = "Office"
    sending.drain(NOW)
    message = mailroom.message()
    text = message.get_payload(decode=True).decode()
    assert message["Subject"] == "Office"
    assert message["From"] == "Office <desk@post.invalid>"
    assert text.count("https://") == 1
    assert "https://desk.post.invalid/" in text
    raw = mailroom.mails[0][1].decode() + text
    row, case = the_row(), Case.objects.get()
    for secret in (case.code_name, str(case.pk), str(olga.pk), row.key, "KZ", "task", "deadline", "14"):
        assert secret not in text, secret
    assert row.key not in raw
    assert set(message.keys()) <= {
        "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date",
        "Message-ID", "Auto-Submitted", "X-Peer", "X-MailFrom", "X-RcptTo",
    }  # fmt: skip


def test_every_mail_is_in_the_language_of_its_reader_and_weighs_the_same(due, dated_case, oskar, mailroom):
    """Fails when letter() does not fill its body up."""
    User.objects.filter(pk=oskar.pk).update(language="ru")
    for _ in range(4):
        dated_case(TODAY, by=oskar, colour=Colour.RED)
    planning.plan(NOW)
    sending.drain(NOW)
    assert len(mailroom.mails) == 2
    assert len(sizes(mailroom)) == 1
    for position in (0, 1):
        assert len(mailroom.message(position).get_payload(decode=True)) == BODY_BYTES


def test_the_greeting_does_not_name_this_machine(due, mailroom, monkeypatch):
    greetings = []
    monkeypatch.setattr(type(mailroom), "handle_EHLO", None, raising=False)

    async def ehlo(self, server, session, envelope, hostname, responses):
        greetings.append(hostname)
        session.host_name = hostname
        return responses

    monkeypatch.setattr(type(mailroom), "handle_EHLO", ehlo)
    sending.drain(NOW)
    assert greetings == ["post.invalid"]
