"""Ten kills while keys are changed on a working day: each rotation ends complete, nobody is told twice."""

import datetime
import random
import subprocess
import sys
import time
from datetime import UTC
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from cases.deadlines import DerivedDeadline
from cases.models import Case, ContactChannel, Deadline
from reminders import planning
from reminders.models import Reminder
from staff.models import Team, User
from tests.databases import ROOT
from tests.vault.test_processes import changed  # noqa: F401 (a fixture)
from vault import integrity, keyring, rotation
from vault.integrity import Count, verify

pytestmark = pytest.mark.processes
SEED, KILLS = 20261126, 10
CASES = 24
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=UTC)
# Says a line for every batch, so that whoever kills it knows that it is under way.
ROTATE = """
import sys, django
django.setup()
from vault import rotation
rotation.CHUNK = 4
print("begun", flush=True)
rotation.rotate(sys.argv[1], lambda rows: print(rows, flush=True))
"""


@pytest.fixture
def office(live_database, changed, monkeypatch):  # noqa: F811
    """Cases with phones and dates, all of them reminded of already; without the tables of other tests."""
    ours = [model for model in integrity.sealed_models() if model._meta.app_label != "cells"]
    for module in (integrity, rotation):
        monkeypatch.setattr(module, "sealed_models", lambda: ours)
    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", role="caseworker", team=team, address="olga@staff.invalid")
    for n in range(CASES):
        case = Case.objects.open_case(by=olga, country="KZ", summary=f"summary {n}")
        ContactChannel.objects.create(by=olga, case=case, kind="phone", value=f"+770100000{n:02d}")
        day = NOW.date() + datetime.timedelta(days=n % 30)
        Deadline.objects.apply(
            case, [DerivedDeadline("task", f"task:{case.pk}", day, "KZ")], unreadable=(), today=None
        )
    planning.plan(NOW)
    return live_database.env | changed | {"DJANGO_SETTINGS_MODULE": "config.settings"}


def killed(name, env, dice):
    """Rotate in a process of its own and kill it after some batch; whether it was still at work."""
    command = [sys.executable, "-c", ROTATE, name]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for _ in range(dice.randrange(1, 9)):
        process.stdout.readline()
    alive = process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()
    return alive


def read_and_write():
    """What the desk does all day: read a case, change one, look for what is due."""
    keyring.reset()
    assert len({case.summary for case in Case.objects.with_keys()}) == CASES
    case = Case.objects.order_by("pk").first()
    case.summary += "."
    case.save(by=None)
    assert len(Deadline.objects.open().due_between(NOW.date(), NOW.date() + datetime.timedelta(40))) == CASES


def told():
    return set(Reminder.objects.values_list("pk", flat=True))


@pytest.mark.timeout(600)
def test_ten_kills_lose_nothing_and_tell_nobody_twice(office):
    """Sabotage: leave ComputedField out of _changes()."""
    dice, names, before = random.Random(SEED), list(rotation.ROTATED), told()
    assert len(before) >= CASES
    hit = 0
    for kill in range(KILLS):
        name = names[kill % len(names)]
        keyring.reset()
        if len(keyring.keyring().keys(name)) == 1:
            rotation.add(name)
        hit += killed(name, office, dice)
        read_and_write()
    assert hit >= KILLS // 2, "most of them must have been killed at work"
    for name in names:
        keyring.reset()
        if len(keyring.keyring().keys(name)) > 1:
            rotation.rotate(name)
            rotation.retire(name)
    assert planning.plan(NOW).made == 0
    assert told() == before
    count = Count()
    assert [str(finding) for finding in verify(count)] == []
    assert count.cells > CASES * 4
    read_and_write()


@pytest.mark.timeout(300)
def test_the_desk_answers_while_keys_are_changed(office):
    """Sabotage: keep one transaction open over all of _rewrap()."""
    ended, trouble = Event(), []

    def work():
        try:
            while not ended.is_set():
                with transaction.atomic():
                    case = Case.objects.order_by("?").first()
                    assert case.summary.startswith("summary")
                    case.summary += "."
                    case.save(by=None)
                time.sleep(0.05)  # people pause between two clicks
        except Exception as problem:  # told by the test, not by the thread
            trouble.append(problem)
        finally:
            connection.close()

    rotation.add("root")
    rotation.add("index")
    desk = Thread(target=work)
    desk.start()
    try:
        for name in ("root", "index"):
            command = [sys.executable, "-c", ROTATE, name]
            done = subprocess.run(command, env=office, cwd=ROOT, capture_output=True, text=True, timeout=200)
            assert done.returncode == 0, done.stderr
    finally:
        ended.set()
        desk.join()
    assert trouble == []
    keyring.reset()
    for name in ("root", "index"):
        rotation.rotate(name)
        rotation.retire(name)
    assert [str(finding) for finding in verify(Count())] == []
