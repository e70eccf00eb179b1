"""`manage.py bench NAME`: what things cost, as ratios measured side by side in one run."""

import ast
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

FOLDER = "tests/bench"


def benches() -> dict[str, str]:
    """Name and first line of each bench there is: `bench_vault.py` is "vault"."""
    found = {}
    for path in sorted(Path(settings.ROOT, FOLDER).glob("bench_*.py")):
        words = ast.get_docstring(ast.parse(path.read_text())) or ""
        found[path.stem.removeprefix("bench_")] = words.partition("\n")[0]
    return found


class Command(BaseCommand):
    """Each bench is a process of its own on a throw-away database; this installation is not touched."""

    help = "Measure what things cost, side by side in one run: manage.py bench NAME [SIZE]"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Without a name, the list of them."""
        parser.add_argument("name", nargs="?", metavar="NAME")
        parser.add_argument("arguments", nargs="*", metavar="SIZE", help="what the bench itself takes")
        parser.add_argument("--postgres", action="store_true", help="on a throw-away Postgres, not SQLite")

    def handle(
        self, *args: Any, name: str | None = None, arguments: list[str], postgres: bool, **options: Any
    ) -> None:
        """Run one, or say which there are."""
        known = benches()
        if name is None:
            for each, words in known.items():
                self.stdout.write(f"{each:12} {words}")
            return
        if name not in known:
            raise CommandError(f"There is no bench {name!r}; there are: {', '.join(known) or 'none here'}.")
        with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder, _database(postgres) as url:
            self.run_alone(name, arguments, Path(folder), url)

    def run_alone(self, name: str, arguments: list[str], folder: Path, url: str) -> None:
        """In an environment without a setting of this installation: a bench fills its database."""
        from tests.machine import own_environment

        (folder / "keys").mkdir(mode=0o700)
        command = [sys.executable, "-m", f"tests.bench.bench_{name}", *arguments]
        done = subprocess.run(command, cwd=settings.ROOT, env=own_environment(folder, url))
        if done.returncode:
            raise CommandError(f"The bench {name} ended with {done.returncode}.")


def _database(postgres: bool) -> Any:
    """A context that gives the address of an empty Postgres, or "" for SQLite."""
    if not postgres:
        return nullcontext("")
    from tests import cluster, machine

    folder = machine.postgres_bin()
    if not folder:
        raise CommandError(machine.lacking("Postgres 15 or newer", "postgresql"))
    return cluster.cluster(folder)
