"""`manage.py test`: everything that can be tested, in one command; further arguments go to pytest."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

INTERRUPTED = 2  # pytest's exit code after Ctrl-C
NO_TESTS_FOUND = 5
LEAVE_SECONDS = 20  # after Ctrl-C, for fixtures to close what they opened


@dataclass
class Run:
    """One lane under way: its pytest, what it says, and when it began and ended."""

    lane: str
    tests: int
    process: subprocess.Popen
    said: Path
    began: float
    ended: float = 0
    shown: int = -1  # up to which byte; -1 before its heading

    def line(self) -> str:
        """For the end; not in pytest's words, which are counted where they stand."""
        outcome = "well" if self.process.returncode == 0 else f"with exit code {self.process.returncode}"
        return f"{self.lane}: ended {outcome} after {self.ended - self.began:.0f} s (tests: {self.tests})"


class Command(BaseCommand):
    """Pytest in several lanes at once; tests/lanes.py says which test runs where."""

    help = (
        "Run every test. --quick: what answers in two minutes; --twice: the pages on Postgres too; "
        "further arguments go to pytest, e.g. manage.py test -k reminders"
    )
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Every argument but two is pytest's, so Django's parser never sees them."""
        sys.exit(self.run_all(argv[2:]))

    def run_all(self, arguments: list[str]) -> int:
        """The worst exit code of the lanes."""
        from tests.offspring import Stopped, ended_with_us

        with tempfile.TemporaryDirectory(prefix="desk-test-", ignore_cleanup_errors=True) as name:
            try:
                with ended_with_us():
                    return self.in_lanes(arguments, Path(name))
            except Stopped as stopped:
                self.stderr.write(f"Stopped by {stopped}.")
                return INTERRUPTED

    def in_lanes(self, arguments: list[str], folder: Path) -> int:
        """Collect once, so that only lanes with a test start and each reads its own files only."""
        from tests import lanes

        choice, arguments = lanes.asked(arguments)
        own = [f"--{name}" for name in ("quick", "twice") if getattr(choice, name)]
        (folder / "tmp").mkdir()
        told = folder / "lanes.json"
        code = self.collect([*own, "--lanes-to", str(told), *arguments], folder)
        if code:
            return code
        found = json.loads(told.read_text())
        held = {name: lane for name, lane in found["lanes"].items() if lane["tests"]}
        if not held:
            self.stderr.write("No lane holds such a test.")
            return NO_TESTS_FOUND
        options = [argument for argument in arguments if argument not in found["paths"]]
        worst, runs, waiting = 0, [], []
        with ExitStack() as stack:
            url, problem = self.postgres(stack) if set(held) & set(lanes.ON_POSTGRES) else ("", "")
            for name, lane in held.items():
                if name in lanes.ON_POSTGRES and problem:
                    continue
                on = url if name in lanes.ON_POSTGRES else ""
                which = [*own, "--lane", name, *options, *(found["paths"] or lane["files"])]
                waiting.append(partial(self.start, name, lane["tests"], which, folder, on))
            try:
                self.follow(runs, waiting)
            except BaseException:
                self.leave(runs)
                self.follow(runs, [])
                raise
        if problem:
            worst = self.without_postgres(problem)
        for run in runs:
            self.stdout.write(run.line())
        return max([worst, *(abs(run.process.returncode) for run in runs)])

    def collect(self, arguments: list[str], folder: Path) -> int:
        """Which lane holds what; what is wrong with the tests is shown instead."""
        done = subprocess.run(
            self.pytest(["-p", "no:cacheprovider", "-qq", *arguments, "-n", "0"]),
            env=self.environment("collect", folder), cwd=settings.ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode not in (0, NO_TESTS_FOUND):
            self.stdout.write(done.stdout)
        return done.returncode

    def postgres(self, stack: ExitStack) -> tuple[str, str]:
        """The address of a cluster that lasts as long as `stack`, or why there is none."""
        from tests import machine
        from tests.cluster import NoCluster, cluster

        bin_folder = machine.postgres_bin()
        if not bin_folder:
            return "", machine.lacking("Postgres 15 or newer", "postgresql")
        try:
            return stack.enter_context(cluster(bin_folder)), ""
        except NoCluster as problem:
            return "", f"Postgres does not start here: {problem}"

    def start(self, lane: str, tests: int, arguments: list[str], folder: Path, url: str) -> Run:
        """One lane, in a session of its own: a Ctrl-C reaches it through us only."""
        from tests import lanes
        from tests.offspring import die_with_us

        helpers = lanes.workers(lane, tests, lanes.cores())
        # First, so that what was typed wins. A short folder: the path of a socket may not pass 107 bytes.
        short = str(folder / str(lanes.LANES.index(lane)))
        spread = ["-n", str(helpers), "--dist", "loadfile", "--basetemp", short]
        # What failed last, and what hypothesis found, are the lane's own.
        command = self.pytest(["-rs", "-o", f"cache_dir=.pytest_cache/{lane}", *spread, *arguments])
        said = folder / f"{lane}.said"
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, env=self.environment(lane, folder, url), cwd=settings.ROOT,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                preexec_fn=die_with_us(signal.SIGINT),
            )  # fmt: skip
        return Run(lane, tests, process, said, time.monotonic())

    def environment(self, lane: str, folder: Path, url: str = "") -> dict[str, str]:
        """Nothing of this installation; compiled files and leftovers lie beside it."""
        from tests import machine

        env = machine.own_environment(folder / lane, url)
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        # On CI nothing of an earlier run; on a throw-away cluster there is nothing.
        kept = folder / "tables" if machine.ON_CI else settings.ROOT / ".pytest_cache" / "schema"
        return env | {
            "KEPT_TABLES": str(kept),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPYCACHEPREFIX": str(settings.ROOT / ".pytest_cache" / "compiled"),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(settings.ROOT / ".hypothesis" / lane),
        }

    def pytest(self, arguments: list[str]) -> list[str]:
        """The command of one run."""
        return [sys.executable, "-m", "pytest", "-q", *arguments]

    def follow(self, runs: list[Run], waiting: list[Callable[[], Run]]) -> None:
        """Start what waits as lanes end; show what each says, whole and in order. After a stop, the rest."""
        from tests import lanes

        told = 0
        while told < len(runs) or waiting:
            self.look_after(runs)
            while waiting and sum(not run.ended for run in runs) <= lanes.cores():
                runs.append(waiting.pop(0)())
            ended = runs[told].ended
            self.show(runs[told])
            told += bool(ended)
            time.sleep(0 if ended else 0.1)

    def look_after(self, runs: list[Run]) -> None:
        """Note who has ended."""
        from tests.offspring import bury

        bury(tuple(run.process.pid for run in runs))
        for run in runs:
            if not run.ended and run.process.poll() is not None:
                run.ended = time.monotonic()

    def show(self, run: Run) -> None:
        """What is new, below the lane's name."""
        if run.shown < 0:
            self.stdout.write(f"\n=== {run.lane} ===")
            run.shown = 0
        said = run.said.read_bytes()
        if said[run.shown :]:
            self.stdout.write(said[run.shown :].decode(errors="replace"), ending="")
            self.stdout.flush()
            run.shown = len(said)

    def leave(self, runs: list[Run]) -> None:
        """As Ctrl-C does in pytest: fixtures close what they opened, or are killed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for run in runs:
            with contextlib.suppress(OSError):
                os.kill(run.process.pid, signal.SIGINT)
        until = time.monotonic() + LEAVE_SECONDS
        for run in runs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.process.wait(max(0, until - time.monotonic()))
            run.process.kill()

    def without_postgres(self, sentence: str) -> int:
        """A developer may go on without it; CI may not."""
        from tests import machine

        self.stderr.write(f"Not run on Postgres: {sentence}")
        return 1 if machine.ON_CI else 0
