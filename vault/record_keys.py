"""RecordKey: one wrapped key per owner in its own narrow table, and the canaries of the key files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import DEFAULT_DB_ALIAS, connections, models

from vault.cipher import CannotOpen, Erased, NoKey, Unreadable, new_record_key, open_under, seal_under
from vault.keyring import keyring

# Owner of what belongs to nobody in particular: digests, settings, trail rows without a case.
HOUSE = UUID("00000000-0000-4000-8000-00000000da5e")
_BATCH = 5000


def _bound_to(owner: UUID) -> bytes:
    return b"v1|record-key|" + owner.bytes


class RecordKeyManager(models.Manager["RecordKey"]):
    """Makes and opens record keys. Nothing but an owner's INSERT makes one: the erased must not come back."""

    def make(self, owners: Iterable[UUID], using: str | None = None) -> dict[UUID, AESGCM]:
        """A new key for each of `owners`, stored wrapped. IntegrityError if one of them ever had a key."""
        made, rows = {}, []
        for owner in owners:
            secret = new_record_key()
            made[owner] = AESGCM(secret)
            rows.append(RecordKey(owner=owner, wrapped=RecordKey.wrap(secret, owner)))
        self.using(using).bulk_create(rows)
        return made

    def make_house(self, using: str | None = None) -> AESGCM | NoKey:
        """The house's key, made if there is none. The house is never erased, so this brings nobody back."""
        self.using(using).get_or_create(
            owner=HOUSE, defaults={"wrapped": RecordKey.wrap(new_record_key(), HOUSE)}
        )
        return self.ciphers([HOUSE], using)[HOUSE]

    def ciphers(self, owners: Iterable[UUID], using: str | None = None) -> dict[UUID, AESGCM | NoKey]:
        """The opened key of each owner, in one query; a NoKey that says why where it does not open."""
        wanted = list(owners)
        if not keyring().holds("root"):
            closed = NoKey(CannotOpen("it is sealed under a record key, and this process holds no root key"))
            return dict.fromkeys(wanted, closed)
        found: dict[UUID, AESGCM | NoKey] = {}
        for start in range(0, len(wanted), _BATCH):
            for owner, wrapped in _stored_keys(wanted[start : start + _BATCH], using):
                found[owner] = _unwrap(wrapped, owner)
        lost = NoKey(Unreadable("its record key is missing. Restore the backup of the record keys"))
        return {owner: found.get(owner, lost) for owner in wanted}


class RecordKey(models.Model):
    """One owner's data key, wrapped under the root. `wrapped` is NULL once the owner was erased."""

    owner = models.UUIDField(primary_key=True, editable=False)
    wrapped = models.BinaryField(null=True, editable=False)

    objects = RecordKeyManager()

    def __str__(self) -> str:
        return f"record key of {self.owner}"

    @staticmethod
    def wrap(secret: bytes, owner: UUID) -> bytes:
        """The key `secret` sealed under the first root key and bound to its owner."""
        return bytes(seal_under("root", "record-keys", secret, _bound_to(owner)))

    @staticmethod
    def unwrap(wrapped: bytes, owner: UUID) -> bytes:
        """The secret in a wrapped key. Raises a kind of CannotOpen."""
        return open_under("root", "record-keys", bytes(wrapped), _bound_to(owner))


def _stored_keys(owners: Sequence[UUID], using: str | None) -> list[tuple[UUID, bytes | None]]:
    """Owner and wrapped key, by a statement of our own: the ORM would double the time for a page of keys."""
    connection = connections[using or DEFAULT_DB_ALIAS]
    native = connection.features.has_native_uuid_field
    by_stored: dict[Any, UUID] = {owner if native else owner.hex: owner for owner in owners}
    table = connection.ops.quote_name(RecordKey._meta.db_table)
    marks = ", ".join(["%s"] * len(by_stored))
    with connection.cursor() as cursor:
        # The table's name is ours; all values are parameters.
        cursor.execute(f"SELECT owner, wrapped FROM {table} WHERE owner IN ({marks})", [*by_stored])  # noqa: S608
        return [(by_stored[owner], wrapped) for owner, wrapped in cursor.fetchall()]


def _unwrap(wrapped: bytes | memoryview | None, owner: UUID) -> AESGCM | NoKey:
    if wrapped is None:
        return NoKey(Erased("its record key was destroyed"))
    try:
        return AESGCM(RecordKey.unwrap(bytes(wrapped), owner))
    except CannotOpen as problem:
        return NoKey(type(problem)(f"its record key does not open: {problem}"))


class Canary(models.Model):
    """A known text sealed under each key file's first key. A ring that cannot open it must not serve."""

    key_name = models.CharField(max_length=20, primary_key=True)
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"canary of the {self.key_name} key"
