"""The tools that read the code, run as tests so that one closing line tells all."""

import sys

from tests.house.tree import ROOT, run

STRICT = ("vault", "cases/rules", "staff/roles.py", "staff/trail.py", "intake/triage.py")


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
