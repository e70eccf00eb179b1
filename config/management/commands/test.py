"""`manage.py test`: everything that can be tested, in one command; further arguments go to pytest."""

import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import BaseCommand

INTERRUPTED = 2  # pytest's exit code after Ctrl-C
NO_TESTS_FOUND = 5  # pytest's exit code, e.g. when -k names a test that needs no database


class Command(BaseCommand):
    """Pytest on SQLite, where tests/house runs the tools too; then what uses a database again on Postgres."""

    help = "Run every test; further arguments go to pytest, e.g. manage.py test -k reminders"
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Every argument is pytest's, so Django's parser never sees them."""
        sys.exit(self.run_all(argv[2:]))

    def run_all(self, arguments: list[str]) -> int:
        """The worst exit code of the runs."""
        from tests import machine
        from tests.cluster import NoCluster, cluster

        with tempfile.TemporaryDirectory(prefix="desk-test-") as name:
            folder, bin_folder = Path(name), machine.postgres_bin()
            if not bin_folder:
                worst = self.on_sqlite(arguments, folder)
                return self.without_postgres(machine.lacking("Postgres 15 or newer", "postgresql"), worst)
            try:
                with cluster(bin_folder) as url:
                    return self.on_both(arguments, folder, url)
            except NoCluster as problem:
                worst = self.on_sqlite(arguments, folder)
                return self.without_postgres(f"Postgres does not start here: {problem}", worst)

    def on_sqlite(self, arguments: list[str], folder: Path) -> int:
        """Shown as it goes."""
        self.say("SQLite")
        return self.pytest(arguments, folder / "sqlite").wait()

    def on_both(self, arguments: list[str], folder: Path, url: str) -> int:
        """Two lanes, one for each core; what the second says is shown after the first.

        Of the whole suite the browser's tests go into the second: with them the first took twice as long.
        """
        whole = not arguments
        second = [("Postgres", ["--database-only", *arguments], url)]
        second += [("Browser", ["-m", "browser"], "")] if whole else []
        with (folder / "said").open("w+") as said, ThreadPoolExecutor(1) as lane:
            others = lane.submit(self.in_turn, second, folder, said)
            codes = {self.on_sqlite(["-m", "not browser"] if whole else arguments, folder), *others.result()}
            said.seek(0)
            shutil.copyfileobj(said, self.stdout)
        # -k may name tests that need no database; if neither run found one, that is the answer.
        return max(codes - {NO_TESTS_FOUND}, default=NO_TESTS_FOUND)

    def in_turn(self, runs: list[tuple[str, list[str], str]], folder: Path, said: IO[str]) -> list[int]:
        """The exit codes of `runs` (name, arguments, database), in turn, until one is interrupted."""
        codes = []
        for name, arguments, url in runs:
            print(f"\n=== {name} ===", file=said, flush=True)
            run = self.pytest(["-p", "no:cacheprovider", *arguments], folder / name.lower(), url, stdout=said)
            codes.append(run.wait())
            if codes[-1] == INTERRUPTED:
                break
        return codes

    def without_postgres(self, sentence: str, worst: int) -> int:
        """A developer may go on without it; CI may not."""
        from tests import machine

        self.stderr.write(f"Not run on Postgres: {sentence}")
        return max(worst, 1) if machine.ON_CI else worst

    def pytest(
        self, arguments: list[str], var: Path, database_url: str = "", stdout: IO[str] | None = None
    ) -> subprocess.Popen:
        """One run, on nothing of this installation: no setting of it, no file under var/."""
        from tests.machine import own_environment

        env = own_environment(var, database_url)
        command = [sys.executable, "-m", "pytest", "-q", "-rs", *arguments]
        return subprocess.Popen(
            command, env=env, cwd=settings.ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stdout
        )

    def say(self, what: str) -> None:
        """A heading, before the output of the run it belongs to."""
        self.stdout.write(f"\n=== {what} ===")
        self.stdout.flush()
