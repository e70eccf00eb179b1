"""The worker and the timetable. Messages carry no arguments; each is stale after one interval."""

import os
from contextlib import suppress

from celery import Celery
from celery.signals import beat_init, worker_init
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("desk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_unless_safe(**_sent: object) -> None:
    """With the wrong keys or on the wrong database, end with one line instead of serving."""
    from django.core.exceptions import ImproperlyConfigured

    from config import startup

    try:
        startup.refuse_unless_safe()
    except ImproperlyConfigured as refused:
        raise SystemExit(str(refused)) from None


@beat_init.connect
def first_round(**_sent: object) -> None:
    """Send every entry when the timetable starts; by itself it would wait for one interval.

    So `/healthz` is green within a minute, and still by way of timetable, broker, worker and database.
    """
    patience = {"max_retries": 30, "interval_start": 0.2, "interval_step": 0.2, "interval_max": 1}
    for entry in app.conf.beat_schedule.values():
        with suppress(OperationalError):
            app.send_task(
                entry["task"], **entry["options"], ignore_result=True, retry=True, retry_policy=patience
            )
