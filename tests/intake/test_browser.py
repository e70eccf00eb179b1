"""A telephone of 320 pixels whose browser runs no scripts: ask, come back, read, add, withdraw."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.end_to_end.browser import QUIET
from tests.intake.pictures import jpeg
from tests.intake.server import server
from tests.machine import need

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]
SAID = {
    "en": {
        "send": "Send", "read": "Read our answer", "open": "Open the mailbox", "arrived": "It has arrived",
        "none": "There is no answer here now.", "erase": "Erase everything", "gone": "Everything is erased",
        "sure": "Yes, erase everything", "visit": "They came to me or to my family today",
    },
    "ru": {
        "send": "Отправить", "read": "Прочитать наш ответ", "open": "Открыть ящик", "arrived": "Дошло",
        "none": "Сейчас здесь нет ответа.", "erase": "Стереть всё", "gone": "Всё стёрто",
        "sure": "Да, стереть всё", "visit": "Сегодня приходили ко мне или к моей семье",
    },
}  # fmt: skip
STORAGE = """async () => ({
    cookies: document.cookie, local: localStorage.length, session: sessionStorage.length,
    databases: (await indexedDB.databases()).length,
    caches: window.caches ? (await caches.keys()).length : 0,
    workers: navigator.serviceWorker ? (await navigator.serviceWorker.getRegistrations()).length : 0,
})"""
NOTHING = {"cookies": "", "local": 0, "session": 0, "databases": 0, "caches": 0, "workers": 0}


@contextmanager
def telephone(*, width=320, scripts=False, dark=False, locale="ru-RU"):
    """A page of a fresh browser, with what went wrong on it and whom else it asked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=QUIET)
        context = browser.new_context(
            viewport={"width": width, "height": 640}, java_script_enabled=scripts, locale=locale,
            color_scheme="dark" if dark else "light",
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.errors, page.asked = [], []
        page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
        page.on("request", lambda request: page.asked.append(request.url))
        try:
            yield page
        finally:
            browser.close()


def picture(page, name):
    """A screenshot in the folder SCREENSHOTS, if one is named: for people to look at."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / f"intake-{name}.png", full_page=True)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def come_back(page, said, phrase):
    page.get_by_role("link", name=said["read"]).first.click()
    page.fill("#phrase", phrase)
    press(page, said["open"])


def bytes_on_disk(database):
    """Everything that SQLite keeps: the database and the journals beside it."""
    return b"".join(path.read_bytes() for path in Path(database.name).parent.glob("desk.sqlite3*"))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_whole_way_without_scripts_on_a_narrow_telephone(own_database, language):
    """Done when it works in both languages, sets no cookie, leaves nothing, and the withdrawn bytes are gone.

    Sabotage: `PRAGMA secure_delete=OFF` in config/settings.py; a field of the form without its label.
    """
    said = SAID[language]
    with server(own_database) as desk, telephone() as page:
        page.goto(f"{desk.url}{language}/")
        assert fits(page)
        picture(page, f"ask-{language}")
        page.fill("#alias", "Sosna")
        page.get_by_label(said["visit"]).check()
        page.fill("#text", "Ждут у подъезда.")
        page.set_input_files("#photographs", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
        press(page, said["send"])
        phrase = " ".join(page.locator(".phrase li").all_inner_texts())
        assert len(phrase.split()) == 7
        assert fits(page)
        picture(page, f"thanks-{language}")

        come_back(page, said, phrase)
        assert said["none"] in page.inner_text("main")
        picture(page, f"empty-{language}")
        desk.on_the_desk("HelpRequest.objects.get().answer('Stay at home.', at=timezone.now())")
        come_back(page, said, phrase)
        assert "Stay at home." in page.inner_text(".answer")
        assert "Ждут" not in page.content()
        assert fits(page)
        picture(page, f"answer-{language}")

        page.fill("#text", "Уехали.")
        press(page, said["send"])
        assert said["arrived"] in page.inner_text("h1")
        told = desk.on_the_desk(
            "r = HelpRequest.objects.get(); print(r.open_content()['text'], r.colour, r.photographs.count(), "
            "r.messages.get().open_content()['text'])"
        )
        assert told == "Ждут у подъезда. 3 1 Уехали."

        code = "\nfor model in (HelpRequest, Message, Photograph, Answer): "
        told = desk.on_the_desk(code + "print(bytes(model.objects.get().box)[:80].hex())")
        boxes = [bytes.fromhex(line) for line in told.splitlines()]
        assert len(boxes) == 4
        assert all(box in bytes_on_disk(own_database) for box in boxes)
        come_back(page, said, phrase)
        page.get_by_label(said["sure"]).check()
        press(page, said["erase"])
        assert said["gone"] in page.inner_text("h1")
        assert not any(box in bytes_on_disk(own_database) for box in boxes)

        assert page.context.cookies() == []
        assert page.context.storage_state() == {"cookies": [], "origins": []}
        assert page.evaluate(STORAGE) == NOTHING
        assert page.errors == []
        assert {url.partition("/help/")[0].partition("/static/")[0] for url in page.asked} == {
            f"http://127.0.0.1:{desk.port}"
        }
        assert "127.0.0.1" not in desk.log.read_text()


@pytest.fixture(scope="module")
def desk(_fresh_databases):
    """A server for several tests, each of which brings its own request."""
    database = _fresh_databases()
    with server(database) as running:
        yield running
    database.drop()


def test_a_slip_is_shown_and_nothing_typed_is_lost(desk):
    """Sabotage: `HelpForm()` instead of `form` in `_send_request`."""
    with telephone(dark=True) as page:
        page.goto(f"{desk.url}ru/")
        page.fill("#text", "Суд уже скоро.")
        page.select_option("#event", "hearing")
        page.evaluate("document.getElementById('event_on').type = 'text'")
        page.fill("#event_on", "на той неделе")
        press(page, "Отправить")
        assert "Это не дата" in page.inner_text("[role=alert]")
        assert page.input_value("#text") == "Суд уже скоро."
        assert page.input_value("#event") == "hearing"
        assert fits(page)
        picture(page, "slip-dark")
        page.get_by_role("link", name="Это не дата").click()
        page.fill("#event_on", "2026-12-31")
        press(page, "Отправить")
        assert len(page.locator(".phrase li").all()) == 7


@pytest.mark.parametrize(("width", "dark"), [(320, True), (1366, False)])
def test_every_page_can_be_used_by_everybody(desk, width, dark):
    """Axe finds nothing: names, contrast, headings. Sabotage: `--quiet: #aaa` in public.css."""
    from axe_playwright_python.sync_playwright import Axe

    with telephone(width=width, scripts=True, dark=dark) as page:
        page.goto(desk.url)
        phrase = desk.visitor().ask_for_help(text="…")
        seen = []
        for name in ("ask", "slip", "thanks", "phrase", "no-phrase", "mailbox", "missing"):
            if name == "slip":
                press(page, "Отправить")
            elif name == "thanks":
                page.fill("#text", "…")
                press(page, "Отправить")
            elif name == "phrase":
                page.goto(f"{desk.url}ru/mailbox/")
            elif name == "no-phrase":
                press(page, "Открыть ящик")
            elif name == "mailbox":
                page.fill("#phrase", phrase)
                press(page, "Открыть ящик")
            elif name == "missing":
                page.get_by_label("Да, стереть всё").check()
                press(page, "Стереть всё")
            found = Axe().run(page)
            assert found.violations_count == 0, (name, found.generate_report())
            assert fits(page), name
            picture(page, f"{name}-{width}{'-dark' if dark else ''}")
            seen.append(page.locator("h1").count())
        assert seen == [1] * 7
