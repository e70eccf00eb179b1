"""Whatever is killed, no reminder is lost: real worker, timetable, broker, mail and web server, and desk."""

import pytest

from cases.models import Case, Deadline
from reminders.models import Reminder, ReminderState
from staff.models import Team, User
from tests.end_to_end.office import office, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

REMINDERS = 200
# Each is killed while work is under way; the desk is killed twice, because it makes the work.
KILLED_IN_TURN = (
    "desk",
    "worker",
    "web",
    "beat",
    "broker",
    "desk",
    "worker",
    "mail",
    "worker",
    "broker",
    "beat",
)


def fill(count):
    """`count` caseworkers with one case each; no deadline yet. No coordinator: only caseworkers are told."""
    team = Team.objects.create(name="Astana")
    people = [
        User(
            username=f"worker{n}",
            role="caseworker",
            team=team,
            address=f"worker{n}@staff.invalid",
            password="!",
        )
        for n in range(count)
    ]
    User.objects.bulk_create(people)
    cases = [
        Case(code_name=f"case {n}", country="KZ", team=team, caseworker=user) for n, user in enumerate(people)
    ]
    Case.objects.bulk_create(cases, by=None)


def finished():
    return (
        Deadline.objects.count() == REMINDERS
        and Reminder.objects.count() >= REMINDERS
        and not Reminder.objects.unfinished().exists()
    )


def test_killing_everything_in_turn_loses_no_reminder(live_database):
    """Fails when drain() marks rows as sent before it sends them, or when claim() has no lease that ends."""
    fill(REMINDERS)
    with office(live_database) as place:
        for name in ("broker", "mail", "web", "worker", "beat", "chores", "desk"):
            place.start(name)
        wait_for(place.mails, seconds=60, what="the first mail\n" + place.words())
        for name in KILLED_IN_TURN:
            before = len(place.mails())
            place.kill(name)
            place.start(name)
            # Go on as soon as work goes on, so that the next kill meets work too.
            try:
                wait_for(lambda seen=before: len(place.mails()) > seen + 3, seconds=6, what="more mails")
            except AssertionError:
                continue
        try:
            wait_for(finished, seconds=90, what="all reminders are finished")
        except AssertionError as late:
            raise AssertionError(place.words()) from late
        wait_for(place.is_healthy, seconds=30, what="green again, as the web server tells it")
        mails = place.mails()
    states = set(Reminder.objects.values_list("state", flat=True))
    assert states == {ReminderState.SENT}
    assert set(mails) == {f"worker{n}@staff.invalid" for n in range(REMINDERS)}
    repeats = len(mails) - REMINDERS
    # At most one for each child process that was killed between the server's 250 and our commit.
    assert repeats <= 2 * len(KILLED_IN_TURN), repeats


def test_nothing_is_green_without_the_timetable(live_database):
    """The doorbell alone makes the worker send; that is no sign of the timetable.

    Sabotage: take Pulse.SCAN out of WATCHED in reminders/health.py.
    """
    fill(3)
    with office(live_database) as place:
        for name in ("broker", "mail", "web", "worker", "chores", "desk"):
            place.start(name)
        knock = "from reminders import doorbell; doorbell.ring()"

        def answered():
            live_database.manage("shell", "-c", knock, **place.env)
            return place.mails()

        wait_for(answered, seconds=60, what="a mail\n" + place.words())
        assert not place.is_healthy()
        place.start("beat")
        wait_for(place.is_healthy, seconds=30, what="green, now that the timetable works")
