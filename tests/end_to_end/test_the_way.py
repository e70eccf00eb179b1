"""The one way through the house, walked in a real browser through everything that `manage.py up` starts."""

import re
from datetime import date, timedelta

import pytest

from tests.end_to_end.browser import WIDTHS, chromium, sign_in, sign_out, type_password
from tests.end_to_end.office import wait_for
from tests.end_to_end.running_desk import running_desk

pytestmark = pytest.mark.browser
TODAY = date.today()


@pytest.fixture
def desk(tmp_path):
    # Seconds instead of a minute between two looks at what is due: nothing else differs.
    with running_desk(tmp_path, fresh=True, SCAN_SECONDS="3", DRAIN_SECONDS="2") as desk:
        yield desk


def quiet(mailroom) -> int:
    """Wait until what the demo's cases had to say has been said; the number of mails until then."""
    counts = []

    def same_for_a_while():
        counts.append(len(mailroom.mails))
        return len(counts) > 8 and len(set(counts[-8:])) == 1

    wait_for(same_for_a_while, seconds=60, what="the mailbox falls quiet", every=1)
    return counts[-1]


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=re.compile(rf"^{name}( \(|$)")).click()


def type_case(page, desk) -> str:
    """Type a case with a stay, a passport and two asylum applications; its code name."""
    page.goto(f"{desk.url}/desk/cases/case/add/")
    page.fill("input[name=country]", "Kazakhstan")
    page.select_option("select[name=category]", "mobilised")
    page.fill("textarea[name=summary]", "Left the unit in spring; lives with a friend.")
    open_tab(page, "Identity")
    page.fill("input[name='identity-0-surname']", "Выдумкин")
    page.fill("input[name='identity-0-given_name']", "Пример")
    open_tab(page, "Stays")
    page.fill("input[name='stays-0-country']", "Kazakhstan")
    page.fill("input[name='stays-0-entered_on']", day(-60))
    page.fill("input[name='stays-0-last_legal_day']", day(6))
    page.fill("input[name='stays-0-last_legal_day_source']", "Stamp in the passport")
    open_tab(page, "Identity documents")
    page.select_option("select[name='documents-0-kind']", "travel_passport_5")
    page.fill("input[name='documents-0-number']", "70 0000001")
    page.fill("input[name='documents-0-valid_until']", day(25))
    open_tab(page, "Applications")
    page.get_by_role("button", name=re.compile("^Add another application", re.IGNORECASE)).click()
    for row, (country, stage, field, in_days) in enumerate(
        [("Germany", "lodged", "next_check_on", 12), ("France", "interview_scheduled", "interview_on", 0)]
    ):
        page.fill(f"input[name='applications-{row}-country']", country)
        page.select_option(f"select[name='applications-{row}-kind']", "asylum_claim")
        page.select_option(f"select[name='applications-{row}-stage']", stage)
        page.fill(f"input[name='applications-{row}-{field}']", day(in_days))
    page.click("input[name=_continue]")
    page.wait_for_url(re.compile("/change/"))
    return page.locator("#content h1, #content h2").first.inner_text().strip()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_case_is_typed_reminded_and_signed_for(desk, width):
    """Second factor, case, board, mail by SMTP, digest, signature: at a laptop's and a phone's width.

    Sabotage: in reminders/tasks.py let `drain` return at once; the desk is never green, and no mail arrives.
    """
    olga, petra = desk.account("olga"), desk.account("petra")
    before = quiet(desk.mailroom)
    with chromium(desk.url, width=width) as browser:
        page = browser.page
        sign_in(page, desk, olga)
        browser.picture(f"board-{width}")
        assert browser.fits()
        page.goto(f"{desk.url}/desk/cases/case/add/")
        browser.picture(f"add-{width}")
        code_name = type_case(page, desk)
        assert browser.fits()
        browser.picture(f"case-{width}")

        page.goto(f"{desk.url}/desk/board/")
        lines = page.locator("li, tr", has_text=code_name)
        assert lines.count() == 5, "five dates stand on the board"
        words = " ".join(lines.all_inner_texts())
        assert day(6) in words, "the board says the date"
        browser.picture(f"board-with-case-{width}")
        sign_out(page)

        wait_for(lambda: len(desk.mailroom.mails) > before, seconds=60, what="a reminder arrives by SMTP")
        for _recipient, content in desk.mailroom.mails:
            assert code_name.encode() not in content
            assert "Выдумкин".encode() not in content

        sign_in(page, desk, petra)
        page.goto(f"{desk.url}/desk/digest/")
        assert page.get_by_text(code_name).first.is_visible()
        assert browser.fits()
        browser.picture(f"digest-{width}")
        page.get_by_role("button", name=re.compile("reviewed", re.IGNORECASE)).click()
        assert "petra" in page.locator("section.signature.signed").inner_text()
        browser.picture(f"signed-{width}")
        assert browser.errors == []
        assert browser.elsewhere == []


def test_with_the_password_alone_no_page_of_the_desk_opens(desk):
    """Sabotage: `return None` at the head of DefaultDenyMiddleware.process_view."""
    with chromium(desk.url, width=1366) as browser:
        page = browser.page
        type_password(page, desk, desk.account("olga"))
        for path in ("board/", "digest/", "cases/case/", "cases/case/add/", "staff/user/", ""):
            page.goto(f"{desk.url}/desk/{path}")
            assert "/second-factor/" in page.url, path
            assert page.locator("input[name=code]").is_visible()
        page.goto(f"{desk.url}/account/")
        assert "/second-factor/" in page.url
