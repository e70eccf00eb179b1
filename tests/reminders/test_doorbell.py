"""The doorbell and the timetable: words without arguments, and nobody waits for a broker that is away."""

import logging
import time

import pytest
from celery import current_app
from django.conf import settings

from reminders import doorbell, tasks


def test_a_broker_that_is_away_neither_fails_nor_delays_the_desk(caplog):
    """Fails when ring() lets the broker's exception through, or waits for the broker as a worker does."""
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        doorbell.ring()
    assert time.monotonic() - began < 5
    assert "The broker does not answer" in caplog.text
    assert "redis" not in caplog.text


def test_the_doorbell_and_the_timetable_name_tasks_that_exist_and_say_nothing_else():
    tables = settings.CELERY_BEAT_SCHEDULE
    assert {tasks.scan.name, tasks.drain.name} <= {entry["task"] for entry in tables.values()}
    assert tasks.drain.name == doorbell.DRAIN_TASK
    for entry in tables.values():
        assert set(entry) == {"task", "schedule", "options"}
        assert entry["options"] == {"expires": entry["schedule"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("worker_prefetch_multiplier", 1),
        ("task_ignore_result", True),
        ("accept_content", ["json"]),
        ("broker_connection_max_retries", None),
        ("worker_max_tasks_per_child", 500),
    ],
)
def test_the_worker_is_set_to_lose_nothing(name, value):
    assert getattr(current_app.conf, name) == value
    assert current_app.conf.broker_transport_options["visibility_timeout"] == 300
    assert current_app.conf.task_time_limit < 300
