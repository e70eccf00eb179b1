"""Erasing an owner: its key is gone for good, and nothing that other keys protect stays behind."""

import uuid

import pytest

from tests.vault.cells.models import File, Ledger, Mark, Page
from vault.erasure import NoSuchOwner, erase
from vault.integrity import Count, verify
from vault.models import HOUSE, RecordKey
from vault.show import display_value


@pytest.fixture
def filled(file):
    """A case with pages, a mark on the trail and a ledger row."""
    RecordKey.objects.make_house()
    Page.objects.create(file=file, text="was in Oral", due_on="2026-03-31")
    Page.objects.create(file=file, text="undated")
    Mark.objects.create(file_id=file.pk, details={"fields": ["text"]})
    Ledger.objects.create(file=file, payload={"step": 7})
    return file


def test_the_erased_open_nowhere(filled, other_file):
    """Sabotage: leave the cells under key files out of erase()."""
    erase(filled.pk)
    file = File.objects.get(pk=filled.pk)
    assert (display_value(file, "summary"), display_value(file, "phone")) == ("[erased]", "[erased]")
    assert {display_value(page, "text") for page in Page.objects.all()} == {"[erased]"}
    assert {page.due_on for page in Page.objects.all()} == {None}
    assert display_value(Mark.objects.get(), "details") == "[erased]"
    assert display_value(Ledger.objects.get(), "payload") == "[erased]"
    assert File.objects.get(pk=other_file.pk).summary == "not yours"


def test_the_indexes_of_the_erased_are_blank(filled, other_file):
    """Sabotage: leave _blank_index out."""
    token = Ledger.objects.get().once
    erase(filled.pk)
    assert File.objects.get(pk=filled.pk).phone_index is None
    assert {page.due_week for page in Page.objects.all()} == {None}
    assert Ledger.objects.get().once != token
    assert File.objects.get(pk=other_file.pk).phone_index is not None
    assert list(verify(Count())) == []


def test_the_receipt_counts_and_holds_nothing_else(filled):
    receipt = erase(filled.pk)
    assert receipt.details() == {
        "erased_at": receipt.erased_at.isoformat(),
        "rows": 5,
        "blanked_indexes": 3,
        "blanked_cells": 2,
        "erased_before": False,
    }


def test_erasing_again_is_harmless_and_says_so(filled):
    erase(filled.pk)
    again = erase(filled.pk)
    assert again.erased_before is True
    assert (again.blanked_indexes, RecordKey.objects.get(pk=filled.pk).wrapped) == (1, None)


def test_nobody_unknown_and_never_the_house(db):
    RecordKey.objects.make_house()
    with pytest.raises(NoSuchOwner):
        erase(uuid.uuid4())
    with pytest.raises(ValueError, match="house"):
        erase(HOUSE)
    assert RecordKey.objects.get(pk=HOUSE).wrapped is not None


def test_a_failed_erasure_changes_nothing(filled, monkeypatch):
    monkeypatch.setattr("vault.erasure._blank_index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(filled.pk)
    assert File.objects.get(pk=filled.pk).summary == "left in the night"


def test_nothing_new_can_be_sealed_for_the_erased(filled):
    from vault.cipher import Erased

    erase(filled.pk)
    with pytest.raises(Erased, match="Cannot seal cells.Page.text: its record key was destroyed"):
        Page.objects.create(file_id=filled.pk, text="back again")


def test_the_key_itself_is_nowhere_in_the_row(filled):
    before = bytes(RecordKey.objects.get(pk=filled.pk).wrapped)
    erase(filled.pk)
    assert RecordKey.objects.filter(wrapped=before).count() == 0
