"""Change a key while the desk works: a second key is added, everything moves to it, the first is retired.

1. `add` puts a new key at the end of the file: it opens. Every process is restarted with that file.
2. `rotate` puts it first and moves what exists. It may be killed and started again; what does not open is
   reported and left as it is. The calendar moves in one transaction: half of a ledger under another key
   would send the other half again. The canary moves last and says which key is current.
3. `retire` takes the old key out of the file, once nothing needs it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models, transaction

from vault import bound, canaries, keyfiles
from vault.blind_index import ComputedField
from vault.cipher import ERASED_CELL, CannotOpen, Erased, key_id
from vault.destroying import overwritten
from vault.integrity import CHUNK, Finding, chunks, sealed_models
from vault.keyring import KeyProblem, keyring, read_secrets, reset
from vault.models import Canary, RecordKey, SealedModel

ROTATED = ("root", "index", "calendar", "address")


@dataclass
class RotationResult:
    """What a rotation did."""

    cells: int = 0
    indexes: int = 0
    unreadable: list[Finding] = field(default_factory=list)


def add(name: str) -> str:
    """Put a fresh key at the end of the file of the key `name`; gives its id. KeyProblem if one waits."""
    path = _path(name)
    secrets = read_secrets(path)
    if len(secrets) > 1:
        raise KeyProblem(
            f"{path} holds {len(secrets)} keys already. Finish with them: vault rotate, then --retire."
        )
    keyfiles.rewrite(path, [*secrets, keyfiles.new_key()])
    reset()
    return keyring().keys(name)[-1].id.hex()


def rotate(name: str, told: Callable[[int], None] = lambda rows: None) -> RotationResult:
    """Move everything under the key `name` to the newest key of its file.

    `told` hears of every batch of rows that is done. Raises KeyProblem where there is no key to move to.
    """
    _promote(name)
    moved = RotationResult()
    if name == "root":
        _rewrap(moved, told)
        moved.cells += bound.move_to_first_key(told)
        canaries.replace(name)
    elif name == "calendar":
        with transaction.atomic():
            _hold_still(name)
            _move(name, moved, told, savepoints=False)
            canaries.replace(name)
    else:
        _move(name, moved, told, savepoints=True)
        canaries.replace(name)
    return moved


def reindex(told: Callable[[int], None] = lambda rows: None) -> RotationResult:
    """Recompute every index under the index key: after an update that brought new ones or other rules.

    May be stopped at any moment and run again: each batch is committed, and what is right already stays.
    """
    moved = RotationResult()
    _move("index", moved, told, savepoints=True)
    for model in sealed_models():
        for chunk in chunks(model, CHUNK):
            moved.indexes += model.renew_beside(chunk)
    return moved


def retire(name: str) -> list[str]:
    """Take all but the first key out of the file of the key `name`, and destroy them; gives their ids.

    KeyProblem if anything that opens still needs one of them.
    """
    path = _path(name)
    first, *old = keyring().keys(name)
    canary = Canary.objects.filter(key_name=name).first()
    if canary is None or key_id(bytes(canary.sealed)) != first.id:
        raise KeyProblem(f"The {name} key is not moved yet. Run: manage.py vault rotate {name}")
    left = _left_behind(name)
    if left:
        raise KeyProblem(f"{left} things still need the old {name} key. Run: manage.py vault rotate {name}")
    secrets = read_secrets(path)
    with overwritten(path):
        keyfiles.rewrite(path, secrets[:1])
    reset()
    return [key.id.hex() for key in old]


def _path(name: str) -> Any:
    path = keyring().path(name)
    if path is None:
        raise KeyProblem(f"The {name} key is not in a file of this process; change it where it is kept.")
    return path


def _promote(name: str) -> None:
    """Put the newest key first in its file, unless an earlier, unfinished rotation did so already."""
    canary = Canary.objects.filter(key_name=name).first()
    first, *others = keyring().keys(name)
    if canary is None:
        raise KeyProblem(f"The {name} key has no canary in this database. Run: manage.py vault init")
    if key_id(bytes(canary.sealed)) != first.id or keyring().path(name) is None:
        return
    if not others:
        raise KeyProblem(
            f"The file of the {name} key holds one key only. Run: manage.py vault rotate {name} --add, "
            "and restart every process with that file"
        )
    path = _path(name)
    *older, newest = read_secrets(path)
    keyfiles.rewrite(path, [newest, *older])
    reset()


def _rewrap(moved: RotationResult, told: Callable[[int], None]) -> None:
    first = keyring().keys("root")[0].id
    rows, last = RecordKey.objects.exclude(wrapped=None).order_by("pk"), None
    while batch := list((rows if last is None else rows.filter(pk__gt=last))[:CHUNK]):
        last = batch[-1].pk
        changes = []
        for row in batch:
            old = bytes(row.wrapped or b"")
            if key_id(old) == first:
                continue
            try:
                new = RecordKey.wrap(RecordKey.unwrap(old, row.owner), row.owner)
            except CannotOpen as problem:
                moved.unreadable.append(Finding("vault.RecordKey", str(row.owner), "wrapped", str(problem)))
                continue
            changes.append((row.pk, {"wrapped": (old, new)}))
        with transaction.atomic():
            _write(RecordKey, changes)
        moved.cells += len(changes)
        told(len(batch))


def _models_under(name: str) -> Iterator[type[SealedModel]]:
    """The models with anything under the key `name`."""
    for model in sealed_models():
        fields: Any = model._meta.concrete_fields
        if any(getattr(each, "key", None) == name for each in fields):
            yield model


def _hold_still(name: str) -> None:
    """Nobody writes to what is being moved until it is all moved; reading goes on."""
    Canary.objects.select_for_update().get(pk=name)
    if connection.vendor == "postgresql":
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in _models_under(name))
        if tables:
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")


def _move(name: str, moved: RotationResult, told: Callable[[int], None], *, savepoints: bool) -> None:
    for model in _models_under(name):
        for chunk in chunks(model, CHUNK):
            changes = [(row, _changes(row, name, moved)) for row in chunk]
            together: AbstractContextManager[Any] = transaction.atomic() if savepoints else nullcontext()
            with together:
                _write(model, [(row.pk, change) for row, change in changes if change])
            told(len(chunk))


def _changes(row: SealedModel, name: str, moved: RotationResult) -> dict[str, tuple[Any, Any]]:
    """Column → (stored, to be stored) for what of `row` is not under the first key yet."""
    first = keyring().keys(name)[0].id
    changes: dict[Any, tuple[Any, Any]] = {}
    fields: Any = row._meta.concrete_fields
    for each in fields:
        if getattr(each, "key", None) != name:
            continue
        stored = row.__dict__.get(each.attname)
        try:
            if isinstance(each, ComputedField):
                wanted = each.compute(getattr(row, each.source))
                if stored != wanted:
                    changes[each.column] = (stored, wanted)
                    moved.indexes += 1
            elif stored is not None and stored != ERASED_CELL and key_id(stored) != first:
                changes[each.column] = (stored, each.seal_bytes(each.open_bytes(stored, row), row))
                moved.cells += 1
        except Erased:
            continue  # closed on purpose: nothing is there to move
        except CannotOpen as problem:
            moved.unreadable.append(Finding(row._meta.label, str(row.pk), each.name, str(problem)))
    return changes


def _write(model: type[models.Model], changes: list[tuple[Any, dict[str, tuple[Any, Any]]]]) -> None:
    """Store the changes where nothing else was stored in between: what was erased meanwhile stays erased."""
    same = "IS NOT DISTINCT FROM" if connection.vendor == "postgresql" else "IS"
    quote = connection.ops.quote_name
    pk: Any = model._meta.pk
    for columns in {tuple(change) for _pk, change in changes}:
        sets = ", ".join(f"{quote(column)} = %s" for column in columns)
        tests = " AND ".join(f"{quote(column)} {same} %s" for column in columns)
        # Names come from our own models; all values are parameters.
        sql = f"UPDATE {quote(model._meta.db_table)} SET {sets} WHERE {quote(pk.column)} = %s AND {tests}"  # noqa: S608
        rows = [
            [
                *(_parameter(change[column][1]) for column in columns),
                pk.get_db_prep_value(key, connection),
                *(_parameter(change[column][0]) for column in columns),
            ]
            for key, change in changes
            if tuple(change) == columns
        ]
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _parameter(value: Any) -> Any:
    binary: Any = connection.Database.Binary  # type: ignore[attr-defined]
    return binary(bytes(value)) if isinstance(value, bytes) else value


def _left_behind(name: str) -> int:
    """How many things that open are not under the first key."""
    if name == "root":
        first = keyring().keys("root")[0].id
        known = {key.id for key in keyring().keys("root")} - {first}
        wrapped = RecordKey.objects.exclude(wrapped=None).values_list("wrapped", flat=True)
        left = sum(key_id(bytes(blob or b"")) in known for blob in wrapped.iterator(chunk_size=CHUNK))
        return left + bound.left_under_an_older_key()
    count = RotationResult()
    for model in _models_under(name):
        for chunk in chunks(model, CHUNK):
            for row in chunk:
                _changes(row, name, count)
    return count.cells + count.indexes
