"""The desk's own jobs: each in its time, none stopped by another, all seen to be alive."""

import logging
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from desk.chores import CHORES, RETRY_AFTER, Chore, Rota, sweep_uploads, turn_mailbox
from reminders import health
from reminders.models import Heartbeat, PlanTrouble, Pulse
from tests.databases import ROOT
from vault import dropbox

SECRET = "Ivan Petrov"
START = datetime(2026, 11, 23, 10, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """The test's transaction lives on it; a process of its own closes it between two chores."""
    monkeypatch.setattr("desk.chores.close_old_connections", lambda: None)


def well(done):
    return Chore("well", timedelta(hours=1), lambda now: done.append(now))


def broken(now):
    raise ValueError(SECRET)


def rounds(rota, clock, minutes):
    for _ in range(minutes):
        rota.round()
        clock.now += timedelta(minutes=1)


@pytest.mark.django_db
def test_each_chore_runs_at_once_and_then_as_often_as_it_says():
    """Sabotage: return `timedelta()` from _run."""
    done, clock = [], Clock()
    rounds(Rota(clock, [well(done)]), clock, 121)
    assert done == [START, START + timedelta(hours=1), START + timedelta(hours=2)]


@pytest.mark.django_db
def test_what_is_not_finished_goes_on_in_the_next_round():
    clock, left = Clock(), [3]

    def slice_of_work(now):
        left[0] -= 1
        return left[0] > 0

    rounds(Rota(clock, [Chore("long", timedelta(hours=1), slice_of_work)]), clock, 10)
    assert left == [0]


@pytest.mark.django_db
def test_a_chore_that_fails_stops_no_other_and_is_tried_again(caplog):
    """Sabotage: leave out the `except` in _run."""
    done, tried, clock = [], [], Clock()

    def failing(now):
        tried.append(now)
        broken(now)

    rota = Rota(clock, [Chore("failing", timedelta(days=1), failing), well(done)])
    with caplog.at_level(logging.ERROR):
        rounds(rota, clock, 6)
    assert tried == [START, START + RETRY_AFTER]
    assert done == [START]
    assert rota.failing == {"failing"}
    assert "The chore failing failed" in caplog.messages[0]
    assert not any(SECRET in message for message in caplog.messages)


@pytest.mark.django_db
def test_a_failing_chore_is_a_banner_until_it_works_again():
    now, fails = Clock(), [True]
    rota = Rota(now, [Chore("x", timedelta(minutes=1), lambda at: broken(at) if fails[0] else None)])
    rota.round()
    row = Heartbeat.objects.get(name=Pulse.CHORES)
    assert (row.at, row.trouble) == (START, PlanTrouble.CHORE)
    assert "chore" in [trouble.code for trouble in health.banner(START)]
    fails[0] = False
    now.now += timedelta(minutes=1)
    rota.round()
    assert Heartbeat.objects.get(name=Pulse.CHORES).trouble == PlanTrouble.NONE
    assert "chore" not in [trouble.code for trouble in health.banner(now.now)]


@pytest.mark.django_db
def test_the_command_runs_every_chore_once_and_says_which_failed(monkeypatch):
    done = []
    call_command("vault", "init")
    monkeypatch.setattr("config.management.commands.chores.Rota", lambda clock: Rota(clock, [well(done)]))
    monkeypatch.setattr("config.management.commands.chores.signal.signal", lambda *args: None)
    call_command("chores")
    assert len(done) == 1
    both = [Chore("broken", timedelta(hours=1), broken), well(done)]
    monkeypatch.setattr("config.management.commands.chores.Rota", lambda clock: Rota(clock, both))
    with pytest.raises(CommandError, match="Failed: broken"):
        call_command("chores")
    assert len(done) == 2


def test_every_chore_has_a_name_of_its_own():
    assert len({chore.name for chore in CHORES}) == len(CHORES)
    assert all(chore.every >= timedelta(seconds=1) for chore in CHORES)


# -- the jobs


def test_the_mailbox_has_a_key_and_turns_weekly(tmp_path, settings):
    settings.DROPBOX_PRIVATE_FILE = tmp_path / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "mailbox.pub"
    turn_mailbox(START)
    first = dropbox.public_key()
    turn_mailbox(START + timedelta(days=6))
    assert dropbox.public_key() == first
    box = dropbox.seal(b"words")
    turn_mailbox(START + timedelta(days=7))
    assert dropbox.public_key() != first
    assert dropbox.open(box) == b"words"
    turn_mailbox(START + timedelta(days=7 + dropbox.BACKUP_WINDOW_DAYS + 1))
    with pytest.raises(Exception, match="erased|destroyed"):
        dropbox.open(box)


def test_without_a_mailbox_there_is_nothing_to_turn(settings):
    settings.DROPBOX_PRIVATE_FILE = settings.DROPBOX_PUBLIC_FILE = None
    turn_mailbox(START)


def test_abandoned_uploads_are_swept(tmp_path, settings, db):
    import os

    settings.FILES_DIR = tmp_path
    old, young = tmp_path / ".old.part", tmp_path / ".young.part"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    sweep_uploads(START)
    assert [path.name for path in tmp_path.iterdir()] == [young.name]


# -- the process


@pytest.mark.timeout(120)
@pytest.mark.processes
def test_the_process_shows_that_it_is_alive_and_stops_when_told(own_database):
    """Sabotage: leave out `rota.round()` before the loop: its first sign would come after a pause."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "chores", "--forever"],
        env=own_database.env | {"DESK_PREPARED": "1"},
        cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    asked = "from reminders.models import Heartbeat; print(Heartbeat.objects.filter(name='chores').exists())"
    try:
        end = time.monotonic() + 60
        while "True" not in own_database.manage("shell", "-v", "0", "-c", asked, DESK_PREPARED="1").stdout:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()


def test_a_worker_has_no_keys_for_them(settings):
    settings.SITE = "worker"
    with pytest.raises(CommandError, match="holds no keys of the desk"):
        call_command("chores")
