"""Chromium as the tests drive it: every console error and every request to another origin is kept."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.end_to_end.running_desk import RunningDesk
from tests.machine import need

# Without these Chromium itself asks other hosts, which has nothing to do with our pages.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
WIDTHS = {1366: 900, 390: 844}


class Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if (
            parts.scheme not in ("data", "blob", "about")
            and f"{parts.scheme}://{parts.netloc}" != self.origin
        ):
            self.elsewhere.append(url)

    def picture(self, name: str) -> None:
        """A screenshot in the folder SCREENSHOTS, if one is named: for people to look at."""
        if os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / f"{name}.png", full_page=True)

    def fits(self) -> bool:
        """Whether the page needs no scrolling sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"))


@contextmanager
def chromium(origin: str, *, width: int) -> Iterator[Watched]:
    """A fresh browser without any past, `width` pixels wide."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=QUIET)
        # Still pages: while a link's colour turns from light to dark, axe would measure neither.
        context = browser.new_context(
            viewport={"width": width, "height": WIDTHS[width]}, locale="en-GB", reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        watched = Watched(page, origin)
        try:
            yield watched
        except BaseException:
            watched.picture("failed")
            raise
        finally:
            browser.close()


def type_password(page: Page, desk: RunningDesk, account: dict[str, str]) -> None:
    """The first half of signing in."""
    page.goto(f"{desk.url}/login/")
    page.fill("input[name=username]", account["username"])
    page.fill("input[name=password]", account["password"])
    page.click("form#login-form [type=submit]")
    page.wait_for_url(re.compile("/second-factor/"))


def sign_in(page: Page, desk: RunningDesk, account: dict[str, str]) -> None:
    """Password, then a code of the app."""
    type_password(page, desk, account)
    page.fill("input[name=code]", desk.code(account))
    page.click("#content-main form [type=submit] >> nth=0")
    page.wait_for_url(re.compile("/desk/"))


def sign_out(page: Page) -> None:
    """By the button in the head of every page."""
    page.click("form[action*=logout] button")
    page.wait_for_url(re.compile("/login/"))
