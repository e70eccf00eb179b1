"""Columns opened together for a list: as reading them one by one, and no harm where one does not open."""

import pytest

from tests.vault.cells.models import File, Page
from vault.cipher import Sealed, Unreadable
from vault.show import display_value


@pytest.fixture
def pages(file):
    return [Page.objects.create(file=file, text=f"text {n}", due_on="2026-03-31") for n in range(3)]


def test_named_columns_are_open_before_they_are_read_and_others_are_not(pages):
    """Sabotage: leave open_columns() out of SealedQuerySet._hold_keys."""
    row = Page.objects.with_keys("text", "born_on", "due_on")[0]
    assert row.__dict__["text"].startswith("text")
    assert row.__dict__["born_on"] is None
    assert isinstance(row.__dict__["due_on"], Sealed)  # under the calendar key: opened when it is read
    assert row.due_on.isoformat() == "2026-03-31"


def test_rows_that_are_walked_through_are_opened_too(pages):
    for row in Page.objects.with_keys("text").iterator(chunk_size=2):
        assert row.__dict__["text"].startswith("text")


def test_what_was_opened_together_is_saved_as_if_it_was_read(pages, cell, fresh):
    """Sabotage: leave `_seen` out of open_columns: the untouched cell would be sealed anew."""
    row = Page.objects.with_keys("text").get(pk=pages[0].pk)
    before = cell(row, "text").bytes
    row.title = "changed"
    row.save()
    assert cell(row, "text").bytes == before
    row.text = "other"
    assert row.previous_values() == {"text": "text 0"}
    row.save()
    assert fresh(row).text == "other"


@pytest.mark.parametrize("junk", [b"", b"\x02" * 80, b"\x01" * 80, b"\x00"])
def test_a_damaged_cell_stays_closed_and_says_why_when_it_is_read(pages, cell, junk):
    """Sabotage: let open_columns() raise."""
    cell(pages[1], "text").bytes = junk
    rows = {row.pk: row for row in Page.objects.with_keys("text")}
    assert str(display_value(rows[pages[1].pk], "text")) == "⚠ unreadable"
    assert rows[pages[0].pk].text == "text 0"
    with pytest.raises(Unreadable):
        _ = rows[pages[1].pk].text


def test_no_version_byte_but_ours_is_taken(pages, cell):
    """Sabotage: leave the comparison with VERSION out of open_columns."""
    whole = cell(pages[0], "text").bytes
    cell(pages[0], "text").bytes = b"\x03" + whole[1:]
    row = Page.objects.with_keys("text").get(pk=pages[0].pk)
    assert isinstance(row.__dict__["text"], Sealed)


def test_the_erased_say_so(pages, file, destroy):
    destroy(file)
    assert {str(display_value(row, "text")) for row in Page.objects.with_keys("text")} == {"[erased]"}
    assert [str(display_value(row, "summary")) for row in File.objects.with_keys("summary")] == ["[erased]"]
