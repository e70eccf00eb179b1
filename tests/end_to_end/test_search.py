"""A person is looked for in a real browser, on a laptop and on a phone; it keeps nothing of the name."""

import pytest
from django.contrib.auth.hashers import make_password

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.haystack import files_under, found_in, spellings
from tests.end_to_end.running_desk import running_desk
from tests.writes import write

pytestmark = pytest.mark.browser
SURNAME, TYPED = "Ыргызбаев", "Yrgyzbaev"


@pytest.fixture
def people(live_database):
    """Olga and Petra of one team, Oskar of another, each with a second factor."""
    from staff.models import Team, TotpDevice, User

    accounts, users = {}, {}
    teams = {name: Team.objects.create(name=name) for name in ("Astana", "Tbilisi")}
    for name, role, team, language in (
        ("olga", "caseworker", "Astana", "en"),
        ("petra", "coordinator", "Astana", "ru"),
        ("oskar", "caseworker", "Tbilisi", "en"),
    ):
        password = f"{name}-has-a-long-password"
        user = User.objects.create_user(name, role=role, team=teams[team], address=f"{name}@staff.invalid")
        # The desk is another process: it knows none but the real hasher.
        write(user, password=make_password(password, hasher="argon2"), language=language)
        users[name] = user
        accounts[name] = {
            "username": name, "password": password, "totp_secret": TotpDevice.enrol(user).secret_b32
        }  # fmt: skip
    return accounts, users


@pytest.fixture
def cases(people):
    """Two cases of Olga's that may be one person, and one of Oskar's with the same phone."""
    from cases.models import Case, ContactChannel, Identity

    _accounts, users = people
    made = []
    for by, given, latin in (
        ("olga", "Тестомир", "Yrgyzbayev"),
        ("olga", "Тестомир", ""),
        ("oskar", "Пётр", ""),
    ):
        case = Case.objects.open_case(by=users[by], country="KZ")
        surname = SURNAME if by == "olga" else "Фамильцев"
        Identity.objects.create(
            by=users[by], case=case, surname=surname, given_name=given, surname_latin=latin or None
        )
        made.append(case)
    for case, by in ((made[0], "olga"), (made[2], "oskar")):
        ContactChannel.objects.create(by=users[by], case=case, kind="phone", value="+7 701 000 00 01")
    return made


@pytest.mark.parametrize("width", WIDTHS)
def test_a_person_is_found_and_the_browser_keeps_nothing_of_the_name(
    width, people, cases, live_database, tmp_path
):
    """Sabotage: method="get" on the box; leave search.js out (going back asks to send it again)."""
    accounts, _users = people
    first, second, foreign = cases
    with (
        running_desk(tmp_path, ready_file=False, database=live_database) as desk,
        chromium(desk.url, width=width) as browser,
    ):
        page = browser.page
        sign_in(page, desk, accounts["olga"])
        page.locator("body").press("/")
        page.keyboard.type(TYPED)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{desk.url}/desk/search/")
        page.locator(".line.card").first.wait_for()
        browser.picture(f"search-{width}")
        assert browser.fits()
        text = page.locator(".search").inner_text()
        assert {first.code_name, second.code_name} == {
            link.inner_text() for link in page.locator(".card .what a").all()
        }
        assert "surname" in text
        assert SURNAME not in text
        assert foreign.code_name not in page.content()
        assert TYPED not in page.title()
        page.locator(".card .what a").first.click()
        page.wait_for_url("**/change/")
        page.go_back()
        page.wait_for_url(f"{desk.url}/desk/search/")
        assert page.locator("#desk-search input[name=q]").input_value() == ""
        assert page.locator(".advice").is_visible()
        browser.picture(f"search-empty-{width}")
        assert browser.fits()
        assert TYPED not in page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])"
        )
        page.fill("#desk-search input[name=q]", "Фамильцев")
        page.keyboard.press("Enter")
        page.locator(".empty-note").wait_for()
        browser.picture(f"search-nothing-{width}")
        assert "No case that you may see matches." in page.locator(".search").inner_text()
        assert browser.errors == []
        assert browser.elsewhere == []
    needles = spellings(TYPED) | spellings(SURNAME) | spellings("Фамильцев")
    kept = {"output": desk.output.read_bytes()} | files_under(desk.var)
    assert {name for name, data in kept.items() if found_in(data, needles)} == set()
