"""The dead man's switch: the desk and `/healthz` say when reminders or the desk's own jobs have stopped."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from desk.chores import Rota
from reminders import health, planning, sending
from reminders.models import Circuit, Heartbeat, PlanTrouble, Pulse, Reminder
from tests.dated import NOW, TODAY

pytestmark = pytest.mark.django_db


def beat(*jobs, at=None):
    for job in jobs:
        Heartbeat.objects.beat(job, at or timezone.now())


def codes():
    return [trouble.code for trouble in health.banner()]


@pytest.mark.speaks_sql
def test_a_running_round_makes_it_green(client, mailroom):
    assert client.get("/healthz").status_code == 503
    now = timezone.now()
    planning.scan(now)
    sending.drain(now)
    assert client.get("/healthz").status_code == 503
    Rota(timezone.now, ()).round()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"All is well.\n")
    assert health.banner() == []


@pytest.mark.parametrize("silent", [Pulse.SCAN, Pulse.DRAIN])
@pytest.mark.speaks_sql
def test_each_job_is_missed_after_five_minutes(client, silent):
    """Fails when one of the two is left out of WATCHED."""
    beat(Pulse.SCAN, Pulse.DRAIN, Pulse.CHORES)
    beat(silent, at=timezone.now() - timedelta(minutes=5, seconds=1))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert silent.value in answer.content.decode()
    assert codes() == ["silent"]


@pytest.mark.speaks_sql
def test_chores_are_missed_after_a_quarter_of_an_hour(client):
    """Sabotage: leave Pulse.CHORES out of WATCHED."""
    beat(Pulse.SCAN, Pulse.DRAIN)
    beat(Pulse.CHORES, at=timezone.now() - timedelta(minutes=14))
    assert (codes(), client.get("/healthz").status_code) == ([], 200)
    beat(Pulse.CHORES, at=timezone.now() - timedelta(minutes=15, seconds=1))
    answer = client.get("/healthz")
    assert (codes(), answer.status_code) == (["no_chores"], 503)
    assert answer.content == b"No sign of life from chores for minutes: look at the chores.\n"


@pytest.mark.speaks_sql
def test_a_database_that_does_not_answer_is_said(client, monkeypatch):
    def gone(self):
        raise OperationalError("connection to server at 10.0.0.1 failed")

    monkeypatch.setattr(type(Heartbeat.objects), "last", gone)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"The database does not answer.\n")


@pytest.mark.speaks_sql
def test_it_is_read_only_and_never_kept(client):
    assert client.post("/healthz").status_code == 405
    assert "no-store" in client.get("/healthz")["Cache-Control"]


def test_the_desk_says_what_is_wrong(dated_case):
    beat(Pulse.SCAN, Pulse.DRAIN, Pulse.CHORES)
    assert codes() == []
    Circuit.objects.current().fail(timezone.now() - timedelta(minutes=6))
    assert codes() == ["mail_server"]
    dated_case(TODAY)
    planning.plan(NOW)
    Reminder.objects.update(state="dead", next_at=None)
    assert codes() == ["mail_server", "undelivered"]
    Circuit.objects.current().succeed()
    for trouble in (PlanTrouble.UNREADABLE, PlanTrouble.NOBODY):
        Heartbeat.objects.beat(Pulse.PLAN, timezone.now(), trouble)
        assert codes() == ["undelivered", trouble.value]


def test_a_mail_server_that_restarts_is_nobody_s_alarm():
    beat(Pulse.SCAN, Pulse.DRAIN, Pulse.CHORES)
    Circuit.objects.current().fail(timezone.now())
    assert codes() == []
