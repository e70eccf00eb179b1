"""Model fields for sealed columns: one line a field, opened when read, sealed when saved."""

from __future__ import annotations

import datetime
import json
from typing import Any

from cryptography.exceptions import InvalidTag
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone
from django.utils.functional import cached_property

from vault.blind_index import BlindIndex, KeyedTokenField, as_stored, find
from vault.cipher import V1, CannotOpen, Sealed, open_sealed, open_under, seal, seal_under
from vault.models import NOT_READ, SealedModel
from vault.show import marker

__all__ = [
    "BlindIndex",
    "KeyedTokenField",
    "SealedCharField",
    "SealedDateField",
    "SealedDateTimeField",
    "SealedEmailField",
    "SealedJSONField",
    "SealedTextField",
    "find",
]


class SealedAttribute(DeferredAttribute):
    """Opens a cell on first reading and keeps its ciphertext, so that only what changed is sealed again."""

    field: Any

    def __init__(self, field: Any) -> None:
        super().__init__(field)
        self.name = field.attname

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        data = instance.__dict__
        try:
            value = data[self.name]
        except KeyError:
            value = super().__get__(instance, cls)
        if type(value) is not Sealed or "_closed" in data:
            return value
        data[self.name] = opened = self.field.open(value, instance)
        seen = data.get("_seen")
        if seen is None:
            data["_seen"] = {self.name: value}
        elif self.name not in seen:
            seen[self.name] = value
        return opened

    def __set__(self, instance: Any, value: Any) -> None:
        data = instance.__dict__
        if type(value) is not Sealed and not instance._state.adding:
            old = data.get(self.name, NOT_READ)
            if old is None or type(old) is Sealed:
                data.setdefault("_seen", {}).setdefault(self.name, old)
        data[self.name] = value


class SealedMixin(models.Field):  # type: ignore[type-arg]
    """What all sealed fields share. `key` names a key file that seals instead of the owner's record key."""

    sealed = True
    descriptor_class = SealedAttribute
    empty_strings_allowed = False

    def __init__(self, *args: Any, key: str | None = None, **kwargs: Any) -> None:
        if kwargs.get("unique") or kwargs.get("db_index") or kwargs.get("primary_key"):
            raise ImproperlyConfigured(
                "A sealed column cannot be unique or indexed. Add a BlindIndex for it."
            )
        if "db_default" in kwargs:
            raise ImproperlyConfigured("A sealed column has no default in the database: use default=.")
        kwargs["serialize"] = False  # dumpdata would print plaintext; backups keep ciphertext
        super().__init__(*args, **kwargs)
        self.key = key

    def deconstruct(self) -> Any:
        """What the database holds, which is all that a migration should say: bytes, or none.

        Words, choices, lengths and even the key of a sealed field change without a migration.
        """
        name, _path, _args, kwargs = super().deconstruct()
        kept = {option: kwargs[option] for option in ("null", "db_column") if option in kwargs}
        return name, "django.db.models.BinaryField", [], kept

    def clone(self) -> Any:
        return as_stored(self)

    # -- the column

    def get_internal_type(self) -> str:
        return "BinaryField"

    def db_type(self, connection: Any) -> str | None:
        return models.BinaryField().db_type(connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def get_prep_value(self, value: Any) -> Any:
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise FieldError(
                f"{self.name} is sealed: change the instance and save() it, or there is no row to seal for."
            )
        return connection.Database.Binary(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed: only isnull can be asked of it. {self._search_hint}")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is sealed: the database cannot compute with it. {self._search_hint}")

    @property
    def _search_hint(self) -> str:
        indexes = [
            f.name for f in self.model._meta.fields if isinstance(f, BlindIndex) and f.source == self.name
        ]
        if indexes:
            return (
                f"Search with vault.fields.find(queryset, {indexes[0]!r}, value), or filter by its token()."
            )
        return "Add a BlindIndex to search by it, or read the rows and compare in Python."

    # -- sealing and opening

    @cached_property
    def _prefix(self) -> bytes:
        label = getattr(self.model, "sealed_label", "") or self.model._meta.label_lower
        return f"v1|{label}|{self.column}|".encode()

    def dump(self, value: Any) -> bytes:
        """The bytes to seal for `value`."""
        return str(value).encode()

    def load(self, plain: bytes) -> Any:
        """The value of opened bytes."""
        return plain.decode()

    def seal(self, value: Any, instance: SealedModel) -> Sealed:
        """`value` sealed for this column of `instance`. Raises CannotOpen or KeyProblem without the key."""
        return self.seal_bytes(self.dump(value), instance)

    def seal_bytes(self, plain: bytes, instance: SealedModel) -> Sealed:
        """As `seal`, for what `dump` gave."""
        bound_to = self._prefix + instance.binding().tail
        if self.key is not None:
            return seal_under(self.key, "fields", plain, bound_to)
        try:
            return seal(instance.record_cipher(sealing=True), plain, bound_to)
        except CannotOpen as problem:
            raise type(problem)(f"Cannot seal {self}: {problem}.") from None

    def open_bytes(self, cell: Sealed, instance: SealedModel) -> bytes:
        """The opened bytes of `cell`. Raises a kind of CannotOpen that names the column and the cause."""
        bound = instance.__dict__.get("_vault") or instance.binding()
        try:
            if self.key is not None:
                return open_under(self.key, "fields", cell, self._prefix + bound.tail)
            return open_sealed(bound.cipher or instance.record_cipher(), cell, self._prefix + bound.tail)
        except CannotOpen as problem:
            raise type(problem)(f"Cannot open {self}: {problem}.") from None

    def open(self, cell: Sealed, instance: SealedModel) -> Any:
        """The value in `cell`. Raises a kind of CannotOpen.

        The way of nearly every cell is written out here: three calls less halve the time. Whatever does not
        go well on it goes the long way again, which says why.
        """
        if self.key is None and cell[:1] == V1:
            try:
                bound = instance.__dict__["_vault"]
                padded = bound.cipher.decrypt(cell[1:13], cell[13:], self._prefix + bound.tail)
                return self.load(padded[: padded.rindex(b"\x80")])
            except (KeyError, AttributeError, InvalidTag, ValueError, CannotOpen):
                pass
        return self.load(self.open_bytes(cell, instance))

    def holds(self, cell: Sealed | None, value: Any, instance: SealedModel) -> bool:
        """Whether `cell` opens to `value` (False if it does not open)."""
        if cell is None or value is None:
            return cell is value
        if isinstance(value, Sealed):
            return cell == value
        try:
            return self.open_bytes(cell, instance) == self.dump(value)
        except CannotOpen:
            return False

    def opened_or_marker(self, cell: Sealed | None, instance: SealedModel) -> Any:
        """The value in `cell`, or the text that stands for one that does not open."""
        try:
            return None if cell is None else self.open(cell, instance)
        except CannotOpen as problem:
            return marker(problem)

    def pre_save(self, instance: Any, add: bool) -> Any:
        data = instance.__dict__
        if self.attname not in data:
            instance.refresh_from_db(fields=[self.attname])
        value = data[self.attname]
        if isinstance(value, Sealed):
            if add:
                raise FieldError(
                    f"{self.name} is sealed for another row and cannot be copied as it is. "
                    "Make a new instance from the values you read."
                )
            return value
        seen = data.setdefault("_seen", {})
        if value is None:
            seen[self.attname] = None
            return None
        if hasattr(value, "resolve_expression"):
            raise FieldError(f"{self.name} is sealed: give it a value, the database cannot compute it.")
        old = seen.get(self.attname)
        if not add and old is not None and old is not NOT_READ and self.holds(old, value, instance):
            return old
        seen[self.attname] = cell = self.seal(value, instance)
        return cell

    # -- forms

    def value_from_object(self, obj: Any) -> Any:
        """The value for a form; None where it does not open (see vault.forms.SealedFormMixin)."""
        try:
            return super().value_from_object(obj)
        except CannotOpen:
            return None

    def save_form_data(self, instance: Any, data: Any) -> None:
        """Take the form's value, unless the cell does not open: then its ciphertext stays."""
        try:
            getattr(instance, self.attname)
        except CannotOpen:
            return
        super().save_form_data(instance, data)


class SealedTextField(SealedMixin, models.TextField):  # type: ignore[type-arg]
    """Sealed text of any length."""

    empty_strings_allowed = True


class SealedCharField(SealedMixin, models.CharField):  # type: ignore[type-arg]
    """Sealed short text; `max_length` (200 unless told) is checked in forms."""

    empty_strings_allowed = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 200)
        super().__init__(*args, **kwargs)


class SealedEmailField(SealedMixin, models.EmailField):  # type: ignore[type-arg]
    """A sealed e-mail address."""

    empty_strings_allowed = True


class SealedDateField(SealedMixin, models.DateField):  # type: ignore[type-arg]
    """A sealed calendar day."""

    def dump(self, value: Any) -> bytes:
        day: datetime.date = models.DateField.to_python(self, value)
        return day.isoformat().encode()

    def load(self, plain: bytes) -> datetime.date:
        return datetime.date.fromisoformat(plain.decode())


class SealedDateTimeField(SealedMixin, models.DateTimeField):  # type: ignore[type-arg]
    """A sealed moment, kept and given in UTC."""

    def dump(self, value: Any) -> bytes:
        moment: Any = models.DateTimeField.to_python(self, value)
        if timezone.is_naive(moment):
            raise ValueError(f"{self.name} needs a moment with a time zone.")
        return moment.astimezone(datetime.UTC).isoformat().encode()  # type: ignore[no-any-return]

    def load(self, plain: bytes) -> datetime.datetime:
        return datetime.datetime.fromisoformat(plain.decode())


class SealedJSONField(SealedMixin, models.JSONField):
    """Sealed JSON. Dates, moments and UUIDs may be put in; they come back as text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("encoder", DjangoJSONEncoder)
        super().__init__(*args, **kwargs)

    def dump(self, value: Any) -> bytes:
        return self._json.encode(value).encode()  # type: ignore[no-any-return]

    def load(self, plain: bytes) -> Any:
        return json.loads(plain, cls=self.decoder)

    @cached_property
    def _json(self) -> Any:
        encoder: Any = self.encoder
        return encoder(ensure_ascii=False, separators=(",", ":"))
