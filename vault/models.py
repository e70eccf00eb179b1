"""The bases of every model with sealed fields: what a cell is bound to, whose key seals it, and when."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import FieldError
from django.db import models, router, transaction
from django.db.models.base import ModelState

from vault.cipher import CannotOpen, NoKey, Sealed
from vault.opening import load_identities, reach
from vault.queryset import SealedManager, SealedQuerySet
from vault.record_keys import HOUSE, Canary, RecordKey

__all__ = [
    "HOUSE",
    "NOT_READ",
    "Binding",
    "Canary",
    "OwnerModel",
    "RecordKey",
    "SealedManager",
    "SealedModel",
    "SealedQuerySet",
]

# Remembered instead of a ciphertext when a value was assigned to a column that had not been loaded.
NOT_READ: Final = Sealed(b"")
_BATCH = 5000


class Binding:
    """What an instance's cells are bound to, and the opened record key once it was fetched."""

    __slots__ = ("row", "owner", "tail", "cipher")

    def __init__(self, row: UUID, owner: UUID) -> None:
        self.row = row
        self.owner = owner
        raw = row.bytes
        self.tail = raw + b"|" + (raw if owner is row else owner.bytes)
        self.cipher: AESGCM | NoKey | None = None


class _ClosedRows(models.query.ModelIterable):  # type: ignore[type-arg]
    """Rows whose sealed columns stay closed when read, to copy ciphertext from one instance to another."""

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            row.__dict__["_closed"] = True
            yield row


class SealedModel(models.Model):
    """Base of every model with sealed fields.

    `sealed_under` names the foreign key (or UUID column) whose value is the owner; NULL there is the house.
    "self": the row is an owner (use OwnerModel); "house": the house; None: only fields with their own key.
    `sealed_label` is frozen in stored data: never change it, or nothing opens any more.
    `sealed_row_id` names the UUID column that stands for the row, for models whose primary key is not one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    sealed_under: ClassVar[str | None] = None
    sealed_label: ClassVar[str] = ""
    sealed_row_id: ClassVar[str] = "id"

    objects = SealedManager()

    class Meta:
        abstract = True

    # -- what the cells are bound to

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **_options: Any) -> Any:
        # As Django's, without __init__ and a descriptor's call for each column: that was a fifth of a list's
        # time. Columns left out are simply not there; nothing of ours listens to pre_init or post_init.
        row = cls.__new__(cls)
        data = row.__dict__
        state = data["_state"] = ModelState()
        state.adding, state.db = False, db
        data.update(zip(field_names, values, strict=True))
        names = cls._identity_names()
        if all(name in data for name in names):
            data["_vault"] = Binding(*row.seal_identity())
        return row

    @classmethod
    def sealed_fields(cls) -> Sequence[Any]:
        """The sealed fields of this model."""
        found: Sequence[Any] | None = cls.__dict__.get("_sealed_fields")
        if found is None:
            found = tuple(f for f in cls._meta.concrete_fields if getattr(f, "sealed", False))
            cls._sealed_fields = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def _needs_record_key(cls) -> bool:
        found: bool | None = cls.__dict__.get("_under_record_key")
        if found is None:
            found = cls._under_record_key = any(field.key is None for field in cls.sealed_fields())  # type: ignore[attr-defined]
        return found

    @classmethod
    def _identity_names(cls) -> tuple[str, ...]:
        found: tuple[str, ...] | None = cls.__dict__.get("_identity")
        if found is None:
            found = (cls.sealed_row_id,)
            if cls.sealed_under not in (None, "self", "house"):
                found += (cls._meta.get_field(cls.sealed_under).attname,)  # type: ignore[union-attr]
            cls._identity = found  # type: ignore[attr-defined]
        return found

    def seal_identity(self) -> tuple[UUID, UUID]:
        """The row and the owner that this instance's cells are sealed for."""
        names = self._identity_names()
        row = _uuid(getattr(self, names[0]))
        if self.sealed_under == "self":
            return row, row
        if len(names) == 1:
            return row, HOUSE
        owner = getattr(self, names[1])
        if owner is None:
            if not self._meta.get_field(str(self.sealed_under)).null:
                raise FieldError(
                    f"{self._meta.label}: set {self.sealed_under} first; its key seals this row."
                )
            return row, HOUSE
        return row, _uuid(owner)

    def binding(self) -> Binding:
        """What the cells are bound to, remembered on the instance."""
        bound: Binding | None = self.__dict__.get("_vault")
        if bound is None:
            bound = self.__dict__["_vault"] = Binding(*self.seal_identity())
        return bound

    def record_cipher(self, *, sealing: bool = False) -> AESGCM | NoKey:
        """The owner's key: from this instance, from the loaded owner, or by one query."""
        bound = self.binding()
        if bound.cipher is None:
            owner = self._loaded_owner(bound)
            if owner is not None and owner.cipher is not None:
                bound.cipher = owner.cipher
            else:
                using = self._state.db
                bound.cipher = RecordKey.objects.ciphers([bound.owner], using)[bound.owner]
                if sealing and bound.owner == HOUSE and isinstance(bound.cipher, NoKey):
                    bound.cipher = RecordKey.objects.make_house(using)
                if owner is not None:
                    owner.cipher = bound.cipher
        return bound.cipher

    def _loaded_owner(self, bound: Binding) -> Binding | None:
        loaded = self._state.fields_cache.get(self.sealed_under or "")
        if isinstance(loaded, SealedModel) and not loaded._state.adding:
            owner = loaded.binding()
            if owner.owner == bound.owner:
                return owner
        return None

    # -- keys for lists and for new rows; called by SealedQuerySet

    @classmethod
    def hold_keys(cls, rows: Iterable[Any], using: str) -> None:
        """Put the opened record keys on `rows` and on what was loaded along with them, in one query."""
        reached: list[SealedModel] = []
        reach(rows, reached, set())
        wanted: dict[UUID, list[Binding]] = {}
        load_identities(reached, using)
        for row in reached:
            if row._needs_record_key():
                bound = row.binding()
                if bound.cipher is None:
                    wanted.setdefault(bound.owner, []).append(bound)
        if wanted:
            for owner, cipher in RecordKey.objects.ciphers(wanted, using).items():
                for bound in wanted[owner]:
                    bound.cipher = cipher

    @classmethod
    def prepare_insert(cls, rows: Sequence[Any], *, using: str, may_skip: bool = False) -> None:
        """Before an INSERT: bind the rows afresh; a list of them gets its owners' keys in one query."""
        for row in rows:
            row.__dict__.pop("_vault", None)
            row.__dict__.pop("_seen", None)
        fields: Sequence[Any] = cls._meta.concrete_fields
        for field in fields:
            if rows and hasattr(field, "require_current_key"):
                field.require_current_key(using)
        if len(rows) > 1:
            cls.hold_keys([row for row in rows if row._has_to_seal()], using)

    def _has_to_seal(self) -> bool:
        return any(f.key is None and self.__dict__.get(f.attname) is not None for f in self.sealed_fields())

    @classmethod
    def owners_in(cls, rows: SealedQuerySet[Any]) -> list[UUID]:
        """The owners whose keys go when `rows` are deleted: none, unless the model is an owner."""
        return []

    @classmethod
    def drop_keys(cls, owners: Sequence[UUID], *, using: str) -> None:
        """Delete the record keys of deleted owners."""
        for start in range(0, len(owners), _BATCH):
            RecordKey.objects.using(using).filter(owner__in=owners[start : start + _BATCH]).delete()

    # -- rows beside these that are computed from them, such as the words of a name

    @classmethod
    def renew_beside(cls, rows: Sequence[Any]) -> int:
        """Make the rows that are computed from `rows` what they should be; how many came or went."""
        return 0

    @classmethod
    def stale_beside(cls, rows: Sequence[Any]) -> Iterable[tuple[Any, str]]:
        """Those of `rows` whose computed rows are not what they should be, each with what is wrong."""
        return ()

    # -- saving

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
            self.prepare_insert([self], using=using)
        else:
            self._refuse_moving()
        names = kwargs.get("update_fields")
        if names is not None:
            kwargs["update_fields"] = {*names, *(f.name for f in self._computed_from(names))}
        elif not self._state.adding:
            # Django saves loaded fields only: a deferred index must not stay behind its changed source.
            changed = [n for n, v in self.__dict__.items() if not isinstance(v, Sealed)]
            for field in self._computed_from(changed):
                self.__dict__.setdefault(field.attname, None)
        super().save(*args, **kwargs)

    @classmethod
    def _computed_from(cls, names: Iterable[str]) -> list[Any]:
        sources = set(names)
        return [f for f in cls._meta.concrete_fields if sources & set(getattr(f, "computed_from", ()))]

    def _refuse_moving(self) -> None:
        bound = self.__dict__.get("_vault")
        if bound is None or any(name not in self.__dict__ for name in self._identity_names()):
            return
        if (bound.row, bound.owner) != self.seal_identity():
            raise FieldError(
                f"{self._meta.label}: this row is sealed for its own place and cannot move to another "
                "row or owner. Read the values and make a new row there."
            )

    def previous_values(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """What each changed sealed field held when it was read; unchanged and unknown names are left out.

        Call it before save(). An old value that does not open is given as "⚠ unreadable".
        """
        seen: dict[str, Any] = self.__dict__.get("_seen") or {}
        wanted = None if names is None else set(names)
        changed = {}
        for field in self.sealed_fields():
            value = self.__dict__.get(field.attname)
            if field.attname not in seen or isinstance(value, Sealed) or self._state.adding:
                continue
            if wanted is None or field.name in wanted:
                old = seen[field.attname]
                if old is NOT_READ:
                    old = type(self)._base_manager.values_list(field.attname, flat=True).get(pk=self.pk)
                if not field.holds(old, value, self):
                    changed[field.name] = field.opened_or_marker(old, self)
        return changed

    # -- reading again, forms, pickles: nothing here opens a cell

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        rows = from_queryset
        if rows is None:
            rows = type(self)._base_manager.db_manager(using, hints={"instance": self})
        rows = rows.all()
        rows._iterable_class = _ClosedRows
        names = None if fields is None else set(fields)
        super().refresh_from_db(using, names, from_queryset=rows)
        seen = self.__dict__.get("_seen", {})
        for attname in list(seen):
            if fields is None or attname in fields:
                del seen[attname]
        if fields is None:
            self.__dict__.pop("_vault", None)

    def unreadable_fields(self) -> dict[str, CannotOpen]:
        """The sealed fields that do not open, with the reason of each."""
        problems = {}
        for field in self.sealed_fields():
            try:
                getattr(self, field.attname)
            except CannotOpen as problem:
                problems[field.name] = problem
        return problems

    def clean_fields(self, exclude: Any = None) -> None:
        super().clean_fields({*(exclude or ()), *self.unreadable_fields()})

    def _get_field_expression_map(self, meta: Any, exclude: Any = None) -> dict[str, Any]:
        """As Django's, without plaintext: a constraint may ask of a sealed column only whether it is NULL."""
        sealed = {field.name for field in self.sealed_fields()}
        known: dict[str, Any] = super()._get_field_expression_map(  # type: ignore[misc]
            meta, {*(exclude or ()), *sealed}
        )
        for name in sealed - set(exclude or ()):
            filled = self.__dict__.get(name) is not None
            known[name] = models.Value(b"\x01" if filled else None, models.BinaryField())
        return known

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: no key, and ciphertext instead of what was opened and left unchanged."""
        state: Any = super().__getstate__()
        seen: Mapping[str, Any] = state.pop("_seen", None) or {}
        for field in self.sealed_fields():
            old = seen.get(field.attname)
            if (
                isinstance(old, Sealed)
                and old is not NOT_READ
                and field.holds(old, state.get(field.attname), self)
            ):
                state[field.attname] = old
        state.pop("_vault", None)
        return dict(state)


class OwnerModel(SealedModel):
    """A model whose rows own a record key: it is made in the row's own INSERT and never again."""

    sealed_under: ClassVar[str | None] = "self"

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            super().save(*args, **kwargs)
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        owner = self.seal_identity()[1]
        with transaction.atomic(using=using):
            done = super().delete(*args, **kwargs)
            self.drop_keys([owner], using=using)
            return done

    @classmethod
    def prepare_insert(cls, rows: Sequence[Any], *, using: str, may_skip: bool = False) -> None:
        if may_skip:
            raise FieldError(
                f"{cls._meta.label}: an owner and its key are made together; no conflicts can be ignored."
            )
        super().prepare_insert(list(rows), using=using)
        ciphers = RecordKey.objects.make([row.seal_identity()[1] for row in rows], using)
        for row in rows:
            bound = row.binding()
            bound.cipher = ciphers[bound.owner]

    def _has_to_seal(self) -> bool:
        return False

    @classmethod
    def owners_in(cls, rows: SealedQuerySet[Any]) -> list[UUID]:
        return [_uuid(owner) for owner in rows.order_by().values_list(cls.sealed_row_id, flat=True)]


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
