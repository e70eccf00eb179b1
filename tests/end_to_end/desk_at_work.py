"""A desk that saves one case after another, to be killed: `python -m tests.end_to_end.desk_at_work`.

Facts, deadlines and reminders of a case are one transaction; who is killed in the middle has saved nothing.
"""

import os
import time

import django


def main() -> None:
    """Give every case without a deadline one that is due today, as a door does it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import transaction
    from django.utils import timezone

    from cases.deadlines import DerivedDeadline
    from cases.models import Case, Deadline
    from law import countries
    from reminders import doorbell, planning

    for case in Case.objects.filter(deadlines=None).order_by("pk"):
        today = countries.today_in(case.country, timezone.now())
        with transaction.atomic():
            Deadline.objects.apply(
                case,
                [DerivedDeadline("task", f"task:{case.pk}", today, case.country)],
                unreadable=(),
                today=None,
            )
            planning.plan_case(case)
            transaction.on_commit(doorbell.ring)
        time.sleep(0.03)


if __name__ == "__main__":
    main()
