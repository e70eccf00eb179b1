"""Many strangers at once: a submission beside the slow hash alone; wrong phrases beside right ones.

    python -m tests.bench.bench_intake [parallel] [each]

Starts a real web server on a throw-away SQLite database, then `parallel` threads (20) that submit `each` (10)
times. Beside it, in the same run: the hash alone, `parallel` at once, in as many processes as the server has
workers. Prints milliseconds and ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

PHRASE = "абзац абонент абсурд авангард авария август авиация"
WORKERS = 2


def p95(times: list[float]) -> float:
    """The time that 95 of 100 do not pass, in milliseconds."""
    return sorted(times)[max(0, round(len(times) * 0.95) - 1)] * 1000


def at_once(parallel: int, each: int, work: Callable[[int], object]) -> list[float]:
    """The seconds of every call of `work`, `each` in each of `parallel` threads that begin together."""
    times: list[float] = []
    start = threading.Barrier(parallel)

    def one(number: int) -> None:
        start.wait()
        for _round in range(each):
            began = time.perf_counter()
            work(number)
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _hashes(parallel: int, each: int) -> list[float]:
    from vault import dropbox

    return at_once(parallel, each, lambda _number: dropbox.phrase_keys(PHRASE))


def hash_alone(parallel: int, each: int) -> list[float]:
    """The slow hash and nothing else, shared among as many processes as the server has."""
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        parts = pool.starmap(_hashes, [(parallel // WORKERS, each)] * WORKERS)
    return [seconds for part in parts for seconds in part]


def phrases_in_turn(desk, right: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds to open the mailbox of a right phrase and of one that nobody has, in random order."""
    from intake import phrases

    times: tuple[list[float], list[float]] = ([], [])
    order = [0, 1] * rounds
    random.Random(1).shuffle(order)
    visitor = desk.visitor()
    for wrong in order:
        typed = phrases.new("ru") if wrong else right
        began = time.perf_counter()
        visitor.open_mailbox(typed)
        times[wrong].append(time.perf_counter() - began)
    return times


def main(parallel: int = 20, each: int = 10) -> None:
    """Long because it is the table itself: measured in the order in which it is printed."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        keys.mkdir(mode=0o700)
        os.environ.setdefault("DESK_VAR", str(Path(folder) / "var"))
        os.environ["DESK_PREPARED"] = "1"
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        from tests.databases import OwnDatabase
        from tests.intake.server import server

        var = Path(os.environ["DESK_VAR"])
        var.mkdir(mode=0o700, exist_ok=True)
        database = OwnDatabase(dict(os.environ), var, str(var / "desk.sqlite3"), lambda: None)
        for command in (("migrate", "--verbosity", "0"), ("vault", "init")):
            done = database.manage(*command)
            assert done.returncode == 0, done.stderr
        with server(database) as desk:
            desk.visitor().ask_for_help(text="…")
            alone = hash_alone(parallel, each)
            visitors = [desk.visitor() for _number in range(parallel)]
            pages = at_once(parallel, each, lambda number: visitors[number].get("ru/"))
            tokens = [visitors[number].token() for number in range(parallel)]
            sent = at_once(
                parallel, each, lambda number: visitors[number].send(tokens[number], text=f"Номер {number}")
            )
            again = hash_alone(parallel, each)
            right, wrong = phrases_in_turn(desk, desk.visitor().ask_for_help(text="…"), 60)
            print(
                f"requests kept: {desk.on_the_desk('print(HelpRequest.objects.count())')} of {len(sent) + 2}"
            )
        hashed = p95(alone + again)
        print(f"{parallel} at once, {each} each:              median      p95   x hash alone")
        for name, times in (("hash alone", alone + again), ("form page", pages), ("submission", sent)):
            middle = statistics.median(times) * 1000
            print(f"  {name:32} {middle:7.0f}  {p95(times):7.0f}  {p95(times) / hashed:6.2f}")
        print("one after another:                    median      p95")
        for name, times in (("mailbox, right phrase", right), ("mailbox, wrong phrase", wrong)):
            print(f"  {name:32} {statistics.median(times) * 1000:7.1f}  {p95(times):7.1f}")
        ratio = statistics.median(wrong) / statistics.median(right)
        print(f"  wrong / right, medians: {ratio:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
