"""The table of applications beside the deadline board, at 10,000 cases: CPU time, queries, weight.

    manage.py bench applications [cases]

Both pages are asked for by one coordinator through the whole stack, in turns, in one run; the board is the
yardstick. What the page is made of is measured beside it.
"""

import os
import statistics
import sys
import time
from io import StringIO

import django

PAGES = {
    "board": "/desk/board/",
    "applications": "/desk/applications/",
    "all countries": "/desk/applications/?countries=all",
    "one cell": "/desk/applications/?country=DE&group=refused",
    "its last page": "/desk/applications/?country=DE&group=refused&page=9999",
    "one country": "/desk/applications/?country=DE",
    "page 5": "/desk/applications/?page=5",
    "mine": "/desk/applications/?whose=mine",
    "the last page": "/desk/applications/?page=9999",
}


def main():
    """Fill, measure, print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from staff.models import User

    setup_test_environment()
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    call_command("migrate", verbosity=0)
    call_command("vault", "init", stdout=StringIO())
    call_command("load_demo", "--cases", str(cases), verbosity=0)
    busiest = User.objects.filter(cases__isnull=False).first()
    reader = User.objects.create_user(
        "reader", "reader-long-password-1", role="coordinator", team=busiest.team, address="r@bench.invalid"
    )
    measure(reader)


def measure(reader, turns=8):
    """Ask for each page in turns; the first turn warms up and does not count."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from cases.models import Application, Case, Deadline
    from tests.staff.flow import signed_in

    desk = signed_in(Client(), reader)
    spent, told = {name: [] for name in PAGES}, {}
    for turn in range(turns):
        for name, address in PAGES.items():
            with CaptureQueriesContext(connection) as queries:
                start = time.process_time()
                answer = desk.get(address)
                took = (time.process_time() - start) * 1000
            assert answer.status_code == 200, (name, answer.status_code)
            told[name] = (len(queries), len(answer.content))
            if turn:
                spent[name].append(took)
    dates = Deadline.objects.open().count()
    print(f"{Case.objects.count()} cases, {Application.objects.count()} applications, {dates} open dates")
    board = statistics.median(spent["board"])
    for name in PAGES:
        took, (queries, weight) = statistics.median(spent[name]), told[name]
        print(
            f"{name:15} {took:6.0f} ms, x{took / board:4.1f} of the board; "
            f"{queries} queries, {weight / 1000:.0f} kB"
        )


if __name__ == "__main__":
    main()
