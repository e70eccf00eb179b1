"""`manage.py test`: everything that can be tested, in one command; further arguments go to pytest."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import BaseCommand

NO_TESTS_FOUND = 5  # pytest's exit code, e.g. when -k names a test that needs no database


class Command(BaseCommand):
    """Pytest on SQLite, where tests/house runs the tools too; then what uses a database again on Postgres."""

    help = "Run every test; further arguments go to pytest, e.g. manage.py test -k reminders"
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Every argument is pytest's, so Django's parser never sees them."""
        sys.exit(self.run_all(argv[2:]))

    def run_all(self, arguments: list[str]) -> int:
        """The worst exit code of the runs, which take a core each."""
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
        """At the same time; what the second run says is shown after the first."""
        with (folder / "said").open("w+") as said:
            second = self.pytest(
                ["--database-only", "-p", "no:cacheprovider", *arguments],
                folder / "postgres",
                url,
                stdout=said,
            )
            try:
                codes = {self.on_sqlite(arguments, folder), second.wait()}
            finally:
                second.kill()
            said.seek(0)
            self.say("Postgres")
            shutil.copyfileobj(said, self.stdout)
        # -k may name tests that need no database; if neither run found one, that is the answer.
        return max(codes - {NO_TESTS_FOUND}, default=NO_TESTS_FOUND)

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
