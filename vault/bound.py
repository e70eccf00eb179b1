"""Access seals: only whoever holds the root key writes the columns that decide who reads.

A bound row carries an HMAC over its label, its serial and its bound columns. Only the desk can make one, so
that a row that SQL changed, moved or made up does not fit and counts for nothing. SQL can still delete a row,
and put back an older one with the seal of that time; its serial tells (`staff/access.py`). What is read is
checked where it is used: `intact()` on a queryset, `access_holds()` on a row. Saving never heals: a bound
column changes only in a row whose stored seal fits, and every other save leaves bound columns and seal alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldError, PermissionDenied
from django.db import models, router, transaction
from django.utils.translation import gettext_lazy as _

from vault.keyring import keyring, message

M = TypeVar("M", bound="models.Model")
SEAL: Final = ("access_serial", "access_seal")
CHUNK = 2000
_MISSING: Final = object()


class ChangedFromOutside(PermissionDenied):
    """A row that decides who reads was changed by something that is not the desk."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The database was changed from outside: this record counts for nothing until an operator has "
                "looked at it (see the runbook, “A broken access seal”)."
            )
        )


def _plain(value: Any) -> bytes:
    """One spelling of a column's value, told apart by kind: 1, "1" and True are three."""
    if value is None:
        return b"-"
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"i%d" % value
    if isinstance(value, str):
        return b"s" + str(value).encode(errors="surrogatepass")
    if isinstance(value, UUID):
        return b"u" + value.bytes
    if isinstance(value, datetime):
        return b"t" + value.astimezone(UTC).isoformat(timespec="microseconds").encode()
    if isinstance(value, date):
        return b"d" + value.isoformat().encode()
    raise FieldError(f"A column of the kind {type(value).__name__} cannot be bound.")


class CheckedQuerySet(models.QuerySet[M]):
    """A queryset that can leave out what was changed from outside."""

    _paths: tuple[str, ...] = ()

    def intact(self, *paths: str) -> Self:
        """Leave out rows whose seal does not fit, and rows whose related row at one of `paths` does not.

        Without `paths` the rows themselves are looked at. Rows are checked as they are fetched; what the
        database counts or gives as values() is not, and may be shown as a number only.
        """
        clone = self.all()
        clone._paths = (*self._paths, *(paths or ("",)))
        return clone

    def pks(self) -> set[Any]:
        """The primary keys of these rows, checked as the rows would be: what values_list() does not do."""
        names = getattr(self.model, "bound_columns", ())
        return {row.pk for row in (self.only(*names, *SEAL) if names else self)}

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._paths = self._paths
        return clone

    def _checks(self) -> bool:
        return bool(self._paths) and issubclass(self._iterable_class, models.query.ModelIterable)

    def _fetch_all(self) -> None:
        fresh = self._result_cache is None
        super()._fetch_all()
        if fresh and self._checks():
            self._result_cache = _intact_rows(self._result_cache or [], self._paths, self.db)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        rows = super().iterator(chunk_size)
        return self._iterate_intact(rows, chunk_size or CHUNK) if self._checks() else rows

    def _iterate_intact(self, rows: Iterator[M], size: int) -> Iterator[M]:
        while batch := list(islice(rows, size)):
            yield from _intact_rows(batch, self._paths, self.db)

    def exists(self) -> bool:
        """As Django's, of intact rows."""
        if not self._checks() or self._result_cache is not None:
            return super().exists()
        return next(self.select_related(None).iterator(50), None) is not None


def _intact_rows(rows: Sequence[Any], paths: Iterable[str], using: str) -> list[Any]:
    found = list(rows)
    for path in set(paths):
        if not path:
            found = [row for row in found if row.access_holds()]
        elif found:
            found = _with_intact(path, found, using)
    return found


def _with_intact(path: str, rows: list[Any], using: str) -> list[Any]:
    field: Any = rows[0]._meta.get_field(path)
    holds: dict[Any, bool] = {None: False}
    for row in rows:
        if loaded := row._state.fields_cache.get(path):
            holds[loaded.pk] = loaded.access_holds()
    missing = {getattr(row, field.attname) for row in rows} - holds.keys()
    if missing:
        for one in _bare(field.related_model, using).filter(pk__in=missing):
            holds[one.pk] = one.access_holds()
    return [row for row in rows if holds.get(getattr(row, field.attname))]


def _bare(model: type[BoundModel], using: str) -> Any:
    return model._base_manager.using(using).only(*model.bound_columns, *SEAL)


class BoundQuerySet(CheckedQuerySet[M]):
    """The queryset of bound models."""

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """As Django's, with a seal for each row."""
        rows = list(objs)
        for row in rows:
            row.seal_access()  # type: ignore[attr-defined]
        made = super().bulk_create(rows, *args, **kwargs)
        for row in made:
            row.remember_access()  # type: ignore[attr-defined]
        return made

    def update(self, **kwargs: Any) -> int:
        """As Django's, for columns that decide nothing."""
        self._refuse_bound(kwargs, "update()")
        return super().update(**kwargs)

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None) -> int:
        """As Django's, for columns that decide nothing."""
        names = list(fields)
        self._refuse_bound(names, "bulk_update()")
        return super().bulk_update(objs, names, batch_size)

    def _refuse_bound(self, names: Iterable[str], door: str) -> None:
        model: Any = self.model
        decides = {*model.bound_columns, *SEAL}
        for name in names:
            if model._meta.get_field(name).attname in decides:
                raise FieldError(
                    f"{name} decides who reads: {door} has no row to seal. Change the rows and save() each."
                )


class BoundModel(models.Model):
    """Base of models whose rows decide who reads: `bound_columns` names those that do, as columns are called.

    The primary key belongs to them where it is known before the row is stored; where it is not, the other
    columns have to be unique together.
    """

    access_serial = models.PositiveIntegerField(default=0, editable=False)
    access_seal = models.BinaryField(null=True, editable=False)

    bound_columns: ClassVar[tuple[str, ...]] = ()
    # Frozen in stored data.
    bound_label: ClassVar[str] = ""

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Any:
        row = super().from_db(db, field_names, values, **options)
        row.remember_access()
        return row

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """As Django's; bound columns come together, or the seal would be of another state."""
        if fields is not None:
            bound = {*self.bound_columns}
            names = {_field(self, name).attname for name in fields}
            if names & bound:
                fields = {*fields, *bound, *SEAL} - {_field(self, "pk").attname}
        super().refresh_from_db(using, fields, from_queryset)
        self.remember_access()

    def access_holds(self) -> bool:
        """Whether the bound columns are as the desk wrote them. Raises KeyProblem without the root key."""
        known: bool | None = self.__dict__.get("_access_holds")
        if known is None:
            known = self.__dict__["_access_holds"] = self._fits()
        return known

    def _fits(self) -> bool:
        values: Any = self.__dict__.get("_as_read")
        if values is None:
            return False
        if _MISSING in values:
            names = (*self.bound_columns, *SEAL)
            values = type(self)._base_manager.filter(pk=self.pk).values_list(*names).first()
        return values is not None and fits(type(self), values)

    def remember_access(self) -> None:
        """What the row said of access when it was read or stored; called by this base only."""
        data = self.__dict__
        data["_as_read"] = tuple(data.get(name, _MISSING) for name in (*self.bound_columns, *SEAL))
        data.pop("_access_holds", None)

    def seal_access(self) -> None:
        """Seal the bound columns as they stand on this instance, under the next serial; save() stores it."""
        data = self.__dict__
        for name in self.bound_columns:
            data[name] = _field(self, name).to_python(data[name])
        self.access_serial += 1
        values = tuple(data[name] for name in self.bound_columns)
        self.access_seal = _macs(type(self), values, self.access_serial)[0]

    # -- saving

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's. Raises ChangedFromOutside where a bound column changes in a row that does not fit."""
        if self._state.adding:
            self.seal_access()
            super().save(*args, **kwargs)
            self.remember_access()
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        names = self._columns_to_save(kwargs.get("update_fields"))
        changed = self._changed_among(names)
        kept = {name for name in names if name not in self.bound_columns and name not in SEAL}
        with transaction.atomic(using=using):
            if changed:
                self._seal_changes(changed, using)
                kept |= {*changed, *SEAL}
            kwargs["update_fields"] = {_field(self, name).name for name in kept}
            super().save(*args, **kwargs)
        if changed:
            self.remember_access()

    def _columns_to_save(self, names: Iterable[str] | None) -> set[str]:
        if names is not None:
            return {_field(self, name).attname for name in names}
        loaded = self.__dict__
        return {f.attname for f in self._meta.concrete_fields if f.attname in loaded and not f.primary_key}

    def _changed_among(self, names: set[str]) -> set[str]:
        read = dict(zip(self.bound_columns, self.__dict__["_as_read"], strict=False))
        return {
            name
            for name in self.bound_columns
            if name in names and _field(self, name).to_python(self.__dict__[name]) != read[name]
        }

    def _seal_changes(self, changed: set[str], using: str) -> None:
        """Put the `changed` columns on what is stored now: somebody else may have changed the others."""
        stored: Any = _bare(type(self), using).select_for_update().get(pk=self.pk)
        if not stored.access_holds():
            raise ChangedFromOutside
        for name in self.bound_columns:
            if name not in changed:
                setattr(self, name, stored.__dict__[name])
        self.access_serial = stored.access_serial
        self.seal_access()


def _field(row: models.Model, name: str) -> Any:
    return row._meta.pk if name == "pk" else row._meta.get_field(name)


def fits(model: type[BoundModel], values: Sequence[Any]) -> bool:
    """Whether `values`, the bound columns of a row with its serial and seal, belong together."""
    *bound, serial, seal = values
    if seal is None:
        return False
    stored = bytes(seal)
    return any(hmac.compare_digest(mac, stored) for mac in _macs(model, bound, serial))


def _macs(model: type[BoundModel], values: Sequence[Any], serial: int) -> list[bytes]:
    """HMAC-SHA-256 under a key derived from each root key: worker, timetable and public form hold none."""
    label = model.bound_label.encode()
    text = message([label, _plain(serial), *(_plain(value) for value in values)])
    return [key.mac("access-seal", text) for key in keyring().keys("root")]


# -- every row, for the chores and the operator


def bound_models() -> list[type[BoundModel]]:
    """Every installed model whose rows decide who reads."""
    return [model for model in apps.get_models() if issubclass(model, BoundModel) and not model._meta.proxy]


def seals() -> Iterator[tuple[type[BoundModel], Any, int, bool]]:
    """Of every row its model, primary key and serial, and whether its seal fits."""
    for model, pk, values in _rows_with_seals():
        yield model, pk, values[-2], fits(model, values)


def broken_rows() -> Iterator[tuple[type[BoundModel], Any]]:
    """Model and primary key of every row whose seal does not fit: made, moved or changed from outside."""
    return ((model, pk) for model, pk, _serial, holds in seals() if not holds)


def _rows_with_seals() -> Iterator[tuple[type[BoundModel], Any, Sequence[Any]]]:
    """Primary key and sealed values of all rows; without instances, which would be most of the time."""
    for model in bound_models():
        rows: Any = model._base_manager.order_by("pk").values_list("pk", *model.bound_columns, *SEAL)
        chunk = list(rows[:CHUNK])
        while chunk:
            for pk, *values in chunk:
                yield model, pk, values
            chunk = list(rows.filter(pk__gt=chunk[-1][0])[:CHUNK])


def reseal(model: type[BoundModel], pk: Any, *, at_least: int = 0) -> BoundModel:
    """Seal a row as it stands now, on an operator's word, under a serial above `at_least`; the row."""
    with transaction.atomic():
        row: Any = _bare(model, "default").select_for_update().get(pk=pk)
        row.access_serial = max(row.access_serial, at_least)
        row.seal_access()
        changes = {"access_serial": row.access_serial, "access_seal": row.access_seal}
        models.QuerySet(model).filter(pk=pk).update(**changes)
    return row  # type: ignore[no-any-return]


def move_to_first_key(told: Callable[[int], None] = lambda rows: None) -> int:
    """After a rotation of the root: seal anew what fits under an older root key only; how many.

    What fits under none stays as it is.
    """
    moved = 0
    for model, pk, old, new in _under_an_older_key():
        moved += models.QuerySet(model).filter(pk=pk, access_seal=old).update(access_seal=new)
        told(1)
    return moved


def left_under_an_older_key() -> int:
    """How many rows fit under an older root key only."""
    return sum(1 for _row in _under_an_older_key())


def _under_an_older_key() -> Iterator[tuple[type[BoundModel], Any, bytes, bytes]]:
    """Model, primary key, seal as it stands and seal under the first key."""
    for model, pk, (*bound, serial, seal) in _rows_with_seals():
        first, *older = _macs(model, bound, serial)
        if seal is not None and bytes(seal) in older:
            yield model, pk, seal, first
