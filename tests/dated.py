"""The moment at which dated tests happen, and dates that were set long before it."""

from datetime import UTC, date, datetime

# A Monday, 15:00 in Almaty.
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def arm(case, armed_at):
    """Pretend that the case's dates were set at `armed_at`."""
    from cases.models import Care, Deadline

    for deadline in Deadline.objects.filter(case=case):
        deadline.care = Care(armed_at=armed_at).as_json()
        deadline.save(update_fields=["care"])
