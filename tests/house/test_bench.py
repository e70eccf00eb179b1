"""`manage.py bench`: every bench can be named, and the smallest run of the vault's ends well."""

import os
import sys

import pytest
from django.core.management import CommandError, call_command

from config.management.commands.bench import benches
from tests.house.tree import ROOT, run


def test_every_bench_says_what_it_measures(capsys):
    call_command("bench")
    told = capsys.readouterr().out
    assert {"vault", "reminders", "rules"} <= benches().keys()
    for name, words in benches().items():
        assert words.endswith(".")
        assert f"{name} " in told
        assert words in told


def test_an_unknown_bench_is_refused_with_those_there_are():
    with pytest.raises(CommandError, match="no bench 'fault'.*vault"):
        call_command("bench", "fault")


@pytest.mark.processes
def test_the_vaults_bench_fills_its_whole_table():
    """With few rows: that it runs, not how fast. Sabotage: let shown_column raise in the twins' list."""
    done = run(sys.executable, str(ROOT / "manage.py"), "bench", "vault", "300")
    assert done.returncode == 0, done.stderr
    wanted = ("open a field: **vault**", "admin list", "search 300", "rotate calendar", "seal a file")
    for what in wanted:
        assert what in done.stdout


@pytest.mark.processes
def test_a_bench_leaves_the_installation_it_is_called_in_alone(tmp_path):
    """A bench fills its database with invented cases. Sabotage: `env=None` in run_alone()."""
    env = {**os.environ, "DESK_VAR": str(tmp_path), "DESK_PREPARED": "1"}
    done = run(sys.executable, str(ROOT / "manage.py"), "bench", "search", "30", env=env)
    assert done.returncode == 0, done.stderr
    assert "a code name, coordinator" in done.stdout
    assert list(tmp_path.iterdir()) == []
