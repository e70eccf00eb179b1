"""The import page: a file is looked at, its report read, the same file chosen again and brought in."""

import html
import re
import time
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import Case
from desk.views.imports import defuse
from importing.sheets import as_meant
from intake.models import HelpRequest
from staff.models import TrailRow
from tests.house.test_translations import english_on
from tests.importing.sheets import HEADINGS, as_csv, as_xlsx, row_of

pytestmark = pytest.mark.django_db
IMPORT = "/desk/import/"


def words_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


def file(content, name="люди.csv"):
    return SimpleUploadedFile(name, content)


def hidden(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]+)"', page.content.decode())[1])


def looked(desk, content, what="cases", **more):
    return desk.post(IMPORT, {"act": "look", "what": what, "file": file(content), **more})


def brought(desk, report, content, act="bring", what="cases", **more):
    sent = {name: hidden(report, name) for name in ("once", "checked")}
    return desk.post(IMPORT, {"act": act, "what": what, "file": file(content), **sent, **more})


@pytest.fixture
def desk(petra, sign_in):
    """Petra at her desk."""
    return sign_in(petra)


@pytest.mark.parametrize("name", ["mark", "olga", "oskar", "lena", "anton", "vera"])
def test_only_coordinators_get_the_page_the_act_and_the_template(name, request, sign_in):
    """Sabotage: drop _require_allowed from show, or from template."""
    desk = sign_in(request.getfixturevalue(name))
    for answer in (desk.get(IMPORT), looked(desk, as_csv([row_of(1)])), desk.get(f"{IMPORT}cases/en/")):
        assert answer.status_code in (302, 403)
        assert "Вымыслов" not in answer.content.decode()
    if name == "olga":
        assert IMPORT not in desk.get("/desk/inbox/").content.decode()
    assert not Case.objects.exists()


def test_a_code_is_asked_for_that_is_not_fresh(desk):
    """Sabotage: take step_up_required from show."""
    session = desk.session
    session["stepped_up_at"] = int(time.time()) - 3600
    session.save()
    answer = desk.get(IMPORT)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/second-factor/")
    late = looked(desk, as_csv([row_of(1)]))
    assert "row is good" not in words_of(late)
    assert "ымыслов" not in late.content.decode()
    assert not TrailRow.objects.filter(verb="sheet_checked").exists()


def test_a_dry_run_says_what_would_come_in_and_changes_nothing(desk):
    """Done when the report names line, column, cause and next step. Sabotage: call bring in look."""
    rows = [row_of(1), row_of(2)]
    rows[1][3] = "вчера"
    text = words_of(looked(desk, as_csv(rows, encoding="cp1251", divider=";")))
    assert "1 row is good. 0 of them are here already. 1 row cannot be taken. Nothing was" in text
    assert f"Line 3 {HEADINGS[3]}: This is no date. Write it as 2026-11-22" in text
    assert "Import this 1 row" in text
    assert not Case.objects.exists()


@pytest.mark.parametrize("written", [as_csv, as_xlsx])
@pytest.mark.speaks_sql
def test_the_same_file_chosen_again_comes_in_once_for_two_clicks(
    written, desk, django_capture_on_commit_callbacks
):
    """Done when “import these” does it. Sabotage: leave the key out of bring."""
    content = written([row_of(1), row_of(2)])
    report = looked(desk, content)
    with django_capture_on_commit_callbacks(execute=True):
        for _click in range(2):
            answer = brought(desk, report, content)
            assert answer["Location"] == "/desk/cases/case/"
    assert Case.objects.count() == 2
    assert "2 rows were imported." in words_of(desk.get("/desk/cases/case/"))
    assert "This very file was imported before" in words_of(looked(desk, content))


def test_another_file_than_the_one_checked_is_only_looked_at(desk, paula, sign_in):
    """Sabotage: take the fingerprint out of _was_checked, or the reader out of its salt."""
    checked, other = as_csv([row_of(1)]), as_csv([row_of(2), row_of(3)])
    report = looked(desk, checked)
    answer = brought(desk, report, other)
    assert "This is not the file that was checked." in words_of(answer)
    assert "2 rows are good." in words_of(answer)
    assert "This is not the file that was checked." in words_of(brought(sign_in(paula), report, checked))
    assert brought(desk, report, checked, what="requests").status_code == 422
    assert not HelpRequest.objects.exists()
    assert not Case.objects.exists()


def test_rows_that_are_here_come_in_only_when_ticked(desk):
    content = as_csv([row_of(1)])
    brought(desk, looked(desk, content), content)
    report = looked(desk, content)
    assert "1 of them is here already." in words_of(report)
    brought(desk, report, content)
    assert "every good row is here already" in words_of(desk.get("/desk/cases/case/"))
    brought(desk, looked(desk, content), content, also_known="on")
    assert Case.objects.count() == 2


def test_bad_rows_come_back_as_a_file_without_formulas(desk):
    """Done when a download defuses formulas. Sabotage: write the cell as it is in _csv."""
    row = row_of(1)
    row[0], row[1] = "Атлантида", "=HYPERLINK(1)"
    content = as_csv([row, row_of(2)])
    answer = brought(desk, looked(desk, content), content, act="rejects")
    text = answer.content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    assert "This country is not known." in text
    assert "Вымыслов2" not in text
    assert answer["Content-Disposition"] == 'attachment; filename="corrections.csv"'
    cells = ["=1", "+999 00", "it's", "'", ""]
    assert [as_meant(defuse(cell)) for cell in cells] == cells
    assert not Case.objects.exists()


def test_requests_come_into_the_inbox(desk):
    content = as_csv([["telephone", "Нужен юрист."]], ["Channel", "Text"])
    answer = brought(desk, looked(desk, content, "requests"), content, what="requests")
    assert answer["Location"] == "/desk/inbox/"
    assert HelpRequest.objects.get().content["text"] == "Нужен юрист."


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"%PDF\0", b"PK\x03\x04", "Рост\n180".encode(), b"x" * 10_000_001]
)
def test_what_is_no_table_gets_a_sentence_on_the_page(content, desk):
    """Sabotage: let CannotRead through."""
    answer = looked(desk, content)
    assert answer.status_code == 422
    assert "Nothing was imported: look at what is marked." in words_of(answer)


def test_a_page_with_a_thousand_bad_rows_stays_light(desk):
    rows = [row_of(number) for number in range(1000)]
    for row in rows:
        row[0], row[3], row[5] = "Атлантида " * 30, "вчера", "сегодня"
    answer = looked(desk, as_csv(rows))
    assert len(answer.content) <= 100_000
    assert "And 900 rows more." in words_of(answer)


@pytest.mark.speaks_sql
@pytest.mark.slow
def test_nothing_of_a_file_is_left_anywhere(desk, tmp_path, monkeypatch, caplog):
    """Done when no clear temporary file is made. Sabotage: Django's own second upload handler."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(Path(conf.VAR_DIR).rglob("*"))
    content = as_csv([[*row_of(number), "ъ" * 1300] for number in range(1000)], [*HEADINGS, "Note"])
    assert len(content) > 2_500_000
    assert "1000 rows are good." in words_of(looked(desk, content))
    assert list(tmp_path.iterdir()) == []
    assert set(Path(conf.VAR_DIR).rglob("*")) == before
    assert "ымыслов" not in caplog.text


@pytest.mark.parametrize("what", ["cases", "requests"])
def test_a_template_is_a_table_that_the_desk_understands(what, desk):
    for language, divider in (("en", ","), ("ru", ";")):
        answer = desk.get(f"{IMPORT}{what}/{language}/")
        assert answer["Content-Type"].startswith("text/csv")
        assert answer.content.startswith(b"\xef\xbb\xbf")
        assert answer.content.decode("utf-8-sig").count(divider) > 10
        report = looked(desk, answer.content, what)
        assert "0 rows are good." in words_of(report)
        assert "would not be read" not in words_of(report)
    assert desk.get(f"{IMPORT}cases/xx/")["Location"] == IMPORT


def test_the_import_speaks_russian(desk, petra):
    petra.language = "ru"
    petra.save(update_fields=["language"])
    rows = [row_of(1), row_of(2)]
    rows[1][0] = "Атлантида"
    for page in (desk.get(IMPORT), looked(desk, as_csv(rows)), looked(desk, b"")):
        assert english_on(page, "petra", "Astana", "XLSX", "CSV", "KZ") == []
