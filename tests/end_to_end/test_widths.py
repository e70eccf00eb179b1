"""How much room the text of a list has: at ten widths and in both languages, Russian first."""

import re

import pytest

from tests.end_to_end.browser import chromium, sign_in
from tests.end_to_end.running_desk import running_desk

pytestmark = pytest.mark.browser
WIDTHS = (320, 360, 390, 768, 1024, 1100, 1200, 1366, 1600, 1920)
COORDINATORS = (
    "board/",
    "digest/",
    "digest/?print=1",
    "inbox/",
    "duplicates/",
    "applications/",
    "access/",
    "rules/",
    "statistics/",
    "statistics/published/",
    "cases/case/",
    "staff/user/",
    "staff/rolegrant/",
)
AUDITORS = ("trail/", "staff/devicereset/", "staff/team/")

# What is wrong with the lists of a page at the window's present width, as sentences; nothing is right.
#   A line's text has 40 characters, or on a phone what is left between the margins of page (28), line (34).
#   No table is wider than its place, and none breaks a word in two.
CRAMPED = """() => {
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) found.push(`the page is ${page.scrollWidth} wide`);
  const lines = document.querySelectorAll(".line > .what");
  const probe = document.createElement("p");
  probe.textContent = "0".repeat(40);
  probe.style.width = "max-content";
  lines[0]?.append(probe);
  const wanted = Math.min(probe.offsetWidth, innerWidth - 28 - 34);
  probe.remove();
  for (const text of lines) {
    const width = text.getBoundingClientRect().width;
    if (width < wanted - 1) found.push(`a text is ${Math.round(width)} wide, not ${wanted}`);
  }
  const shown = [...document.querySelectorAll("#content table")].filter((table) => table.offsetWidth);
  for (const table of shown) {
    const place = table.closest(".scroll, .results") ?? table.parentElement;
    if (place.scrollWidth > place.clientWidth + 1 && !place.matches(".scroll"))
      found.push(`a table is ${place.scrollWidth} wide, its place ${place.clientWidth}`);
    const texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
      if (texts.currentNode.parentElement.closest(".visually-hidden, caption, code")) continue;
      for (const word of texts.currentNode.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (tops.size > 1) found.push(`a table breaks the word ${word[0]}`);
      }
    }
  }
  return [...new Set(found)].sort().slice(0, 3);
}"""


def speak(page, desk, language: str) -> None:
    """Choose this language on the account of whoever is signed in."""
    page.goto(f"{desk.url}/account/")
    page.select_option("select[name=language]", language)
    page.locator("form:has(select[name=language]) [type=submit]").click()
    page.wait_for_load_state()
    assert page.locator("html").get_attribute("lang") == language


def cramped(page, found: dict[str, list[str]], name: str) -> None:
    """Look at the page that is open at every width; what is wrong goes into `found`."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if wrong := page.evaluate(CRAMPED):
            found[f"{name} {width}"] = wrong


def searched_for(page, desk, words: str) -> None:
    page.goto(f"{desk.url}/desk/search/")
    page.fill("#desk-search input[name=q]", words)
    page.press("#desk-search input[name=q]", "Enter")
    page.wait_for_load_state()
    assert page.locator(".line > .what").count()


def test_the_text_of_every_list_has_room_in_both_languages(tmp_path):
    """Sabotage: `flex-wrap: nowrap` on `.line`; in Russian the board's text is a letter wide."""
    found: dict[str, list[str]] = {}
    with running_desk(tmp_path) as desk:
        for person, pages in (("petra", COORDINATORS), ("vera", AUDITORS)):
            with chromium(desk.url, width=1366) as browser:
                page = browser.page
                sign_in(page, desk, desk.account(person))
                if person == "petra":
                    page.goto(f"{desk.url}/desk/cases/case/")
                    case = page.locator("#result_list tbody a").first
                    key = re.search(r"[0-9a-f-]{36}", case.get_attribute("href"))[0]
                    name = case.inner_text()
                    pages = (*pages, f"readers/{key}/", f"case/{key}/files/", f"cases/case/{key}/change/")
                for language in ("ru", "en"):
                    speak(page, desk, language)
                    for path in pages:
                        page.goto(f"{desk.url}/desk/{path}")
                        cramped(page, found, f"{language} {re.sub('[0-9a-f-]{36}', '…', path)}")
                    if person == "petra":
                        searched_for(page, desk, name.split()[0])
                        cramped(page, found, f"{language} search/")
    assert not found, "\n".join(f"{page}: {', '.join(wrong)}" for page, wrong in found.items())
