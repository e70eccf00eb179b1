"""The cast: Olga (caseworker), Oskar (another team's), Lena (lawyer), Petra and Paula (coordinators),
Anton (administrator), Vera (auditor), Mark (no access)."""

import gc
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock
from uuid import uuid4

import hypothesis
import pytest

from tests import lanes
from tests.databases import fresh_databases, migrated_on_postgres, use_in_this_process
from tests.dated import arm
from tests.machine import free_port
from tests.mailroom import open_mailroom
from tests.ready_schema import migrated_once

# How long an example takes says nothing where two runs share a small machine.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("desk")


def pytest_addoption(parser):
    parser.addoption("--lane", help="run the tests of this lane only (tests/lanes.py); for manage.py test")
    parser.addoption("--lanes-to", help="write which lane holds which files to this path, and run nothing")
    parser.addoption("--quick", action="store_true", help="with --lane: what answers soon")
    parser.addoption("--twice", action="store_true", help="with --lane: the pages on Postgres too")


def pytest_configure(config):
    # What is collected lives to the end: nobody need look there for garbage.
    gc.disable()
    if config.getoption("--lanes-to"):
        config.option.collectonly = True


def pytest_collection_finish(session):
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Keeps the tests of the lane; without one, those that are about this database."""
    lane = config.getoption("--lane")
    choice = lanes.Choice(quick=config.getoption("--quick"), twice=config.getoption("--twice"))
    here = "postgresql" if os.environ.get("DATABASE_URL") else "sqlite"
    held = {item: lanes.lanes_of(_facts(item), choice) for item in items}
    if config.getoption("--lanes-to"):
        _write_lanes(Path(config.getoption("--lanes-to")), config, held)
        return
    staying = {item for item in items if (lane in held[item] if lane else here in _facts(item).about)}
    config.hook.pytest_deselected(items=[item for item in items if item not in staying])
    items[:] = [item for item in items if item in staying]


def _facts(item):
    about = item.get_closest_marker("only_on")
    marks = frozenset(mark.name for mark in item.iter_markers())
    fixtures = frozenset(item.fixturenames)
    return lanes.Facts(marks, fixtures, about.args) if about else lanes.Facts(marks, fixtures)


def _write_lanes(path, config, held):
    """Lane by lane how many tests it holds and in which files; and what was given as a path."""
    found = {lane: [item for item, where in held.items() if lane in where] for lane in lanes.LANES}
    told = {
        lane: {"tests": len(items), "files": sorted({item.nodeid.partition("::")[0] for item in items})}
        for lane, items in found.items()
    }
    given = config.args if config.args_source is config.ArgsSource.ARGS else []
    path.write_text(json.dumps({"lanes": told, "paths": given}))


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
def own_key(tmp_path, settings, keys):
    """`own_key("index")`: from here on a key of that name of one's own, beside the others."""

    from vault import canaries, keyfiles, keyring

    def make(name):
        path = tmp_path / "keys" / f"{name}.key"
        keyfiles.make(path)
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {name: path}
        keyring.reset()
        canaries.place(name)

    yield make
    keyring.reset()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request, keys, tmp_path_factory, django_db_modify_db_settings_parallel_suffix
):
    """pytest-django asks for it before it makes the tables; each helper of a lane has its own."""
    from django.db import connection

    if connection.vendor == "postgresql":
        test, lane = connection.settings_dict["TEST"], request.config.getoption("--lane") or "alone"
        ready = migrated_on_postgres(tmp_path_factory.mktemp("ready") / "var", keys)
        test["TEMPLATE"] = ready and ready.name
        # Two lanes share the cluster.
        test["NAME"] = f"{test['NAME'] or 'test_desk'}_{lane.replace('-', '_')}"
    with migrated_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_looked_for_once(django_test_environment):
    """WhiteNoise walks through all static files for each new client; what it finds stays the same."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    walk, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def once(self):
        if not found:
            walk(self)
            found.update(self.files)
        self.files.update(found)

    with mock.patch.object(WhiteNoiseMiddleware, "add_files_from_finders", once):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords(django_test_environment):
    """Argon2 takes its time on purpose; the cast would spend it in every test."""
    from django.conf import settings
    from django.contrib.auth import hashers

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    hashers.get_hashers.cache_clear()
    hashers.get_hashers_by_algorithm.cache_clear()


@pytest.fixture(autouse=True)
def in_english(django_test_environment):
    """No test leaves its reader's language to the next."""
    from django.utils import translation

    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def _fresh_databases(tmp_path_factory, keys):
    with fresh_databases(tmp_path_factory.mktemp("databases"), keys) as make:
        yield make


@pytest.fixture
def own_database(_fresh_databases):
    """A database of one's own, migrated, with canaries, for tests that need real commits or other processes.

    `.env` is the whole environment for `manage.py`, gunicorn or Celery in a subprocess; `.var` its DESK_VAR.
    The append-only triggers refuse `flush`, so such tests copy a template instead of cleaning up after
    themselves: never use `django_db(transaction=True)`.
    """
    database = _fresh_databases()
    yield database
    database.drop()


@pytest.fixture
def live_database(own_database, django_db_blocker):
    """`own_database`, and this process works on it too, in every thread, with real commits."""
    with django_db_blocker.unblock(), use_in_this_process(own_database):
        yield own_database


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
def paula(team):
    """Second coordinator of team Astana."""
    return _person("paula", "coordinator", team)


@pytest.fixture
def lena(team):
    """Lawyer of team Astana: sees what is shared with her."""
    return _person("lena", "lawyer", team)


@pytest.fixture
def anton(db):
    """Administrator: accounts, no case content."""
    return _person("anton", "administrator", None)


@pytest.fixture
def vera(db):
    """Auditor: the trail, no case content."""
    return _person("vera", "auditor", None)


@pytest.fixture
def mark(team):
    """An account without an approved role: no access."""
    return _person("mark", "", team)


@pytest.fixture
def sign_in():
    """`sign_in(olga)`: a client of hers that passed the password and the second factor just now."""
    from django.test import Client

    from tests.staff.flow import signed_in

    return lambda person: signed_in(Client(), person)


@pytest.fixture
def case(olga):
    """Olga's case in Kazakhstan."""
    from cases.models import Case

    return Case.objects.open_case(by=olga, country="KZ", summary="Left the unit in spring.")


@pytest.fixture
def at_desk(client):
    """A function: the client, signed in as that person with the second factor."""
    from tests.staff.flow import signed_in

    return lambda user: signed_in(client, user)


@pytest.fixture
def mailroom(settings):
    """A real mail server; the desk is told to use it."""
    with open_mailroom() as room:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = room.host, room.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 5
        settings.DEFAULT_FROM_EMAIL = "desk@post.invalid"
        yield room


@pytest.fixture
def no_mail_server(mailroom, settings):
    """The desk's mail server is down; give the port back to bring it up again."""
    settings.EMAIL_PORT = free_port()
    return mailroom


@pytest.fixture
def dated_case(olga):
    """Makes a case of Olga's with one open deadline on a day."""
    from cases.deadlines import DerivedDeadline
    from cases.models import Case, Deadline

    def make(
        due_on, *, by=olga, country="KZ", kind="task", armed_at=datetime(2026, 1, 1, tzinfo=UTC), **facts
    ):
        case = Case.objects.open_case(by=by, country=country, **facts)
        Deadline.objects.apply(
            case, [DerivedDeadline(kind, f"task:{uuid4()}", due_on, country)], unreadable=(), today=None
        )
        arm(case, armed_at)
        return case

    return make
