"""What the timetable calls. No arguments, no results."""

from celery import shared_task

from staff import chain


@shared_task(name="staff.link")
def link() -> None:
    """Link the trail's new rows into its chain."""
    chain.extend()
