"""Signatures that an outsider can check: Ed25519 under the signing key, which the desk alone holds."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vault.keyring import Key, keyring

KEY_NAME = "signing"
# Of a public key and of a signature, in bytes.
PUBLIC_BYTES, SIGNATURE_BYTES = 32, 64


def _private(key: Key, purpose: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey(f"sign/{purpose}"))


def can_sign() -> bool:
    """Whether this process is meant to hold the signing key."""
    return keyring().holds(KEY_NAME)


def sign(purpose: str, text: bytes) -> bytes:
    """The signature under the first signing key; `purpose` keeps uses apart. KeyProblem without the key."""
    return _private(keyring().keys(KEY_NAME)[0], purpose).sign(text)


def public_keys(purpose: str) -> list[bytes]:
    """The public halves of every signing key held here, the one that signs first. KeyProblem without one."""
    return [
        _private(key, purpose).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        for key in keyring().keys(KEY_NAME)
    ]


def is_signed_by(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of the holder of `public` (32 bytes) under `text`. Needs no key of ours."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def pem(public: bytes) -> str:
    """A public key as other programs read it, OpenSSL for one."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
