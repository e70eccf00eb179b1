"""Legal rules in a browser: a lawyer confirms one and makes a new version; a caseworker can do neither."""

import pytest

from tests.end_to_end.browser import WIDTHS, chromium, sign_in, sign_out
from tests.end_to_end.running_desk import running_desk
from tests.end_to_end.test_pages import findings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]


def look(browser, name):
    """The page as it is, at both widths, light and dark: nothing shuts anybody out, nothing scrolls away."""
    page = browser.page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.reload()  # or axe meets colours half way between light and dark
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert browser.fits(), (name, width)
            assert findings(page) == [], (name, width, scheme)
            browser.picture(f"{name}-{width}-{scheme}")
    page.set_viewport_size({"width": 1366, "height": WIDTHS[1366]})


def test_a_lawyer_confirms_a_rule_and_a_caseworker_cannot(tmp_path):
    """Sabotage: show the button to everybody and call `_reader` in confirm()."""
    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("olga"))
        page.click("nav >> text=Rules")
        page.click("a:text-is('kz-2023')")
        assert "At most 90 days within any 180 days in a row" in page.inner_text("main")
        assert "to be confirmed by a lawyer" in page.inner_text("main")
        assert page.locator("text=Confirm this version").count() == 0
        assert page.goto(f"{desk.url}/desk/rules/kz-2023/1/confirm/").status == 403
        page.goto(f"{desk.url}/desk/rules/")
        sign_out(page)

        sign_in(page, desk, desk.account("lena"))
        page.goto(f"{desk.url}/desk/rules/")
        look(browser, "rules")
        page.click("a:text-is('kz-2023')")
        look(browser, "rule")
        page.click("text=Make a new version")
        look(browser, "new-version")
        page.go_back()
        page.click("text=Confirm this version")
        look(browser, "confirm")
        page.fill("textarea[name=source_seen]", "Law on migration, art. 12, wording of 1 July 2026")
        page.click("text=It says what the law says: confirm")
        assert "Confirmed: kz-2023@1." in page.inner_text(".messagelist")
        assert "confirmed by lena on" in page.inner_text("main")
        assert "to be confirmed by a lawyer" not in page.inner_text("main")
        page.click("text=Dates derived again")
        wait_until_finished(page)
        look(browser, "recomputation")
        assert browser.elsewhere == []


def wait_until_finished(page):
    """Load the page again until the chores have done their round."""
    for _ in range(40):
        if "finished" in page.inner_text("main"):
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("the dates were not derived again: " + page.inner_text("main"))
