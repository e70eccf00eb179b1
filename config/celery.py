"""The worker and the timetable. Messages carry no arguments; each is stale after one interval."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

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
