"""A stranger asks, is answered, reads it, and becomes a case: two people, two browsers, one desk."""

import re
from contextlib import contextmanager

import pytest

from tests.end_to_end.browser import WIDTHS, Watched, chromium, sign_in
from tests.end_to_end.running_desk import running_desk
from tests.end_to_end.test_pages import findings
from tests.intake.test_browser import SAID, come_back, press

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
WRITTEN = "They wait for me at the gate since Monday, {}."
WORDS = {
    "en": {"send": "Send the answer", "make": "Make a case", "sent": "The answer lies in the mailbox."},
    "ru": {"send": "Отправить ответ", "make": "Завести дело", "sent": "Ответ лежит в ящике."},
}


@contextmanager
def stranger(browser, desk, width):
    """Somebody else's telephone: a browser without a past that runs no scripts."""
    context = browser.page.context.browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    try:
        yield Watched(page, desk.url)
    finally:
        context.close()


def asks(page, desk, language, text):
    """Sends a request; the seven words of its mailbox."""
    page.goto(f"{desk.url}/help/{language}/")
    page.get_by_label(SAID[language]["visit"]).check()
    page.select_option("#country", "KZ")
    page.fill("#text", text)
    press(page, SAID[language]["send"])
    return " ".join(page.locator(".phrase li").all_inner_texts())


def the_desk_speaks(page, desk, language):
    page.goto(f"{desk.url}/account/")
    page.select_option("[name=language]", language)
    page.click("#content-main [type=submit] >> nth=0")


def newest_red(page, desk, text):
    """Open requests of the inbox, the most urgent first, until one holds `text`: the demo has others."""
    page.goto(f"{desk.url}/desk/inbox/")
    links = page.locator("ul.lines a").evaluate_all("all => all.map(each => each.href)")
    for link in links:
        page.goto(link)
        if text in page.inner_text("main"):
            return
    raise AssertionError(f"The inbox shows none of {len(links)} requests with what was written.")


@pytest.mark.parametrize("steps", [(("en", 1366), ("en", 390), ("ru", 390))])
def test_a_stranger_is_answered_and_becomes_a_case(tmp_path, steps):
    """From the form to the case, wide and narrow, in both languages; nothing goes wrong in either browser.

    Sabotage: leave `answer.save` out of HelpRequest.answer, or the line that redirects out of _accept.
    """
    wrong = []
    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("olga"))
        for number, (language, width) in enumerate(steps):
            said, words, text = SAID[language], WORDS[language], WRITTEN.format(f"{language} {width}")
            the_desk_speaks(page, desk, language)
            page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            with stranger(browser, desk, width) as theirs:
                phrase = asks(theirs.page, desk, language, text)
                newest_red(page, desk, text)
                browser.picture(f"stranger-request-{language}-{width}")
                wrong += [] if browser.fits() else [f"the request scrolls sideways: {language} {width}"]
                page.fill("[name=text] >> nth=0", f"Go to the consulate tomorrow, {number}.")
                page.get_by_role("button", name=words["send"]).click()
                assert words["sent"] in page.inner_text(".messagelist")
                come_back(theirs.page, said, phrase)
                assert f"Go to the consulate tomorrow, {number}." in theirs.page.inner_text(".answer")
                assert text not in theirs.page.content()
                wrong += [] if theirs.fits() else [f"the mailbox scrolls sideways: {language} {width}"]
                page.locator("form:has([name=country]) [name=act][value=accept]").click()
                page.wait_for_url(re.compile("/desk/cases/case/.+/change/"))
                assert text in page.content()
                browser.picture(f"stranger-case-{language}-{width}")
                wrong += [] if browser.fits() else [f"the case scrolls sideways: {language} {width}"]
                assert theirs.page.context.cookies() == []
                wrong += theirs.errors + theirs.elsewhere
        wrong += browser.errors + browser.elsewhere
        for address in ("inbox/", "inbox/?show=accepted"):
            page.goto(f"{desk.url}/desk/{address}")
            wrong += findings(page)
        page.locator("ul.lines a").first.click()
        wrong += findings(page)
    assert wrong == []
