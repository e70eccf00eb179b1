"""The ten controls of controls.py still stand where it removes them, and their tests exist; one is tried."""

import re

import pytest

from tests.house.tree import ROOT
from tests.machine import ON_CI
from tests.mutations.controls import CONTROLS, copy, outcome, show

NAMES = {
    *("csrf", "second factor", "throttle", "row access", "compartment"),
    *("step-up", "csp", "upload type", "session end", "trigger"),
}


def test_all_ten_are_there():
    assert {control.name for control in CONTROLS} == NAMES


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_each_control_stands_where_it_is_removed(control):
    """Or the script would remove nothing and prove nothing."""
    assert (ROOT / control.file).read_text().count(control.before) == 1
    path, _colons, name = control.test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


# All ten take minutes: where that is paid for, or by hand (`python -m tests.mutations`).
@pytest.mark.parametrize("control", CONTROLS if ON_CI else CONTROLS[:1], ids=lambda control: control.name)
def test_without_its_control_the_test_fails(control):
    """Done when each named test fails without its control. Sabotage: name a test of something else."""
    assert control.name in show(control)


def test_in_an_unchanged_copy_the_test_passes(tmp_path):
    """Or a copy that cannot run would look like ten good tests. Sabotage: leave a room out of copy()."""
    done = outcome(copy(tmp_path), CONTROLS[0].test)
    assert done.returncode == 0, done.stdout + done.stderr
