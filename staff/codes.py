"""Codes that a person types from paper or a screen: how they look, how they are read back, what is kept."""

from __future__ import annotations

import secrets

from vault.keyring import keyed_hash, keyed_hashes

# Crockford's alphabet: no letter looks like a digit of it.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LOOK_ALIKES = str.maketrans({"o": "0", "i": "1", "l": "1", "u": "v", "-": None, " ": None})
GROUP = 4


def new_code(bits: int) -> str:
    """A random code of at least `bits` bits, in groups of four: `4k7h-x2mq-…`."""
    length = -(-bits // 5)
    letters = "".join(secrets.choice(ALPHABET) for _ in range(length))
    return "-".join(letters[i : i + GROUP] for i in range(0, length, GROUP))


def spell(secret: bytes, letters: int) -> str:
    """The first `letters` letters that stand for `secret`, five bits each, in groups of four."""
    text = "".join(ALPHABET[byte % len(ALPHABET)] for byte in secret[:letters])
    return "-".join(text[i : i + GROUP] for i in range(0, letters, GROUP))


def normalise(typed: str) -> str:
    """What was typed, without spaces, hyphens and the usual misreadings."""
    return "".join(typed.lower().split()).translate(LOOK_ALIKES)


def digest(label: str, *parts: str) -> str:
    """What the database keeps of a code: an HMAC under the codes key, in hex."""
    return keyed_hash("codes", label, *parts).hex()


def digests(label: str, *parts: str) -> list[str]:
    """The same under every codes key of the ring, to find a code that was stored before a key change."""
    return [found.hex() for found in keyed_hashes("codes", label, *parts)]
