"""How much the interval count saves over sets of days; how long 10,000 assessments take through the command.

    python tests/bench/bench_rules.py

Ten crossings. Both counts take turns in one run, in processor time; the least of each counts: a busy machine
only ever adds.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from law.rules.stay import AllOf, CalendarYear, PerEntry, Rolling, Rule, Stay, assess_stay  # noqa: E402
from tests.law.rules import slow_twin  # noqa: E402

ROUNDS, PER_ROUND, VECTORS = 15, 200, 10_000
AS_OF = date(2026, 7, 1)


def ten_crossings():
    """Nine short visits, and the present one."""
    visits = [AS_OF - timedelta(days=20 * n) for n in range(1, 10)]
    return [*(Stay(entry, entry + timedelta(days=7)) for entry in visits), Stay(AS_OF - timedelta(days=5))]


def seconds(function, times):
    """The processor time of one call, over `times` calls."""
    began = time.process_time()
    for _ in range(times):
        function()
    return (time.process_time() - began) / times


def compare(name, rule):
    stays = ten_crossings()
    fast = asdict(assess_stay(rule, stays, as_of=AS_OF))
    slow = slow_twin.assess(rule, stays, AS_OF)
    if fast != slow:
        raise SystemExit(f"{name}: the two counts differ")
    pairs = [
        (
            seconds(lambda: assess_stay(rule, stays, as_of=AS_OF), PER_ROUND),
            seconds(lambda: slow_twin.assess(rule, stays, AS_OF), 3),
        )
        for _ in range(ROUNDS)
    ]
    took, slow_took = (min(times) for times in zip(*pairs, strict=True))
    ratio = slow_took / took
    print(f"{name:<14} {took * 1e6:6.1f} µs   1/{ratio:.0f} of the slow count")
    return ratio


def through_the_command():
    stays = [
        {"entry": stay.entry.isoformat(), "exit": stay.exit and stay.exit.isoformat()}
        for stay in ten_crossings()
    ]
    rule = {"kind": "rolling", "days": 90, "window_days": 180}
    vectors = [{"id": n, "rule": rule, "stays": stays, "as_of": AS_OF.isoformat()} for n in range(VECTORS)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "assess_stays"],
        input=json.dumps({"vectors": vectors}).encode(),
        capture_output=True,
        check=True,
    )
    took = time.perf_counter() - began
    count = len(json.loads(done.stdout)["results"])
    print(f"{count} assessments through the command: {took:.2f} s, the start of Python and Django included")


def main():
    rules = {
        "per_entry": Rule(PerEntry(60)),
        "rolling": Rule(Rolling(90, 180)),
        "calendar_year": Rule(CalendarYear(120)),
        "all_of": Rule(AllOf((PerEntry(60), Rolling(90, 180)))),
    }
    worst = min(compare(name, rule) for name, rule in rules.items())
    print(f"at worst 1/{worst:.0f}; allowed 1/20")
    through_the_command()
    if worst < 20:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
