"""The inbox at many requests: the page, its number of queries, and the same page with a tenth of the rows.

    DESK_VAR=$(mktemp -d) .venv/bin/python -m tests.bench.bench_inbox [requests]

Works on the database of `DATABASE_URL`, by default SQLite in DESK_VAR, which must be empty: it is filled with
invented requests. Of these two in five wait; one in thirty has an addition that nobody opened. Prints the
median of the whole page in milliseconds beside that of the empty inbox, in the same run.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from datetime import timedelta
from typing import Any

ROUNDS = 15
STATES = ("new", "opened", "answered", "declined", "referred", "spam")


def fill(number: int) -> None:
    """So many requests, as they pile up in some months."""
    from django.utils import timezone

    from intake.models import HelpRequest, Message

    dice, now = random.Random(4), timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = [
        HelpRequest(
            received_at=now - timedelta(hours=dice.randrange(24 * 60)),
            colour=dice.choice((0, 0, 1, 1, 2, 3)),
            language=dice.choice(("ru", "en")),
            channel="form",
            country=dice.choice(("KZ", "GE", "AM", "")),
            state=dice.choices(STATES, (30, 10, 30, 15, 10, 5))[0],
            box=b"\1" * 600,
        )
        for _each in range(number)
    ]
    HelpRequest._base_manager.bulk_create(rows, batch_size=500)
    Message.objects.bulk_create(
        (
            Message(request=row, received_at=row.received_at, colour=dice.randrange(4), box=b"\1" * 200,
                    opened=bool(turn % 3))
            for turn, row in enumerate(rows[::10])
        ),
        batch_size=500,
    )  # fmt: skip


def median_ms(desk: Any, address: str) -> float:
    """Milliseconds of a page, the median of some rounds."""
    assert desk.get(address).status_code == 200
    times = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        desk.get(address)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def main(number: int = 10_000) -> None:
    """Fill, measure, print."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from staff.models import Team, User
    from tests.staff.flow import signed_in

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    call_command("vault", "init")
    team = Team.objects.create(name="Bench")
    olga = User.objects.create_user("bench", "bench-long-password-1", role="coordinator", team=team)
    desk = signed_in(Client(), olga)
    empty, quiet = median_ms(desk, "/desk/inbox/"), median_ms(desk, "/desk/board/")
    fill(number)
    for show in ("waiting", "answered", "all"):
        page = median_ms(desk, f"/desk/inbox/?show={show}")
        print(f"{number} requests, {show}: {page:.0f} ms, {page / empty:.1f} times the empty inbox")
    print(f"the empty inbox: {empty:.0f} ms")
    board = median_ms(desk, "/desk/board/")
    print(f"the board, which counts what waits: {board:.0f} ms, {board / quiet:.1f} times without requests")


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(*map(int, sys.argv[1:]))
