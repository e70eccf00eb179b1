"""The mailbox: strangers' words are sealed to a public key, and the process that takes them cannot open them.

Two kinds of key pairs (X25519):
- the desk's, a new one every week. The private halves are one 0600 file of the desk, the public half of this
  week is a file for the public process. A private half is destroyed once the backups that may hold its boxes
  are gone: then an erased request stays erased in them too. It is in no recovery export for the same reason.
- a person's, derived from the return phrase: an answer sealed to it is opened by nobody else, not even here.

A box is `01 | key id 8 | libsodium sealed box` of `place 32 | plain, padded`. It shows its length in steps
(32 bytes up to 256, then at most 12.5 %) and the key it is sealed to, hence its week or its mailbox. Anybody
with the public half can make one: a box proves nothing about who wrote it.
"""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from vault import keyfiles
from vault.cipher import V1, Erased, Unreadable, pad, unpad
from vault.destroying import overwritten
from vault.keyring import KEY_BYTES, KEY_ID_BYTES, KeyProblem

TURN_DAYS: Final = 7
# Longer than a request stays unanswered (30 days) and than backups are kept beside it.
BACKUP_WINDOW_DAYS: Final = 45
_PLACE_BYTES: Final = 32
_PUBLIC: Final = "desk-mailbox-public-v1"
_PRIVATE: Final = "desk-mailbox-private-v1"
# The phrase has 77 bits of its own; these make one guess cost 13 ms and a server answer twenty at once.
_PHRASE_MEMORY_KIB: Final = 19 * 1024
_PHRASE_PASSES: Final = 2


def _hash(label: str, message: bytes) -> bytes:
    return hashlib.sha256(f"desk/mailbox/v1/{label}|".encode() + message).digest()


def key_id(public: bytes) -> bytes:
    """The 8-byte id of a public half, derived from it."""
    return _hash("key-id", public)[:KEY_ID_BYTES]


def box_key_id(box: bytes) -> bytes:
    """The id of the key that `box` is sealed to."""
    return bytes(box[1 : 1 + KEY_ID_BYTES])


def seal_to(public: bytes, plain: bytes, *, bound_to: bytes = b"") -> bytes:
    """Seal `plain` to the public half `public` (32 bytes). It opens with the same `bound_to` only.

    `bound_to` is what the box belongs to, such as the bytes of its row's id: a box moved there does not open.
    """
    sealed = SealedBox(PublicKey(public)).encrypt(pad(_hash("place", bound_to) + plain))
    return V1 + key_id(public) + sealed


class KeyPair:
    """A private half and what it opens. Its repr shows the key id only; it is never pickled."""

    __slots__ = ("id", "public", "_private")

    def __init__(self, secret: bytes) -> None:
        self._private = PrivateKey(secret)
        self.public = bytes(self._private.public_key)
        self.id = key_id(self.public)

    def open(self, box: bytes, *, bound_to: bytes = b"") -> bytes:
        """The words in a box that `seal_to` made for this pair and for the same place. Raises Unreadable."""
        box = bytes(box)  # Postgres gives a memoryview
        with contextlib.suppress(CryptoError, ValueError):
            if box[:1] == V1 and box_key_id(box) == self.id:
                inside = unpad(SealedBox(self._private).decrypt(box[1 + KEY_ID_BYTES :]))
                if inside[:_PLACE_BYTES] == _hash("place", bound_to):
                    return inside[_PLACE_BYTES:]
        raise Unreadable("it is damaged, or it belongs to another key or another row")

    def __repr__(self) -> str:
        return f"<KeyPair {self.id.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("A key is never pickled.")


# -- the person's keys


def phrase_keys(phrase: str) -> tuple[str, KeyPair]:
    """The lookup id (32 hexadecimal digits) and the key pair of a return phrase.

    The same for every way of typing it: case, spaces, hyphens, line breaks, ё or е. One Argon2id of 19 MiB
    for both, so that a wrong phrase costs what a right one costs; the caller bounds how many run at once.
    """
    text = unicodedata.normalize("NFKC", phrase).casefold().replace("ё", "е")
    words = " ".join(re.findall(r"\w+", text))
    stretched = hash_secret_raw(
        words.encode(),
        # No row to take a salt from before the phrase is known: one fixed salt for this purpose.
        _hash("phrase-salt", b"")[:16],
        time_cost=_PHRASE_PASSES,
        memory_cost=_PHRASE_MEMORY_KIB,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )
    return _derive(stretched, "lookup", 16).hex(), KeyPair(_derive(stretched, "key", KEY_BYTES))


def _derive(secret: bytes, label: str, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, None, f"desk/mailbox/v1/{label}".encode()).derive(secret)


# -- the desk's keys


@dataclass(frozen=True)
class _Week:
    """One of the desk's pairs, in service from `made_on` until `replaced_on`; no `secret` once destroyed."""

    id: bytes
    made_on: date
    replaced_on: date | None
    secret: bytes | None

    def __repr__(self) -> str:
        return f"<week key {self.id.hex()}>"

    def line(self) -> str:
        """The week as a line of the private file."""
        secret = base64.b64encode(self.secret).decode() if self.secret else "-"
        return f"{self.id.hex()} {self.made_on} {self.replaced_on or '-'} {secret}\n"


class Ring:
    """The desk's private halves, as read from their file once."""

    def __init__(self, weeks: list[_Week]) -> None:
        self._pairs = {week.id: KeyPair(week.secret) for week in weeks if week.secret}
        self._destroyed = {week.id for week in weeks if not week.secret}

    def open(self, box: bytes, *, bound_to: bytes = b"") -> bytes:
        """The words in `box`. Raises Erased once its week's key was destroyed, else Unreadable."""
        named = box_key_id(box)
        if named in self._destroyed:
            raise Erased("the key of its week was destroyed")
        pair = self._pairs.get(named)
        if pair is None:
            raise Unreadable(
                f"it is sealed to the mailbox key {named.hex()}, which is not in the key file. "
                "Put the newest copy of that file back"
            )
        return pair.open(box, bound_to=bound_to)


def seal(plain: bytes, *, bound_to: bytes = b"") -> bytes:
    """Seal `plain` to the desk's current public key (see `seal_to`). Raises KeyProblem without one."""
    return seal_to(public_key(), plain, bound_to=bound_to)


def open(box: bytes, *, bound_to: bytes = b"") -> bytes:
    """Open a box of `seal` on the desk; for many, read the `ring()` once. Raises CannotOpen, KeyProblem."""
    return ring().open(box, bound_to=bound_to)


def ring() -> Ring:
    """The desk's private halves. Raises KeyProblem where this process holds none."""
    return Ring(_read_weeks(_file("DROPBOX_PRIVATE_FILE")))


def public_key() -> bytes:
    """The desk's current public key, from its file. Raises KeyProblem if it is missing or damaged."""
    path = _file("DROPBOX_PUBLIC_FILE")
    try:
        title, named, encoded = path.read_text().split()
        public = base64.b64decode(encoded, validate=True)
    except FileNotFoundError:
        raise KeyProblem(
            f"There is no public mailbox key {path}. Run on the desk: manage.py vault mailbox"
        ) from None
    except (OSError, ValueError):
        title, named, public = "", "", b""
    # The id stands beside the key: a mistyped key would seal requests that nobody can ever open.
    if title != _PUBLIC or len(public) != KEY_BYTES or key_id(public).hex() != named:
        raise KeyProblem(f"The public mailbox key {path} is damaged. Copy it from the desk again.")
    return public


def turn(today: date) -> bool:
    """Make a new pair if the current one has served a week, and publish its public half; False if not yet.

    The private half is on the disk before the public one is shown. Run daily on the desk; a run that was cut
    short is made good by the next one. Raises KeyProblem.
    """
    private, public = _file("DROPBOX_PRIVATE_FILE"), _file("DROPBOX_PUBLIC_FILE")
    with _alone(private):
        weeks = _read_weeks(private) if private.exists() else []
        due = not weeks or today - weeks[-1].made_on >= timedelta(days=TURN_DAYS)
        if due:
            if weeks:
                weeks[-1] = replace(weeks[-1], replaced_on=today)
            secret = keyfiles.new_key()
            weeks.append(_Week(KeyPair(secret).id, today, None, secret))
            _write_weeks(private, weeks)
        pair = KeyPair(weeks[-1].secret or b"")
        text = f"{_PUBLIC} {pair.id.hex()} {base64.b64encode(pair.public).decode()}\n"
        if not public.exists() or public.read_text() != text:
            keyfiles.write(public, text, replace=True)
            public.chmod(0o644)  # no secret, and the public process runs as another user
        return due


def destroy_old(today: date, *, window_days: int) -> int:
    """Destroy the private halves that were replaced more than `window_days` days ago, and count them.

    What is still sealed to them is erased by this, here and in every backup. The current pair always stays.
    """
    if window_days < 0:
        raise ValueError("The window has at least 0 days.")
    private = _file("DROPBOX_PRIVATE_FILE")
    with _alone(private):
        weeks, kept, destroyed = _read_weeks(private), [], 0
        for week in weeks:
            past = week.replaced_on and week.replaced_on + timedelta(days=window_days) < today
            if past and week.secret:
                destroyed += 1
                week = replace(week, secret=None)
            kept.append(week)
        if destroyed:
            _write_weeks(private, kept)
        return destroyed


def _file(setting: str) -> Path:
    path = getattr(settings, setting, None)
    if not path:
        raise KeyProblem(f"This process has no mailbox key of that kind. Set {setting}.")
    return Path(path)


def _read_weeks(path: Path) -> list[_Week]:
    try:
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().splitlines()
    except FileNotFoundError:
        raise KeyProblem(f"There is no mailbox key file {path}. Run: manage.py vault mailbox") from None
    except (OSError, UnicodeDecodeError):
        raise KeyProblem(f"The mailbox key file {path} cannot be read.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(f"The mailbox key file {path} can be read by others. Run: chmod 600 {path}")
    try:
        weeks = [_week(line) for line in lines[1:]]
    except (ValueError, binascii.Error):
        weeks = []
    if lines[:1] != [_PRIVATE] or not weeks or weeks[-1].secret is None:
        raise KeyProblem(f"The mailbox key file {path} is damaged. Put the newest copy of it back.")
    return weeks


def _week(line: str) -> _Week:
    named, made_on, replaced_on, encoded = line.split()
    secret = None if encoded == "-" else base64.b64decode(encoded, validate=True)
    if secret is not None and (len(secret) != KEY_BYTES or KeyPair(secret).id.hex() != named):
        raise ValueError
    ended = None if replaced_on == "-" else date.fromisoformat(replaced_on)
    return _Week(bytes.fromhex(named), date.fromisoformat(made_on), ended, secret)


def _write_weeks(path: Path, weeks: list[_Week]) -> None:
    # Every older copy is written over: a key destroyed later must not lie in the blocks of an earlier file.
    with overwritten(path) if path.exists() else contextlib.nullcontext():
        keyfiles.write(path, f"{_PRIVATE}\n" + "".join(week.line() for week in weeks), replace=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two runs at once would publish a key whose private half the other one has just written away."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
