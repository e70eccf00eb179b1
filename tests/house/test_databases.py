"""The fixtures for real commits, and what happens where a program is missing."""

import threading

import pytest
from django.core.management import call_command, load_command_class

from tests import machine
from vault.keyring import NAMES


@pytest.mark.processes
def test_a_database_of_ones_own_is_migrated_and_has_its_canaries(own_database):
    """`vault status` opens every canary with the keys it is given."""
    done = own_database.manage("vault", "status")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("its canary sings") == len(NAMES)
    assert own_database.manage("migrate", "--check").returncode == 0


@pytest.mark.processes
def test_commits_are_real_and_seen_by_other_threads_and_processes(live_database):
    """Sabotage: let `live_database` keep the test's own connection."""
    from django.db import connection

    from staff.models import Team

    Team.objects.create(name="Astana")
    seen = []

    def look():
        seen.extend(Team.objects.values_list("name", flat=True))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["Astana"]
    code = "from staff.models import Team; print(Team.objects.count())"
    assert live_database.manage("shell", "-v", "0", "-c", code).stdout.strip() == "1"


def test_nothing_of_another_test_is_left(live_database):
    """The one before committed a team; each copy is fresh, and the trail's triggers stand in it."""
    from django.db import connection

    from staff import append_only
    from staff.models import Team

    assert not Team.objects.exists()
    assert append_only.missing(connection) == []


def test_afterwards_the_tests_are_back_on_their_own_database(db):
    from django.db import connection

    assert "own_" not in str(connection.settings_dict["NAME"])
    assert "copy" not in str(connection.settings_dict["NAME"])


@pytest.mark.parametrize(
    ("on_ci", "outcome"), [(False, pytest.skip.Exception), (True, pytest.fail.Exception)]
)
def test_what_is_missing_is_skipped_here_and_fails_on_ci(monkeypatch, on_ci, outcome):
    """Sabotage: return quietly instead. The sentence says how to get it."""
    monkeypatch.setattr(machine, "ON_CI", on_ci)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(outcome, match="apt install chromium"):
        machine.need("chromium")


@pytest.mark.parametrize(("on_ci", "code"), [(False, 0), (True, 1)])
def test_without_postgres_the_tests_say_so(monkeypatch, capsys, on_ci, code):
    monkeypatch.setattr(machine, "ON_CI", on_ci)
    command = load_command_class("config", "test")
    assert command.without_postgres(machine.lacking("Postgres 15 or newer", "postgresql")) == code
    assert "apt install postgresql" in capsys.readouterr().err


def test_the_one_command_is_ours():
    """Django has a `test` of its own; an installed app's wins."""
    from django.core.management import get_commands

    assert get_commands()["test"] == "config"
    assert get_commands()["up"] == "config"


def test_check_says_nothing_is_wrong_with_the_wiring(db):
    """Every system check, the database's too."""
    call_command("check", databases=["default"], fail_level="WARNING")
