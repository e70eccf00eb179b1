"""How rows behave in memory: opened when read, sealed when changed, keys fetched once."""

import copy
import datetime
import pickle

import pytest
from django.db.models import Prefetch

from tests.vault.cells.models import File, Mark, Page
from vault.cipher import Sealed


@pytest.fixture
def pages(file, other_file):
    return Page.objects.bulk_create(
        [Page(file=(file, other_file)[n % 2], text=f"page {n}", due_on="2026-03-31") for n in range(10)]
    )


# -- lazy


def test_a_column_is_opened_when_it_is_read_and_not_before(page, fresh):
    row = fresh(page)
    assert isinstance(row.__dict__["text"], Sealed)
    assert row.text == "was in Oral"
    assert row.__dict__["text"] == "was in Oral"


def test_reading_another_column_needs_no_key(page, fresh, destroy, queries):
    destroy(page.file)
    with queries() as made:
        assert fresh(page).title == ""
    assert len(made) == 1


def test_deferred_columns_open_too(page):
    row = Page.objects.only("title").get(pk=page.pk)
    assert "text" not in row.__dict__
    assert row.text == "was in Oral"


# -- keys


def test_one_row_asks_for_its_key_once(page, fresh, queries):
    row = fresh(page)
    with queries() as made:
        assert (row.text, row.remark, row.facts, row.due_on) == (
            "was in Oral",
            None,
            None,
            datetime.date(2026, 3, 31),
        )
    assert len(made) == 1


def test_the_calendar_needs_no_record_key(page, fresh, queries):
    row = fresh(page)
    with queries() as made:
        assert row.due_on == datetime.date(2026, 3, 31)
    assert len(made) == 0


def test_a_list_asks_for_all_keys_at_once(pages, queries):
    """Sabotage: let with_keys() return self.all()."""
    with queries() as made:
        texts = sorted(row.text for row in Page.objects.with_keys())
    assert texts == sorted(f"page {n}" for n in range(10))
    assert len(made) == 2


def test_a_list_of_few_columns_costs_no_query_a_row(pages, queries):
    """Sabotage: leave out load_identities."""
    with queries() as made:
        assert len({row.text for row in Page.objects.only("text").with_keys()}) == 10
    assert len(made) == 3
    with queries() as made:
        assert len({row.text for row in Page.objects.only("text", "file").with_keys()}) == 10
    assert len(made) == 2


def test_keys_reach_what_was_loaded_along(pages, queries):
    with queries() as made:
        for row in Page.objects.select_related("file").with_keys():
            assert row.text.startswith("page")
            assert row.file.summary
    assert len(made) == 2
    with queries() as made:
        for file in File.objects.prefetch_related("page_set").with_keys():
            assert file.summary
            assert all(row.text for row in file.page_set.all())
    assert len(made) == 3
    with queries() as made:
        for file in File.objects.prefetch_related(Prefetch("page_set", Page.objects.with_keys(), "leaves")):
            assert all(row.text for row in file.leaves)
    assert len(made) == 3


def test_children_share_the_key_of_their_loaded_owner(pages, file, fresh, queries):
    owner = fresh(file)
    with queries() as made:
        assert all(row.text for row in owner.page_set.all())
        assert owner.summary == "left in the night"
    assert len(made) == 2


def test_a_child_asks_by_the_owners_id_without_loading_the_case(page, fresh, queries):
    row = fresh(page)
    with queries() as made:
        assert row.text
    assert "cells_file" not in made[0]["sql"]


def test_slices_iterators_and_first_bring_keys(pages, queries):
    listed = Page.objects.order_by("pk").with_keys()
    with queries() as made:
        assert [row.text for row in listed[2:5]] == [row.text for row in listed.iterator(chunk_size=4)][2:5]
        assert listed.first().text
        assert listed.get(pk=pages[0].pk).text == "page 0"
        assert all(row.text for row in listed | Page.objects.none())
    assert len(made) == 2 + 4 + 2 + 2 + 2


def test_an_empty_list_asks_for_no_keys(db, queries):
    with queries() as made:
        assert list(Page.objects.with_keys()) == []
        assert list(Page.objects.with_keys().values_list("title")) == []
    assert len(made) == 2


def test_refreshing_opens_nothing_and_forgets_what_was_read(page, fresh, queries):
    row = fresh(page)
    assert row.text == "was in Oral"
    changed = fresh(page)
    changed.text = "was in Aktobe"
    changed.save()
    with queries() as made:
        row.refresh_from_db()
    assert len(made) == 1
    assert row.previous_values() == {}
    assert row.text == "was in Aktobe"


def test_a_damaged_cell_does_not_stop_a_refresh(page, fresh, cell):
    row = fresh(page)
    cell(page, "text").bytes = b"junk"
    row.refresh_from_db()
    assert row.due_on == datetime.date(2026, 3, 31)


# -- saving


def test_only_what_changed_is_sealed_again(page, fresh, cell):
    """Sabotage: let pre_save always seal."""
    page = Page.objects.create(file=page.file, text="text", remark="remark", facts={"a": [1]})
    before = {column: cell(page, column).bytes for column in ("text", "remark", "facts")}
    row = fresh(page)
    row.text, row.remark, row.facts = "new text", str(row.remark), dict(row.facts)
    row.save()
    after = {column: cell(page, column).bytes for column in before}
    assert {column for column in before if before[column] != after[column]} == {"text"}


def test_json_changed_in_place_is_saved(file, fresh):
    page = Page.objects.create(file=file, facts={"seen": []})
    row = fresh(page)
    row.facts["seen"].append("olga")
    row.save()
    assert fresh(page).facts == {"seen": ["olga"]}


def test_unread_columns_are_written_back_as_they_were(page, fresh, cell, queries):
    before = cell(page, "text").bytes
    row = fresh(page)
    row.title = "x"
    with queries() as made:
        row.save()
    assert cell(page, "text").bytes == before
    assert len(made) == 1


def test_a_deferred_column_named_in_update_fields_stays(page, fresh):
    Page.objects.only("title").get(pk=page.pk).save(update_fields=["text"])
    assert fresh(page).text == "was in Oral"


def test_saving_twice_in_a_row_keeps_the_last_value(page, fresh):
    for text in ("one", "two", "one", ""):
        page.text = text
        page.save()
        assert fresh(page).text == text


def test_a_row_can_be_saved_again_after_a_failed_insert(file):
    from django.db import IntegrityError, transaction

    first = Page.objects.create(file=file, text="first")
    twin = Page(pk=first.pk, file=file, text="twin")
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)
    new = File(pk=file.pk, summary="twin")
    with pytest.raises(IntegrityError), transaction.atomic():
        new.save(force_insert=True)
    new.pk = File().pk
    new.save()
    assert File.objects.get(pk=new.pk).summary == "twin"


# -- what stood there before


def test_previous_values_are_those_of_changed_fields_only(page, fresh):
    row = fresh(page)
    row.text, row.remark, row.due_on = "new", "also new", datetime.date(2026, 3, 31)
    assert row.previous_values() == {"text": "was in Oral", "remark": None}
    assert row.previous_values(["text", "title"]) == {"text": "was in Oral"}
    row.save()
    assert row.previous_values() == {}
    row.remark = None
    assert row.previous_values() == {"remark": "also new"}


def test_previous_values_of_a_column_that_was_never_loaded(page):
    row = Page.objects.only("title").get(pk=page.pk)
    row.text = "new"
    assert row.previous_values() == {"text": "was in Oral"}


def test_previous_values_of_a_damaged_cell_are_marked(page, fresh, cell):
    cell(page, "text").bytes = b"junk"
    row = fresh(page)
    row.text = "new"
    assert row.previous_values() == {"text": "⚠ unreadable"}
    row.save()
    assert fresh(page).text == "new"


def test_a_new_row_had_nothing_before(file):
    assert Page(file=file, text="x").previous_values() == {}


def test_json_changed_in_place_shows_in_previous_values(file, fresh):
    row = fresh(Page.objects.create(file=file, facts={"a": 1}))
    row.facts["a"] = 2
    assert row.previous_values() == {"facts": {"a": 1}}


# -- what leaves the process


@pytest.mark.parametrize("carry", [lambda row: pickle.loads(pickle.dumps(row)), copy.copy, copy.deepcopy])
def test_a_pickle_carries_no_key_and_no_opened_text(page, fresh, carry, queries):
    """Sabotage: leave `_vault` in the state."""
    row = Page.objects.select_related("file").with_keys().get(pk=page.pk)
    assert (row.text, row.file.summary) == ("was in Oral", "left in the night")
    state = pickle.dumps(row)
    for secret in (b"AESGCM", b"_vault", b"Oral", b"night"):
        assert secret not in state
    carried = carry(row)
    assert "_vault" not in carried.__dict__
    assert carried.text == "was in Oral"
    carried.text = "changed"
    carried.save()
    assert fresh(page).text == "changed"


def test_a_pickled_list_carries_no_key(pages):
    rows = Page.objects.with_keys()
    assert all(row.text for row in rows)
    state = pickle.dumps(rows)
    assert b"AESGCM" not in state
    assert b"page 1" not in state
    assert {row.text for row in pickle.loads(state)} == {f"page {n}" for n in range(10)}


def test_an_unsaved_change_survives_a_pickle(page, fresh):
    row = fresh(page)
    row.text = "not saved yet"
    assert pickle.loads(pickle.dumps(row)).text == "not saved yet"


def test_a_closed_cell_shows_only_its_length(page, fresh):
    assert repr(fresh(page).__dict__["text"]) == "<Sealed 61 bytes>"


def test_a_mark_without_a_case_and_one_with_share_a_list(file, queries):
    Mark.objects.create(details={"n": 1})
    Mark.objects.create(details={"n": 2}, file_id=file.pk)
    with queries() as made:
        assert [mark.details["n"] for mark in Mark.objects.order_by("pk").with_keys()] == [1, 2]
    assert len(made) == 2
