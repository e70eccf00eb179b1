"""Somebody with the database but without keys moves, cuts and replays what is stored: nothing of it opens."""

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from tests.vault.cells.models import File, Mark, Page, Ring
from vault.cipher import CannotOpen, Erased, Unreadable
from vault.models import RecordKey
from vault.show import display_value

COLUMNS = ("text", "due_on")  # one under the record key, one under the calendar key


@pytest.fixture
def neighbour(file):
    return Page.objects.create(file=file, text="another page", born_on="1990-01-01", due_on="2026-05-01")


@pytest.fixture
def foreign(other_file):
    return Page.objects.create(file=other_file, text="a stranger's page", due_on="2026-06-01")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_cell_moved_to_another_row_does_not_open(page, neighbour, fresh, cell, column):
    """Sabotage: leave the row out of `Binding.tail`."""
    cell(page, column).bytes = cell(neighbour, column).bytes
    with pytest.raises(Unreadable, match=f"cells.Page.{column}: it is damaged, or it belongs to another row"):
        getattr(fresh(page), column)


def test_a_cell_moved_to_another_column_does_not_open(page, fresh, cell):
    """Sabotage: leave the column out of `SealedMixin._prefix`."""
    cell(page, "remark").bytes = cell(page, "text").bytes
    with pytest.raises(Unreadable):
        _ = fresh(page).remark


def test_a_cell_moved_between_columns_of_the_same_key_file_does_not_open(page, fresh, cell):
    ring = Ring.objects.create(payload={"page": "p", "due_on": "2026-03-31"})
    cell(page, "due_on").bytes = cell(ring, "payload").bytes
    with pytest.raises(Unreadable):
        _ = fresh(page).due_on


@pytest.mark.parametrize("column", COLUMNS)
def test_a_row_pointed_at_another_case_does_not_open(page, other_file, fresh, column):
    """Sabotage for due_on: leave the owner out of the associated data where a key file seals."""
    with connection.cursor() as cursor:
        owner = File._meta.pk.get_db_prep_value(other_file.pk, connection)
        cursor.execute("UPDATE cells_page SET file_id = %s", [owner])
    with pytest.raises(Unreadable):
        getattr(fresh(page), column)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_cell_replayed_from_another_case_does_not_open(page, foreign, fresh, cell, column):
    cell(page, column).bytes = cell(foreign, column).bytes
    with pytest.raises(Unreadable):
        getattr(fresh(page), column)


def test_a_record_key_moved_to_another_case_does_not_open(file, other_file, fresh):
    stolen = RecordKey.objects.get(pk=other_file.pk).wrapped
    RecordKey.objects.filter(pk=file.pk).update(wrapped=stolen)
    with pytest.raises(Unreadable, match="its record key does not open"):
        _ = fresh(file).summary


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("keep", [0, 1, 5, 13, 28, -1, -16])
def test_a_cut_cell_does_not_open(page, fresh, cell, column, keep):
    cell(page, column).bytes = cell(page, column).bytes[:keep]
    with pytest.raises(CannotOpen):
        getattr(fresh(page), column)


@pytest.mark.parametrize("column", COLUMNS)
def test_no_bit_can_be_turned(page, fresh, cell, column):
    whole = cell(page, column).bytes
    for place in range(len(whole)):
        cell(page, column).bytes = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(CannotOpen):
            getattr(fresh(page), column)


@pytest.mark.parametrize("junk", [b"", b"plain text", b"\x02" * 80, b"\x01" * 80])
@pytest.mark.parametrize("column", COLUMNS)
def test_junk_does_not_open(page, fresh, cell, column, junk):
    cell(page, column).bytes = junk
    with pytest.raises(CannotOpen):
        getattr(fresh(page), column)


def test_a_mark_moved_to_another_number_or_case_does_not_open(file, other_file, fresh, cell):
    first, second = (Mark.objects.create(file_id=file.pk, details={"n": n}) for n in (1, 2))
    cell(second, "details").bytes = cell(first, "details").bytes
    Mark.objects.filter(pk=first.pk).update(file_id=other_file.pk)
    for mark in (first, second):
        with pytest.raises(Unreadable):
            _ = fresh(mark).details


def test_an_unknown_key_id_is_named(page, fresh, cell):
    stored = cell(page, "due_on").bytes
    cell(page, "due_on").bytes = stored[:1] + b"\xab" * 8 + stored[9:]
    with pytest.raises(Unreadable, match="abababababababab.*Put that key back"):
        _ = fresh(page).due_on


def test_an_unknown_root_key_is_named(file, fresh):
    wrapped = bytes(RecordKey.objects.get(pk=file.pk).wrapped)
    RecordKey.objects.filter(pk=file.pk).update(wrapped=wrapped[:1] + b"\xab" * 8 + wrapped[9:])
    with pytest.raises(Unreadable, match="root key abababababababab"):
        _ = fresh(file).summary


def test_a_lost_record_key_is_not_called_erased(file, fresh):
    RecordKey.objects.filter(pk=file.pk).delete()
    with pytest.raises(Unreadable, match="Restore the backup of the record keys"):
        _ = fresh(file).summary


def test_the_erased_say_so(file, fresh, destroy):
    destroy(file)
    with pytest.raises(Erased):
        _ = fresh(file).summary
    row = fresh(file)
    row.summary = "new text"
    with pytest.raises(Erased):
        row.save()


def test_errors_name_no_value_and_no_row(page, neighbour, fresh, cell):
    cell(page, "text").bytes = cell(neighbour, "text").bytes
    with pytest.raises(Unreadable) as refusal:
        _ = fresh(page).text
    assert str(page.pk) not in str(refusal.value)
    assert "page" not in str(refusal.value).lower().replace("cells.page.text", "")
    assert refusal.value.__cause__ is None


# -- rows that are copied or moved in Python


def test_copying_a_row_is_refused(page, fresh):
    """Sabotage: let `SealedMixin.pre_save` return a Sealed value when a row is added."""
    import uuid

    copy = fresh(page)
    copy.pk = uuid.uuid4()
    copy._state.adding = True
    with pytest.raises(FieldError, match="cannot be copied.*Make a new instance"):
        copy.save()


def test_a_row_saved_under_another_id_is_refused(page, neighbour, fresh):
    row = fresh(page)
    row.pk = neighbour.pk
    with pytest.raises(FieldError, match="cannot move to another row"):
        row.save()
    assert fresh(neighbour).text == "another page"


def test_a_row_moved_to_another_case_is_refused(page, other_file, fresh):
    row = fresh(page)
    row.file = other_file
    with pytest.raises(FieldError, match="cannot move"):
        row.save()
    assert fresh(page).text == "was in Oral"


def test_values_read_may_start_a_new_row(page, other_file, fresh):
    copy = Page.objects.create(file=other_file, text=fresh(page).text)
    assert fresh(copy).text == "was in Oral"


# -- lists


def test_a_damaged_cell_is_shown_as_unreadable_in_a_list(file, page, neighbour, cell):
    """Sabotage: let display_value() re-raise Unreadable."""
    cell(page, "text").bytes = b"junk"
    texts = {row.pk: str(display_value(row, "text")) for row in Page.objects.with_keys()}
    assert texts == {page.pk: "⚠ unreadable", neighbour.pk: "another page"}


def test_the_erased_are_shown_as_erased_in_a_list(file, other_file, page, foreign, destroy, queries):
    destroy(file)
    with queries() as made:
        texts = {row.pk: str(display_value(row, "text")) for row in Page.objects.with_keys()}
        days = {str(display_value(row, "due_on")) for row in Page.objects.with_keys()}
    assert texts == {page.pk: "[erased]", foreign.pk: "a stranger's page"}
    assert "2026-03-31" in days  # the calendar's cells are cleared by vault.erasure, not by the key
    assert len(made) == 4
