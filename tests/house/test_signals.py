"""Ctrl-C and SIGTERM end `manage.py test` and all it started: servers, browser, cluster, helpers, orphans."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.management.commands.test import INTERRUPTED
from tests import machine, offspring
from tests.house.tree import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]
linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
WAITING = {"processes", "browser", "postgres"}
PROGRAMS = ("valkey", "gunicorn", "chrom", "postgres", "sleep 601", "sys.stdin.readline")


def line(pid):
    """What it is, or nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_run(tmp_path, number):
    """Sabotage: drop `kill_all()` from `ended_with_us`, or PR_SET_CHILD_SUBREAPER: the orphan stays."""
    machine.need("chromium")
    if not machine.postgres_bin():
        machine.do_without(machine.lacking("Postgres 15 or newer", "postgresql"))
    command = [sys.executable, str(ROOT / "manage.py"), "test", "tests/house/for_ever.py", "-n", "1"]
    with (tmp_path / "said").open("w") as said:
        run = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"FOR_EVER": str(tmp_path), "DESK_PREPARED": "1"},
            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        until = time.monotonic() + 200
        while {path.name for path in tmp_path.iterdir()} & WAITING != WAITING:
            assert run.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < until, (tmp_path / "said").read_text()
            time.sleep(0.2)
        started = {pid: line(pid) for pid in offspring.descendants(run.pid)}
        missing = [name for name in PROGRAMS if not any(name in words for words in started.values())]
        assert missing == [], started
        run.send_signal(number)
        assert run.wait(60) == INTERRUPTED, (tmp_path / "said").read_text()
        assert {pid: words for pid, words in started.items() if words and line(pid) == words} == {}
        said = (tmp_path / "said").read_text()
        assert [said.count(f"=== {lane} ===") for lane in WAITING] == [1, 1, 1], said
    finally:
        run.terminate()
        run.wait()
