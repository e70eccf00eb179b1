"""Erase an owner: its key is destroyed, and what other keys or no key protect is blanked.

What lies under the record key stays where it is and opens nowhere again, in old backups neither once
their copy of the record keys has run out. Stored files are removed by whoever knows their names
(vault.files.remove).
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils import timezone

from vault.cipher import ERASED_CELL, NONCE_BYTES, V1, Sealed
from vault.integrity import sealed_models
from vault.models import HOUSE, RecordKey, SealedModel


class NoSuchOwner(LookupError):
    """There is no record key for this owner: it never was one, or its key was lost."""


@dataclass(frozen=True)
class Receipt:
    """What an erasure did, for the trail. Holds counts only."""

    owner: UUID
    erased_at: datetime
    rows: int
    blanked_indexes: int
    blanked_cells: int
    erased_before: bool

    def details(self) -> dict[str, Any]:
        """As JSON for a trail row."""
        return {
            "erased_at": self.erased_at.isoformat(),
            "rows": self.rows,
            "blanked_indexes": self.blanked_indexes,
            "blanked_cells": self.blanked_cells,
            "erased_before": self.erased_before,
        }


def erase(owner: UUID) -> Receipt:
    """Destroy the key of `owner` and blank what its rows hold under other keys, all or nothing.

    May be repeated: rows that came in between are blanked too. Raises NoSuchOwner; ValueError for the house.
    """
    if owner == HOUSE:
        raise ValueError("The house cannot be erased: its key seals digests and settings.")
    rows = indexes = cells = 0
    with transaction.atomic():
        key = RecordKey.objects.select_for_update().filter(pk=owner).first()
        if key is None:
            raise NoSuchOwner("There is no record key for this owner.")
        for model in sealed_models():
            found = rows_of(model, owner)
            if found is None:
                continue
            rows += found.count()
            for field in _computed_fields(model):
                indexes += _blank_index(found, field)
            for field in model.sealed_fields():
                if field.key is not None:
                    empty = None if field.null else Sealed(ERASED_CELL)
                    cells += found.exclude(**{f"{field.name}__isnull": True}).update(**{field.attname: empty})
        RecordKey.objects.filter(pk=owner).update(wrapped=None)
        transaction.on_commit(lambda: give_back_pages(RecordKey))
    return Receipt(owner, timezone.now(), rows, indexes, cells, key.wrapped is None)


def empty_cell() -> Sealed:
    """For a column that must not be NULL though its owner is erased: reads as "[erased]", holds nothing."""
    return Sealed(V1 + secrets.token_bytes(NONCE_BYTES + 48))


def rows_of(model: type[SealedModel], owner: UUID) -> models.QuerySet[Any] | None:
    """The rows of `model` that `owner` owns; None where the model's rows belong to nobody in particular."""
    under = model.sealed_under
    if under in (None, "house"):
        return None
    name = model.sealed_row_id if under == "self" else under
    return model._base_manager.filter(**{str(name): owner})


def _computed_fields(model: type[SealedModel]) -> Iterator[Any]:
    fields: Any = model._meta.concrete_fields
    return (field for field in fields if getattr(field, "computed_from", ()))


def _blank_index(rows: models.QuerySet[Any], field: Any) -> int:
    filled = rows.exclude(**{f"{field.name}__isnull": True})
    if field.null:
        return filled.update(**{field.attname: None})
    # A ledger's token must stay unique and tell nothing: chance instead of NULL.
    keys = list(filled.values_list("pk", flat=True))
    for pk in keys:
        rows.filter(pk=pk).update(**{field.attname: secrets.token_hex(32)})
    return len(keys)


def give_back_pages(*swept: type[models.Model]) -> None:
    """Let Postgres give back the space of deleted rows of `swept` now (SQLite overwrites it: secure_delete).

    Call it after the commit. Where the database role does not own the tables Postgres leaves them to its
    autovacuum, with a warning and no error.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in swept)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {tables}")
