"""Cells that version 0.1.0 wrote, when rooms were others, open today: `sealed_label` is not the app's name.

`cells_of_0_1_0.json` holds one cell of every sealed column there was, with the record keys, made from keys
that exist for this test alone. A column that is given up leaves the file; none is ever written anew.
"""

import base64
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.apps import apps

from vault import keyring
from vault.keyring import NAMES
from vault.models import SealedModel
from vault.record_keys import RecordKey

OF_BEFORE = json.loads((Path(__file__).parent / "cells_of_0_1_0.json").read_text())
ROW = UUID("1c9d2f44-8e7b-4d0a-b3aa-0f5e6d7c8b90")
OWNER = UUID("7b0f6e3c-2a41-4f0e-9a0e-5d6c3b1a2f10")
# What was sealed, by the kind of the field.
DAY = date(2026, 3, 31)
SAMPLES = {
    "SealedDateField": DAY,
    "SealedDateTimeField": datetime(2026, 3, 31, 9, 30, tzinfo=UTC),
    "SealedJSONField": {
        "note": "Тихий день", "deadline": str(ROW), "due_on": DAY.isoformat(), "lead_days": 7,
        "recipient": str(OWNER),
    },
}  # fmt: skip
TEXT = "+7 701 000 00 00 Тихий день"
BY_LABEL = {
    getattr(model, "sealed_label", "") or model._meta.label_lower: model
    for model in apps.get_models()
    if issubclass(model, SealedModel)
}


@pytest.fixture
def keys_of_before(db, tmp_path, settings):
    """The key files and the record keys that those cells were sealed with."""
    tmp_path.chmod(0o700)
    for name in NAMES:
        path = tmp_path / f"{name}.key"
        secret = hashlib.sha256(f"a throw-away key for a test: {name}".encode()).digest()
        path.write_bytes(base64.b64encode(secret) + b"\n")
        path.chmod(0o600)
    before = settings.VAULT_KEY_FILES
    settings.VAULT_KEY_FILES = {name: tmp_path / f"{name}.key" for name in NAMES}
    keyring.reset()
    for owner, wrapped in OF_BEFORE["record_keys"].items():
        RecordKey.objects.update_or_create(owner=UUID(owner), defaults={"wrapped": bytes.fromhex(wrapped)})
    yield
    settings.VAULT_KEY_FILES = before
    keyring.reset()


def row_of_before(model, cells):
    """A row as the database would give it: what it is bound to, and its cells."""
    bound = {model.sealed_row_id: OWNER if model.sealed_under == "self" else ROW}
    if model.sealed_under not in (None, "self", "house"):
        bound[model._meta.get_field(model.sealed_under).attname] = OWNER
    by_column = {field.column: field for field in model.sealed_fields()}
    read = {
        by_column[column].attname: by_column[column].from_db_value(bytes.fromhex(cell), None, None)
        for column, cell in cells.items()
    }
    return model.from_db("default", [*bound, *read], [*bound.values(), *read.values()])


@pytest.mark.parametrize("label", sorted(OF_BEFORE["models"]))
def test_every_cell_of_before_opens(label, keys_of_before):
    """Sabotage: `sealed_label = "reminders.reminder"` on Reminder, or no `sealed_label` on RequestOutcome."""
    assert label in BY_LABEL, "a sealed label is gone: what was sealed under it opens no more"
    model, said = BY_LABEL[label], OF_BEFORE["models"][label]
    row = row_of_before(model, said["cells"])
    kinds = {field.column: (field.name, type(field).__name__) for field in model.sealed_fields()}
    opened = {name: getattr(row, name) for name, _kind in (kinds[column] for column in said["cells"])}
    assert opened == {name: SAMPLES.get(kind, TEXT) for name, kind in (kinds[c] for c in said["cells"])}


@pytest.mark.parametrize(
    "label", sorted(name for name, said in OF_BEFORE["models"].items() if "tokens" in said)
)
def test_every_index_of_before_is_found(label, keys_of_before):
    """Sabotage: build the label of a BlindIndex from `_meta.label_lower`."""
    model = BY_LABEL[label]
    for column, token in OF_BEFORE["models"][label]["tokens"].items():
        field = next(f for f in model._meta.concrete_fields if f.column == column)
        kind = type(model._meta.get_field(field.computed_from[0])).__name__
        assert str(field.compute(SAMPLES.get(kind, TEXT))) == token, column
