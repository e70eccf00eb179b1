"""Columns computed from sealed ones: keyed tokens that can be looked up and tell nothing without the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, models
from django.db.models.lookups import Exact, In
from django.utils.functional import cached_property
from django.utils.module_loading import import_string

from vault.cipher import CannotOpen, Sealed, key_id
from vault.keyring import KeyProblem, keyring, reset
from vault.models import Canary, SealedModel, SealedQuerySet

M = TypeVar("M", bound=SealedModel)
# One encoder for all: json.dumps() would make a new one for every row.
CANONICAL = DjangoJSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Token(int):
    """A token under the current key; `others` are what older rows may hold while the key is being changed."""

    others: tuple[int, ...] = ()


def as_stored(field: Any) -> Any:
    """The plain column that `field` is in migrations, where Django clones the fields of a model."""
    _name, path, args, options = field.deconstruct()
    return import_string(path)(*args, **options)


def _column_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those options of a field that the database sees."""
    seen = ("null", "unique", "db_index", "db_column", "max_length")
    return {name: options[name] for name in seen if name in options}


class ComputedField(models.Field):  # type: ignore[type-arg]
    """A column computed from the sealed column `source` whenever that is saved in the open."""

    source: str
    key: str

    def clone(self) -> Any:
        return as_stored(self)

    @property
    def computed_from(self) -> tuple[str, ...]:
        """The names of the fields whose saving recomputes this one."""
        return (self.source,)

    @cached_property
    def _label(self) -> str:
        return getattr(self.model, "sealed_label", "") or self.model._meta.label_lower

    def compute(self, value: Any) -> Any:
        """What to store for the opened source `value`."""
        raise NotImplementedError

    def possible(self, value: Any) -> tuple[Any, ...]:
        """All that may rightly be stored for `value` while a key is being changed, the current one first."""
        raise NotImplementedError

    def pre_save(self, instance: Any, add: bool) -> Any:
        data = instance.__dict__
        if self.source in data and not isinstance(data[self.source], Sealed):
            data[self.attname] = self.compute(data[self.source])
        elif self.attname not in data:
            instance.refresh_from_db(fields=[self.attname])
        return data[self.attname]


class BlindIndex(ComputedField, models.BigIntegerField):  # type: ignore[type-arg]
    """HMAC-SHA256 of the normalised `source`, cut to `bits` bits, under the key file `key`.

    `normalise` is the import path of a function that gives one text for all spellings; "" gives no token
    (NULL). Few bits mean chance matches: always compare opened candidates, as `find` does.
    """

    def __init__(
        self,
        source: str,
        *,
        normalise: str = "vault.normalise.plain",
        key: str = "index",
        bits: int = 32,
        **kwargs: Any,
    ) -> None:
        if not 1 <= bits <= 60:
            raise ImproperlyConfigured("A blind index has 1 to 60 bits.")
        self.source, self.normalise, self.key, self.bits = source, normalise, key, bits
        super().__init__(**{"db_index": True, **kwargs, "null": True, "editable": False, "serialize": False})

    def deconstruct(self) -> Any:
        """A number, as the database sees it; see SealedMixin.deconstruct."""
        name, _path, _args, kwargs = super().deconstruct()
        return name, "django.db.models.BigIntegerField", [], _column_options(kwargs)

    @cached_property
    def _normalise(self) -> Callable[[Any], str]:
        return import_string(self.normalise)  # type: ignore[no-any-return]

    def normal_form(self, value: Any) -> str:
        """The one spelling of `value`; "" for nothing."""
        return "" if value is None or value == "" else str(self._normalise(value))

    def token(self, value: Any) -> Token | None:
        """The token to filter by, for a plain value; None where there is nothing to look up."""
        text = self.normal_form(value)
        if not text:
            return None
        found = [
            int.from_bytes(
                key.mac(f"blind-index/{self._label}.{self.source}", text.encode(errors="surrogatepass"))[:8],
                "big",
            )
            >> (64 - self.bits)
            for key in keyring().keys(self.key)
        ]
        token = Token(found[0])
        token.others = tuple(found[1:])
        return token

    def compute(self, value: Any) -> int | None:
        token = self.token(value)
        return None if token is None else int(token)

    def possible(self, value: Any) -> tuple[int | None, ...]:
        token = self.token(value)
        return (None,) if token is None else (int(token), *token.others)

    def matches(self, row: SealedModel, value: Any) -> bool:
        """Whether the opened source of `row` is another spelling of `value`; False if it does not open."""
        try:
            return self.normal_form(getattr(row, self.source)) == self.normal_form(value) != ""
        except CannotOpen:
            return False  # one damaged row must not break a search; `vault verify` reports it

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in ("exact", "in", "isnull"):
            raise FieldError(f"{self.name} is a blind index: it answers exact, in and isnull only.")
        return super().get_lookup(lookup_name)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, str | bytes):
            raise FieldError(
                f"{self.name} is a blind index: filter by its token(value), not by the value itself."
            )
        return value if isinstance(value, Token) else super().get_prep_value(value)


@BlindIndex.register_lookup
class TokenExact(Exact):
    """Finds what was indexed under the current key or under one that is being changed."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        others = getattr(self.rhs, "others", ())
        if others:
            return In(self.lhs, [int(self.rhs), *others]).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)


@BlindIndex.register_lookup
class TokenIn(In):
    """As TokenExact, for several tokens."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        if isinstance(rhs, Iterable) and not hasattr(rhs, "resolve_expression"):
            rhs = [each for token in rhs for each in (token, *getattr(token, "others", ()))]
        super().__init__(lhs, rhs)


class KeyedTokenField(ComputedField, models.CharField):  # type: ignore[type-arg]
    """HMAC-SHA256 in hex over the entries `names` of the sealed JSON column `source`, to tell equal rows."""

    def __init__(self, source: str, *, names: Iterable[str], key: str, **kwargs: Any) -> None:
        self.source, self.names, self.key = source, tuple(names), key
        super().__init__(**{**kwargs, "max_length": 64, "editable": False, "serialize": False})

    def deconstruct(self) -> Any:
        """Text, as the database sees it; see SealedMixin.deconstruct."""
        name, _path, _args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", [], _column_options(kwargs)

    def possible(self, value: Any) -> tuple[str | None, ...]:
        if value is None:
            return (None,)
        try:
            text = CANONICAL.encode({name: value[name] for name in self.names})
        except KeyError as missing:
            raise FieldError(
                f"{self.source} lacks {missing.args[0]}, which {self.name} is computed from."
            ) from None
        label = f"keyed-token/{self._label}.{self.column}"
        return tuple([key.mac(label, text.encode()).hex() for key in keyring().keys(self.key)])

    def token(self, payload: Any) -> str | None:
        """The token of a payload (a mapping that has every one of `names`); None for None."""
        return self.possible(payload)[0]

    def compute(self, value: Any) -> str | None:
        return self.token(value)

    def require_current_key(self, using: str | None = None) -> None:
        """Refuse to make tokens with a key that was replaced meanwhile. Raises KeyProblem.

        The canary says which key is current. A process that missed a rotation would make another token for
        the same row, and everything in a ledger would be done a second time. The canary stays locked until
        the transaction ends (on SQLite writers wait for each other anyway), so that a rotation waits.
        """
        connection = connections[using or "default"]
        lock = " FOR SHARE" if connection.vendor == "postgresql" and connection.in_atomic_block else ""
        table = connection.ops.quote_name(Canary._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT sealed FROM {table} WHERE key_name = %s{lock}", [self.key])  # noqa: S608
            row = cursor.fetchone()
        if row is None or key_id(bytes(row[0])) == keyring().keys(self.key)[0].id:
            return
        reset()  # the key file may have been changed under a running process
        if key_id(bytes(row[0])) != keyring().keys(self.key)[0].id:
            raise KeyProblem(
                f"The {self.key} key is being changed: nothing can be planned now. Finish it with "
                f"`manage.py vault rotate {self.key}` and restart this process."
            )

    def pre_save(self, instance: Any, add: bool) -> Any:
        before = instance.__dict__.get(self.attname)
        token = super().pre_save(instance, add)
        if not add and token != before:
            self.require_current_key(instance._state.db)
        return token


def find(rows: SealedQuerySet[M], index: str, value: Any) -> list[M]:
    """The rows whose BlindIndex called `index` points at another spelling of `value`, opened and compared."""
    field = rows.model._meta.get_field(index)
    if not isinstance(field, BlindIndex):
        raise FieldError(f"{index} is not a BlindIndex.")
    token = field.token(value)
    if token is None:
        return []
    return [row for row in rows.with_keys().filter(**{index: token}) if field.matches(row, value)]
