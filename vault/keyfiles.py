"""Key files on disk: 0600 in a 0700 folder, written whole or not at all, never overwritten by accident."""

import contextlib
import os
import secrets
from pathlib import Path

from vault.keyring import KEY_BYTES, KeyProblem, encode


def new_key() -> bytes:
    """A fresh secret of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def make(path: Path) -> bool:
    """Make the key file `path` with one fresh key; False if there is one. KeyProblem if it cannot."""
    if path.exists():
        return False
    try:
        write(path, encode([new_key()]), replace=False)
    except FileExistsError:
        return False
    return True


def rewrite(path: Path, keys: list[bytes]) -> None:
    """Replace the keys in `path` by `keys`, at once; a reader sees the old file or the new one."""
    write(path, encode(keys), replace=True)


def write(path: Path, text: str, *, replace: bool) -> None:
    """Write `text`, whole and 0600; KeyProblem if it cannot.

    Without `replace` a file that is there stays as it is: FileExistsError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails if it exists: two starts at once make one key
        sync(path.parent)
    except FileExistsError:
        raise
    except OSError as problem:
        raise KeyProblem(f"The key file {path} cannot be written: {problem.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Let what was written, renamed or removed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
