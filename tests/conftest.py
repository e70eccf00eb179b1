"""The cast: Olga (caseworker), Petra and Lena (coordinators), Anton (administrator), Mark (no access)."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory, django_test_environment):
    """Throw-away key files for every test; nothing under var/ is ever read."""
    from django.conf import settings
    from django.core.management import call_command

    from vault import keyring

    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    settings.VAULT_KEY_FILES = {name: folder / f"{name}.key" for name in settings.VAULT_KEY_FILES}
    keyring.reset()
    call_command("vault", "init", "--keys-only")
    return folder


@pytest.fixture
def team(db):
    from staff.models import Team

    return Team.objects.create(name="Astana")


@pytest.fixture
def other_team(db):
    from staff.models import Team

    return Team.objects.create(name="Tbilisi")


def _person(name, role, team):
    from staff.models import User

    return User.objects.create_user(
        name, f"{name}-long-password-1", role=role, team=team, address=f"{name}@staff.invalid"
    )


@pytest.fixture
def olga(team):
    """Caseworker of team Astana."""
    return _person("olga", "caseworker", team)


@pytest.fixture
def oskar(other_team):
    """Caseworker of team Tbilisi: a colleague without the case."""
    return _person("oskar", "caseworker", other_team)


@pytest.fixture
def petra(team):
    """Coordinator of team Astana."""
    return _person("petra", "coordinator", team)


@pytest.fixture
def lena(team):
    """Second coordinator of team Astana (a lawyer once that role exists)."""
    return _person("lena", "coordinator", team)


@pytest.fixture
def anton(db):
    """Administrator: accounts, no case content."""
    return _person("anton", "administrator", None)


@pytest.fixture
def mark(team):
    """An account without an approved role: no access."""
    return _person("mark", "", team)
