"""What a trail row costs a request: pages of the desk with it and without it, by turns, in one run.

    python -m tests.bench.bench_trail [rounds]

Works in a throw-away database: SQLite in a temporary folder as `manage.py up` has it, or the server of
DATABASE_URL. Each round asks for a page with `trail.append` as it is, and again with one that does nothing;
the medians are compared. A row costs one transaction; what that costs is the disk's answer to an fsync.

What is allowed is for pages that show something. A refused page does next to nothing but write its row, which
is therefore a large part of its time (1.5 to nearly 3 times as long): several refusals are not
joined in one row, because each is to show when it was, and must be there although the act was rolled back.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from unittest import mock

# A request may cost at most this much more with its row than without.
ALLOWED = 1.15


def desk() -> tuple[object, dict[str, Callable[[], object]]]:
    """A client of a caseworker with a case, and the requests to measure by their names."""
    from django.test import Client
    from django.urls import reverse

    from cases.deadlines import DerivedDeadline
    from cases.models import Case, Deadline
    from staff.models import Team, TotpDevice, User

    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", "olga-long-password-1", role="caseworker", team=team)
    cases = [Case.objects.open_case(by=olga, country="KZ", summary="Left in spring.") for _ in range(20)]
    for case in cases:
        Deadline.objects.apply(
            case,
            [DerivedDeadline("task", f"task:{case.pk}", date(2030, 1, 1), "KZ")],
            unreadable=(),
            today=None,
        )
    client = Client(SERVER_NAME="localhost", raise_request_exception=True)
    device = TotpDevice.enrol(olga)
    client.post("/login/", {"username": "olga", "password": "olga-long-password-1"})
    client.post("/second-factor/", {"code": device.code_at(time.time())})
    file = reverse("admin:cases_case_change", args=[cases[0].pk])
    line = reverse("deadline", args=[Deadline.objects.get(case=cases[1]).pk])

    def seen() -> object:
        return client.post(line, {"act": "seen"})

    assert client.get(file).status_code == 200
    assert client.get(line).status_code == 200
    return client, {
        "the case file (GET, a row)": lambda: client.get(file),
        "a deadline seen (POST, a row with the act)": seen,
        "a role refused (GET, a row)": lambda: client.get("/desk/digest/"),
    }


def by_turns(request: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Medians in milliseconds, with the row and without."""
    from staff import trail

    def timed() -> float:
        began = time.perf_counter()
        request()
        return (time.perf_counter() - began) * 1000

    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds * 2):
        with_row = number % 2 == 0
        if with_row:
            times[True].append(timed())
        else:
            with mock.patch.object(trail, "append", return_value=None):
                times[False].append(timed())
    return statistics.median(times[True]), statistics.median(times[False])


def main() -> None:
    """Make the database, ask by turns, print the ratios."""
    rounds = next((int(word) for word in sys.argv[1:] if word.isdigit()), 60)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["DESK_VAR"] = folder
        (Path(folder) / "keys").mkdir(mode=0o700)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection
        from django.test.utils import setup_test_environment

        setup_test_environment()
        call_command("migrate", verbosity=0)
        call_command("vault", "init")
        _client, requests = desk()
        print(f"{connection.vendor}, {rounds} rounds; allowed {ALLOWED:.2f}")
        for name, request in requests.items():
            request()
            with_row, without = by_turns(request, rounds)
            ratio = with_row / without
            word = "" if ratio <= ALLOWED else "  MORE THAN ALLOWED"
            print(f"{name:44} {with_row:7.1f} ms with, {without:7.1f} ms without: x{ratio:.2f}{word}")


if __name__ == "__main__":
    main()
