"""Queries on sealed models: keys for a whole list in one query, and a plain refusal of what cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models, transaction
from django.db.models.constants import LOOKUP_SEP
from django.db.models.sql import Query

from vault.bound import CheckedQuerySet
from vault.opening import open_columns

if TYPE_CHECKING:
    from vault.models import SealedModel

M = TypeVar("M", bound="models.Model")


def sealed_field(model: type[models.Model] | None, path: str) -> Any:
    """The sealed field that a lookup path such as `case__summary` arrives at, or None."""
    field: Any = None
    for part in path.split(LOOKUP_SEP):
        if model is None:
            return None
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except FieldDoesNotExist:
            return None
        if getattr(field, "sealed", False):
            return field
        model = getattr(field, "related_model", None)
    return None


def _refuse(query: Query, name: str, what: str) -> None:
    if name in query.annotations:
        return
    field = sealed_field(query.model, name)
    if field is not None:
        raise FieldError(f"{field.name} is sealed: the database cannot {what}")


class SealedQuery(Query):
    """Refuses sealed columns where the database would need to read them."""

    def resolve_ref(self, name: str, *args: Any, **kwargs: Any) -> Any:
        _refuse(self, name, "use it in an expression. Read the rows and compute in Python.")
        return super().resolve_ref(name, *args, **kwargs)

    def add_ordering(self, *ordering: Any) -> None:
        for item in ordering:
            if isinstance(item, str):
                _refuse(self, item.removeprefix("-"), "sort by it. Read the rows and sort them in Python.")
        super().add_ordering(*ordering)

    def add_fields(self, field_names: Any, *args: Any, **kwargs: Any) -> None:
        names = list(field_names)
        for name in names:
            _refuse(self, name, "give its value to values(). Read instances, with with_keys().")
        super().add_fields(names, *args, **kwargs)

    def add_distinct_fields(self, *field_names: str) -> None:
        for name in field_names:
            _refuse(self, name, "compare it for distinct(). Compare in Python, or use its BlindIndex.")
        super().add_distinct_fields(*field_names)


class SealedQuerySet(CheckedQuerySet[M]):
    """The queryset of every sealed model."""

    _keys_wanted = False
    _opened: tuple[str, ...] = ()
    _keys_held = False

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, SealedQuery(model) if query is None else query, using, hints)

    def with_keys(self, *columns: str) -> SealedQuerySet[M]:
        """Fetch the record keys of the whole result in one query; use it in every list.

        Name the sealed `columns` that the list shows: they are opened together, in half the time.
        """
        clone = self.all()
        clone._keys_wanted = True
        clone._opened = columns
        return clone

    def _clone(self) -> SealedQuerySet[M]:
        clone: SealedQuerySet[M] = super()._clone()
        clone._keys_wanted, clone._opened = self._keys_wanted, self._opened
        return clone

    def _fetch_all(self) -> None:
        super()._fetch_all()
        if self._keys_wanted and not self._keys_held:
            self._keys_held = True
            self._hold_keys(self._result_cache or ())

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        rows = super().iterator(chunk_size)
        if not self._keys_wanted:
            return rows
        return self._iterate_with_keys(rows, chunk_size or 2000)

    def _iterate_with_keys(self, rows: Iterator[M], size: int) -> Iterator[M]:
        while batch := list(islice(rows, size)):
            self._hold_keys(batch)
            yield from batch

    def _hold_keys(self, rows: Sequence[M]) -> None:
        self._sealed_model().hold_keys(rows, using=self.db)
        if self._opened:
            open_columns(rows, self._opened)

    def _sealed_model(self) -> type[SealedModel]:
        return self.model  # type: ignore[return-value]

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """As Django's; makes the record keys of owners, and reads those of children in one query."""
        rows = list(objs)
        sealed = {name for name in kwargs.get("update_fields") or () if self._is_bound(name)}
        if sealed:
            raise FieldError(
                f"{', '.join(sorted(sealed))}: a sealed value belongs to its own row and cannot replace "
                "another's on conflict. Read the row and save() it."
            )
        with transaction.atomic(using=self.db, savepoint=False):
            self._sealed_model().prepare_insert(
                rows,
                using=self.db,
                may_skip=bool(kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts")),
            )
            return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None) -> int:
        """As Django's, for plain columns only."""
        names = list(fields)
        self._refuse_writing(names, "bulk_update()")
        return super().bulk_update(objs, names, batch_size)

    def update(self, **kwargs: Any) -> int:
        """As Django's, for plain columns only."""
        self._refuse_writing(kwargs, "update()")
        for value in kwargs.values():
            for name in _names_in(value):
                _refuse(self.query, name, "copy it to another column. Read the rows and save() them.")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's; the keys of deleted owners go too."""
        owners = self._sealed_model().owners_in(self)
        if not owners:
            return super().delete()
        with transaction.atomic(using=self.db):
            done = super().delete()
            self._sealed_model().drop_keys(owners, using=self.db)
            return done

    # As Django's own: a manager must not offer to delete every row there is.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _is_bound(self, name: str) -> bool:
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return bool(getattr(field, "sealed", False) or getattr(field, "computed_from", ()))

    def _refuse_writing(self, names: Iterable[str], door: str) -> None:
        bound = sorted(name for name in names if self._is_bound(name))
        if bound:
            raise FieldError(
                f"{', '.join(bound)}: {door} has no row to seal it for. "
                "Change the instances and save() each of them."
            )


def _names_in(expression: Any) -> Iterator[str]:
    """The names of the columns that an F() or a larger expression refers to."""
    if isinstance(expression, models.F):
        yield expression.name  # type: ignore[attr-defined]
    sources: Sequence[Any] = getattr(expression, "get_source_expressions", list)()
    for source in sources:
        if source is not None:
            yield from _names_in(source)


SealedManager = models.Manager.from_queryset(SealedQuerySet)
