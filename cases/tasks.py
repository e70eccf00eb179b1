"""What the timetable and the doorbell call. No arguments, no results; run twice, nothing happens twice."""

from celery import shared_task

from cases import reminders


@shared_task(name="cases.scan")
def scan() -> None:
    """Plan what has come due."""
    reminders.scan()


@shared_task(name="cases.drain")
def drain() -> None:
    """Send what is planned."""
    reminders.drain()
