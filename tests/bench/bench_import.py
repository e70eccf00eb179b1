"""How long a sheet of 5,000 cases takes to look at and to store, and how the memory grows with its rows.

    manage.py bench import [rows]

The yardstick is one tenth of the rows in the same run: ten times the rows should cost ten times the time and
the same memory. On SQLite everybody who writes waits while it is stored.
"""

import os
import resource
import sys
import time
from contextlib import contextmanager
from io import StringIO
from uuid import uuid4

import django


def memory_mb():
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(atomic, spent):
    """`transaction.atomic`, noting the CPU time that passes inside of the outermost one."""
    depth = [0]

    @contextmanager
    def noted(*args, **kwargs):
        used, depth[0] = time.process_time(), depth[0] + 1
        try:
            with atomic(*args, **kwargs):
                yield
        finally:
            depth[0] -= 1
            if not depth[0]:
                spent.append(time.process_time() - used)

    return noted


def main():
    """Measure, in this order: a tenth, then all."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from importing import run
    from importing.run import Import, What
    from staff.models import Team, User
    from tests.importing.sheets import as_csv, as_xlsx, row_of

    call_command("migrate", verbosity=0)
    call_command("vault", "init", stdout=StringIO())
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    team = Team.objects.create(name="Astana")
    petra = User.objects.create_user("petra", role="coordinator", team=team, address="petra@bench.invalid")

    def sheet(content):
        now = timezone.now()
        return Import(content=content, what=What.CASES, by=petra, now=now, today=timezone.localdate())

    stored: list[float] = []
    run.transaction.atomic = timed(run.transaction.atomic, stored)
    first = 0
    for rows, written in ((count // 10, as_csv), (count, as_csv), (count, as_xlsx)):
        content = written([row_of(first + number) for number in range(rows)])
        first += rows
        for act in ("look", "bring"):
            start, used = time.perf_counter(), time.process_time()
            if act == "look":
                sheet(content).look()
            else:
                stored.clear()
                sheet(content).bring(key=uuid4(), also_known=False)
            spent, used = time.perf_counter() - start, time.process_time() - used
            alone = f", {sum(stored):.1f} s of CPU with the database to itself" if act == "bring" else ""
            print(
                f"{act:5} {rows} rows ({written.__name__}): {spent:.1f} s, {used:.1f} s of CPU, "
                f"{1000 * used / rows:.2f} ms a row{alone}; {memory_mb():.0f} MB"
            )


if __name__ == "__main__":
    main()
