"""Applications by country in a real browser, wide and narrow; then a row is added to a case by its button."""

import re

import pytest

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.running_desk import running_desk

pytestmark = pytest.mark.browser


def test_the_table_leads_to_lines_and_a_case_takes_one_more_row(tmp_path):
    """Sabotage: leave the cards out of applications.css, or response_change out of CaseAdmin."""
    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("petra"))
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{desk.url}/desk/applications/")
            assert browser.fits()
            browser.picture(f"applications-{width}")
            cell = page.locator(".standings td a.number").first
            count = int(re.match(r"\d+", cell.inner_text())[0])
            cell.click()
            page.wait_for_url(re.compile("group="))
            assert page.locator("ul.lines > li").count() == count
            assert browser.fits()
            page.get_by_role("link", name="Back to all countries").click()
            page.wait_for_url(re.compile(r"/desk/applications/$"))
        page.locator(".standings td a.name").first.click()
        page.get_by_role("heading", name="What runs").wait_for()
        browser.picture("case-applications-390")
        page.fill("textarea[name='applications-0-remark']", "typed before")
        page.get_by_role("button", name="Save and add: appeal").click()
        page.wait_for_url(re.compile(r"add=appeals#appeals-group"))
        assert page.input_value("textarea[name='applications-0-remark']") == "typed before"
        row = page.locator("[name$='-filed_on']").last
        row.fill("2026-11-20")
        page.locator("select[name^='appeals-'][name$='-application']").last.select_option(index=1)
        assert browser.fits()
        browser.picture("case-appeal-390")
        page.locator(".submit-row [name=_continue]").click()
        page.locator("[name^='appeals-'][name$='-filed_on'][value='2026-11-20']").wait_for(state="attached")
        assert browser.errors == []
        assert browser.elsewhere == []
