"""Tables: made without code of ours, guarded again when remade, and not continued from another plan."""

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import history
from law.models import LegalRule
from staff import append_only
from tests.house.tree import ROOMS, ROOT, imports, name
from tests.machine import free_port

GUARDED = "law_legalrule"


def migrations():
    return [path for room in ROOMS for path in sorted((ROOT / room).glob("migrations/0*.py"))]


def test_migrations_run_no_code_of_ours():
    """What a migration imports changes after it, but for sealed fields, which are bytes there.

    Sabotage: `from staff import append_only` in any of them.
    """
    assert len(migrations()) >= 8
    ours = {name(path): sorted(module for module in imports(path) if module.split(".")[0] in ROOMS)
            for path in migrations()}  # fmt: skip
    assert {path: modules for path, modules in ours.items() if modules} == {}


@pytest.fixture
def other_plan(db):
    """A database in which a migration of version 0.1.0 was applied."""
    MigrationRecorder(connection).record_applied("cases", "0002_deadline_rule")


def test_a_database_of_before_is_refused_in_one_line(other_plan, capsys):
    """Sabotage: leave `history.problems` out of migrate: Django would go on and end in the middle."""
    with pytest.raises(CommandError) as refused:
        call_command("migrate", verbosity=0)
    said = str(refused.value)
    assert "cases.0002_deadline_rule" in said
    assert "To begin anew" in said
    assert "export each case" in said
    assert "\n" not in said


def test_every_start_refuses_it_too(other_plan):
    """Sabotage: leave `history.problems` out of startup.database_problems."""
    from config import startup

    assert any("another version of the desk" in problem for problem in startup.database_problems())


def test_a_database_of_ours_is_gone_on_with(db):
    assert list(history.problems(connection)) == []


@pytest.mark.only_on("sqlite")
def test_up_refuses_a_trial_of_before(own_database):
    """In its one line, not in a traceback. Sabotage: leave `history.problems` out of migrate."""
    code = (
        "from django.db import connection; from django.db.migrations.recorder import MigrationRecorder; "
        "MigrationRecorder(connection).record_applied('cases', '0002_deadline_rule')"
    )
    assert own_database.manage("shell", "-v", "0", "-c", code).returncode == 0
    done = own_database.manage("up", "--port", str(free_port()), DESK_PREPARED="1")
    assert done.returncode == 1
    assert "another version of the desk" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_remade_table_gets_its_triggers_again(db, monkeypatch):
    """SQLite drops them with the old table. Sabotage: leave `append_only.install` out of migrate."""

    def remade(*_arguments, **_options):
        append_only.remove(connection, GUARDED)

    monkeypatch.setattr(migrate.Command, "handle", remade)
    call_command("migrate", verbosity=0)
    assert append_only.missing(connection) == []


def test_what_had_fallen_before_is_left_for_somebody_to_ask_why(db):
    """Sabotage: give `tables_without` an empty set in migrate."""
    append_only.remove(connection, GUARDED)
    call_command("migrate", verbosity=0)
    assert append_only.missing(connection) != []


def test_the_first_rules_are_loaded_by_name_and_only_into_an_empty_table(db, capsys):
    """Sabotage: ask `_rules_are_wanted` no more: every migrate would say what it does not do."""
    rules = LegalRule.objects.count()
    assert rules > 0
    call_command("migrate", verbosity=1)
    assert "The files that ship" not in capsys.readouterr().out
    assert LegalRule.objects.count() == rules
    call_command("load_rules")
    assert "stay_rules.json 20" in capsys.readouterr().out
