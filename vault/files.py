"""Sealed files: streamed both ways in chunks, nothing in clear on the disk, opening in their own place only.

Format 1
  header   01 | sealed file key (cipher.seal under the record key) | nonce prefix 7
  chunk    AES-256-GCM of a frame of 64 KiB (the last one may be shorter), STREAM construction:
           nonce = prefix | counter 4 | 01 for the last chunk, else 00
  frame    length 4 | data | zeros
The header's own bytes, the label, the file's id and the owner's id are associated data of every chunk, so
that a file cut, extended, reordered or moved to another row or case does not open. Zeros at the end hide the
exact length: what shows is the size in steps of at most 12.5 %, and when the disk first saw it.
"""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from vault.cipher import NONCE_BYTES, V1, NoKey, Unreadable, open_sealed, seal
from vault.keyfiles import sync
from vault.models import SealedModel

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32
_PREFIX_BYTES: Final = 7
_LENGTH_BYTES: Final = 4
_DATA_BYTES: Final = CHUNK_BYTES - _LENGTH_BYTES
_SEALED_KEY_BYTES: Final = 1 + NONCE_BYTES + 64 + TAG_BYTES  # `seal` pads the 32-byte key to 64
_HEADER_BYTES: Final = 1 + _SEALED_KEY_BYTES + _PREFIX_BYTES
_NAME = re.compile(r"[0-9a-f]{32}")


class Readable(Protocol):
    """Where bytes come from: a file, an upload, a socket. `read` may give less than asked, b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class CannotStore(Exception):
    """The file was not kept, and nothing of it is left. The text says why and what to do."""


class TooLarge(CannotStore):
    """The file is longer than the quota allows."""


class _Place:
    """What a file is bound to, and the key that wraps its own key."""

    def __init__(self, of: SealedModel, *, sealing: bool) -> None:
        row, owner = of.seal_identity()
        self.label = of.sealed_label or of._meta.label_lower
        self.bound_to = b"v1|file|" + self.label.encode() + b"|" + row.bytes + b"|" + owner.bytes
        self.cipher = of.record_cipher(sealing=sealing)
        if isinstance(self.cipher, NoKey):
            problem = self.cipher.problem
            raise type(problem)(f"The file of {self.label} stays closed: {problem}.")

    def refuse(self, cause: str) -> Unreadable:
        """The error for a file that does not open."""
        return Unreadable(f"The file of {self.label} cannot be opened: {cause}. Restore it from a backup.")


def _fill(source: Readable, size: int) -> bytes:
    """`size` bytes of `source`, fewer only at its end."""
    pieces, left = [], size
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _padded_size(size: int) -> int:
    """The length shown for `size` bytes: steps of 32 bytes up to 256, then of at most 12.5 %."""
    step = 32 if size <= 256 else 1 << (size.bit_length() - 4)
    return size + -size % step or step


def _frames(source: Readable, quota_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """The frames of `source` with its padding, each with whether it is the last one."""
    data, size = _fill(source, _DATA_BYTES), 0
    while True:
        size += len(data)
        if size > quota_bytes:
            raise TooLarge(
                _("The file is too large: at most %(size)s MB can be kept. Make it smaller, or split it.")
                % {"size": f"{quota_bytes / 1_000_000:g}"}
            )
        following = _fill(source, _DATA_BYTES) if len(data) == _DATA_BYTES else b""
        if not following:
            break
        yield _frame(data, _DATA_BYTES), False
        data = following
    left = _padded_size(size) - (size - len(data))
    while left > _DATA_BYTES:
        yield _frame(data, _DATA_BYTES), False
        data, left = b"", left - _DATA_BYTES
    yield _frame(data, left), True


def _frame(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data.ljust(size, b"\0")


def _nonce(prefix: bytes, counter: int, last: bool) -> bytes:
    return prefix + counter.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def sealed_pieces(source: Readable, *, of: SealedModel, quota_bytes: int) -> Iterator[bytes]:
    """The sealed file of `source`, piece by piece. Raises TooLarge; Erased or Unreadable without a key."""
    place = _Place(of, sealing=True)
    secret = AESGCM.generate_key(256)
    prefix = os.urandom(_PREFIX_BYTES)
    header = V1 + seal(place.cipher, secret, place.bound_to) + prefix
    yield header
    cipher, bound_to = AESGCM(secret), place.bound_to + b"|" + header
    for counter, (frame, last) in enumerate(_frames(source, quota_bytes)):
        yield cipher.encrypt(_nonce(prefix, counter, last), frame, bound_to)


def seal_stream(source: Readable, target: Writable, *, of: SealedModel, quota_bytes: int) -> None:
    """Seal `source` into `target` for the row `of` (its record key, its id, its owner), in constant memory.

    Raises TooLarge once more than `quota_bytes` were read; `target` then holds a beginning to throw away.
    """
    for piece in sealed_pieces(source, of=of, quota_bytes=quota_bytes):
        target.write(piece)


def open_stream(source: Readable, *, of: SealedModel) -> Iterator[bytes]:
    """What `seal_stream` was given for the same row, piece by piece, each checked before it is handed out.

    A wrong key, row or beginning raises here, before the first piece; a damaged or missing part raises
    where it is met, so nothing counts as complete before the iterator ends. Raises a kind of CannotOpen.
    """
    place = _Place(of, sealing=False)
    header = _fill(source, _HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[:1] != V1:
        raise place.refuse("it is damaged at its beginning, or it is no sealed file")
    try:
        secret = open_sealed(place.cipher, header[1 : 1 + _SEALED_KEY_BYTES], place.bound_to)
    except Unreadable:
        raise place.refuse("its beginning is damaged, or it belongs to another row or owner") from None
    pieces = _open_pieces(source, place, AESGCM(secret), header)
    first = next(pieces)
    return _with_first(first, pieces)


def _with_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _open_pieces(source: Readable, place: _Place, cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    prefix, bound_to = header[-_PREFIX_BYTES:], place.bound_to + b"|" + header
    chunk, counter = _fill(source, CHUNK_BYTES + TAG_BYTES), 0
    while True:
        following = _fill(source, CHUNK_BYTES + TAG_BYTES)
        try:
            frame = cipher.decrypt(_nonce(prefix, counter, not following), chunk, bound_to)
        except (InvalidTag, ValueError):
            raise place.refuse(f"part {counter + 1} is damaged, moved, or what followed it is gone") from None
        size = int.from_bytes(frame[:_LENGTH_BYTES], "big")
        yield frame[_LENGTH_BYTES : _LENGTH_BYTES + size]
        if not following:
            return
        chunk, counter = following, counter + 1


# -- on the disk


def store(source: Readable, folder: Path, *, of: SealedModel, quota_bytes: int) -> str:
    """Seal `source` into a new file in `folder` and return its random name.

    The file appears whole or not at all: it is written under another name (0600), synced, then renamed, and
    removed on any error. Raises TooLarge or CannotStore; errors of `source` pass through.
    """
    name = begin(source, folder, of=of, quota_bytes=quota_bytes)
    try:
        finish(folder, name)
    except BaseException:
        abandon(folder, name)
        raise
    return name


def begin(source: Readable, folder: Path, *, of: SealedModel, quota_bytes: int) -> str:
    """The first half of `store`, for a file whose row is not committed yet: whole on the disk, not in place.

    Call `finish` once the row is committed, `abandon` if it is not; what is killed in between is swept.
    """
    name = secrets.token_hex(16)
    unfinished = _unfinished(folder, name)
    try:
        with _disk():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for piece in sealed_pieces(source, of=of, quota_bytes=quota_bytes):
                with _disk():
                    _write_all(file.fileno(), piece)
            with _disk():
                os.fsync(file.fileno())
    except BaseException:  # also when the process is told to stop: no half of an upload stays
        abandon(folder, name)
        raise
    return name


def finish(folder: Path, name: str) -> bool:
    """Put a file that `begin` wrote into its place; False if there is none (it is in place already)."""
    unfinished = _unfinished(folder, name)
    with _disk():
        try:
            unfinished.rename(folder / name)
        except FileNotFoundError:
            return False
        # Copies and backups of the folder carry no times that could be laid beside the log.
        os.utime(folder / name, (0, 0))
        sync(folder)
    return True


def abandon(folder: Path, name: str) -> None:
    """Remove what `begin` wrote; an error of the disk leaves it to `sweep`."""
    for left in (_unfinished(folder, name), folder / name):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def _unfinished(folder: Path, name: str) -> Path:
    _path(folder, name)
    return folder / f".{name}.part"


def fetch(folder: Path, name: str, *, of: SealedModel) -> Iterator[bytes]:
    """The clear contents of the stored file `name`, as `open_stream` gives them. The file closes itself."""
    path = _path(folder, name)
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        label = of.sealed_label or of._meta.label_lower
        raise Unreadable(f"The file of {label} is missing. Restore it from a backup.") from None
    try:
        pieces = open_stream(file, of=of)
    except BaseException:
        file.close()
        raise
    return _closing(file, pieces)


def _closing(file: contextlib.AbstractContextManager[object], pieces: Iterator[bytes]) -> Iterator[bytes]:
    with file:
        yield from pieces


def remove(folder: Path, name: str) -> bool:
    """Delete the stored file `name`; False if it is gone already (erasure may be repeated)."""
    try:
        _path(folder, name).unlink()
    except FileNotFoundError:
        return False
    sync(folder)
    return True


def stored_bytes(folder: Path, name: str) -> int:
    """The room a stored file takes, finished or not; 0 if it is missing."""
    for path in (_path(folder, name), _unfinished(folder, name)):
        with contextlib.suppress(OSError):
            return path.stat().st_size
    return 0


def total_bytes(folder: Path) -> int:
    """The room all files in `folder` take."""
    total = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total


def unfinished(folder: Path) -> list[str]:
    """The names of files that `begin` wrote, or is writing, and nobody finished yet."""
    found = (left.name.removeprefix(".").removesuffix(".part") for left in folder.glob(".*.part"))
    return [name for name in found if _NAME.fullmatch(name)]


def sweep(folder: Path, *, older_than_hours: int = 24) -> int:
    """Delete what uploads left that were killed half way, and count it. Running uploads are younger.

    Whose row is committed must be finished first: see desk.files.sweep.
    """
    swept = 0
    for left in folder.glob(".*.part"):
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - older_than_hours * 3600:
                left.unlink()
                swept += 1
    return swept


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """An error of the disk, told apart from one of the source."""
    try:
        yield
    except OSError as problem:
        raise CannotStore(
            _("The file could not be kept: %(cause)s. Tell the administrator, then send it again.")
            % {"cause": problem.strerror or type(problem).__name__}
        ) from problem


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError("A stored file has a name of 32 hexadecimal digits.")
    return folder / name
