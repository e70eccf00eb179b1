"""A compartment and an emergency in a real browser, on a laptop and on a phone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.running_desk import running_desk
from tests.writes import write

pytestmark = pytest.mark.browser
SURNAME, WHY = "Выдумщиков", "The lawyer asks for the spelling."


@pytest.fixture
def people(live_database):
    """Olga and Petra of one team, Oskar of another, each with a second factor."""
    from staff.models import Team, TotpDevice, User

    accounts, users = {}, {}
    teams = {name: Team.objects.create(name=name) for name in ("Astana", "Tbilisi")}
    for name, role, team in (
        ("olga", "caseworker", "Astana"),
        ("petra", "coordinator", "Astana"),
        ("oskar", "caseworker", "Tbilisi"),
    ):
        password = f"{name}-has-a-long-password"
        user = User.objects.create_user(name, role=role, team=teams[team], address=f"{name}@staff.invalid")
        # The desk is another process: it knows none but the real hasher.
        write(user, password=make_password(password, hasher="argon2"))
        users[name] = user
        accounts[name] = {
            "username": name, "password": password, "totp_secret": TotpDevice.enrol(user).secret_b32
        }  # fmt: skip
    return accounts, users


@pytest.fixture
def case(people):
    """Olga's case, with a name in it."""
    from cases.models import Case, Identity

    olga = people[1]["olga"]
    case = Case.objects.open_case(by=olga, country="KZ")
    Identity.objects.create(by=olga, case=case, surname=SURNAME, given_name="Пример")
    return case


def move_back(by):
    """The quarter of an hour is over."""
    from cases.models import CompartmentOpening

    row = CompartmentOpening.objects.get()
    row.until_at = row.until_at - by
    row.save(update_fields=["until_at"])


def aside(do):
    """Playwright keeps this thread to itself; the database is asked in another."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(do).result()


def test_a_compartment_opens_with_a_reason_and_closes_by_itself(case, people, live_database, tmp_path):
    """Done when it does so at both widths. Sabotage: leave the time out of OpeningQuerySet.until()."""
    accounts, _users = people
    with running_desk(tmp_path, ready_file=False, database=live_database) as desk:
        for width in WIDTHS:
            with chromium(desk.url, width=width) as seen:
                page = seen.page
                sign_in(page, desk, accounts["olga"])
                page.goto(f"{desk.url}/desk/cases/case/{case.pk}/change/")
                assert SURNAME not in page.content()
                page.get_by_role("link", name="Identity …").click()
                assert SURNAME not in page.content()
                seen.picture(f"door-{width}")
                page.fill("textarea[name=reason]", WHY)
                page.get_by_role("button", name="Open it").click()
                page.wait_for_selector("input[name='identity-surname']")
                assert page.input_value("input[name='identity-surname']") == SURNAME
                assert seen.fits()
                seen.picture(f"identity-{width}")
                page.fill("input[name='identity-aliases']", f"Лис {width}")
                page.get_by_role("button", name="Save").click()
                page.wait_for_selector("text=Saved.")
                aside(lambda: move_back(timedelta(minutes=16)))
                page.reload()
                page.wait_for_selector("text=This part of the file is closed.")
                assert SURNAME not in page.content()
                assert seen.errors == []
                assert seen.elsewhere == []


def test_a_case_is_opened_in_an_emergency_and_the_coordinator_reads_why(
    case, people, live_database, tmp_path
):
    """Done when it works at both widths. Sabotage: take tell_coordinators() or the section out."""
    accounts, _users = people
    with running_desk(tmp_path, ready_file=False, database=live_database) as desk:
        for width in WIDTHS:
            with chromium(desk.url, width=width) as seen:
                page = seen.page
                sign_in(page, desk, accounts["oskar"])
                page.goto(f"{desk.url}/desk/access/")
                seen.picture(f"access-{width}")
                page.get_by_role("link", name="Open a case in an emergency").click()
                page.fill("input[name=code_name]", case.code_name)
                page.fill("textarea[name=reason]", f"Stands at the border, width {width}.")
                seen.picture(f"emergency-{width}")
                page.get_by_role("button", name="Open it, and tell the coordinators").click()
                page.wait_for_selector("text=If there is a case of exactly this name")
                page.get_by_role("link", name=case.code_name).first.click()
                page.wait_for_url("**/change/")
                assert case.code_name in page.title()
                assert (seen.errors, seen.elsewhere) == ([], [])
            with chromium(desk.url, width=width) as seen:
                page = seen.page
                sign_in(page, desk, accounts["petra"])
                page.goto(f"{desk.url}/desk/access/")
                page.wait_for_selector(f"text=Stands at the border, width {width}.")
                assert seen.fits()
                seen.picture(f"access-petra-{width}")
                assert (seen.errors, seen.elsewhere) == ([], [])
