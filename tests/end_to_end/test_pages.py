"""Every kind of page of the desk, looked at by axe: light and dark, on a laptop and on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.running_desk import running_desk

pytestmark = pytest.mark.browser
PAGES = (
    "board/",
    "applications/",
    "search/",
    "digest/",
    "duplicates/",
    "inbox/",
    "inbox/new/",
    "import/",
    "statistics/",
    "statistics/?of=applications",
    "statistics/published/",
    "rules/",
    "access/",
    "cases/case/",
    "cases/case/add/",
    "staff/user/",
    "staff/rolegrant/",
)


def findings(page) -> list[str]:
    """What axe calls serious or critical, with the first place of each."""
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:150]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def test_no_page_shuts_anybody_out_or_asks_another_origin(tmp_path):
    """Sabotage: take the label from a field of the case page, or grey the badges out in base.css."""
    said: dict[str, list[str]] = {}
    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        page.goto(f"{desk.url}/login/")
        said["login"] = findings(page)
        sign_in(page, desk, desk.account("petra"))
        page.goto(f"{desk.url}/desk/cases/case/")
        case = page.locator("#result_list a").first.get_attribute("href")
        addresses = [f"{desk.url}/desk/{path}" for path in PAGES] + [
            f"{desk.url}/account/",
            f"{desk.url}{case}",
        ]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                for address in addresses:
                    page.goto(address)
                    name = re.sub(r"[0-9a-f-]{36}", "…", f"{address} {scheme} {width}")
                    said[name] = findings(page) + ([] if browser.fits() else ["scrolls sideways"])
        assert {name: found for name, found in said.items() if found} == {}
        # The console is not asked here: axe tries inline styles of its own, which our headers refuse.
        assert browser.elsewhere == []
