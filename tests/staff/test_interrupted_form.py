"""A form that comes after its session ended is not lost: sign in on the answer, then send it once more."""

import html
import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from staff import interrupted_form
from staff.interrupted_form import InterruptedForm
from staff.models import DeviceReset, Session, Team, TotpDevice, TrailRow, User
from tests.staff.flow import PASSWORD, code_of, password_step, signed_in
from tests.staff.test_devices import wait_out

HERE = "http://testserver"
ADD = "/desk/staff/team/add/"


def sealed_in(answer):
    return html.unescape(re.search(r'name="kept" value="([^"]+)"', answer.content.decode())[1])


def fields_in(answer):
    found = re.findall(
        r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', answer.content.decode(), re.DOTALL
    )
    return {html.unescape(name): html.unescape(value) for name, value in found}


def sign_in_here(client, person, answer, clock):
    """Password and code on the pages that carry the form; the last page."""
    sent = {
        "username": person.username,
        "password": PASSWORD.format(person.username),
        "kept": sealed_in(answer),
    }
    second = client.post("/login/", sent)
    assert second.status_code == 200
    code = TotpDevice.objects.get(user=person).code_at(clock.now)
    return client.post("/second-factor/", {"code": code, "kept": sealed_in(second)})


@pytest.fixture
def late(client, anton, clock):
    """Anton's answer to a form that he sent 31 minutes after his last click."""
    signed_in(client, anton)
    clock.forward(minutes=31)
    return client.post(ADD, {"name": "Yerevan <b>& more</b>\r\nsecond line"})


def test_what_was_typed_is_sent_after_signing_in_again(client, anton, late, clock):
    """Done when the same form arrives whole. Sabotage: raise Refused without asking again.answer()."""
    assert late.status_code == 403
    assert "kept on this page" in late.content.decode()
    last = sign_in_here(client, anton, late, clock)
    assert f'action="{ADD}"' in last.content.decode()
    assert fields_in(last) == {"name": "Yerevan <b>& more</b>\r\nsecond line"}
    assert client.post(ADD, fields_in(last) | {"name": "Yerevan"}).status_code == 302
    assert Team.objects.filter(name="Yerevan").exists()


def test_nothing_of_it_lies_in_session_database_or_address(client, anton, late, clock):
    """Sabotage: put the fields into request.session."""
    assert "Yerevan" not in late.content.decode()
    last = sign_in_here(client, anton, late, clock)
    assert "Yerevan" not in str(dict(client.session))
    assert all("Yerevan" not in str(row.get_decoded()) for row in Session.objects.all())
    assert "Yerevan" not in str([row.details for row in TrailRow.objects.all()])
    assert "next" not in last.request["QUERY_STRING"]


def test_it_opens_for_the_account_that_typed_it_only(client, anton, petra, late, clock):
    """Sabotage: leave the owner out of _bound_to()."""
    TotpDevice.enrol(petra)
    last = sign_in_here(client, petra, late, clock)
    assert last.status_code == 302
    assert "belongs to another account" in client.get("/desk/board/").content.decode()


def test_it_opens_for_an_hour(client, anton, late, clock):
    """Sabotage: GOOD_SECONDS = 10**6."""
    clock.forward(minutes=61)
    assert sign_in_here(client, anton, late, clock).status_code == 302


def test_wrong_tries_do_not_lose_it(client, anton, late, clock):
    """Sabotage: leave `kept` out of the context of the sign-in or of verify()."""
    wrong = client.post("/login/", {"username": "anton", "password": "wrong", "kept": sealed_in(late)})
    sent = {"username": "anton", "password": PASSWORD.format("anton"), "kept": sealed_in(wrong)}
    second = client.post("/login/", sent)
    again = client.post("/second-factor/", {"code": "000000", "kept": sealed_in(second)})
    assert again.status_code == 422
    clock.forward(seconds=40)
    device = TotpDevice.objects.get(user=anton)
    wait_out(device)
    last = client.post("/second-factor/", {"code": device.code_at(clock.now), "kept": sealed_in(again)})
    assert fields_in(last)["name"].startswith("Yerevan")


def test_a_session_that_the_database_has_dropped_is_known_by_its_row(client, anton, clock):
    """Overnight: the row is past its day. Sabotage: drop the row from _owner()."""
    from django.utils import timezone

    signed_in(client, anton)
    Session.objects.update(expire_date=timezone.now())
    answer = client.post(ADD, {"name": "Yerevan"})
    assert interrupted_form.unseal(sealed_in(answer), str(anton.pk)).fields == [("name", "Yerevan")]


def test_a_session_ended_from_elsewhere_keeps_it_too(client, anton, clock):
    signed_in(client, anton)
    User.objects.filter(pk=anton.pk).end_sessions()
    answer = client.post(ADD, {"name": "Yerevan"})
    assert interrupted_form.unseal(sealed_in(answer), str(anton.pk)).fields == [("name", "Yerevan")]


def test_a_stranger_gets_no_form_back(client, db):
    answer = client.post(ADD, {"name": "Yerevan"})
    assert answer.status_code == 403
    assert 'name="kept"' not in answer.content.decode()


def test_the_password_alone_carries_it_to_the_code(client, anton, clock):
    """The other tab is at its second step already."""
    TotpDevice.enrol(anton)
    password_step(client, anton)
    answer = client.post(ADD, {"name": "Yerevan"})
    assert answer.status_code == 403
    code = TotpDevice.objects.get(user=anton).code_at(clock.now)
    last = client.post("/second-factor/", {"code": code, "kept": sealed_in(answer)})
    assert fields_in(last) == {"name": "Yerevan"}


@pytest.mark.parametrize(
    "page", ["/account/password/", "/account/backup-codes/", "/second-factor/", "/account/panic/"]
)
def test_secrets_are_not_carried(client, anton, clock, page):
    """Sabotage: empty NEVER_KEPT."""
    signed_in(client, anton)
    clock.forward(minutes=31)
    answer = client.post(page, {"old_password": "secret", "code": "123456"})
    assert answer.status_code == 403
    assert 'name="kept"' not in answer.content.decode()


# -- step-up: a form that comes later than five minutes after the last code

RESET = {"reason": "called back on the number we know"}


@pytest.fixture
def too_late(client, anton, olga, petra, clock):
    """Anton's answer to a reset that he asked for six minutes after his last code, and its address."""
    signed_in(client, anton)
    clock.forward(minutes=6)
    address = f"/desk/staff/user/{olga.pk}/reset/"
    return client.post(address, RESET), address


def test_a_form_that_came_too_late_for_its_code_is_sent_after_a_new_one(client, anton, too_late, clock):
    """Done when it changed nothing, and arrives whole after the code. Sabotage: drop again.answer() from
    step_up_required().
    """
    answer, address = too_late
    assert answer.status_code == 403
    assert "needs a fresh code" in answer.content.decode()
    assert not DeviceReset.objects.exists()
    wrong = client.post("/second-factor/", {"code": "000000", "kept": sealed_in(answer)})
    assert wrong.status_code == 422
    device = TotpDevice.objects.get(user=anton)
    wait_out(device)
    last = client.post("/second-factor/", {"code": device.code_at(clock.now), "kept": sealed_in(wrong)})
    assert f'action="{address}"' in last.content.decode()
    assert fields_in(last) == RESET
    assert client.post(address, fields_in(last)).status_code == 302
    assert DeviceReset.objects.get().reason == RESET["reason"]


def test_the_kept_form_alone_is_no_code(client, too_late):
    """Sent again without one, it is kept again. Sabotage: mark() in code_page()."""
    answer, address = too_late
    assert client.post(address, RESET | {"kept": sealed_in(answer)}).status_code == 403
    assert client.post(address, RESET).status_code == 403
    assert not DeviceReset.objects.exists()


# -- signing in again in another tab: the form's token is of the session before


@pytest.fixture
def strict(anton):
    """A browser of Anton's that must send tokens, as real ones do; he is signed in."""
    client = Client(enforce_csrf_checks=True)
    device = TotpDevice.enrol(anton)

    def send(path, **data):
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', client.get(path).content.decode())[1]
        assert client.post(path, data | {"csrfmiddlewaretoken": token}).status_code == 302

    send("/login/", username="anton", password=PASSWORD.format("anton"))
    send("/second-factor/", code=code_of(device))
    return client


def old_form(**more):
    """A form of a page that was opened before the last sign-in."""
    return {"name": "Yerevan", "csrfmiddlewaretoken": "a" * 64} | more


def test_a_form_of_an_earlier_sign_in_is_sent_again_by_a_click(strict):
    """Done when the first tab's form arrives after a sign-in in another. Sabotage: drop stale_token()."""
    answer = strict.post(ADD, old_form(), headers={"origin": HERE})
    assert answer.status_code == 403
    assert not Team.objects.filter(name="Yerevan").exists()
    assert fields_in(answer) == {"name": "Yerevan"}
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', answer.content.decode())[1]
    assert strict.post(ADD, fields_in(answer) | {"csrfmiddlewaretoken": token}).status_code == 302
    assert Team.objects.filter(name="Yerevan").exists()


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://testserver.evil.example"])
def test_a_foreign_page_fills_no_form_of_ours(strict, origin):
    """Or one click would send what a stranger wrote. Sabotage: drop is_own_page() from stale_token()."""
    headers = {"origin": origin} if origin else {}
    answer = strict.post(ADD, old_form(), headers=headers)
    assert answer.status_code == 403
    assert "Yerevan" not in answer.content.decode()
    assert "no longer valid" in answer.content.decode()


def test_a_foreign_page_presses_no_button_of_ours(strict, anton):
    """Pages beside the admin's own, which asks for the token twice. Sabotage: drop CsrfViewMiddleware."""
    for path in ("/account/panic/", "/account/sessions/", "/account/", "/logout/"):
        answer = strict.post(path, old_form(), headers={"origin": "https://evil.example"})
        assert answer.status_code == 403, path
    now = User.objects.get(pk=anton.pk)
    assert (now.is_active, now.session_epoch) == (True, 0)
    assert strict.get("/account/").status_code == 200


def test_the_page_of_the_first_tab_goes_on_after_a_sign_in_in_another(strict, anton):
    sealed = interrupted_form.seal(InterruptedForm(ADD, [("name", "Yerevan")], False), str(anton.pk))
    answer = strict.post("/login/", old_form(kept=sealed), headers={"origin": HERE})
    assert fields_in(answer) == {"name": "Yerevan"}


def test_files_have_to_be_chosen_again_and_it_says_so(client, anton, clock):
    from django.core.files.uploadedfile import SimpleUploadedFile

    signed_in(client, anton)
    clock.forward(minutes=31)
    file = SimpleUploadedFile("name-of-a-person.pdf", b"%PDF")
    answer = client.post(ADD, {"name": "Yerevan", "file": file})
    last = sign_in_here(client, anton, answer, clock)
    assert "Files cannot be kept" in last.content.decode()
    assert "name-of-a-person" not in last.content.decode()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(fields=st.lists(st.tuples(texts, texts), max_size=8), owner=st.uuids(), other=st.uuids())
@pytest.mark.speaks_sql
def test_every_form_comes_back_as_it_was(fields, owner, other):
    form = InterruptedForm("/desk/x/?y=1", fields, False)
    sealed = interrupted_form.seal(form, str(owner))
    assert interrupted_form.unseal(sealed, str(owner)) == form
    assert other == owner or interrupted_form.unseal(sealed, str(other)) is None


@pytest.mark.parametrize("text", ["", "nonsense", "AAAA", "é"])
def test_what_is_no_kept_form_opens_nothing(text):
    assert interrupted_form.unseal(text, "somebody") is None
