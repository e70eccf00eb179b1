"""From a sheet to cases and requests: what is built, all or nothing, who may, and what is noticed."""

import tempfile
from datetime import UTC, date, datetime
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone, translation

from cases.models import Case, ContactChannel, Deadline, FactHistory, Identity, Note, Stay, Task
from importing import store
from importing.run import Import, What
from importing.sheets import CannotRead
from inbox.models import RequestMark
from intake.models import Colour, HelpRequest, State
from staff import trail
from staff.models import TrailRow
from tests.importing.sheets import HEADINGS, as_csv, as_xlsx, row_of
from vault.models import RecordKey

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def sheet(content, by, what=What.CASES, now=NOW):
    return Import(content=content, what=what, by=by, now=now, today=now.date())


def requests(*rows):
    headings = ["Channel", "Nickname", "Phone", "Danger", "Event", "Event date", "Text", "Country"]
    return as_csv(rows, headings)


REQUEST = ["telephone", "Кот", "+999 00 1234567", "Detained", "hearing", "09.03.2030", "Держат с пятницы.",
       "Киргизия"]  # fmt: skip


# -- cases


@pytest.mark.parametrize("written", [as_csv, as_xlsx])
def test_a_row_becomes_a_case_with_everything_in_its_place(written, petra, olga):
    """Done when cases come in from CSV and XLSX. Sabotage: leave the stays out of Person.facets."""
    headings = [*HEADINGS, "Caseworker", "Status", "Telegram", "Дата въезда 2", "Дата выезда 2",
                "Страна этого пребывания 2", "Note", "Task", "Task until", "Категория"]  # fmt: skip
    row = [*row_of(7), "olga", "Waiting for an authority", "@lynx_forest", "1 мая 2026", "2026-08-30",
           "Грузия", "Звонить вечером.", "Перевести паспорт", "15.12.2026", "Mobilised"]  # fmt: skip
    done = sheet(written([row], headings), petra).bring(key=uuid4(), also_known=False)
    case = Case.objects.get()
    assert done == 1
    assert (case.country, case.team, case.caseworker) == ("KZ", petra.team, olga)
    assert (case.status, case.category) == ("waiting", "mobilised")
    assert case.code_name
    identity = Identity.objects.get()
    assert (identity.surname, identity.born_on) == ("Вымыслов7", date(1970, 1, 8))
    assert {row.kind: row.value for row in ContactChannel.objects.all()} == {
        "phone": "+999 00 0000007", "telegram": "@lynx_forest"
    }  # fmt: skip
    stays = {row.country: (row.entered_on, row.left_on) for row in Stay.objects.all()}
    assert stays == {"KZ": (date(2026, 9, 1), None), "GE": (date(2026, 5, 1), date(2026, 8, 30))}
    document = case.documents.get()
    assert (document.kind, document.number) == ("internal_passport", "00 00 000007")
    assert document.valid_until == date(2031, 2, 1)
    assert Note.objects.get().text == "Звонить вечером."
    assert (Task.objects.get().due_on, Task.objects.get().assignee) == (date(2026, 12, 15), olga)
    assert {row.kind for row in Deadline.objects.all()} >= {"task"}
    assert FactHistory.objects.filter(case=case).count() == 8
    assert RecordKey.objects.filter(owner=case.pk).exists()
    verbs = set(TrailRow.objects.exclude(verb="role_granted").values_list("verb", "actor"))
    assert verbs == {("case_created", petra.pk), ("sheet_imported", petra.pk)}


def test_deadlines_are_those_of_a_case_typed_by_hand(petra):
    """What the rules give for a stay is due here too. Sabotage: leave out Deadline.objects.bulk_create."""
    sheet(as_csv([row_of(1)]), petra).bring(key=uuid4(), also_known=False)
    case = Case.objects.get()
    found = {(row.kind, row.due_on) for row in Deadline.objects.all()}
    assert len(found) > 1
    with patch("cases.models.case.timezone.now", return_value=NOW):
        case.refresh_deadlines(today=case.today())
    assert {(row.kind, row.due_on) for row in Deadline.objects.filter(state="open")} == found


def test_an_imported_person_is_found_by_search(petra):
    from cases import search

    sheet(as_csv([row_of(1), row_of(2)]), petra).bring(key=uuid4(), also_known=False)
    for typed in ("Vymyslov2", "+99900 0000002", "00 00 000002"):
        hits = search.cases(typed, by=petra, today=NOW.date()).hits
        assert [hit.case.identity.surname for hit in hits] == ["Вымыслов2"]


# -- all or nothing


def test_a_failure_at_the_end_leaves_nothing(petra, monkeypatch):
    """Done when nothing is half-done. Sabotage: take transaction.atomic out of _bring."""
    rows = [row_of(number) for number in range(450)]
    count, real = [0], store.cases

    def breaks(people, **facts):
        count[0] += 1
        if count[0] == 3:
            raise IntegrityError("gone")
        real(people, **facts)

    monkeypatch.setattr(store, "cases", breaks)
    with pytest.raises(IntegrityError):
        sheet(as_csv(rows), petra).bring(key=uuid4(), also_known=False)
    assert count == [3]
    assert not Case.objects.exists()
    assert not HelpRequest.objects.exists()
    assert not TrailRow.objects.filter(verb="sheet_imported").exists()


def test_two_clicks_import_once(petra):
    """Sabotage: take _done_with out of bring, and uuid5 out of _built."""
    key, content = uuid4(), as_csv([row_of(1), row_of(2)])
    assert [sheet(content, petra).bring(key=key, also_known=True) for _click in range(2)] == [2, 2]
    assert Case.objects.count() == 2


def test_bad_rows_are_named_and_left_out(petra):
    """Done when bad rows are listed with line, column and cause. Sabotage: store them all."""
    rows = [row_of(1), row_of(2), row_of(3), row_of(4)]
    rows[1][0] = "Атлантида"
    rows[2][3] = "31.02.1990"
    report = sheet(as_csv(rows), petra).look()
    assert (report.good, report.bad) == (2, 2)
    assert [(each.line, each.column) for each in report.problems] == [(3, HEADINGS[0]), (4, HEADINGS[3])]
    assert "This country is not known. Write its name" in report.problems[0].cause
    assert "This is no date. Write it as 2026-11-22" in report.problems[1].cause
    assert not Case.objects.exists()
    assert sheet(as_csv(rows), petra).bring(key=uuid4(), also_known=False) == 2
    assert {row.surname for row in Identity.objects.all()} == {"Вымыслов1", "Вымыслов4"}
    bad = list(sheet(as_csv(rows), petra).bad_rows())
    assert [line for line, _cells, _causes in bad] == [0, 3, 4]
    assert bad[1][1][1] == "Вымыслов2"


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("Owner username", "oskar", "Nobody of your team"),
        ("Status", "closed", "says on which day and why"),
        ("Last legal day", "2026-12-24", "needs its source"),
        ("Date of exit", "2027-01-01", "lies ahead"),
        ("Citizenships", "RU, Нарния", "not known"),
        ("Safe time to contact", "вечером", None),
        ("Task until", "2026-12-01", "what is to be done"),
        ("Surname in Latin letters", "x" * 300, "200"),
        ("Date of issue", "2032-01-01", "ends before it was issued"),
    ],
)
def test_a_row_that_the_record_refuses_says_what_it_says(column, cell, said, petra, oskar):
    """The record's rules hold here too. Sabotage: no record.clean in CaseRowBuilder._let_record_refuse."""
    heading = "Username" if column == "Owner username" else column
    report = sheet(as_csv([[*row_of(1), cell]], [*HEADINGS, heading]), petra).look()
    assert report.bad == (0 if said is None else 1)
    if said:
        assert said in " ".join(each.cause for each in report.problems)


def test_a_cell_without_a_heading_is_not_lost_silently(petra):
    """Sabotage: drop the question for width from rows()."""
    report = sheet(as_csv([[*row_of(1), "и ещё это"]]), petra).look()
    assert (report.good, report.bad) == (0, 1)
    report = sheet(as_csv([[*row_of(1), "x"]], [*HEADINGS, "Рост"]), petra).look()
    assert (report.good, report.unknown) == (1, ("Рост",))


# -- who is here already


def test_the_same_file_twice_brings_nobody_twice(petra):
    """Done when importing a file twice is noticed. Sabotage: give {} from among_cases."""
    content = as_csv([row_of(1), row_of(2)])
    assert sheet(content, petra).look().before is None
    assert sheet(content, petra).bring(key=uuid4(), also_known=False) == 2
    report = sheet(content, petra).look()
    assert (report.good, report.known, report.all_new) == (2, 2, 0)
    assert report.before is not None
    assert {each.where for each in report.there} == set(Case.objects.values_list("code_name", flat=True))
    assert sheet(content, petra).bring(key=uuid4(), also_known=False) == 0
    assert sheet(content, petra).bring(key=uuid4(), also_known=True) == 2


@pytest.mark.parametrize("shared", [4, 7, (1, 3)])
def test_one_thing_in_common_is_enough(shared, petra):
    """A phone, a document, or surname and birthday, in another spelling. Sabotage: leave one of them out."""
    sheet(as_csv([row_of(1)]), petra).bring(key=uuid4(), also_known=False)
    row = ["KZ", "Иной", "Иван", "1991-01-01", "+999 00 7777777", "", "", "", ""]
    other = {4: "+999 (00) 000-00-01", 7: "0000 000001"}
    if shared == (1, 3):
        row[1], row[3] = "Vymyslov1", "1970-01-02"
    else:
        row[shared] = other[shared]
        row[6] = "internal passport" if shared == 7 else ""
    report = sheet(as_csv([row]), petra).look()
    assert [each.where for each in report.there] == [Case.objects.get().code_name]


def test_a_person_who_stands_twice_in_the_sheet_comes_in_once(petra):
    """Also far below. Sabotage: leave `seen` out of _met."""
    rows = [row_of(number) for number in range(250)] + [row_of(3)]
    report = sheet(as_csv(rows), petra).look()
    assert [(each.line, each.where) for each in report.there] == [(252, "line 5 of this sheet")]
    assert sheet(as_csv(rows), petra).bring(key=uuid4(), also_known=False) == 250


def test_a_case_of_another_team_is_not_hinted_at(petra, oskar):
    """Sabotage: take Case.objects.all() in among_cases."""
    case = Case.objects.open_case(by=oskar, country="GE")
    ContactChannel(case=case, kind="phone", value="+999 00 0000001").save(by=oskar)
    report = sheet(as_csv([row_of(1)]), petra).look()
    assert (report.known, report.there) == (0, [])


# -- who


@pytest.mark.parametrize("name", ["mark", "oskar", "olga", "lena", "anton", "vera"])
def test_only_a_coordinator_imports(name, request):
    """Sabotage: drop require_allowed from look, bring or bad_rows."""
    done = sheet(as_csv([row_of(1)]), request.getfixturevalue(name))
    for act in (done.look, lambda: done.bring(key=uuid4(), also_known=True), lambda: list(done.bad_rows())):
        with pytest.raises(trail.Refused):
            act()
    assert not Case.objects.exists()


def test_the_trail_says_who_and_how_many_and_nothing_of_the_content(petra):
    """Sabotage: put the file's name or a row into the receipt."""
    sheet(as_csv([row_of(1)]), petra).look()
    sheet(as_csv([row_of(1)]), petra).bring(key=uuid4(), also_known=False)
    checked, brought = (TrailRow.objects.get(verb=verb) for verb in ("sheet_checked", "sheet_imported"))
    assert checked.details == {"receipt": {"what": "cases", "good": 1, "bad": 0}}
    assert brought.details["receipt"].keys() == {"what", "rows", "file"}
    assert "ымыслов" not in str(brought.details)


# -- requests


def test_a_row_becomes_a_request_with_its_colour_and_clock(petra, tmp_path, settings):
    """Requests come in with triage. Sabotage: leave `dangers` out of request_rows.RequestRowBuilder."""
    done = sheet(requests(REQUEST), petra, What.REQUESTS, timezone.now()).bring(key=uuid4(), also_known=False)
    row = HelpRequest.objects.get()
    assert (done, row.state, row.colour, row.channel) == (1, State.NEW, Colour.RED, "telephone")
    assert (row.country, row.has_mailbox) == ("KG", False)
    assert row.content["text"] == "Держат с пятницы."
    assert row.content["event_on"] == "2030-03-09"
    assert {flag["source"] for flag in row.content["flags"]} == {"staff"}
    assert RequestMark.objects.filter(contact_index__isnull=False).exists()


def test_the_same_requests_twice_are_noticed_also_without_a_phone(petra):
    """By the row itself. Sabotage: leave SHEET_ROW out of the content."""
    bare = ["telephone", "", "", "", "", "", "Нужен юрист.", ""]
    content, now = requests(REQUEST, bare), timezone.now()
    assert sheet(content, petra, What.REQUESTS, now).bring(key=uuid4(), also_known=False) == 2
    report = sheet(content, petra, What.REQUESTS, now).look()
    assert (report.known, report.there[0].where) == (2, "a request in the inbox")


@pytest.mark.parametrize(
    ("place", "cell", "column"),
    [(0, "Public form", "Channel"), (0, "", "Channel"), (3, "Detained, голоден", "Danger"),
     (5, "скоро", "Event date"), (6, "x" * 2001, "Text"), (7, "Нарния", "Country")],
)  # fmt: skip
def test_a_bad_request_says_which_column(place, cell, column, petra):
    row = list(REQUEST)
    row[place] = cell
    (problem,) = sheet(requests(row), petra, What.REQUESTS, timezone.now()).look().problems
    assert (problem.line, problem.column) == (2, column)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a;b\n1;2", as_csv([], ["Фамилия"])])
def test_a_file_that_is_no_such_table_says_so(content, petra):
    with pytest.raises(CannotRead):
        sheet(content, petra).look()


def test_no_file_is_written_on_the_way(petra, tmp_path, monkeypatch):
    """Done when no clear temporary file is made. Sabotage: open the sheet through tempfile."""
    for made in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, made, lambda *_a, **_k: pytest.fail("a temporary file was made"))
    content = as_csv([row_of(1)])
    sheet(content, petra).look()
    sheet(content, petra).bring(key=uuid4(), also_known=False)
