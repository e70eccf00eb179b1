"""Which tests run where: in five lanes, and what each repeats. The one place that decides it.

Everything runs on SQLite. Postgres repeats what speaks SQL below the pages: models, constraints, triggers,
locks, sealed columns, every test with real commits, and page tests marked `speaks_sql`. What a page says and
whom it answers is the same on both and runs there only with `--twice`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

# In the order in which they start, one more than there are cores: what takes longest comes first. All at once
# would make a process wait for its time limit on a small machine.
BROWSER, PROCESSES, PROCESSES_TOO, POSTGRES, SQLITE = (
    "browser",
    "processes",
    "processes-postgres",
    "postgres",
    "sqlite",
)
LANES = (PROCESSES, SQLITE, POSTGRES, BROWSER, PROCESSES_TOO)
ON_POSTGRES = (PROCESSES_TOO, POSTGRES)
# Who asks for one of these looks at pages.
PAGES = {"client", "sign_in"}
DATABASES = {"db", "own_database", "live_database"}
REAL_COMMITS = {"own_database", "live_database"}
# Below this a second worker costs more than it saves.
WORTH_A_WORKER = 150


@dataclass(frozen=True)
class Choice:
    """What was asked for on the command line, apart from pytest's own arguments."""

    quick: bool = False
    twice: bool = False


@dataclass(frozen=True)
class Facts:
    """What decides where a test runs: its marks, all fixtures it comes to, the databases it is about."""

    marks: frozenset[str] = frozenset()
    fixtures: frozenset[str] = frozenset()
    about: tuple[str, ...] = ("sqlite", "postgresql")

    @property
    def touches_a_database(self) -> bool:
        return "django_db" in self.marks or bool(DATABASES & self.fixtures)

    @property
    def is_below_the_pages(self) -> bool:
        """Page tests are, too, where commits are real, or where they say that they are about SQL."""
        return (
            "speaks_sql" in self.marks
            or self.about == ("postgresql",)
            or bool(REAL_COMMITS & self.fixtures)
            or not PAGES & self.fixtures
        )


def lanes_of(test: Facts, choice: Choice) -> tuple[str, ...]:
    """The lanes that hold this test; a test that is about one database is in no lane of the other."""
    waits = "processes" in test.marks
    if "browser" in test.marks:
        found: tuple[str, ...] = (BROWSER,)
    elif not test.touches_a_database:
        found = (PROCESSES if waits else SQLITE,)
    else:
        found = (PROCESSES, PROCESSES_TOO) if waits else (SQLITE, POSTGRES)
        if not (choice.twice or test.is_below_the_pages):
            found = found[:1]
    found = tuple(lane for lane in found if vendor(lane) in test.about)
    if choice.quick:
        return () if "slow" in test.marks else tuple(lane for lane in found if lane == SQLITE)
    return found


def vendor(lane: str) -> str:
    """The database that the lane works on, by Django's name."""
    return "postgresql" if lane in ON_POSTGRES else "sqlite"


def workers(lane: str, tests: int, cores: int) -> int:
    """How many processes share a lane; 0 is pytest without helpers. Who waits needs none."""
    wanted = {SQLITE: cores, POSTGRES: cores // 2}.get(lane, 0)
    wanted = min(wanted, tests // WORTH_A_WORKER)
    return wanted if wanted > 1 else 0


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked(arguments: Iterable[str]) -> tuple[Choice, list[str]]:
    """Our own two options, and what is left for pytest."""
    arguments = list(arguments)
    left = [argument for argument in arguments if argument not in ("--quick", "--twice")]
    return Choice(quick="--quick" in arguments, twice="--twice" in arguments), left
