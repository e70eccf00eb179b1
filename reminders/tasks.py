"""What the timetable and the doorbell call. No arguments, no results; run twice, nothing happens twice."""

from celery import shared_task

from reminders import planning, sending


@shared_task(name="reminders.scan")
def scan() -> None:
    """Plan what has come due."""
    planning.scan()


@shared_task(name="reminders.drain")
def drain() -> None:
    """Send what is planned."""
    sending.drain()
