"""How long a session lives, and how all of them end at once."""

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone, translation

from staff.models import RoleGrant, TotpDevice, TrailRow, User
from staff.stepup import step_up_required
from staff.trail import Verb
from tests.staff.flow import PASSWORD, code_of, password_step, signed_in
from tests.writes import write


def is_in(client):
    return client.get("/account/").status_code == 200


def test_a_session_ends_after_30_minutes_without_a_click(client, olga, clock):
    """Sabotage: IDLE_SECONDS = 10**6 in staff/middleware.py."""
    signed_in(client, olga)
    clock.forward(minutes=29)
    assert is_in(client)
    clock.forward(minutes=29)
    assert is_in(client)
    clock.forward(minutes=31)
    assert not is_in(client)
    assert "too old" in client.get("/login/").content.decode()


@pytest.mark.slow
def test_a_session_ends_after_10_hours_whatever_one_does(client, olga, clock):
    """Sabotage: ABSOLUTE_SECONDS = 10**6."""
    signed_in(client, olga)
    for _quarter in range(39):
        clock.forward(minutes=15)
        assert is_in(client)
    clock.forward(minutes=15)
    assert not is_in(client)


def test_the_password_alone_is_good_for_10_minutes(client, olga, clock):
    """Sabotage: PASSWORD_ONLY_SECONDS = 10**6."""
    device = TotpDevice.enrol(olga)
    password_step(client, olga)
    clock.forward(minutes=11)
    answer = client.post("/second-factor/", {"code": device.code_at(clock.now)})
    assert answer.status_code == 403
    assert not is_in(client)


def test_one_update_ends_every_session(client, olga):
    """Sabotage: leave session_epoch out of User._get_session_auth_hash()."""
    signed_in(client, olga)
    assert User.objects.filter(pk=olga.pk).end_sessions() == 1
    assert not is_in(client)


def test_an_ended_session_does_not_come_back_by_a_page_that_was_loaded_before(client, olga):
    """Sabotage: `self.session_epoch += 1` without reading it anew in User._begin_epoch()."""
    early = User.objects.get(pk=olga.pk)
    User.objects.get(pk=olga.pk).end_sessions()
    signed_in(client, User.objects.get(pk=olga.pk))
    User.objects.get(pk=olga.pk).end_sessions()
    early.end_sessions()
    assert not is_in(client)


def test_an_older_secret_does_not_keep_ended_sessions_alive(client, olga, settings):
    """The fallback hash has the epoch too. Sabotage: override get_session_auth_hash() only."""
    old = settings.SECRET_KEY
    signed_in(client, olga)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [old]
    assert is_in(client)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "m" * 60, ["n" * 60]
    User.objects.filter(pk=olga.pk).end_sessions()
    assert not is_in(client)


def test_ending_other_sessions_keeps_this_one(client, olga):
    signed_in(client, olga)
    elsewhere = Client()
    elsewhere.cookies["session"] = client.cookies["session"].value
    other = Client()
    password_step(other, olga)
    assert client.post("/account/sessions/").status_code == 302
    assert is_in(client)
    assert other.get("/account/")["Location"].startswith("/login/")
    assert not is_in(elsewhere)
    assert TrailRow.objects.filter(verb=Verb.SESSIONS_ENDED, actor=olga).exists()


@pytest.mark.speaks_sql
def test_panic_closes_everything_at_once(client, petra, anton):
    """Sabotage: drop is_active=False from deactivate()."""
    signed_in(client, petra)
    other = Client()
    password_step(other, petra)
    pending = RoleGrant.objects.request(petra, "administrator", by=anton)
    write(petra, role="coordinator")
    answer = client.post("/account/panic/")
    assert answer["Location"] == "/login/"
    assert not is_in(client)
    assert other.get("/second-factor/")["Location"].startswith("/login/")
    now = User.objects.get(pk=petra.pk)
    assert (now.is_active, now.role) == (False, "")
    assert password_step(Client(), petra).status_code == 200
    assert TrailRow.objects.filter(verb=Verb.PANIC, actor=petra).exists()
    assert pending.state == RoleGrant.State.APPROVED


def test_panic_is_not_open_to_the_password_alone(client, petra):
    """Or a stolen password would close accounts."""
    TotpDevice.enrol(petra)
    password_step(client, petra)
    assert client.post("/account/panic/").status_code == 403
    assert User.objects.get(pk=petra.pk).is_active


def test_a_new_password_ends_the_other_sessions(client, olga):
    signed_in(client, olga)
    other = Client()
    password_step(other, olga)
    new = "a quiet harbour in winter"
    sent = {"old_password": PASSWORD.format("olga"), "new_password1": new, "new_password2": new}
    assert client.post("/account/password/", sent).status_code == 302
    assert is_in(client)
    assert other.get("/second-factor/set-up/")["Location"].startswith("/login/")
    assert User.objects.get(pk=olga.pk).check_password(new)


def test_the_hash_in_the_session_is_not_the_password_hash(client, olga):
    signed_in(client, olga)
    assert client.session[HASH_SESSION_KEY] == User.objects.get(pk=olga.pk).get_session_auth_hash()
    assert client.session[HASH_SESSION_KEY] not in olga.password


# -- step-up


@pytest.mark.parametrize("page", ["/account/password/", "/account/backup-codes/"])
def test_what_could_do_harm_asks_for_a_fresh_code(client, olga, clock, page):
    """Sabotage: FRESH_SECONDS = 10**6 in staff/stepup.py."""
    signed_in(client, olga)
    device = TotpDevice.objects.get(user=olga)
    assert client.get(page).status_code == 200
    clock.forward(minutes=5)
    answer = client.get(page)
    assert answer["Location"].startswith("/second-factor/?next=%2Faccount%2F")
    assert (
        client.post("/second-factor/", {"code": device.code_at(clock.now), "next": page})["Location"] == page
    )
    assert client.get(page).status_code == 200


def test_a_post_that_came_too_late_changes_nothing(client, olga, clock):
    signed_in(client, olga)
    clock.forward(minutes=6)
    rows = TrailRow.objects.count()
    assert client.post("/account/backup-codes/").status_code == 302
    assert TrailRow.objects.count() == rows
    assert "Nothing was changed yet" in client.get("/second-factor/").content.decode()


def test_a_wrong_code_at_step_up_is_on_the_trail(client, olga):
    """Somebody at an unlocked laptop guesses. Sabotage: write it only while nobody is verified."""
    signed_in(client, olga)
    assert client.post("/second-factor/", {"code": "000000"}).status_code == 422
    assert TrailRow.objects.latest("id").verb == Verb.SECOND_FACTOR_FAILED


def test_a_mark_in_the_session_alone_is_not_enough(rf, olga):
    """Sabotage: drop `bool(verified) and` from is_fresh()."""
    import time

    request = rf.get("/")
    request.user, request.session = olga, {"stepped_up_at": int(time.time())}
    olga.is_verified = lambda: False
    assert step_up_required(lambda _request: HttpResponse("done"))(request).status_code == 302
    olga.is_verified = lambda: True
    assert step_up_required(lambda _request: HttpResponse("done"))(request).content == b"done"


# -- language and time zone


def test_the_desk_speaks_each_persons_language_and_time(client, olga):
    """Sabotage: drop PreferencesMiddleware from MIDDLEWARE."""
    User.objects.filter(pk=olga.pk).update(language="ru", time_zone="Asia/Almaty")
    signed_in(client, olga)
    answer = client.get("/account/", headers={"accept-language": "en"})
    assert answer["Content-Language"] == "ru"
    assert '<html lang="ru"' in answer.content.decode()
    assert 'data-admin-utc-offset="18000"' in answer.content.decode()
    assert timezone.get_current_timezone_name() == "UTC"
    assert Client().get("/login/", headers={"accept-language": "en"})["Content-Language"] == "en"
    translation.activate("en")


def test_language_and_zone_are_changed_on_the_own_page(client, olga):
    signed_in(client, olga)
    assert client.post("/account/", {"language": "ru", "time_zone": "Europe/Belgrade"}).status_code == 302
    now = User.objects.get(pk=olga.pk)
    assert (now.language, now.time_zone) == ("ru", "Europe/Belgrade")
    row = TrailRow.objects.filter(verb=Verb.ACCOUNT_CHANGED).get()
    assert row.details["fields"] == ["user.language", "user.time_zone"]
    assert client.post("/account/", {"language": "ru", "time_zone": "Mars/Base"}).status_code == 422
    translation.activate("en")


def test_the_own_page_changes_nothing_else(client, mark):
    """Sabotage: add "team" or "role" to PreferencesForm.Meta.fields."""
    signed_in(client, mark)
    sent = {
        "language": "en",
        "time_zone": "UTC",
        "role": "coordinator",
        "username": "chief",
        "is_active": "on",
    }
    assert client.post("/account/", sent).status_code == 302
    now = User.objects.get(pk=mark.pk)
    assert (now.username, now.role, now.team_id) == ("mark", "", mark.team_id)


def test_renewed_codes_are_shown_once(client, olga):
    signed_in(client, olga)
    shown = client.post("/account/backup-codes/").content.decode()
    assert shown.count("<li><code>") == 10
    assert "<li><code>" not in client.get("/account/backup-codes/").content.decode()
    assert "10 backup codes left" in client.get("/account/").content.decode()


def test_code_helper_matches_the_app(olga):
    device = TotpDevice.enrol(olga)
    assert len(code_of(device)) == 6
