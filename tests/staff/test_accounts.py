"""Accounts and role requests on the desk, for those who may and those who may not."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from staff import codes
from staff.models import Invitation, RoleGrant, TotpDevice, TrailRow, User
from staff.trail import Verb
from tests.staff.flow import signed_in
from tests.writes import write

NEW = {"username": "Nina", "wanted_role": "caseworker", "language": "en", "time_zone": "Asia/Almaty"}


def invite(client, **change):
    return client.post("/desk/staff/user/add/", NEW | {"address": "nina@staff.invalid"} | change)


@pytest.mark.speaks_sql
def test_one_way_from_invitation_to_the_desk(client, anton, petra):
    """Done when an invited person gets in, and sees nothing before a coordinator approved the role."""
    page = invite(signed_in(client, anton)).content.decode()
    code = re.search(r"<code>((?:[0-9a-z]{4}-){4}[0-9a-z]{4})</code>", page)[1]
    hers = Client()
    sent = {"code": code, "password1": "nina-long-password-1", "password2": "nina-long-password-1"}
    assert hers.post("/invitation/", sent).status_code == 302
    nina = User.objects.get(username="nina")
    signed_in(hers, nina)
    assert hers.get("/desk/")["Location"].startswith("/account/")
    page = hers.get("/account/").content.decode()
    assert "waits for a coordinator" in page
    read_out = re.search(r'class="read-out"><code>([0-9a-z]{4}-[0-9a-z]{4})</code>', page)[1]
    his = signed_in(Client(), petra)
    grant = RoleGrant.objects.get(subject=nina)
    assert f"/desk/staff/rolegrant/{grant.pk}/decide/" in his.get("/desk/staff/rolegrant/").content.decode()
    decide = f"/desk/staff/rolegrant/{grant.pk}/decide/"
    page = his.get(decide).content.decode()
    assert "must not pass it on" in page
    assert read_out not in page
    assert "already set up" in page
    for sent, said in (({}, "Only the person can read it"), ({"code": "0000-0000"}, "not the code of their")):
        answer = his.post(decide, {"approve": "1"} | sent)
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert not User.objects.get(pk=nina.pk).is_staff
    assert TrailRow.objects.filter(verb=Verb.REFUSED, actor=petra).count() == 1
    assert his.post(decide, {"approve": "1", "code": read_out}).status_code == 302
    assert User.objects.get(pk=nina.pk).is_staff
    assert "read-out" not in hers.get("/account/").content.decode()


def test_the_code_is_shown_once_and_lies_nowhere(client, anton):
    """Not in the session, not in a message, not in an address."""
    answer = invite(signed_in(client, anton))
    code = re.search(r"<code>((?:[0-9a-z]{4}-){4}[0-9a-z]{4})</code>", answer.content.decode())[1]
    assert answer.status_code == 200
    assert code not in str(dict(client.session))
    assert code not in client.get("/desk/staff/user/").content.decode()
    assert Invitation.objects.open_for(code)
    details = [row.details for row in TrailRow.objects.all()]
    assert codes.normalise(code) not in codes.normalise(str(details))


def test_the_address_lies_sealed(client, anton):
    invite(signed_in(client, anton))
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM staff_user WHERE username = 'nina'")
        stored = bytes(cursor.fetchone()[0])
    assert b"staff.invalid" not in stored
    assert User.objects.get(username="nina").address == "nina@staff.invalid"


def test_a_taken_username_is_explained(client, anton, olga):
    answer = invite(signed_in(client, anton), username="OLGA")
    assert "This username is taken" in answer.content.decode()
    assert User.objects.filter(username="olga").count() == 1


def test_the_form_cannot_set_what_is_not_on_it(client, anton):
    """Sabotage: add "role" to AccountForm.Meta.fields (and make it editable)."""
    invite(signed_in(client, anton), role="coordinator", is_active="", password="x", session_epoch="7")
    nina = User.objects.get(username="nina")
    assert (nina.role, nina.is_active, nina.session_epoch) == ("", True, 0)
    assert not nina.has_usable_password()


def test_an_administrator_changes_team_and_address(client, anton, olga, other_team):
    signed_in(client, anton)
    sent = {"team": str(other_team.pk), "language": "en", "time_zone": "UTC", "address": "new@staff.invalid"}
    assert client.post(f"/desk/staff/user/{olga.pk}/change/", sent).status_code == 302
    now = User.objects.get(pk=olga.pk)
    assert (now.team, now.address, now.role) == (other_team, "new@staff.invalid", "caseworker")
    row = TrailRow.objects.filter(verb=Verb.ACCOUNT_CHANGED).get()
    assert row.details["fields"] == ["user.address", "user.team"]
    assert "new@staff.invalid" not in str(row.details)


ADMINISTRATORS_ONLY = [
    "/desk/staff/user/add/",
    "/desk/staff/team/add/",
    *("{user}" + f"{verb}/" for verb in ("role", "invite", "close", "reopen")),
]
SEEN_BY_COORDINATORS = ["/desk/staff/user/", "{user}change/", "/desk/staff/team/", "/desk/staff/rolegrant/"]


@pytest.mark.parametrize("page", ADMINISTRATORS_ONLY)
@pytest.mark.parametrize(("name", "status"), [("anton", 200), ("petra", 403), ("olga", 403), ("mark", 302)])
def test_only_administrators_manage_accounts(page, name, status, client, request, paula):
    """Sabotage: drop the `_manages` line of UserAdmin._account()."""
    client = signed_in(client, request.getfixturevalue(name))
    path = page.format(user=f"/desk/staff/user/{paula.pk}/")
    assert client.get(path).status_code == status
    if status != 200:
        assert client.post(path, NEW | {"role": "administrator", "name": "X"}).status_code == 403
        assert set(User.objects.values_list("username", flat=True)) <= {name, "paula"}
        assert User.objects.get(pk=paula.pk).role == "coordinator"
        assert RoleGrant.objects.filter(requested_by__isnull=False).count() == 0


@pytest.mark.parametrize("page", SEEN_BY_COORDINATORS)
@pytest.mark.parametrize(("name", "status"), [("anton", 200), ("petra", 200), ("olga", 403), ("mark", 302)])
def test_accounts_are_seen_by_administrators_and_coordinators(page, name, status, client, request, paula):
    client = signed_in(client, request.getfixturevalue(name))
    assert client.get(page.format(user=f"/desk/staff/user/{paula.pk}/")).status_code == status


def test_a_coordinator_reads_an_account_without_its_address(client, petra, olga):
    page = signed_in(client, petra).get(f"/desk/staff/user/{olga.pk}/change/").content.decode()
    assert "olga@staff.invalid" not in page
    assert "Close the account" not in page
    sent = {"team": "", "language": "ru", "time_zone": "UTC"}
    assert client.post(f"/desk/staff/user/{olga.pk}/change/", sent).status_code == 403
    assert User.objects.get(pk=olga.pk).language == "en"


@pytest.mark.parametrize(("name", "status"), [("petra", 200), ("anton", 403), ("olga", 403), ("mark", 302)])
def test_only_coordinators_decide_on_roles(name, status, client, request, anton, paula):
    """Sabotage: drop the `may` line of decide_view() and of RoleGrant._decide()."""
    nina = User.objects.create_user("nina")
    grant = RoleGrant.objects.request(nina, "caseworker", by=anton)
    TotpDevice.enrol(nina)
    client = signed_in(client, request.getfixturevalue(name))
    path = f"/desk/staff/rolegrant/{grant.pk}/decide/"
    assert client.get(path).status_code == status
    answer = client.post(path, {"approve": "1", "code": grant.code()})
    assert answer.status_code == (302 if status == 200 else 403)
    assert User.objects.get(pk=nina.pk).role == ("caseworker" if status == 200 else "")


def test_role_requests_cannot_be_edited(client, petra, anton):
    nina = User.objects.create_user("nina")
    grant = RoleGrant.objects.request(nina, "caseworker", by=anton)
    signed_in(client, petra)
    assert client.get(f"/desk/staff/rolegrant/{grant.pk}/change/").status_code == 200
    assert client.post(f"/desk/staff/rolegrant/{grant.pk}/change/", {"state": "approved"}).status_code == 403
    assert client.get("/desk/staff/rolegrant/add/").status_code == 403
    assert RoleGrant.objects.get(pk=grant.pk).state == "requested"


def test_an_own_role_is_decided_by_somebody_else_and_the_try_is_kept(client, petra, anton):
    write(petra, role="coordinator")
    grant = RoleGrant.objects.request(petra, "coordinator", by=anton)
    signed_in(client, petra)
    sent = {"approve": "1", "code": grant.code()}
    answer = client.post(f"/desk/staff/rolegrant/{grant.pk}/decide/", sent, follow=True)
    assert "This is your own role" in answer.content.decode()
    assert RoleGrant.objects.get(pk=grant.pk).state == "requested"
    assert TrailRow.objects.filter(verb=Verb.REFUSED, actor=petra).exists()


def test_closing_and_opening_an_account(client, anton, olga):
    signed_in(client, anton)
    hers = signed_in(Client(), olga)
    path = f"/desk/staff/user/{olga.pk}/"
    assert client.get(f"{path}close/").status_code == 200
    assert User.objects.get(pk=olga.pk).is_active
    assert client.post(f"{path}close/").status_code == 302
    assert not User.objects.get(pk=olga.pk).is_active
    assert hers.get("/account/").status_code == 302
    assert client.post(f"{path}reopen/").status_code == 302
    now = User.objects.get(pk=olga.pk)
    assert (now.is_active, now.role) == (True, "")


def test_nobody_closes_the_own_account_by_mistake(client, anton):
    signed_in(client, anton)
    answer = client.post(f"/desk/staff/user/{anton.pk}/close/", follow=True)
    assert "your own account" in answer.content.decode()
    assert User.objects.get(pk=anton.pk).is_active


def test_staff_changes_need_a_fresh_code(client, anton, olga, clock):
    """Sabotage: drop @fresh_code from close_view()."""
    signed_in(client, anton)
    clock.forward(minutes=6)
    pages = ["/desk/staff/user/add/", *(f"/desk/staff/user/{olga.pk}/{verb}/"
             for verb in ("change", "role", "invite", "close", "reopen"))]  # fmt: skip
    for page in pages:
        assert client.get(page)["Location"].startswith("/second-factor/"), page
        answer = client.post(page, NEW)
        assert (answer.status_code, 'name="kept"' in answer.content.decode()) == (403, True), page
    assert User.objects.get(pk=olga.pk).is_active
    assert not User.objects.filter(username="nina").exists()


def test_an_invitation_is_not_a_way_to_reset_a_password(client, anton, olga):
    signed_in(client, anton)
    answer = client.post(f"/desk/staff/user/{olga.pk}/invite/", follow=True)
    assert "already chose a password" in answer.content.decode()
    assert not Invitation.objects.filter(user=olga).exists()


@pytest.mark.speaks_sql
def test_the_list_asks_as_many_questions_for_many_people(client, anton):
    """Sabotage: drop prefetch_related("grants") from UserAdmin.get_queryset()."""
    signed_in(client, anton)

    def questions():
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/desk/staff/user/").status_code == 200
        return len(asked)

    User.objects.create_user("first", role="caseworker")
    questions()  # The first page makes rows that the desk's head shows.
    few = questions()
    for number in range(30):
        User.objects.create_user(f"person{number}", role="caseworker")
    assert questions() == few


def test_the_desk_leads_administrators_to_the_accounts(client, anton):
    assert signed_in(client, anton).get("/desk/")["Location"] == "/desk/staff/user/"
