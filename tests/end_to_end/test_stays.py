"""A caseworker types border crossings and reads the last legal day; a changed exit moves it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.end_to_end.browser import chromium, sign_in
from tests.end_to_end.running_desk import running_desk
from tests.end_to_end.test_pages import findings

pytestmark = pytest.mark.browser
# The date in Kazakhstan, where the days are counted: five hours ahead of UTC.
TODAY = (datetime.now(UTC) + timedelta(hours=5)).date()
CROSSINGS = [(-90, -61), (-50, -21), (-9, None)]


def ahead(days: int) -> str:
    return (TODAY + timedelta(days)).isoformat()


def type_crossings(page) -> None:
    """Three stays in Kazakhstan, the last of them open."""
    page.fill("[name=country]", "Kazakhstan")
    page.click("[role=tab]:has-text('Stays')")
    for _more in CROSSINGS[1:]:
        page.click("#stays-group .add-row a")
    for number, (entered, left) in enumerate(CROSSINGS):
        page.fill(f"[name='stays-{number}-country']", "Kazakhstan")
        page.fill(f"[name='stays-{number}-entered_on']", ahead(entered))
        page.fill(f"[name='stays-{number}-left_on']", "" if left is None else ahead(left))


def last_day(page) -> str:
    return str(page.locator(".stay-panel .last-day strong").inner_text())


@pytest.mark.parametrize("width", [1366, 390])
def test_three_crossings_give_a_day_and_another_exit_moves_it(tmp_path, width):
    """Sabotage: take the panel out of stacked.html, or the hidden save button out of change_form.html."""
    with running_desk(tmp_path) as desk, chromium(desk.url, width=width) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("olga"))
        page.goto(f"{desk.url}/desk/cases/case/add/")
        type_crossings(page)
        page.click("[name=_continue]")
        page.wait_for_url("**/change/**")
        case = page.url.partition("#")[0]
        page.goto(f"{case}#stays-group")
        # 30 + 30 days and the ten since the last entry: twenty are left.
        assert last_day(page).endswith(ahead(20))
        assert "Days used: 70 of 90." in page.locator(".stay-panel").inner_text()
        browser.picture(f"stay-{width}")

        left = page.locator("[name^='stays-'][name$='-left_on']")
        at = next(n for n in range(left.count()) if left.nth(n).input_value() == ahead(-21))
        left.nth(at).fill(ahead(-31))
        # Enter saves; it must not press the button of "what if".
        with page.expect_navigation():
            left.nth(at).press("Enter")
        page.goto(f"{case}?again=1#stays-group")
        assert last_day(page).endswith(ahead(30))

        page.fill("[name=what_if-leaves]", ahead(1))
        page.fill("[name=what_if-returns]", ahead(5))
        with page.expect_navigation():
            page.click("[name=_what_if]")
        # Three days abroad are three days more.
        assert ahead(33) in page.locator(".what-if .answer").inner_text()
        assert ahead(1) not in page.url
        assert browser.fits()
        assert browser.errors == []
        assert browser.elsewhere == []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            browser.picture(f"what-if-{scheme}-{width}")
            assert findings(page) == []

        page.emulate_media(color_scheme="light")
        page.goto(f"{desk.url}/desk/board/?day={ahead(30)}")
        with page.expect_navigation():
            page.click("li.line:has-text('Legal stay ends') a.why")
        assert "kz-2023@1" in page.locator(".explanation").inner_text()
        assert browser.fits()
        assert findings(page) == []
        browser.picture(f"explanation-{width}")
