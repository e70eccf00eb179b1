"""Coming in and going out, page by page."""

import re

import pytest
from axes.models import AccessAttempt
from django.test import Client

from staff.models import BackupCode, BackupSheet, TotpDevice, TrailRow
from staff.trail import Verb
from tests.staff.flow import PASSWORD, code_of, password_step, signed_in


def verbs(actor=None):
    rows = TrailRow.objects.order_by("id")
    return list((rows.filter(actor=actor) if actor else rows).values_list("verb", flat=True))


def test_a_first_sign_in_sets_up_the_second_factor(client, olga):
    """Done when: password, forced set-up with a picture, ten codes, and then the desk."""
    assert password_step(client, olga)["Location"] == "/desk/"
    assert client.get("/desk/")["Location"] == "/second-factor/set-up/?next=%2Fdesk%2F"
    page = client.get("/second-factor/set-up/").content.decode()
    device = TotpDevice.objects.get(user=olga)
    assert "<svg" in page
    assert re.search(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", page)[0].replace(" ", "") == device.secret_b32
    answer = client.post("/second-factor/set-up/", {"code": code_of(device)})
    shown = re.findall(r"<li><code>([^<]+)</code></li>", answer.content.decode())
    assert len(shown) == BackupCode.objects.filter(sheet__user=olga).count() == 10
    assert client.get("/account/").status_code == 200
    assert Verb.SECOND_FACTOR_ENROLLED in verbs(olga)
    assert Verb.SIGNED_IN in verbs(olga)


def test_the_set_up_page_is_closed_once_a_device_is_in_force(client, olga):
    """Or a stolen password would set up a phone of its own. Sabotage: drop the in_force line of enrol()."""
    TotpDevice.enrol(olga)
    password_step(client, olga)
    assert client.get("/second-factor/set-up/")["Location"] == "/second-factor/"
    client.post("/second-factor/set-up/", {"code": "123456"})
    assert TotpDevice.objects.filter(user=olga).count() == 1


def test_a_wrong_first_code_keeps_the_same_secret(client, olga):
    password_step(client, olga)
    client.get("/second-factor/set-up/")
    device = TotpDevice.objects.get()
    answer = client.post("/second-factor/set-up/", {"code": "000000"})
    assert answer.status_code == 422
    assert "clock" in answer.content.decode()
    assert TotpDevice.objects.get().secret_b32 == device.secret_b32


def test_a_later_sign_in_asks_for_the_code(client, olga):
    device = TotpDevice.enrol(olga)
    password_step(client, olga)
    assert client.get("/account/")["Location"] == "/second-factor/?next=%2Faccount%2F"
    answer = client.post("/second-factor/", {"code": code_of(device), "next": "/account/"})
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_the_code_field_is_made_for_phones(client, olga):
    TotpDevice.enrol(olga)
    password_step(client, olga)
    page = client.get("/second-factor/").content.decode()
    field = re.search(r'<input[^>]*name="code"[^>]*>', page)[0]
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field
    assert 'inputmode="text"' in client.get("/second-factor/?paper=1").content.decode()


def test_a_backup_code_lets_in(client, olga):
    TotpDevice.enrol(olga)
    code = BackupSheet.renew(olga)[0]
    password_step(client, olga)
    assert client.post("/second-factor/", {"code": code}).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_wrong_code_is_explained_and_on_the_trail(client, olga):
    TotpDevice.enrol(olga)
    password_step(client, olga)
    answer = client.post("/second-factor/", {"code": "000000"})
    assert answer.status_code == 422
    assert "wrong or was used already" in answer.content.decode()
    assert Verb.SECOND_FACTOR_FAILED in verbs(olga)
    assert client.get("/account/").status_code == 302


def test_too_many_wrong_codes_say_how_long_to_wait(client, olga):
    TotpDevice.enrol(olga)
    password_step(client, olga)
    for _try in range(3):
        answer = client.post("/second-factor/", {"code": "000000"})
    assert re.search(r"Wait \d+ seconds?", answer.content.decode())


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(client, olga, target):
    """Sabotage: `return wanted` at the top of way_on()."""
    device = TotpDevice.enrol(olga)
    password_step(client, olga)
    answer = client.post(f"/second-factor/?next={target}", {"code": code_of(device), "next": target})
    assert answer["Location"] == "/desk/"


def test_the_session_key_changes_with_each_step(client, olga):
    """A key seen before the code is worth nothing after it. Sabotage: drop cycle_key() from let_in()."""
    device = TotpDevice.enrol(olga)
    password_step(client, olga)
    before = client.cookies["session"].value
    client.post("/second-factor/", {"code": code_of(device)})
    assert client.cookies["session"].value != before
    thief = Client()
    thief.cookies["session"] = before
    assert thief.get("/account/").status_code == 302


def test_nothing_secret_lies_in_the_session(client, olga):
    """Sessions are signed, not encrypted."""
    password_step(client, olga)
    client.get("/second-factor/set-up/")
    device = TotpDevice.objects.get()
    client.post("/second-factor/set-up/", {"code": code_of(device)})
    kept = str(dict(client.session))
    assert device.secret_b32 not in kept
    assert "olga" not in kept
    assert set(client.session.keys()) == {
        "_auth_user_id", "_auth_user_backend", "_auth_user_hash", "otp_device_id",
        "began_at", "seen_at", "stepped_up_at",
    }  # fmt: skip


def test_signing_out_needs_a_post_and_ends_the_session(client, olga):
    signed_in(client, olga)
    assert client.get("/logout/").status_code == 405
    answer = client.post("/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/account/").status_code == 302
    assert verbs(olga)[-1] == Verb.SIGNED_OUT


def test_a_closed_account_cannot_sign_in(client, olga):
    olga.deactivate(by=None)
    assert password_step(client, olga).status_code == 200
    assert client.get("/account/")["Location"].startswith("/login/")


def test_capital_letters_in_a_username_do_not_matter(client, olga):
    data = {"username": " Olga ", "password": PASSWORD.format("olga")}
    assert client.post("/login/", data).status_code == 302


# -- wrong passwords


def fail(client, name="olga", **extra):
    return client.post("/login/", {"username": name, "password": "not-the-password"}, **extra)


def test_a_wrong_password_is_on_the_trail_without_address_or_name(client, olga):
    fail(client, REMOTE_ADDR="127.0.0.9")
    row = TrailRow.objects.get(verb=Verb.SIGN_IN_FAILED)
    assert row.actor == olga
    assert row.details == {"about": str(olga.pk)}


def test_a_name_that_nobody_has_leaves_nothing_on_the_trail(client, db):
    fail(client, "somebody")
    assert not TrailRow.objects.exists()


def test_the_answer_does_not_tell_which_half_was_wrong(client, olga):
    known, unknown = fail(client).content.decode(), fail(client, "nobody-at-all").content.decode()
    sentence = "Username or password is wrong"
    assert sentence in known
    assert sentence in unknown


def test_five_wrong_passwords_lock_name_and_address_together(client, olga, petra):
    """Sabotage: AXES_FAILURE_LIMIT = 500."""
    for _try in range(5):
        answer = fail(client)
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()
    assert password_step(client, olga).status_code == 429
    assert password_step(client, petra).status_code == 302
    elsewhere = Client(REMOTE_ADDR="127.0.0.7")
    assert password_step(elsewhere, olga).status_code == 302


def test_a_lockout_does_not_grow_while_a_stranger_goes_on(client, olga):
    for _try in range(5):
        fail(client)
    before = AccessAttempt.objects.get().attempt_time
    fail(client)
    assert AccessAttempt.objects.get().attempt_time == before
    assert TrailRow.objects.filter(verb=Verb.SIGN_IN_FAILED).count() <= 5


def test_what_axes_keeps_says_nothing_about_the_client(client, olga):
    """Sabotage: AXES_HANDLER left at axes' own, or AXES_CLIENT_IP_CALLABLE left out."""
    client.post(
        "/login/?next=/desk/case/7/",
        {"username": "olga", "password": "not-the-password", "next": "/desk/case/7/", "extra": "typed"},
        REMOTE_ADDR="127.0.0.9",
        headers={"user-agent": "Telling/1.0", "accept": "text/telling"},
    )
    kept = AccessAttempt.objects.values().get()
    text = str(kept)
    for word in ("olga", "127.0.0.9", "Telling", "telling", "desk", "typed", "login", "not-the-password"):
        assert word not in text
    assert kept["post_data"] == kept["get_data"] == kept["user_agent"] == kept["path_info"] == ""


def test_the_stand_in_for_an_address_changes_every_day(rf, monkeypatch):
    """Sabotage: drop `today` from client_address()."""
    from datetime import UTC, datetime

    from staff import lockout

    def on(day, address):
        monkeypatch.setattr(lockout.timezone, "now", lambda: datetime(2026, 3, day, tzinfo=UTC))
        return lockout.client_address(rf.get("/", REMOTE_ADDR=address))

    assert on(1, "192.0.2.1") == on(1, "192.0.2.1")
    assert len({on(1, "192.0.2.1"), on(2, "192.0.2.1"), on(1, "192.0.2.2")}) == 3


def test_behind_our_proxy_only_its_own_word_counts(rf, settings):
    """A client may write any X-Forwarded-For; the proxy appends what it saw."""
    from staff.lockout import client_address

    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    plain = client_address(rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "192.0.2.1"}))
    forged = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "198.51.100.7, 192.0.2.1"})
    assert client_address(forged) == plain


def test_old_failures_are_forgotten(client, olga):
    from datetime import timedelta

    from django.utils import timezone

    fail(client, "somebody-else")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=2))
    fail(client)
    assert AccessAttempt.objects.count() == 1


def test_no_access_log_is_kept(client, olga):
    from axes.models import AccessFailureLog, AccessLog

    signed_in(client, olga)
    client.post("/logout/")
    fail(client)
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_a_right_password_forgets_the_wrong_ones(client, olga):
    fail(client)
    password_step(client, olga)
    assert not AccessAttempt.objects.exists()


def test_passwords_are_hashed_by_argon2_and_long():
    import config.settings as written

    assert written.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    lengths = [v["OPTIONS"]["min_length"] for v in written.AUTH_PASSWORD_VALIDATORS if "OPTIONS" in v]
    assert lengths == [14]


def test_no_address_resets_a_password():
    from tests.staff.test_default_deny import pages

    assert not [name for name, _path in pages() if "password_reset" in name]
