"""The root under a passphrase: a machine that was switched off gives nothing.

`lock` writes the root keys sealed under a passphrase to a file on the disk and destroys the clear key file.
`unlock` opens that file again, and puts the clear keys only where a power cut erases them: on a file system
in memory. Format, as JSON: Argon2id with the salt and costs that stand beside, then AES-256-GCM with those as
associated data. It shows nothing but that a root is locked, and how many keys it has in steps.
"""

import base64
import json
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from vault import keyfiles
from vault.cipher import CannotOpen, open_sealed, seal
from vault.destroying import destroy, overwritten
from vault.keyring import KEY_BYTES, encode, read_secrets

MIN_PASSPHRASE: Final = 16
_MIN_DIFFERENT: Final = 6
_FORMAT: Final = "desk-locked-root-v1"
_SALT_BYTES: Final = 16
_IN_MEMORY: Final = ("tmpfs", "ramfs")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_SWAPS: Final = Path("/proc/swaps")


class LockProblem(Exception):
    """Locking or unlocking was refused, and nothing was changed. The text says why and what to do."""


class WrongPassphrase(LockProblem):
    """The passphrase does not open the locked file, or the file is damaged: the two look the same."""


@dataclass(frozen=True)
class Cost:
    """What one guess of the passphrase costs: memory in KiB, passes over it, lanes."""

    memory_kib: int = 256 * 1024
    passes: int = 4
    lanes: int = 1

    def bearable(self) -> bool:
        """Whether the costs read from a file are such that this machine may try them."""
        return 8 <= self.memory_kib <= 2**21 and 1 <= self.passes <= 64 and 1 <= self.lanes <= 16


def lock(root: Path, locked: Path, passphrase: str, *, keep: bool = False, cost: Cost | None = None) -> None:
    """Seal the key file `root` under `passphrase` into `locked`, prove that it opens, destroy `root`.

    A locked file that is there must open with the same passphrase and share a key with `root`; it is written
    anew if `root` was changed since. With `keep` the clear root stays: the locked file follows a rotation
    while the desk runs. Raises LockProblem or KeyProblem; then `root` is still there.
    """
    _check_passphrase(passphrase)
    secrets = read_secrets(root)
    if file_system(locked.parent) in _IN_MEMORY:
        raise LockProblem(
            _("%(file)s would lie in memory and be lost at the next start. Name a file on a disk.")
            % {"file": locked}
        )
    known = open_locked(locked, passphrase) if locked.exists() else None
    if known and not set(known) & set(secrets):
        raise LockProblem(
            _("%(file)s holds quite other keys than %(root)s. Find out first which are the desk's.")
            % {"file": locked, "root": root}
        )
    if known != secrets:
        text = _seal(secrets, passphrase, cost or Cost())
        with overwritten(locked) if known else nullcontext():
            keyfiles.write(locked, text, replace=bool(known))
    if open_locked(locked, passphrase) != secrets:
        raise LockProblem(
            _("%(file)s does not give the keys back. Lock again into another file.") % {"file": locked}
        )
    if keep:
        return
    try:
        destroy(root)
    except OSError as problem:
        raise LockProblem(
            _("%(file)s is written, but %(root)s could not be destroyed: %(cause)s. Remove it by hand.")
            % {"file": locked, "root": root, "cause": problem.strerror}
        ) from None


def unlock(locked: Path, target: Path, passphrase: str) -> None:
    """Put the keys in `locked` into the key file `target`, which must lie on a file system in memory.

    Nothing is written elsewhere. A `target` that holds the same keys already is left as it is. Raises
    LockProblem, WrongPassphrase or KeyProblem.
    """
    folder = prepared_folder(target)
    secrets = open_locked(locked, passphrase)
    try:
        keyfiles.write(folder / target.name, encode(secrets), replace=False)
    except FileExistsError:
        if read_secrets(target) != secrets:
            raise LockProblem(
                _("There is already a key file %(file)s with other keys. Move it away, then unlock again.")
                % {"file": target}
            ) from None


def open_locked(locked: Path, passphrase: str) -> list[bytes]:
    """The keys in a locked file. Raises WrongPassphrase, or LockProblem if there is no such file."""
    try:
        parts: dict[str, Any] = json.loads(locked.read_text())
        cost = Cost(int(parts["memory_kib"]), int(parts["passes"]), int(parts["lanes"]))
        salt, blob = (base64.b64decode(parts[name], validate=True) for name in ("salt", "sealed"))
        whole = parts["format"] == _FORMAT and len(salt) == _SALT_BYTES and cost.bearable()
    except FileNotFoundError:
        raise LockProblem(_("There is no locked key file %(file)s.") % {"file": locked}) from None
    except OSError as problem:
        raise LockProblem(
            _("%(file)s cannot be read: %(cause)s.") % {"file": locked, "cause": problem.strerror}
        ) from None
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise LockProblem(
            _("%(file)s is damaged, or it is no locked key file. Use a copy of it, or join two word lists.")
            % {"file": locked}
        )
    try:
        text = open_sealed(_cipher(passphrase, salt, cost), blob, _bound_to(salt, cost))
    except CannotOpen:
        raise WrongPassphrase(
            _("The passphrase does not open %(file)s. Try again; mind the keyboard layout and capitals.")
            % {"file": locked}
        ) from None
    return [base64.b64decode(line) for line in text.split()]


def _seal(secrets: list[bytes], passphrase: str, cost: Cost) -> str:
    salt = os.urandom(_SALT_BYTES)
    blob = seal(_cipher(passphrase, salt, cost), encode(secrets).encode(), _bound_to(salt, cost))
    parts = {
        "format": _FORMAT,
        "memory_kib": cost.memory_kib,
        "passes": cost.passes,
        "lanes": cost.lanes,
        "salt": base64.b64encode(salt).decode(),
        "sealed": base64.b64encode(blob).decode(),
    }
    return json.dumps(parts, indent=1) + "\n"


def _cipher(passphrase: str, salt: bytes, cost: Cost) -> AESGCM:
    try:
        secret = hash_secret_raw(
            # One letter can be typed as one or as two characters, by the keyboard and the system.
            unicodedata.normalize("NFC", passphrase).encode(),
            salt,
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
    except HashingError:
        raise LockProblem(
            _("This machine has too little free memory: %(size)s MB are needed for a moment.")
            % {"size": cost.memory_kib // 1024}
        ) from None
    return AESGCM(secret)


def _bound_to(salt: bytes, cost: Cost) -> bytes:
    return f"v1|locked-root|{cost.memory_kib}|{cost.passes}|{cost.lanes}|".encode() + salt


def _check_passphrase(passphrase: str) -> None:
    if len(passphrase) < MIN_PASSPHRASE or len(set(passphrase)) < _MIN_DIFFERENT:
        raise LockProblem(
            _("The passphrase is too short: at least %(count)s characters. Take six words drawn by dice.")
            % {"count": MIN_PASSPHRASE}
        )


# -- where the clear root may lie


def prepared_folder(target: Path) -> Path:
    """The folder of `target`, made if needed: in memory, ours, closed to others. Raises LockProblem."""
    folder = target.parent.resolve()
    there = folder if folder.exists() else folder.parent
    if file_system(there) not in _IN_MEMORY:
        raise LockProblem(
            _(
                "%(folder)s is not in memory: the clear root would stay on the disk. Set ROOT_KEY_FILE to a "
                "file in a folder of its own under /dev/shm or another tmpfs."
            )
            % {"folder": folder}
        )
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as problem:
        raise LockProblem(
            _("%(folder)s cannot be made: %(cause)s.") % {"folder": folder, "cause": problem.strerror}
        ) from None
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise LockProblem(
            _("%(folder)s can be entered by others. Give the root a folder of its own, mode 700.")
            % {"folder": folder}
        )
    return folder


def is_locked(target: Path) -> bool:
    """Whether the key file `target` is one that `unlock` puts into memory, and it is not there (yet)."""
    there = target.parent
    while not there.exists():
        there = there.parent
    return not target.exists() and file_system(there) in _IN_MEMORY


def file_system(folder: Path) -> str:
    """The type of the file system under `folder`, such as "ext4" or "tmpfs"; "" if it cannot be told."""
    return next((kind for kind, _options in _mounts(folder)), "")


def may_be_swapped(folder: Path) -> bool:
    """Whether what lies in `folder`, in memory, may be written to a disk by swapping."""
    if all(kind == "ramfs" or "noswap" in options for kind, options in _mounts(folder)):
        return False
    try:
        lines = _SWAPS.read_text().splitlines()[1:]
    except OSError:
        return True
    return any(not line.startswith("/dev/zram") for line in lines)


def _mounts(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Type and options of the mount that holds `folder`, found by its device number."""
    try:
        device = folder.stat().st_dev
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        mount, _dash, rest = line.partition(" - ")
        if mount.split()[2] == wanted:
            kind, _source, options = rest.split(" ", 2)
            yield kind, options.split(",")
