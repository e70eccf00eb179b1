"""The desk's inbox in a browser: a telephone call is typed, a known person recognised, a sheet brought in."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.running_desk import running_desk
from tests.importing.sheets import as_csv, row_of

pytestmark = pytest.mark.browser


def looked_at(browser, name):
    """At both widths: fits, and says nothing that shuts anybody out."""
    found = []
    for width, height in WIDTHS.items():
        browser.page.set_viewport_size({"width": width, "height": height})
        browser.picture(f"{name}-{width}")
        found += [] if browser.fits() else [f"{name} scrolls sideways at {width}"]
    wrong = Axe().run(browser.page).response["violations"]
    found += [f"{name}: {each['id']} {each['nodes'][0]['html'][:120]}" for each in wrong
              if each["impact"] in ("serious", "critical")]  # fmt: skip
    return found


def test_a_call_is_typed_and_a_sheet_brought_in(tmp_path):
    """Sabotage: leave `enctype` out of templates/desk/import.html."""
    wrong = []
    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("petra"))
        page.goto(f"{desk.url}/desk/inbox/")
        wrong += looked_at(browser, "inbox")
        page.click("text=Import from a spreadsheet")
        wrong += looked_at(browser, "import")
        rows = [row_of(number) for number in range(4)]
        rows[1][0], rows[2][3] = "Атлантида", "вчера"
        sheet = {"name": "люди.csv", "mimeType": "text/csv", "buffer": as_csv(rows, divider=";")}
        page.set_input_files("#check-file", sheet)
        page.click("text=Check the file")
        page.wait_for_selector("text=Import these 2 rows")
        wrong += looked_at(browser, "report")
        page.set_input_files("input[type=file] >> nth=0", sheet)
        page.click("text=Import these 2 rows")
        page.wait_for_selector("text=2 rows were imported.")
        page.goto(f"{desk.url}/desk/inbox/new/")
        wrong += looked_at(browser, "new")
        page.select_option("[name=channel]", "telephone")
        page.fill("[name=contact]", row_of(0)[4])
        page.fill("[name=text]", "Снова звонит.")
        page.fill("[name=alias]", "Тот же")
        page.click("text=Keep the request")
        page.wait_for_url(re.compile("/desk/inbox/$"))
        page.click("text=New: country not said >> nth=0")
        page.wait_for_selector("text=May be the same person")
        wrong += looked_at(browser, "request")
        page.goto(f"{desk.url}/account/")
        page.select_option("[name=language]", "ru")
        page.click("#content-main [type=submit] >> nth=0")
        for name in ("inbox/new", "import", "inbox"):
            page.goto(f"{desk.url}/desk/{name}/")
            wrong += looked_at(browser, f"ru-{name.replace('/', '-')}")
        assert browser.elsewhere == []
    assert wrong == []
