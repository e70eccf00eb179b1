"""The doorbell: tells the worker to look now. Nothing is lost when nobody hears it."""

from __future__ import annotations

import logging

from celery import current_app
from django.conf import settings

log = logging.getLogger(__name__)

DRAIN_TASK = "reminders.drain"


def ring() -> None:
    """Ask the worker to drain now. Never fails its caller: without a broker the timetable does it soon.

    Call it by `transaction.on_commit`: the worker must find the rows.
    """
    try:
        current_app.send_task(DRAIN_TASK, expires=settings.DRAIN_SECONDS, retry=False, ignore_result=True)
    except Exception as problem:  # whatever the broker's client raises: the caller's work is done and saved
        log.warning("The broker does not answer (%s); the next round will do it.", type(problem).__name__)
