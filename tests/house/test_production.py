"""`check --deploy` is clean for production, and says so when production is not fit."""

import os
import shutil
import sys

import pytest

from tests.house.production import environment
from tests.house.tree import ROOT, run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the keys of a production desk, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    done = run(sys.executable, "manage.py", "vault", "init", "--keys-only", env=environment("desk", folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def production(made, tmp_path):
    """The desk's environment, with keys outside the project."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return environment("desk", tmp_path)


def check(env):
    """`--fail-level` so that a warning counts too."""
    return run(sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING", env=env)


def test_check_deploy_is_clean(production):
    done = check(production)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("site", ["worker", "public"])
def test_check_deploy_is_clean_for_the_other_processes(production, tmp_path, site):
    env = environment(site, tmp_path)
    done = check(env)
    assert done.returncode == 0, done.stderr


def test_a_key_inside_the_project_is_found(production):
    """Sabotage: drop settings.ROOT from the forbidden folders in vault/checks.py."""
    inside = ROOT / "var-of-a-test.key"
    inside.write_bytes(b"")
    try:
        done = check(production | {"ROOT_KEY_FILE": str(inside)})
    finally:
        inside.unlink()
    assert done.returncode != 0
    assert "vault.E021" in done.stderr


def test_a_key_that_others_can_read_is_found(production):
    os.chmod(production["INDEX_KEY_FILE"], 0o644)
    done = check(production)
    assert done.returncode != 0
    assert "chmod 600" in done.stderr


def test_a_loop_of_redirects_is_foreseen(production):
    """HTTPS is demanded, but nobody says who speaks it."""
    done = check({name: value for name, value in production.items() if name != "BEHIND_TLS_PROXY"})
    assert "config.W001" in done.stderr


def test_production_without_https_is_found(production):
    done = check(production | {"SECURE": "false", "ALLOWED_HOSTS": "localhost"})
    assert "config.E004" in done.stderr


def test_the_trial_installation_is_no_production(tmp_path):
    env = {"PATH": os.environ["PATH"], "DESK_VAR": str(tmp_path), "DESK_PREPARED": "1"}
    done = check(env)
    assert "config.E001" in done.stderr


def test_debug_and_old_zones_are_found(settings, monkeypatch):
    """Neither can be set from the environment; a hand in the file could."""
    from config import checks, startup

    settings.DEBUG = True
    assert "config.E002" in {found.id for found in checks.fit_for_production()}
    monkeypatch.setattr(startup, "ZoneInfo", lambda _name: __import__("zoneinfo").ZoneInfo("Asia/Omsk"))
    assert [found.id for found in checks.zones_are_new_enough()] == ["config.E010"]
    assert "Asia/Almaty" in next(startup.zone_problems())


def test_a_fallen_trigger_is_found(db):
    """Sabotage: `return []` in append_only.missing."""
    from django.db import connection

    from config import checks
    from staff import append_only

    assert checks.database_is_fit(databases=["default"]) == []
    append_only.remove(connection, "staff_trailrow")
    found = checks.database_is_fit(databases=["default"])
    assert [problem.id for problem in found] == ["config.E020"]
    assert "staff_trailrow" in str(found[0])


def test_production_refuses_a_database_with_demo_rows(db, settings, olga):
    """Sabotage: drop `not settings.EMBEDDED and` and the trial refuses its own demo."""
    from config import startup
    from staff.models import User

    User.objects.filter(pk=olga.pk).update(demo=True)
    settings.EMBEDDED = True
    assert list(startup.database_problems()) == []
    settings.EMBEDDED = False
    assert "1 demo rows" in next(startup.database_problems())
