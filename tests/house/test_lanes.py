"""The lanes of `manage.py test`."""

import io

import pytest

from config.management.commands.test import INTERRUPTED, Command

RUNS = [("Postgres", [], "postgres://"), ("Browser", [], "")]


@pytest.mark.parametrize(("code", "begun"), [(0, 2), (1, 2), (INTERRUPTED, 1)])
def test_whoever_presses_ctrl_c_waits_for_no_further_run(tmp_path, monkeypatch, code, begun):
    """A failing run goes on with the next, an interrupted one does not. Sabotage: drop the `break`."""

    class Ended:
        def wait(self):
            return code

    monkeypatch.setattr(Command, "pytest", lambda *_args, **_options: Ended())
    assert Command().in_turn(RUNS, tmp_path, io.StringIO()) == [code] * begun
