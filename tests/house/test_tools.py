"""The tools that read the code, run as tests so that one closing line tells all."""

import json
import re
import sys

import pytest

from tests.house.tree import ROOMS, ROOT, run

# They take long: not with --quick.
pytestmark = pytest.mark.processes
STRICT = ("vault", "law/rules", "staff/roles.py", "staff/trail.py", "intake/triage.py")


def test_ruff_finds_nothing():
    done = run(sys.executable, "-m", "ruff", "check", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_hold_in_the_strict_rooms():
    """What seals, counts days or grants access is typed without gaps."""
    rooms = [room for room in STRICT if (ROOT / room).exists()]
    assert len(rooms) >= 4
    done = run(sys.executable, "-m", "mypy", "--strict", *rooms)
    assert done.returncode == 0, done.stdout + done.stderr


def test_models_and_migrations_agree(own_database):
    """Sabotage: a new field without makemigrations."""
    done = own_database.manage("makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


# Where ruff has one rule, bandit has two.
SAME_RULE = {"B703": "S308"}
# Answers to marks that bear no words of their own: file and rule.
ANSWERS = {
    ("desk/templatetags/case_page.py", "S308"): "joins what Django's own escaping drew",
    ("config/dumps.py", "S608"): "names of tables of this module",
    ("vault/blind_index.py", "S608"): "the table's name comes from a model of ours; the value is a parameter",
    ("vault/record_keys.py", "S608"): "the table's name comes from a model of ours; values are parameters",
    ("vault/rotation.py", "S608"): "names of columns come from models of ours; values are parameters",
}


def test_bandit_finds_nothing():
    """Nothing that is not answered where it stands. Sabotage: `subprocess.run(text, shell=True)` anywhere."""
    command = ("-m", "bandit", "-q", "-c", "pyproject.toml", "-f", "json", "-r", *ROOMS, "manage.py")
    done = run(sys.executable, *command)
    found = json.loads(done.stdout)
    assert found["errors"] == []
    assert len(found["metrics"]) > 50
    open_ones = [one for one in found["results"] if not answered(one)]
    assert [f"{one['filename']}:{one['line_number']} {one['issue_text']}" for one in open_ones] == []


def answered(finding):
    """Whether its line is marked by ruff's number for the same rule, with words why, there or above."""
    rule = SAME_RULE.get(finding["test_id"], "S" + finding["test_id"][1:])
    lines = (ROOT / finding["filename"]).read_text().splitlines()
    here = lines[finding["line_range"][0] - 1 : finding["line_range"][-1]]
    marks = [mark for line in here if (mark := re.search(rf"noqa: [S\d, ]*{rule}\b(.*)", line))]
    return any(re.search(r"\(.+\)", mark[1]) for mark in marks) or (
        bool(marks) and (finding["filename"], rule) in ANSWERS
    )
