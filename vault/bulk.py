"""Thousands of rows at once: read columns without model instances, insert without expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.core.exceptions import EmptyResultSet, FieldError
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.constants import LOOKUP_SEP
from django.db.models.sql import Query

from vault.cipher import V1, CannotOpen, open_under
from vault.keyring import KeyProblem, keyring
from vault.models import HOUSE, SealedModel
from vault.queryset import SealedQuerySet

# 8 columns of 500 rows stay far below the most parameters that SQLite takes in one statement.
INSERTED_AT_ONCE = 500

Cells = Sequence[Any]
Reader = Callable[[Cells, Sequence[bytes]], Cells]


def read_columns(rows: SealedQuerySet[Any], *names: str) -> list[tuple[Any, ...]]:
    """The columns `names` of `rows`: a tuple a row, in the order of the query.

    Sealed columns must have a key file (`key=`). A cell that does not open is given as its CannotOpen: one
    damaged row must not hide the others. UUIDs are given as 16 bytes; objects would cost more than opening.
    """
    model: Any = rows.model
    identity = model._identity_names()
    query = rows.query.chain(klass=Query)
    columns: Any = models.QuerySet(model, query=query, using=rows.db).values_list(*identity, *names)
    readers = [_reader(model, name) for name in names]
    try:
        sql, params = columns.query.get_compiler(using=rows.db).as_sql()
    except EmptyResultSet:
        return []
    with connections[rows.db].cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    if not found:
        return []
    # Column by column: a call for every cell would cost as much as opening it.
    cells = list(zip(*found, strict=True))
    tails = _tails(model, cells)
    return list(
        zip(
            *(read(column, tails) for read, column in zip(readers, cells[len(identity) :], strict=True)),
            strict=True,
        )
    )


def insert_new(rows: Sequence[SealedModel], using: str = DEFAULT_DB_ALIAS) -> None:
    """Store `rows`, all of one model; those that are there already by a unique column are left out.

    What bulk_create(ignore_conflicts=True) does, for tens of thousands of rows: Django's own way through an
    expression for every cell takes most of its time.
    """
    if not rows:
        return
    model = type(rows[0])
    connection, fields = connections[using], model._meta.concrete_fields
    quote: Any = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    one = f"({', '.join(['%s'] * len(fields))})"
    with transaction.atomic(using=using), connection.cursor() as cursor:
        model.prepare_insert(rows, using=using, may_skip=True)
        for start in range(0, len(rows), INSERTED_AT_ONCE):
            chunk = rows[start : start + INSERTED_AT_ONCE]
            cells = [
                field.get_db_prep_save(field.pre_save(row, True), connection)
                for row in chunk
                for field in fields
            ]
            cursor.execute(
                f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608 (names of our own columns)
                f"VALUES {', '.join([one] * len(chunk))} ON CONFLICT DO NOTHING",
                cells,
            )


def _tails(model: Any, cells: Sequence[Cells]) -> list[bytes]:
    """What binds each row's cells to the row and its owner; see vault.models.Binding."""
    rows = _uuid_bytes(cells[0])
    if len(model._identity_names()) == 2:
        owners = _uuid_bytes(cells[1])
        return [row + b"|" + (owner or HOUSE.bytes) for row, owner in zip(rows, owners, strict=True)]
    if model.sealed_under == "self":
        return [row + b"|" + row for row in rows]
    return [row + b"|" + HOUSE.bytes for row in rows]


def _reader(model: Any, path: str) -> Reader:
    field = _field(model, path)
    if getattr(field, "sealed", False):
        if field.model is not model:
            raise FieldError(f"{path} is sealed for another table: read its own rows.")
        return _opener(field)
    if isinstance(field, models.UUIDField):
        return lambda column, _tails: _uuid_bytes(column)
    return lambda column, _tails: column


def _field(model: Any, path: str) -> Any:
    """The column that a path such as `case__team` arrives at."""
    field: Any = None
    for part in path.split(LOOKUP_SEP):
        field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        model = field.related_model
    return getattr(field, "target_field", field)


def _opener(field: Any) -> Reader:
    if field.key is None:
        raise FieldError(f"{field.name} is sealed under record keys. Read instances, with with_keys().")
    try:
        ciphers = keyring().ciphers(field.key, "fields")
    except KeyProblem:
        ciphers = {}
    prefix, load = field._prefix, field.load

    def explain(cell: Any, tail: bytes) -> Any:
        if cell is None:
            return None
        try:
            return load(open_under(field.key, "fields", bytes(cell), prefix + tail))
        except CannotOpen as problem:
            return type(problem)(f"Cannot open {field}: {problem}.")

    def open_column(column: Cells, tails: Sequence[bytes]) -> list[Any]:
        opened = []
        for cell, tail in zip(column, tails, strict=True):
            try:
                if cell[:1] != V1:
                    raise KeyError
                plain = ciphers[cell[1:9]].decrypt(cell[9:21], cell[21:], prefix + tail)
                opened.append(load(plain[: plain.rindex(b"\x80")]))
            except (KeyError, TypeError, InvalidTag, ValueError):
                opened.append(explain(cell, tail))  # the long way says why
        return opened

    return open_column


def _uuid_bytes(column: Cells) -> list[Any]:
    """UUIDs as their 16 bytes, however the database gives them; None stays."""
    return [
        None if cell is None else cell.bytes if isinstance(cell, UUID) else bytes.fromhex(cell)
        for cell in column
    ]
