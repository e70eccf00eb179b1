"""Opens every sealed cell and recomputes every index, to say what is damaged, moved, stale or orphaned.

An old ciphertext put back into its own cell opens: it is found only where an index beside it does not fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from vault import bound
from vault.blind_index import BlindIndex
from vault.cipher import CannotOpen, Erased
from vault.models import HOUSE, OwnerModel, RecordKey, SealedModel

CHUNK = 2000


@dataclass(frozen=True)
class Finding:
    """One cell, index or key that is not as it should be. Never holds what is sealed."""

    model: str
    row: str
    column: str
    problem: str

    def __str__(self) -> str:
        return f"{self.model} {self.row} {self.column}: {self.problem}"


@dataclass
class Count:
    """How much was looked at."""

    rows: int = 0
    cells: int = 0
    erased: int = 0


def sealed_models() -> list[type[SealedModel]]:
    """Every installed model with sealed fields."""
    return [model for model in apps.get_models() if issubclass(model, SealedModel) and not model._meta.proxy]


def chunks(model: type[SealedModel], size: int = CHUNK) -> Iterator[list[Any]]:
    """All rows of `model` by primary key, `size` at a time, each chunk with its keys.

    Each chunk is a query of its own, so that rows may be changed and committed in between.
    """
    rows = model._base_manager.order_by("pk")
    chunk = list(rows[:size])
    while chunk:
        model.hold_keys(chunk, using="default")
        yield chunk
        chunk = list(rows.filter(pk__gt=chunk[-1].pk)[:size])


def verify(count: Count) -> Iterator[Finding]:
    """Everything that is not as it should be, in all tables; `count` is filled along the way."""
    owners = {HOUSE}
    for model in sealed_models():
        for chunk in chunks(model):
            for row in chunk:
                count.rows += 1
                if isinstance(row, OwnerModel):
                    owners.add(row.seal_identity()[1])
                yield from _cells(row, count)
                yield from _indexes(row)
            for row, problem in model.stale_beside(chunk):
                yield _finding(row, "*", problem)
    yield from _record_keys(owners)
    for broken, pk in bound.broken_rows():
        yield Finding(
            broken._meta.label, str(pk), "access_seal", "it was changed from outside: see the runbook"
        )


def _finding(row: SealedModel, column: str, problem: str) -> Finding:
    return Finding(row._meta.label, str(row.pk), column, problem)


def _cells(row: SealedModel, count: Count) -> Iterator[Finding]:
    for field in row.sealed_fields():
        if row.__dict__.get(field.attname) is None:
            continue
        count.cells += 1
        try:
            getattr(row, field.attname)
        except Erased:
            count.erased += 1
        except CannotOpen as problem:
            yield _finding(row, field.name, str(problem))
        except ValueError:
            yield _finding(row, field.name, "it opens, but holds something of another kind")


def _indexes(row: SealedModel) -> Iterator[Finding]:
    fields: Sequence[Any] = row._meta.concrete_fields
    for field in fields:
        for source in getattr(field, "computed_from", ()):
            stored = row.__dict__.get(field.attname)
            try:
                value = getattr(row, source)
            except Erased:
                if isinstance(field, BlindIndex) and stored is not None:
                    yield _finding(row, field.name, "the owner is erased, but this index is still there")
                continue
            except (CannotOpen, ValueError):
                continue
            if stored not in field.possible(value):
                yield _finding(
                    row, field.name, f"it does not fit {source}: stale, or an old value was put back"
                )


def _record_keys(owners: set[Any]) -> Iterator[Finding]:
    """Keys nobody owns. An owner without a key shows in its cells already."""
    for owner, wrapped in RecordKey.objects.values_list("owner", "wrapped").iterator(chunk_size=CHUNK):
        if wrapped is not None and owner not in owners:
            yield Finding("vault.RecordKey", str(owner), "owner", "its owner is gone; this key opens nothing")
