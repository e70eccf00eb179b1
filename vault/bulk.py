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
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

# 8 columns of 500 rows stay far below the most parameters that SQLite takes in one statement.
INSERTED_AT_ONCE = 500


def read_columns(rows: SealedQuerySet[Any], *names: str) -> list[tuple[Any, ...]]:
    """The columns `names` of `rows`: a tuple a row, in the order of the query.

    Sealed columns must have a key file (`key=`). A cell that does not open is given as its CannotOpen: one
    damaged row must not hide the others. UUIDs are given as 16 bytes; objects would cost more than opening.
    """
    model: Any = rows.model
    identity = model._identity_names()
    query = rows.query.chain(klass=Query)
    columns: Any = models.QuerySet(model, query=query, using=rows.db).values_list(*identity, *names)
    converters = [_converter(model, name) for name in names]
    try:
        sql, params = columns.query.get_compiler(using=rows.db).as_sql()
    except EmptyResultSet:
        return []
    with connections[rows.db].cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    skip = len(identity)
    tails = _tails(model, found)
    return [
        tuple([convert(cell, tail) for convert, cell in zip(converters, row[skip:], strict=True)])
        for row, tail in zip(found, tails, strict=True)
    ]


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


def _tails(model: Any, found: Sequence[Any]) -> list[bytes]:
    """What binds each row's cells to the row and its owner; see vault.models.Binding."""
    if len(model._identity_names()) == 2:
        return [_bytes(row[0]) + b"|" + _bytes(row[1]) for row in found]
    if model.sealed_under == "self":
        return [_bytes(row[0]) + b"|" + _bytes(row[0]) for row in found]
    from vault.record_keys import HOUSE

    return [_bytes(row[0]) + b"|" + HOUSE.bytes for row in found]


def _converter(model: Any, path: str) -> Callable[[Any, bytes], Any]:
    field = _field(model, path)
    if getattr(field, "sealed", False):
        if field.model is not model:
            raise FieldError(f"{path} is sealed for another table: read its own rows.")
        return _opener(field)
    if isinstance(field, models.UUIDField):
        return lambda cell, _tail: None if cell is None else _bytes(cell)
    return lambda cell, _tail: cell


def _field(model: Any, path: str) -> Any:
    """The column that a path such as `case__team` arrives at."""
    field: Any = None
    for part in path.split(LOOKUP_SEP):
        field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        model = field.related_model
    return getattr(field, "target_field", field)


def _opener(field: Any) -> Callable[[Any, bytes], Any]:
    if field.key is None:
        raise FieldError(f"{field.name} is sealed under record keys. Read instances, with with_keys().")
    try:
        ciphers = keyring().ciphers(field.key, "fields")
    except KeyProblem:
        ciphers = {}
    prefix, load = field._prefix, field.load

    def open_cell(cell: Any, tail: bytes) -> Any:
        if cell is None:
            return None
        cell = bytes(cell)
        if cell[:1] == V1:
            try:
                plain = ciphers[cell[1:9]].decrypt(cell[9:21], cell[21:], prefix + tail)
                return load(plain[: plain.rindex(b"\x80")])
            except (KeyError, InvalidTag, ValueError):
                pass  # the long way says why
        try:
            return load(open_under(field.key, "fields", cell, prefix + tail))
        except CannotOpen as problem:
            return type(problem)(f"Cannot open {field}: {problem}.")

    return open_cell


def _bytes(value: Any) -> bytes:
    """A UUID as its 16 bytes, however the database gives it."""
    return value.bytes if isinstance(value, UUID) else bytes.fromhex(value)
