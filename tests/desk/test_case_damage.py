"""A damaged, moved or erased cell is shown as such; it breaks no page and is not overwritten."""

import pytest
from django.db import connection
from django.utils import timezone

from cases.models import Case, Note, Stay
from cases.models.deadline import Deadline
from tests.page import form_data
from vault.models import RecordKey

pytestmark = pytest.mark.django_db

BROKEN = b"\x01" + b"broken" * 10
LIST = "/desk/cases/case/"


@pytest.fixture
def address(case):
    """The case page."""
    return f"{LIST}{case.pk}/change/"


def cell(table, column, row):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [row.pk.hex])
        return bytes(cursor.fetchone()[0])


def overwrite(table, column, row, value):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, row.pk.hex])


def stay_of(case, olga, **facts):
    facts = {
        "country": "KZ",
        "last_legal_day": timezone.localdate(),
        "last_legal_day_source": "stamp",
    } | facts
    return Stay.objects.create(case=case, by=olga, **facts)


@pytest.mark.parametrize("broken", [BROKEN, b"\x01short", b""])
def test_a_damaged_cell_is_disabled_and_its_ciphertext_stays(case, olga, at_desk, address, broken):
    """Sabotage: take SealedFormMixin out of FacetForm."""
    stay = stay_of(case, olga, actual_place="with friends")
    overwrite("cases_stay", "last_legal_day", stay, broken)
    desk = at_desk(olga)
    page = desk.get(address)
    text = page.content.decode()
    assert "⚠ unreadable" in text
    assert "with friends" in text
    answer = desk.post(address, form_data(page, **{"stays-0-actual_place": "hostel"}))
    assert answer.status_code == 302
    assert cell("cases_stay", "last_legal_day", stay) == broken
    assert Stay.objects.get().actual_place == "hostel"


def test_a_deadline_whose_fact_is_damaged_stays_due(case, olga, at_desk, address):
    """Sabotage: leave `unreadable=damaged` out of apply_facts."""
    stay = stay_of(case, olga)
    case.refresh_deadlines(today=case.today())
    overwrite("cases_stay", "last_legal_day", stay, BROKEN)
    desk = at_desk(olga)
    assert desk.post(address, form_data(desk.get(address), colour="red")).status_code == 302
    assert Deadline.objects.open().get().due_on == timezone.localdate()


def test_a_row_pointed_at_another_case_does_not_open_there(case, olga, at_desk):
    """Sabotage: leave the owner out of the associated data."""
    other = Case.objects.open_case(by=olga, country="AM")
    Note.objects.create(case=case, by=olga, text="the hiding place")
    stay = stay_of(case, olga, actual_place="the hiding place")
    overwrite("cases_note", "case_id", case.notes.get(), other.pk.hex)
    overwrite("cases_stay", "case_id", stay, other.pk.hex)
    text = at_desk(olga).get(f"{LIST}{other.pk}/change/").content.decode()
    assert text.count("⚠ unreadable") >= 2
    assert "the hiding place" not in text


def test_a_damaged_deadline_breaks_neither_list_nor_page(case, olga, at_desk, address):
    """Sabotage: take the `except CannotOpen` out of listing.next_due or case_head."""
    stay_of(case, olga)
    case.refresh_deadlines(today=case.today())
    overwrite("cases_deadline", "due_on", Deadline.objects.get(), BROKEN)
    desk = at_desk(olga)
    for path in (LIST, address):
        page = desk.get(path)
        assert page.status_code == 200
        assert "⚠ unreadable" in page.content.decode()


@pytest.mark.parametrize("how", ["erased", "missing"])
def test_a_case_without_its_key_is_listed_shown_and_cannot_be_saved_into(case, olga, at_desk, address, how):
    """Sabotage: take the NoKey check out of CaseForm.clean."""
    stay_of(case, olga, actual_place="with friends")
    Note.objects.create(case=case, by=olga, text="the hiding place")
    keys = RecordKey.objects.filter(owner=case.pk)
    keys.update(wrapped=None) if how == "erased" else keys.delete()
    sign = "[erased]" if how == "erased" else "⚠ unreadable"
    desk = at_desk(olga)
    assert case.code_name in desk.get(LIST).content.decode()
    page = desk.get(address)
    text = page.content.decode()
    assert page.status_code == 200
    assert sign in text
    assert "friends" not in text
    assert "hiding" not in text
    answer = desk.post(address, form_data(page, colour="red", **{"notes-0-text": "typed into nothing"}))
    assert answer.status_code == 200
    assert "cannot be opened any more" in answer.content.decode()
    assert "typed into nothing" in answer.content.decode()
    assert Case.objects.get().colour == "green"
