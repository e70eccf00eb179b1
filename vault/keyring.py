"""Where keys come from: key files, key ids, sub-keys. Several keys a file: the first encrypts, all open.

A key file holds one base64 key of 32 bytes a line, mode 0600. The root may come from a KMS instead: the
setting `VAULT_ROOT_PROVIDER` names a function that returns the root keys as bytes, the current one first.
No key is ever used itself: every purpose has its own sub-key, derived by HKDF with a label.
"""

import base64
import binascii
import hmac
import os
import stat
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

NAMES = ("root", "index", "calendar", "address", "codes", "signing")
KEY_BYTES = 32
KEY_ID_BYTES = 8
# What each kind of process must hold to do its whole job; a missing one refuses to serve.
NEEDED = {
    "desk": NAMES,
    "both": NAMES,
    "worker": ("calendar", "address"),
    "public": (),
}


class KeyProblem(ImproperlyConfigured):
    """A key file is missing, damaged, readable by others, or holds the wrong keys."""


class Key:
    """One secret of 32 bytes and the sub-keys derived from it. Its repr shows the key id only."""

    __slots__ = ("id", "_secret", "_subkeys")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyProblem(f"A key has {len(secret)} bytes instead of {KEY_BYTES}.")
        self._secret = secret
        self._subkeys: dict[str, bytes] = {}
        # Derived from the key itself: an id cannot be given to the wrong key.
        self.id = self._derive("key-id", KEY_ID_BYTES)

    def _derive(self, label: str, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, None, f"desk/vault/v1/{label}".encode()).derive(self._secret)

    def subkey(self, label: str) -> bytes:
        """The 32-byte sub-key for one purpose, named by `label`."""
        found = self._subkeys.get(label)
        if found is None:
            found = self._subkeys[label] = self._derive(label, KEY_BYTES)
        return found

    def mac(self, label: str, message: bytes) -> bytes:
        """HMAC-SHA256 of `message` under the sub-key for `label`."""
        return hmac.digest(self.subkey(label), message, "sha256")

    def __repr__(self) -> str:
        return f"<Key {self.id.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("A key is never pickled.")


def encode(keys: Iterable[bytes]) -> str:
    """The text of a key file that holds `keys`, the first one encrypting."""
    return "".join(base64.b64encode(key).decode() + "\n" for key in keys)


def read_secrets(path: Path) -> list[bytes]:
    """The secrets in a key file, in order. KeyProblem if it is missing, damaged or readable by others."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().split()
    except FileNotFoundError:
        raise KeyProblem(f"There is no key file {path}. Put it back, or run: manage.py vault init") from None
    except OSError as problem:
        raise KeyProblem(f"The key file {path} cannot be read: {problem.strerror}.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(f"The key file {path} can be read by others. Run: chmod 600 {path}")
    try:
        secrets = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        secrets = []
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
        raise KeyProblem(f"The key file {path} is damaged: it needs one base64 key of 32 bytes a line.")
    return secrets


class Keyring:
    """The keys this process holds. Each file is read when its key is first asked for, then kept in memory."""

    def __init__(self, files: dict[str, Path | None], root_provider: str = "") -> None:
        self._files = files
        self._root_provider = root_provider
        self._keys: dict[str, tuple[Key, ...]] = {}
        self._ciphers: dict[tuple[str, str], dict[bytes, AESGCM]] = {}

    def holds(self, name: str) -> bool:
        """Whether this process is meant to hold the key `name` (its file may still be missing)."""
        return bool(self._files.get(name)) or (name == "root" and bool(self._root_provider))

    def path(self, name: str) -> Path | None:
        """The file of the key `name`, or None where this process has none."""
        if name == "root" and self._root_provider:
            return None
        return self._files.get(name)

    def keys(self, name: str) -> tuple[Key, ...]:
        """The keys called `name`, the one that encrypts first. Raises KeyProblem where there are none."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = tuple(Key(secret) for secret in self._read(name))
        return found

    def _read(self, name: str) -> list[bytes]:
        if name not in NAMES:
            raise KeyProblem(f"There is no key called {name!r}; the keys are {', '.join(NAMES)}.")
        if name == "root" and self._root_provider:
            secrets = list(import_string(self._root_provider)())
            if not secrets:
                raise KeyProblem(f"{self._root_provider} returned no root key.")
            return secrets
        path = self._files.get(name)
        if not path:
            raise KeyProblem(
                f"This process holds no {name} key. Do this on the desk, or set {name.upper()}_KEY_FILE."
            )
        return read_secrets(Path(path))

    def ciphers(self, name: str, purpose: str) -> dict[bytes, AESGCM]:
        """AES-256-GCM by key id for one purpose of the key `name`; the first one encrypts."""
        found = self._ciphers.get((name, purpose))
        if found is None:
            found = {key.id: AESGCM(key.subkey(f"seal/{purpose}")) for key in self.keys(name)}
            self._ciphers[name, purpose] = found
        return found


@lru_cache(maxsize=1)
def keyring() -> Keyring:
    """The key ring of this process, made on first use from the settings."""
    return Keyring(settings.VAULT_KEY_FILES, getattr(settings, "VAULT_ROOT_PROVIDER", ""))


def reset() -> None:
    """Forget the ring, so that the key files are read again (after a rotation, and in tests)."""
    keyring.cache_clear()


def message(parts: Iterable[bytes | str]) -> bytes:
    """The parts as one unambiguous message: each is preceded by its length."""
    raw = [part.encode() if isinstance(part, str) else bytes(part) for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in raw)


def keyed_hash(key_name: str, label: str, *parts: bytes | str) -> bytes:
    """32-byte HMAC over `parts` under the first key called `key_name`; `label` keeps uses apart."""
    return keyring().keys(key_name)[0].mac(f"hash/{label}", message(parts))


def keyed_hashes(key_name: str, label: str, *parts: bytes | str) -> tuple[bytes, ...]:
    """The same under every key of the file: what an older row may hold while a key is being changed."""
    text = message(parts)
    return tuple(key.mac(f"hash/{label}", text) for key in keyring().keys(key_name))
