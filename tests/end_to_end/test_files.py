"""A file goes in and comes out, and a case is erased, in a real browser on a laptop and on a phone."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.end_to_end.browser import WIDTHS, chromium, sign_in
from tests.end_to_end.running_desk import running_desk
from tests.end_to_end.test_pages import findings

pytestmark = pytest.mark.browser


def photograph():
    target = io.BytesIO()
    Image.effect_noise((800, 600), 60).save(target, "PNG")
    return target.getvalue()


def add(page, name, data, media):
    page.set_input_files("input[type=file]", {"name": name, "mimeType": media, "buffer": data})
    page.select_option("select[name=kind]", "stamp")
    page.fill("input[name=remark]", "page 14")
    page.click("input[type=submit][value='Add the file']")


@pytest.mark.timeout(240)
def test_a_file_is_kept_and_given_back_and_a_case_erased(tmp_path):
    """Sabotage: show a file in place (no attachment); drop the code name from the page of erasure."""
    said: dict[str, list[str]] = {}

    def look(name):
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            said[f"{name} {width}"] = findings(page) + ([] if browser.fits() else ["scrolls sideways"])
            browser.picture(f"{name}-{width}")

    with running_desk(tmp_path) as desk, chromium(desk.url, width=1366) as browser:
        page = browser.page
        sign_in(page, desk, desk.account("petra"))
        page.goto(f"{desk.url}/desk/cases/case/")
        case = page.locator("#result_list .field-code a").first
        code_name, address = case.inner_text(), f"{desk.url}{case.get_attribute('href')}"
        page.goto(address)
        page.get_by_role("tab", name=re.compile("^Files")).click()
        look("case-files")
        page.get_by_role("link", name="Add a file").click()
        add(page, "stamp.txt", b"no picture at all", "text/plain")
        assert "This is not a photograph that can be taken" in page.locator(".errorlist").first.inner_text()
        add(page, "IMG_2026.png", photograph(), "image/png")
        page.get_by_text("The file is kept, sealed.").wait_for()
        look("files")
        with page.expect_download() as caught:
            page.get_by_role("link", name=re.compile("Border stamp")).click()
        assert caught.value.suggested_filename == "file-1.jpg"
        assert Path(caught.value.path()).read_bytes().startswith(b"\xff\xd8\xff")
        page.goto(address)
        page.get_by_role("link", name="Erase this case for good").click()
        look("erase")
        page.fill("input[name=code_name]", "somebody else")
        page.fill("textarea[name=reason]", "asked for it")
        page.get_by_role("button", name="Erase for good").click()
        page.get_by_text("This is not the code name of this case.").wait_for()
        page.fill("input[name=code_name]", code_name)
        page.get_by_role("button", name="Erase for good").click()
        page.get_by_text("The case is erased.").wait_for()
        page.goto(address)
        assert "[erased]" in page.content()
        look("erased")
    assert {name: found for name, found in said.items() if found} == {}
    assert browser.elsewhere == []
