"""Seal whole streams to age recipients, and open them again: backups, which nobody on this machine can read.

In constant memory (pieces of 64 KiB), and as `age --decrypt -i IDENTITY` writes and reads them too.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage
from django.utils.translation import gettext as _

from vault.recovery import WrongRecipient, recipient

PIECE = 1 << 16


class WrongIdentity(ValueError):
    """The file of identities cannot be used. The text says why and what to do."""


class CannotUnseal(Exception):
    """A sealed part does not open with these identities, or it is damaged."""


@dataclass(frozen=True)
class SealedFile:
    """A sealed file on the disk, to be found unchanged later."""

    sha256: str
    bytes: int


class _DigestingWriter:
    """Passes bytes on to a file and remembers their digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def recipients(texts: Sequence[str]) -> list[object]:
    """The public keys in `texts`. Raises WrongRecipient, also where there is none."""
    keys = [recipient(number, text) for number, text in enumerate(texts, 1)]
    if not keys:
        raise WrongRecipient(
            _("Name at least one age recipient (age1...): without one, nobody could open it.")
        )
    return keys


def identities(path: Path) -> list[object]:
    """The private keys in a file as age-keygen or ssh-keygen write it. Raises WrongIdentity."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise WrongIdentity(
            _("%(file)s cannot be read: %(cause)s.") % {"file": path, "cause": problem.strerror}
        ) from None
    try:
        if b"PRIVATE KEY" in content:
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in content.decode().splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except (pyrage.IdentityError, UnicodeDecodeError):
        keys = []
    if not keys:
        raise WrongIdentity(
            _("%(file)s holds no age identity (AGE-SECRET-KEY-...) that can be used.") % {"file": path}
        )
    return keys


def seal(source: Any, path: Path, to: Sequence[object]) -> SealedFile:
    """Seal what `source` reads into the new file `path` (0600, synced). OSError if it cannot be written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        counted = _DigestingWriter(file)
        try:
            pyrage.encrypt_io(source, counted, list(to))
        except pyrage.EncryptError as problem:
            raise OSError(None, str(problem)) from problem
        file.flush()
        os.fsync(file.fileno())
    return SealedFile(counted.digest.hexdigest(), counted.size)


@contextmanager
def open_sealed(path: Path, keys: Sequence[object]) -> Iterator[IO[bytes]]:
    """The clear stream of a sealed file. Leaving the block without an error means: read to its true end.

    Raises CannotUnseal; what was read until then must be thrown away.
    """
    out, into = os.pipe()
    failed: list[Exception] = []
    thread = threading.Thread(target=_unseal, args=(path, into, list(keys), failed), daemon=True)
    thread.start()
    try:
        with os.fdopen(out, "rb") as clear:
            yield clear
            while clear.read(PIECE):
                pass
    finally:
        thread.join()
        if failed and not isinstance(failed[0], BrokenPipeError):
            raise CannotUnseal(
                _("%(file)s does not open: it is damaged, or sealed for somebody else.") % {"file": path.name}
            ) from None


def _unseal(path: Path, into: int, keys: list[object], failed: list[Exception]) -> None:
    try:
        with os.fdopen(into, "wb") as clear, path.open("rb") as file:
            pyrage.decrypt_io(file, clear, keys)
    except Exception as problem:  # told to whoever reads the other end
        failed.append(problem)


@contextmanager
def written_by(feed: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """A stream to read from that `feed` writes in a thread of its own. Its error is raised at the end."""
    out, into = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(into, "wb") as sink:
                feed(sink)
        except BaseException as problem:
            failed.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        with os.fdopen(out, "rb") as stream:
            yield stream
    finally:
        thread.join()
    if failed:
        raise failed[0]
