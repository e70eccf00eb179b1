"""Every page of the house, asked for by people who did not get that far."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from staff.middleware import DefaultDenyMiddleware
from staff.models import TotpDevice
from tests.staff.flow import password_step, signed_in
from tests.writes import write

UUID = "5f0c6b9e-3d54-4c8e-9a55-111111111111"
SAMPLES = {"uuid": UUID, "int": "1", "path": UUID, "str": "word", "slug": "word", "language": "en"}
OPEN = {"login", "invitation", "healthz", "public_start", "public_ask", "public_mailbox"}


def pages(patterns=None, prefix="/", namespace=""):
    """(view name, address) of every pattern that the resolver knows."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + sample(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from pages(entry.url_patterns, path, inner)
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}", path


def sample(pattern):
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:(\w+):)?\w+>", lambda hit: SAMPLES[hit[1] or "str"], str(pattern))
    choices = re.sub(r"\(\?P<\w+>([^|)]*)[^)]*\)", r"\1", str(pattern))
    return choices.strip("^$")


def test_the_walk_sees_the_house():
    names = {name for name, _path in pages()}
    assert {"login", "account", "panic", "admin:index", "admin:staff_user_change", "admin:app_list"} <= names
    assert all("<" not in path and "(" not in path for _name, path in pages())


def nobody(client, olga):
    return client


def with_a_password_only(client, olga):
    """A first sign-in: no device yet."""
    password_step(client, olga)
    return client


def with_a_device_not_asked_yet(client, olga):
    TotpDevice.enrol(olga)
    password_step(client, olga)
    return client


STAGES = [
    (nobody, OPEN, "/login/"),
    (with_a_password_only, OPEN | {"enrol", "verify", "logout"}, "/second-factor/set-up/"),
    (with_a_device_not_asked_yet, OPEN | {"enrol", "verify", "logout"}, "/second-factor/"),
]


@pytest.mark.parametrize(("stage", "reached", "sent_to"), STAGES)
@pytest.mark.speaks_sql
def test_every_other_page_is_closed(stage, reached, sent_to, olga):
    """Done when a session that passed only the password reaches the second factor, the way out and no more.

    Sabotage: add "account" to DefaultDenyMiddleware.PASSWORD_ONLY; `return None` atop process_view().
    """
    client = stage(Client(), olga)
    seen = 0
    for name, path in pages():
        if name in reached:
            continue
        asked = client.get(path)
        assert (name, asked.status_code) == (name, 302)
        assert asked["Location"].partition("?")[0] == sent_to, name
        assert (name, client.post(path).status_code) == (name, 403)
        seen += 1
    assert seen > 20


def test_an_account_without_a_role_reaches_only_itself(client, mark):
    """Mark has a password and a phone, and no approved role.

    Sabotage: `return None` instead of the `is_staff` line of process_view().
    """
    signed_in(client, mark)
    own = DefaultDenyMiddleware.WITHOUT_A_ROLE
    for name, path in pages():
        if name in own | DefaultDenyMiddleware.PASSWORD_ONLY | OPEN:
            continue
        asked = client.get(path)
        assert (name, asked.status_code, asked["Location"].partition("?")[0]) == (name, 302, "/account/")
        assert (name, client.post(path).status_code) == (name, 403)
    assert "No role is in effect" in client.get("/account/").content.decode()


def test_a_role_taken_away_closes_the_desk_at_once(client, anton):

    signed_in(client, anton)
    assert client.get("/desk/staff/user/").status_code == 200
    write(anton, role="")
    assert client.get("/desk/staff/user/").status_code == 302


def test_the_desk_itself_asks_for_the_second_factor_too(rf, olga):
    """Should the middleware ever be left out. Sabotage: drop `verified` from DeskSite.has_permission()."""
    from staff.sites import desk

    request = rf.get("/desk/")
    request.user = olga
    assert not desk.has_permission(request)
    olga.is_verified = lambda: False
    assert not desk.has_permission(request)
    olga.is_verified = lambda: True
    assert desk.has_permission(request)


def test_the_desk_is_the_only_admin_site():
    from django.contrib import admin

    from staff.sites import desk

    mounted = [entry for entry in _resolvers() if entry.app_name == "admin"]
    assert [entry.namespace for entry in mounted] == ["admin"]
    rooms = {model._meta.app_label for model in desk._registry}
    assert rooms <= {"staff", "cases", "intake"}
    assert "axes" not in {model._meta.app_label for model in admin.site._registry}


def _resolvers(patterns=None):
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            yield entry
            yield from _resolvers(entry.url_patterns)


def test_static_files_need_no_session(client):
    answer = client.get("/static/admin/css/base.css")
    assert answer.status_code == 200
    assert not answer.cookies
