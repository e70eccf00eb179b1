"""Measure a recomputation: peak memory at 2,000 and at 20,000 cases, and what a kill in the middle costs.

    DESK_VAR=$(mktemp -d) .venv/bin/python -m tests.bench.bench_recompute [small] [large]

Each size is a trial installation of its own with that many invented cases; the pass runs in a process of its
own, whose peak is asked of the kernel. The larger one is killed (SIGKILL) after its first batches and started
again. It prints numbers and fails if memory grows with the cases or if a case is done twice.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A process that reads ten times the cases may need this much more than one that reads a tenth.
MEMORY_MAY_GROW = 1.15
PASS = """
import resource, sys
from django.core.management import call_command
call_command("recompute_deadlines", *sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run `manage.py` to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=env, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def pass_over(env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A pass in a process of its own."""
    code = f"import django; django.setup()\n{PASS}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def installation(cases: int) -> dict[str, str]:
    """A database with that many invented cases; the environment that leads to it."""
    env = os.environ | {"DESK_VAR": tempfile.mkdtemp(prefix="bench-"), "DESK_PREPARED": "1"}
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "vault", "init")
    manage(env, "load_demo", "--cases", str(cases))
    return env


def measured(env: dict[str, str], *arguments: str) -> tuple[int, float, str]:
    """Peak memory in KiB, seconds, and the last line of progress of a whole pass."""
    start = time.monotonic()
    out = pass_over(env, *arguments).communicate()[0]
    peak = re.search(r"^peak (\d+)$", out, re.M)
    assert peak, out
    lines = re.findall(r"^\d+ of \d+ cases.*$", out, re.M)
    return int(peak[1]), time.monotonic() - start, lines[-1]


def killed_after(env: dict[str, str], batches: int) -> str:
    """Kill a pass over everything after so many batches; the last line it printed."""
    process = pass_over(env, "--all")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(batches)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    return lines[-1].strip()


def main(small: int = 2000, large: int = 20000) -> None:
    """Two sizes, one ratio, one kill."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    less, seconds, line = measured(installation(small), "--all")
    print(f"{small} cases: peak {less // 1024} MiB, {seconds:.0f} s; {line}")
    env = installation(large)
    print(f"killed: {killed_after(env, 20)}")
    more, seconds, line = measured(env)
    print(f"{large} cases, continued: peak {more // 1024} MiB, {seconds:.0f} s; {line}")
    print(f"memory: {more / less:.2f} times, with {large / small:.0f} times the cases")
    done, total = map(int, re.findall(r"\d+", line)[:2])
    assert done == total, "Every case once: none lost to the kill, none counted twice."
    assert more / less < MEMORY_MAY_GROW, "Memory grows with the cases."


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
