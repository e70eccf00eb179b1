"""The ten controls of controls.py still stand where it removes them, and their tests exist; one is tried."""

import re

import pytest

from tests.house.tree import ROOMS, ROOT
from tests.machine import ON_CI
from tests.mutations.controls import CONTROLS, copy, outcome, show
from tests.mutations.sample import SAMPLE
from tests.mutations.seals import SEALS

NAMES = {
    *("csrf", "second factor", "throttle", "row access", "compartment"),
    *("step-up", "csp", "upload type", "session end", "trigger"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project; each test leaves it whole."""
    return copy(tmp_path_factory.mktemp("controls"))


def test_all_ten_are_there():
    assert {control.name for control in CONTROLS} == NAMES


def test_the_sample_is_forty_of_all_rooms():
    """The tests of config/ stand in tests/house/. Sabotage: name one of another room."""
    assert len({control.name for control in SAMPLE}) == len({control.test for control in SAMPLE}) == 40
    assert {control.test.split("/")[1] for control in SAMPLE} == {*ROOMS, "house"} - {"config"}
    assert all(control.name.startswith(control.test.split("/")[1] + ": ") for control in SAMPLE)


@pytest.mark.parametrize("control", [*CONTROLS, *SAMPLE, *SEALS], ids=lambda control: control.name)
def test_each_control_stands_where_it_is_removed(control):
    """Or the script would remove nothing and prove nothing."""
    assert (ROOT / control.file).read_text().count(control.before) == 1
    assert control.after != control.before
    path, _colons, name = control.test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


# All ten take minutes: where that is paid for, or by hand (`python -m tests.mutations`).
@pytest.mark.parametrize("control", CONTROLS if ON_CI else CONTROLS[:1], ids=lambda control: control.name)
@pytest.mark.processes
def test_without_its_control_the_test_fails(control, tree):
    """Done when each named test fails without its control. Sabotage: name a test of something else."""
    assert control.name in show(control, tree)


@pytest.mark.processes
def test_in_an_unchanged_copy_the_test_passes(tree):
    """Or a copy that cannot run would look like ten good tests. Sabotage: leave a room out of copy()."""
    done = outcome(tree, CONTROLS[0].test)
    assert done.returncode == 0, done.stdout + done.stderr
