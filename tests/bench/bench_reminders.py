"""Plan and window over many sealed deadlines, beside the same questions to a twin table with plain dates.

    python -m tests.bench.bench_reminders [deadlines]

Works in a throw-away database: SQLite in a temporary folder, or the server of DATABASE_URL. Dates run evenly
from two months ago to thirty months ahead; everything prints in milliseconds, the best of three.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TODAY = NOW.date()
PER_CASE = 15
DAYS = range(-60, 900)
COUNTRIES = ("KZ", "AM", "GE", "KG", "RS")
TWIN = """
CREATE TABLE twin (id {id} PRIMARY KEY, case_id {id}, kind varchar(20), due_on date, state varchar(10),
                   worker_id {id});
"""
TWIN_LEDGER = (
    "CREATE TABLE twin_ledger (deadline_id {id}, due_on date, lead int, recipient {id}, "
    "PRIMARY KEY (deadline_id, due_on, lead, recipient))"
)


def best(times: int, work: Callable[[], object]) -> float:
    """The shortest of `times` runs, in milliseconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return min(found)


def fill(count: int) -> None:
    """Cases with `count` open deadlines among them, and the twin with the same dates."""
    from django.db import connection, transaction

    from cases.models import Care, Case, Deadline
    from staff.models import Team, User

    rng = random.Random(1)
    team = Team.objects.create(name="Astana")
    workers = [
        User.objects.create_user(f"worker{n}", role="caseworker", team=team, address=f"w{n}@x.invalid")
        for n in range(100)
    ]
    User.objects.create_user("petra", role="coordinator", team=team, address="p@x.invalid")
    care = Care(armed_at=NOW - timedelta(days=90), seen_at=NOW, seen_by=workers[0].pk).as_json()
    with connection.cursor() as cursor:
        kind = "uuid" if connection.vendor == "postgresql" else "char(32)"
        cursor.execute(TWIN.format(id=kind))
        cursor.execute(TWIN_LEDGER.format(id=kind))

    for start in range(0, count, 1000 * PER_CASE):
        cases = [
            Case(
                code_name=f"bench {start} {n}",
                country=rng.choice(COUNTRIES),
                team=team,
                caseworker=workers[n % 100],
            )
            for n in range(min(1000, (count - start) // PER_CASE))
        ]
        Case.objects.bulk_create(cases, by=None)
        rows = [
            Deadline(case=case, kind="task", country=case.country, due_on=TODAY + timedelta(rng.choice(DAYS)),
                     source=f"task:{uuid4()}", care=care)
            for case in cases
            for _ in range(PER_CASE)
        ]  # fmt: skip
        Deadline.objects.bulk_create(rows)
        key = (lambda value: value) if connection.vendor == "postgresql" else (lambda value: value.hex)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO twin VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (key(row.pk), key(row.case_id), row.kind, row.due_on, "open", key(row.case.caseworker_id))
                    for row in rows
                ],
            )
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX twin_due ON twin (state, due_on)")
        cursor.execute("ANALYZE")


def plan_twin() -> None:
    """What the sealed plan does, on plain dates: one INSERT from a SELECT."""
    from django.db import connection

    left = (
        "(due_on - %s::date)" if connection.vendor == "postgresql" else "(julianday(due_on) - julianday(%s))"
    )
    leads = " ".join(f"WHEN {left} <= {lead} THEN {lead}" for lead in (0, 1, 3, 7, 14))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO twin_ledger SELECT id, due_on, CASE {leads} ELSE 30 END, worker_id FROM twin "  # noqa: S608
            "WHERE state = 'open' AND due_on <= %s ON CONFLICT DO NOTHING",
            [*[TODAY] * 5, TODAY + timedelta(days=30)],
        )


def window_twin(first: date, last: date) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, case_id, kind, due_on FROM twin WHERE state = 'open' AND due_on BETWEEN %s AND %s "
            "ORDER BY due_on",
            [first, last],
        )
        cursor.fetchall()


def report(name: str, sealed: float, plain: float | None = None) -> None:
    beside = f"{plain:>9.0f} ms plain   x {sealed / plain:.1f}" if plain else ""
    print(f"{name:<44} {sealed:>9.0f} ms {beside}")


def measure(count: int) -> None:
    from django.db import connection

    from cases.models import Deadline
    from desk import digest
    from reminders import ledger, planning
    from reminders.models import Reminder
    from staff.models import User
    from vault.bulk import read_columns

    began = time.perf_counter()
    fill(count)
    print(f"{connection.vendor}: {count} open deadlines, filled in {time.perf_counter() - began:.0f} s")
    board = TODAY - timedelta(days=60), TODAY + timedelta(days=30)
    rows, petra = Deadline.objects.open(), User.objects.get(username="petra")
    print(f"rows in the window: {len(rows.due_between(*board))}")
    began = time.perf_counter()
    made = planning.plan(NOW).made
    report(f"plan, first ({made} new)", (time.perf_counter() - began) * 1000, best(1, plan_twin))
    report("plan, nothing new", best(3, lambda: planning.plan(NOW)), best(3, plan_twin))
    report("which weeks are there", best(3, lambda: rows.weeks_until(board[1])))
    window = rows.in_weeks_until(board[1]).order_by()
    twin = best(3, lambda: window_twin(*board))
    report("window, day and id of each row", best(3, lambda: read_columns(window, "due_on", "pk")), twin)
    report("window, as instances", best(3, lambda: rows.due_between(*board)), twin)
    report("digest of the coordinator", best(3, lambda: digest.compose(petra, TODAY, NOW)))
    report("claim 50", best(3, lambda: ledger.claim(NOW)))
    print(f"ledger: {Reminder.objects.count()} rows")


def main() -> None:
    """Make the database, fill it, measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["DESK_VAR"] = folder
        (Path(folder) / "keys").mkdir(mode=0o700)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("vault", "init")
        measure(count)


if __name__ == "__main__":
    main()
