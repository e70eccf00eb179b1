"""What docs/ASVS.md promises of passwords and sessions, and no other test looks at."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from staff.models import Session, User
from tests.house.tree import ROOT
from tests.staff.flow import PASSWORD, password_step, signed_in


def test_a_new_password_wants_the_old_one(client, olga):
    """Sabotage: SetPasswordForm instead of PasswordChangeForm."""
    signed_in(client, olga)
    new = "a quiet harbour in winter"
    for old in ("", "wrong"):
        sent = {"old_password": old, "new_password1": new, "new_password2": new}
        assert client.post("/account/password/", sent).status_code == 422
    assert User.objects.get(pk=olga.pk).check_password(PASSWORD.format("olga"))


@pytest.mark.parametrize("password", ["password", "qwertyuiop", "1qaz2wsx3edc4rfv", "12345678901234567890"])
def test_common_passwords_are_refused(password, db):
    """Sabotage: drop CommonPasswordValidator and NumericPasswordValidator from the settings."""
    with pytest.raises(ValidationError) as refusal:
        validate_password(password)
    codes = {problem.code for problem in refusal.value.error_list}
    assert codes & {"password_too_common", "password_entirely_numeric"}


@pytest.mark.parametrize(
    "password", ["all lower case words", "ТИХАЯ ГАВАНЬ ЗИМОЙ", " blanks at both ends ", "猫" * 14, "x-" * 60]
)
def test_any_characters_make_a_password(client, olga, password):
    """Sabotage: strip=True on the password fields, or a validator that wants digits."""
    signed_in(client, olga)
    sent = {"old_password": PASSWORD.format("olga"), "new_password1": password, "new_password2": password}
    assert client.post("/account/password/", sent).status_code == 302
    now = User.objects.get(pk=olga.pk)
    assert now.check_password(password)
    assert not now.check_password(password.strip()) or password == password.strip()
    assert not now.check_password(password[:64]) or len(password) <= 64


@pytest.mark.parametrize("page", ["/login/", "/invitation/", "/account/password/"])
def test_password_fields_hide_and_let_managers_in(client, olga, page):
    """Sabotage: TextInput for a password, or autocomplete="off" on it."""
    if page != "/account/password/":
        text = client.get(page).content.decode()
    else:
        text = signed_in(client, olga).get(page).content.decode()
    fields = re.findall(r'<input[^>]*name="[^"]*password[^"]*"[^>]*>', text)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "onpaste" not in field


@pytest.mark.parametrize("holds", ["desk", "DESK", "astana", "Tbilisi"])
def test_no_password_holds_the_name_of_the_desk_or_of_a_team(client, olga, other_team, settings, holds):
    """Who knows the organisation tries its words first. Sabotage: take NotOurWords out of the settings."""
    settings.SITE_NAME = "Desk of X"
    signed_in(client, olga)
    for word, status in ((holds, 422), ("harbour", 302)):
        new = f"a quiet {word} in winter"
        sent = {"old_password": PASSWORD.format("olga"), "new_password1": new, "new_password2": new}
        answer = client.post("/account/password/", sent)
        assert answer.status_code == status
        assert ("holds the name of this desk" in answer.content.decode()) == (status == 422)


def test_a_password_does_not_expire(client, olga, clock):
    clock.forward(hours=24 * 4000)
    assert password_step(client, olga)["Location"] == "/desk/"


def test_a_session_key_cannot_be_guessed(client, olga):
    """32 characters of 36. Sabotage: a session engine with keys of its own."""
    signed_in(client, olga)
    cookie = client.cookies["session"].value
    assert re.fullmatch(r"[0-9a-z]{32}", cookie)
    assert Session.objects.of_cookie(cookie).get().expire_date < timezone.now() + timedelta(hours=11)


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("petra", ["/desk/board/", "/desk/cases/case/", "/desk/digest/", "/desk/staff/user/", "/account/"]),
        ("vera", ["/desk/trail/", "/account/", "/account/sessions/"]),
        ("anton", ["/desk/staff/user/", "/desk/staff/user/add/", "/account/panic/"]),
    ],
)
def test_every_page_has_the_way_out(client, request, name, pages):
    """Sabotage: take the form out of base_site.html."""
    signed_in(client, request.getfixturevalue(name))
    for page in pages:
        assert (
            '<form id="logout-form" method="post" action="/logout/">' in client.get(page).content.decode()
        ), page


@pytest.mark.parametrize(
    "path",
    ["/.git/config", "/manage.py", "/config/settings.py", "/static/../manage.py", "/static/%2e%2e/manage.py"],
)
def test_no_source_is_served(client, path, db):
    answer = client.get(path)
    assert answer.status_code in (404, 302)
    assert (ROOT / "manage.py").read_text()[:40] not in answer.content.decode()
