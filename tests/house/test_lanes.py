"""Which lane holds which test: the choice of `manage.py test`, as a function."""

import io
import json
from functools import partial

import pytest

from config.management.commands.test import NO_TESTS_FOUND, Command, Run
from tests import lanes
from tests.lanes import BROWSER, POSTGRES, PROCESSES, PROCESSES_TOO, SQLITE, Choice, Facts, lanes_of


def facts(*words, about=("sqlite", "postgresql")):
    """A test with these marks and fixtures; their names never clash."""
    return Facts(frozenset(words), frozenset(words), about)


PURE, MODEL, PAGE = facts(), facts("django_db", "db"), facts("django_db", "db", "client")
COMMITS = facts("own_database", "live_database", "client")
PAGE_OF_SQL = facts("django_db", "client", "speaks_sql")
KILLS = facts("processes", "own_database")
TOOL = facts("processes")
SITE = facts("browser", "own_database")


@pytest.mark.parametrize(
    ("test", "where"),
    [
        (PURE, (SQLITE,)),
        (MODEL, (SQLITE, POSTGRES)),
        (PAGE, (SQLITE,)),
        (PAGE_OF_SQL, (SQLITE, POSTGRES)),
        (COMMITS, (SQLITE, POSTGRES)),
        (KILLS, (PROCESSES, PROCESSES_TOO)),
        (TOOL, (PROCESSES,)),
        (SITE, (BROWSER,)),
    ],
)
def test_postgres_repeats_what_speaks_sql_below_the_pages(test, where):
    """Sabotage: leave REAL_COMMITS out of `is_below_the_pages`; two who accept at once meet no Postgres."""
    assert lanes_of(test, Choice()) == where


@pytest.mark.parametrize("test", [PURE, MODEL, PAGE, PAGE_OF_SQL, COMMITS, KILLS, TOOL, SITE])
def test_everything_runs_on_sqlite_whatever_is_asked(test):
    """Sabotage: take the last lane instead of the first where pages are not repeated."""
    for choice in (Choice(), Choice(twice=True)):
        assert [lane for lane in lanes_of(test, choice) if lane not in lanes.ON_POSTGRES]


def test_twice_brings_the_pages_to_postgres_too():
    """Sabotage: ignore `twice`."""
    assert lanes_of(PAGE, Choice(twice=True)) == (SQLITE, POSTGRES)
    assert lanes_of(SITE, Choice(twice=True)) == (BROWSER,)


@pytest.mark.parametrize("test", [KILLS, TOOL, SITE, facts("slow")])
def test_quick_waits_for_nothing(test):
    """No process, no browser, nothing that takes long. Sabotage: return `found` whatever was asked."""
    assert lanes_of(test, Choice(quick=True)) == ()


@pytest.mark.parametrize("test", [PURE, MODEL, PAGE, COMMITS])
def test_quick_asks_everything_else_once(test):
    assert lanes_of(test, Choice(quick=True)) == (SQLITE,)


@pytest.mark.parametrize(("about", "lane"), [("sqlite", SQLITE), ("postgresql", POSTGRES)])
def test_a_test_about_one_database_meets_no_other(about, lane):
    """Also behind a page. Sabotage: leave `about` out of `is_below_the_pages`."""
    for test in (facts("db", about=(about,)), facts("db", "client", about=(about,))):
        assert lanes_of(test, Choice()) == (lane,)
    assert lanes_of(facts("db", about=("postgresql",)), Choice(quick=True)) == ()


def test_what_is_ours_on_the_command_line_is_kept_from_pytest():
    choice, left = lanes.asked(["-k", "reminders", "--quick", "-x"])
    assert choice == Choice(quick=True)
    assert left == ["-k", "reminders", "-x"]


@pytest.mark.parametrize(
    ("lane", "tests", "cores", "helpers"),
    [(SQLITE, 3000, 2, 2), (SQLITE, 3000, 8, 8), (SQLITE, 200, 8, 0), (SQLITE, 3000, 1, 0)]
    + [(POSTGRES, 2000, 2, 0), (POSTGRES, 2000, 8, 4), (BROWSER, 500, 8, 0), (PROCESSES, 500, 8, 0)],
)
def test_helpers_come_where_cores_are_and_work_is(lane, tests, cores, helpers):
    """Sabotage: ask for as many as there are cores, and a single test waits for eight databases."""
    assert lanes.workers(lane, tests, cores) == helpers


class Lanes:
    """Stands in for pytest: what it finds where, and which lanes were started with what."""

    def __init__(self, monkeypatch, held, paths=(), codes=()):
        self.started, self.codes = {}, dict(codes)
        self.told = {
            name: {"tests": len(held.get(name, ())), "files": held.get(name, [])} for name in lanes.LANES
        }
        self.paths = list(paths)
        monkeypatch.setattr(Command, "collect", lambda _self, arguments, _folder: self.write(arguments))
        monkeypatch.setattr(Command, "postgres", lambda _self, _stack: ("postgres://", ""))
        monkeypatch.setattr(Command, "start", lambda _self, lane, _tests, which, *_: self.begin(lane, which))
        monkeypatch.setattr(
            Command, "follow", lambda _self, runs, waiting: runs.extend(start() for start in waiting)
        )

    def write(self, arguments):
        with open(arguments[arguments.index("--lanes-to") + 1], "w") as told:
            json.dump({"lanes": self.told, "paths": self.paths}, told)
        return 0

    def begin(self, lane, which):
        self.started[lane] = which

        class Ended:
            process = type("Process", (), {"returncode": self.codes.get(lane, 0)})

            def line(self):
                return lane

        return Ended()


def test_no_more_lanes_run_at_once_than_a_small_machine_bears(monkeypatch, tmp_path):
    """Or a desk is not up within its time limit. Sabotage: start all that waits in follow()."""
    monkeypatch.setattr(lanes, "cores", lambda: 2)
    running, most, begun = [], [], []

    def start(lane):
        said = tmp_path / lane
        said.write_text(f"{lane} said this\n")
        looks = iter([None, None, 0])
        process = type("Process", (), {"pid": -1, "returncode": 0, "poll": lambda _self: next(looks, 0)})()
        run = Run(lane, 1, process, said, 0.0)
        begun.append(lane)
        running.append(run)
        most.append(sum(not each.ended for each in running))
        return run

    command, runs = Command(stdout=io.StringIO()), []
    monkeypatch.setattr("tests.offspring.bury", lambda _but: None)
    command.follow(runs, [partial(start, lane) for lane in lanes.LANES])
    assert begun == list(lanes.LANES)
    assert max(most) == 3
    told = command.stdout.getvalue()
    assert [told.index(f"{lane} said this") for lane in lanes.LANES] == sorted(
        told.index(f"{lane} said this") for lane in lanes.LANES
    )


def test_only_lanes_that_hold_such_a_test_start(monkeypatch, tmp_path):
    """And each reads its own files only. Sabotage: start all of `lanes.LANES`."""
    found = Lanes(monkeypatch, {SQLITE: ["tests/a.py", "tests/b.py"], POSTGRES: ["tests/b.py"]})
    assert Command().in_lanes(["-k", "reminders", "--twice"], tmp_path) == 0
    assert set(found.started) == {SQLITE, POSTGRES}
    assert found.started[POSTGRES] == ["--twice", "--lane", POSTGRES, "-k", "reminders", "tests/b.py"]


def test_a_path_stays_what_was_typed(monkeypatch, tmp_path):
    """One test of a file, not the file."""
    path = "tests/a.py::test_one"
    found = Lanes(monkeypatch, {SQLITE: ["tests/a.py"]}, paths=[path])
    Command().in_lanes([path, "-x"], tmp_path)
    assert found.started == {SQLITE: ["--lane", SQLITE, "-x", path]}


@pytest.mark.parametrize(
    ("codes", "worst"), [({}, 0), ({SQLITE: 1}, 1), ({SQLITE: 1, BROWSER: 3}, 3), ({POSTGRES: -9}, 9)]
)
def test_the_worst_lane_is_the_answer(monkeypatch, tmp_path, codes, worst):
    """Also one that was killed. Sabotage: `max` over the bare exit codes."""
    Lanes(monkeypatch, {name: ["tests/a.py"] for name in (BROWSER, POSTGRES, SQLITE)}, codes=codes)
    assert Command().in_lanes([], tmp_path) == worst


def test_where_no_lane_holds_one_that_is_said(monkeypatch, tmp_path, capsys):
    Lanes(monkeypatch, {})
    assert Command().in_lanes(["-k", "nothing"], tmp_path) == NO_TESTS_FOUND
    assert "No lane" in capsys.readouterr().err
