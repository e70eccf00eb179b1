"""The export of a case for the person: what is in it, who may make it, what no spreadsheet computes."""

import csv
import io
import json
import zipfile
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases import export
from cases.models import Compartment, CompartmentOpening, ContactChannel, Identity, Note, Stay, WarConduct
from staff.models import TrailRow
from staff.trail import Verb
from tests.staff.flow import asks_for_a_code

WHY = "The person asked by Signal today."


@pytest.fixture
def full(case, olga):
    """A case with a name, a crossing, a contact and a note."""
    Identity.objects.create(case=case, surname="Нестеров", by=olga)
    Stay.objects.create(
        case=case, country="KZ", entered_on=date(2026, 1, 2), actual_place="=HYPERLINK(1)", by=olga
    )
    ContactChannel.objects.create(case=case, kind="phone", value="+999 00 1234567", by=olga)
    WarConduct.objects.create(case=case, service="Driver.", by=olga)
    Note.objects.create(case=case, text="Sleeps badly.", author=olga, by=olga)
    return case


def page(case):
    return f"/desk/case/{case.pk}/export/"


def archive(answer):
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    whole = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert whole.testzip() is None
    return {name: whole.read(name).decode() for name in whole.namelist()}


def opened(case, which, by):
    CompartmentOpening.objects.open(case, which, by=by, reason="For the export.", now=timezone.now())


@pytest.mark.django_db
@pytest.mark.speaks_sql
def test_it_holds_the_facts_to_read_as_data_and_as_tables(full, olga, at_desk):
    """Sabotage: leave a facet out of parts(), or stream() without its last piece."""
    answer = at_desk(olga).post(page(full), {"reason": WHY})
    assert answer["Content-Disposition"] == 'attachment; filename="file.zip"'
    found = archive(answer)
    assert {"file.html", "file.json", "tables/stay.csv", "tables/contactchannel.csv"} <= set(found)
    assert "2026-01-02" in found["file.html"]
    assert json.loads(found["file.json"])["stays"][0]["date of entry"] == "2026-01-02"
    row = TrailRow.objects.get(verb=Verb.CASE_EXPORTED)
    assert (row.actor, row.case, row.details["reason"]) == (olga, full.pk, WHY)


@pytest.mark.django_db
@pytest.mark.speaks_sql
def test_compartments_notes_and_the_desks_own_words_stay_out(full, olga, at_desk):
    """Sabotage: drop CLOSED_FACETS from parts(), or "code_name" from _is_told()."""
    desk = at_desk(olga)
    text = " ".join(archive(desk.post(page(full), {"reason": WHY})).values())
    for left_out in ("Нестеров", "Driver.", "Sleeps badly.", full.code_name, "olga", str(full.pk)):
        assert left_out not in text
    opened(full, Compartment.IDENTITY, olga)
    text = " ".join(archive(desk.post(page(full), {"reason": WHY, "notes": "on"})).values())
    assert "Нестеров" in text
    assert "Sleeps badly." in text
    assert "Driver." not in text


@pytest.mark.django_db
@pytest.mark.speaks_sql
def test_a_spreadsheet_computes_nothing(full, olga, at_desk):
    """Sabotage: writerows(part.rows) without harmless()."""
    found = archive(at_desk(olga).post(page(full), {"reason": WHY}))
    cells = [
        cell
        for name in found
        if name.endswith(".csv")
        for row in csv.reader(io.StringIO(found[name]))
        for cell in row
    ]
    assert "'=HYPERLINK(1)" in cells
    assert "'+999 00 1234567" in cells
    assert not [cell for cell in cells if cell.lstrip("\ufeff").startswith(("=", "+", "-", "@"))]


@given(st.text())
def test_no_text_begins_as_a_formula(text):
    """Sabotage: take any sign out of FORMULA_BEGINS."""
    made = export.harmless(text)
    assert not made.lstrip(" \u00a0\u200b\ufeff").startswith(tuple("=+-@\t\r"))
    assert made.removeprefix("'") == text or made == text


@pytest.mark.django_db
@pytest.mark.speaks_sql
def test_a_reason_and_a_fresh_code_are_asked_for(full, olga, at_desk, monkeypatch):
    """Sabotage: take step_up_required off the view, or min_length off the reason."""
    desk = at_desk(olga)
    assert desk.post(page(full), {"reason": "x"}).status_code == 422
    monkeypatch.setattr("staff.stepup.is_fresh", lambda request: False)
    assert asks_for_a_code(desk.get(page(full)))
    assert asks_for_a_code(desk.post(page(full), {"reason": WHY}))
    assert not TrailRow.objects.filter(verb=Verb.CASE_EXPORTED).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "status"), [("lena", 403), ("guest", 403), ("oskar", 404), ("vera", 404)])
@pytest.mark.speaks_sql
def test_nobody_else_exports_it(who, status, full, olga, oskar, lena, request, at_desk):
    """A guest was lent the case. Sabotage: take require_held_by() or the `may` out of the view."""
    full.share(to=lena, until_on=timezone.localdate() + timedelta(3), by=olga)
    person = oskar if who == "guest" else request.getfixturevalue(who)
    if who == "guest":
        full.share(to=oskar, until_on=timezone.localdate() + timedelta(3), by=olga)
    answer = at_desk(person).post(page(full), {"reason": WHY})
    assert answer.status_code == status
    if status == 404:
        assert answer.content == at_desk(person).post(f"/desk/case/{uuid4()}/export/", {}).content


@pytest.mark.django_db
@pytest.mark.speaks_sql
def test_nothing_of_it_is_written_to_a_disk(full, olga, at_desk, monkeypatch):
    """Sabotage: tempfile.TemporaryFile() for _Sink()."""
    import tempfile

    def refuse(*args, **kwargs):
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    archive(at_desk(olga).post(page(full), {"reason": WHY}))
