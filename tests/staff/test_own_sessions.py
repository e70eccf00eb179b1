"""The own account: sessions and devices listed and ended one by one."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from staff import sessions
from staff.models import BackupCode, BackupSheet, Session, TotpDevice, TrailRow
from staff.models.devices import second_factor
from staff.trail import Verb
from tests.staff.flow import code_of, password_step, signed_in
from tests.staff.test_devices import wait_out
from tests.writes import stored

PAGE = "/account/sessions/"


def handles(client):
    return re.findall(r'name="session" value="([0-9a-f]{32})"', client.get(PAGE).content.decode())


@pytest.fixture
def two(olga):
    """Olga at her desk, and another browser that passed her password."""
    here, other = signed_in(Client(), olga), Client()
    password_step(other, olga)
    return here, other


def test_each_session_is_listed_and_this_one_marked(two, olga, petra):
    here, _other = two
    password_step(Client(), petra)
    text = here.get(PAGE).content.decode()
    assert len(handles(here)) == 2
    assert text.count("this one") == 1
    assert "waits for its code" in text


def test_the_page_holds_no_key_of_a_session(two):
    """A key is a secret also on its owner's page. Sabotage: return the key itself from _handle()."""
    here, _other = two
    text = here.get(PAGE).content.decode()
    assert all(key not in text for key in Session.objects.values_list("session_key", flat=True))


def test_one_session_is_ended_and_the_others_stay(two, olga):
    """Done when the chosen one ends and no other. Sabotage: delete all rows in end()."""
    here, other = two
    (mine, theirs) = handles(here)
    assert here.post(PAGE, {"session": theirs})["Location"] == PAGE
    assert other.get("/second-factor/")["Location"].startswith("/login/")
    assert here.get(PAGE).status_code == 200
    assert TrailRow.objects.latest("id").verb == Verb.SESSION_ENDED
    assert "had ended already" in here.post(PAGE, {"session": theirs}, follow=True).content.decode()
    assert here.post(PAGE, {"session": mine})["Location"] == "/login/"
    assert here.get(PAGE)["Location"].startswith("/login/")


def test_nobody_ends_somebody_elses_session(two, olga, petra):
    """Sabotage: drop the account from _living()."""
    here, _other = two
    theirs = signed_in(Client(), petra)
    (one,) = handles(theirs)
    here.post(PAGE, {"session": one})
    assert theirs.get(PAGE).status_code == 200


def test_the_page_opens_no_session_of_others(two, olga, monkeypatch):
    """Done when thousands of colleagues' sessions cost nothing. Sabotage: drop account= from _living()."""
    here, _other = two
    later = timezone.now() + timedelta(hours=9)
    Session.objects.bulk_create(
        Session(session_key=f"{number:032}", session_data="x", expire_date=later, account=uuid4())
        for number in range(40)
    )
    opened = []
    decode = Session.get_decoded
    monkeypatch.setattr(Session, "get_decoded", lambda row: opened.append(row.pk) or decode(row))
    assert len(handles(here)) == 2
    # Once for the page that asks, twice for the list.
    assert len(opened) <= 3
    assert not [key for key in opened if key.startswith("000")]


def test_a_session_is_found_by_its_account_from_the_password_on(olga):
    """Sabotage: drop create_model_instance() from the engine."""
    client = Client()
    client.get("/login/")
    password_step(client, olga)
    assert [row.account for row in Session.objects.all()] == [olga.pk]
    signed_in(client, olga)
    assert {row.account for row in Session.objects.all()} == {olga.pk}


def test_of_very_many_sessions_the_newest_are_listed(two, olga):
    """A page stays within its weight. Sabotage: drop MOST_LISTED."""
    here, _other = two
    row = Session.objects.of_cookie(here.session.session_key).get()
    for number in range(60):
        more = Session(session_key=f"{number:032}", expire_date=row.expire_date, account=olga.pk)
        more.seal(row.get_decoded())
        more.save()
    assert len(handles(here)) == sessions.MOST_LISTED
    assert here.get(PAGE).content.decode().count("this one") == 1
    assert len(here.get(PAGE).content) < 100_000


def test_ended_and_expired_sessions_are_not_listed(two, olga):
    here, _other = two
    assert len(sessions.of(olga)) == 2
    olga.end_sessions()
    assert sessions.of(olga) == []
    signed_in(Client(), olga)
    assert len(sessions.of(olga)) == 1
    assert sessions.of(olga, now=timezone.now() + timedelta(hours=11)) == []


@pytest.mark.speaks_sql
def test_the_last_use_is_rounded(client, olga, clock):
    signed_in(client, olga)
    clock.forward(minutes=17)
    client.get("/account/")
    (one,) = sessions.of(olga)
    assert one.used_at.timestamp() % 300 == 0 or one.used_at == one.began_at


# -- another phone


def test_the_second_factor_moves_to_another_phone(client, olga, clock):
    """Done when the new app lets in, the old one does not, and other sessions ended."""
    signed_in(client, olga)
    old = TotpDevice.objects.get(user=olga)
    other = Client()
    password_step(other, olga)
    page = client.get("/account/new-phone/").content.decode()
    new = TotpDevice.objects.exclude(pk=old.pk).get(user=olga)
    assert new.secret_b32 in page.replace(" ", "")
    wrong = client.post("/account/new-phone/", {"code": "000000"})
    assert wrong.status_code == 422
    assert TotpDevice.objects.get(pk=old.pk).confirmed
    clock.forward(seconds=30)
    wait_out(new)
    done = client.post("/account/new-phone/", {"code": new.code_at(clock.now)})
    assert done.status_code == 302
    assert list(TotpDevice.objects.filter(user=olga)) == [new]
    assert client.get("/account/").status_code == 200
    assert other.get("/second-factor/")["Location"].startswith("/login/")
    clock.forward(seconds=60)
    assert second_factor(stored(olga), old.code_at(clock.now)) is None
    wait_out(new)
    assert second_factor(stored(olga), new.code_at(clock.now)) == new
    assert TrailRow.objects.filter(verb=Verb.SECOND_FACTOR_ENROLLED, actor=olga).count() == 2


def test_a_new_phone_that_was_not_confirmed_opens_nothing(client, olga):
    signed_in(client, olga)
    client.get("/account/new-phone/")
    new = TotpDevice.objects.get(user=olga, confirmed=False)
    assert second_factor(olga, code_of(new)) is None


def test_crossed_out_backup_codes_open_nothing(client, olga):
    """Sabotage: only write the trail in void_codes()."""
    signed_in(client, olga)
    code = BackupSheet.renew(olga)[0]
    assert client.get("/account/backup-codes/void/").status_code == 200
    assert client.post("/account/backup-codes/void/").status_code == 302
    assert not BackupCode.objects.exists()
    assert second_factor(olga, code) is None
    assert TrailRow.objects.latest("id").verb == Verb.BACKUP_CODES_VOIDED
