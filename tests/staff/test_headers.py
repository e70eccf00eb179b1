"""The headers, on every kind of response."""

import pytest
from django.test import Client

from staff.middleware import HEADERS
from tests.staff.flow import signed_in

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)


def everything(client, anton):
    """A page, a redirect, a refusal, a missing page, a broken one, a static file, a foreign host."""
    yield "page", client.get("/login/")
    yield "redirect", client.get("/desk/")
    yield "refusal", client.post("/desk/")
    yield "missing", client.get("/no-such-page/")
    yield "static", client.get("/static/admin/css/base.css")
    yield "method", client.put("/login/")
    yield "foreign host", client.get("/login/", headers={"host": "evil.example"})
    yield "other machine", client.get("/login/", REMOTE_ADDR="192.0.2.1")
    yield "signed in", signed_in(client, anton).get("/desk/staff/user/")


def test_every_response_carries_every_header(client, anton):
    """Sabotage: move HeadersMiddleware below WhiteNoise in MIDDLEWARE."""
    for name, answer in everything(client, anton):
        missing = {header for header, value in HEADERS.items() if answer.headers.get(header) != value}
        assert (name, missing) == (name, set())
        assert answer["Content-Security-Policy"] == POLICY


def test_an_error_page_carries_them_too(olga, monkeypatch):
    from staff.views import account

    client = Client(raise_request_exception=False)
    signed_in(client, olga)
    monkeypatch.setattr(account.RoleGrant, "objects", None)
    answer = client.get("/account/")
    assert answer.status_code == 500
    assert answer["Content-Security-Policy"] == POLICY
    assert answer["Cache-Control"] == "no-store"


def test_what_a_person_sees_is_stored_nowhere(client, anton):
    """Sabotage: drop the Cache-Control line of HeadersMiddleware."""
    for name, answer in everything(client, anton):
        if name not in ("static", "other machine", "foreign host"):
            assert (name, answer["Cache-Control"]) == (name, "no-store")
    assert "max-age" in client.get("/static/admin/css/base.css")["Cache-Control"]


def test_forms_still_work_under_the_referrer_policy():
    """no-referrer would send `Origin: null` with each form."""
    assert HEADERS["Referrer-Policy"] == "same-origin"


def test_static_files_are_not_for_other_sites(client):
    answer = client.get("/static/admin/css/base.css")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_browser_feature_is_off():
    parts = HEADERS["Permissions-Policy"].split(", ")
    assert len(parts) > 15
    assert all(part.endswith("=()") for part in parts)


def test_cookies_are_for_http_only_and_this_site(client, olga):
    signed_in(client, olga)
    for name in ("session", "csrf"):
        client.get("/account/")
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


@pytest.mark.parametrize(
    "page",
    [
        *("/login/", "/invitation/", "/second-factor/", "/account/"),
        *(f"/account/{page}/" for page in ("password", "backup-codes", "sessions", "panic")),
        *(f"/desk/staff/{page}/" for page in ("user", "user/add", "rolegrant")),
    ],
)
def test_no_page_has_inline_styles_or_scripts(page, client, anton):
    """The policy would drop them in silence; the QR picture is tried below."""
    import re

    signed_in(client, anton)
    text = client.get(page).content.decode()
    found = re.findall(r"<[^>]+\s(?:style|on[a-z]+)\s*=[^>]*>|<style|<script(?![^>]*\ssrc=)[^>]*>", text)
    data = [tag for tag in found if 'type="application/json"' not in tag]
    assert data == []


def test_the_qr_picture_has_no_styles():
    """Sabotage: `svg_inline(unit="mm")` or a colour with alpha, for which segno writes style attributes."""
    from staff.views.signing import qr_code

    drawing = qr_code("otpauth://totp/Desk:olga?secret=AAAA")
    assert drawing.startswith("<svg")
    assert "style" not in drawing
    assert "xmlns" not in drawing
