"""Seal and open bytes: AES-256-GCM, random nonces, padded lengths, everything bound by associated data.

Blobs
  under a record key     01 | nonce 12 | ciphertext | tag 16
  under a key file       01 | key id 8 | nonce 12 | ciphertext | tag 16  (record keys, calendar, canaries)
Associated data of a cell is `v1|label|column|row|owner`, so that a ciphertext opens in its own place only.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.keyring import KeyProblem, keyring

V1: Final = b"\x01"
VERSION: Final = 1
NONCE_BYTES: Final = 12
# What erasure leaves in a cell that cannot be NULL and whose key lives on (the calendar's, the address key).
ERASED_CELL: Final = b"\x00"


class CannotOpen(Exception):
    """A sealed value cannot be opened here: wrong place, damaged, erased, or no key in this process."""


class Unreadable(CannotOpen):
    """Damaged, moved to another row, column or owner, or sealed with a key that is gone."""


class Erased(CannotOpen):
    """The key was destroyed on purpose; nothing opens this again."""


class Sealed(bytes):
    """A stored value, still closed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Sealed {len(self)} bytes>"


class NoKey:
    """Stands where a record key should be, and says why there is none."""

    def __init__(self, problem: CannotOpen) -> None:
        self.problem = problem

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        raise type(self.problem)(str(self.problem))

    encrypt = decrypt


def pad(plain: bytes) -> bytes:
    """Hide the length: steps of 32 bytes up to 256, then of at most 12.5 %."""
    size = len(plain) + 1
    step = 32 if size <= 256 else 1 << (size.bit_length() - 4)
    return plain + b"\x80" + b"\0" * (-size % step)


def unpad(padded: bytes) -> bytes:
    """The bytes that `pad` was given."""
    return padded[: padded.rindex(b"\x80")]


def seal(cipher: AESGCM | NoKey, plain: bytes, bound_to: bytes) -> Sealed:
    """Seal `plain` under a record key, bound to the associated data `bound_to`."""
    nonce = os.urandom(NONCE_BYTES)
    return Sealed(V1 + nonce + cipher.encrypt(nonce, pad(plain), bound_to))


def open_sealed(cipher: AESGCM | NoKey, blob: bytes, bound_to: bytes) -> bytes:
    """Open what `seal` made. Raises Unreadable or Erased; the caller's message names the column."""
    try:
        if blob[0] == VERSION:
            padded = cipher.decrypt(blob[1:13], blob[13:], bound_to)
            return padded[: padded.rindex(b"\x80")]
    except (InvalidTag, ValueError, IndexError):
        pass
    raise Unreadable("it is damaged, or it belongs to another row, column or owner")


def seal_under(key_name: str, purpose: str, plain: bytes, bound_to: bytes) -> Sealed:
    """Seal under the first key of a key file; the blob names that key by its id. KeyProblem without one."""
    key_id, cipher = next(iter(keyring().ciphers(key_name, purpose).items()))
    nonce = os.urandom(NONCE_BYTES)
    return Sealed(V1 + key_id + nonce + cipher.encrypt(nonce, pad(plain), bound_to))


def open_under(key_name: str, purpose: str, blob: bytes, bound_to: bytes) -> bytes:
    """Open what `seal_under` made, with whichever key of the file it names. Raises a kind of CannotOpen."""
    if blob == ERASED_CELL:
        raise Erased("it was erased")
    try:
        cipher = keyring().ciphers(key_name, purpose).get(blob[1:9])
    except KeyProblem as problem:
        raise CannotOpen(f"it is sealed under the {key_name} key: {problem}") from None
    if cipher is None and blob[:1] == V1 and len(blob) > 37:
        raise Unreadable(
            f"it is sealed with the {key_name} key {blob[1:9].hex()}, which is not in the key file. "
            "Put that key back in the file"
        )
    try:
        if cipher is not None and blob[0] == VERSION:
            return unpad(cipher.decrypt(blob[9:21], blob[21:], bound_to))
    except (InvalidTag, ValueError, IndexError):
        pass
    raise Unreadable("it is damaged, or it belongs to another row, column or owner")


def key_id(blob: bytes) -> bytes:
    """The id of the key file's key that a blob of `seal_under` names."""
    return bytes(blob[1:9])


def new_record_key() -> bytes:
    """A fresh random key of 32 bytes for one owner."""
    return AESGCM.generate_key(256)
