"""Backups: database, record keys and files, each sealed to people who keep their identities elsewhere.

A backup is a folder that appears whole or not at all. Its record keys are a part of their own, with a shorter
life: once they have run out, what was erased since stays closed in it. Key files are never in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.dumps import Snapshot, snapshot
from desk import files
from vault import age
from vault.cipher import key_id
from vault.destroying import destroy
from vault.keyfiles import sync

FORMAT = "desk-backup-1"
DATABASE, KEYS, FILES, MANIFEST = "database.age", "record-keys.age", "files.age", "manifest.json"
STORED = re.compile(r"[0-9a-f]{32}")
_NAME = "desk-%Y%m%dT%H%M%SZ"


class CannotBackUp(Exception):
    """Nothing was written. The text says why and what to do."""


@dataclass(frozen=True)
class BackupResult:
    """What a backup did: where it lies, how large it is, how many older record keys it destroyed."""

    folder: Path
    bytes: int
    expired: int


def make(target: Path, *, to: Sequence[object], now: datetime, keep_days: int) -> BackupResult:
    """Write a backup of this moment into a new folder in `target`, for the recipients `to`.

    Afterwards the record keys of backups older than `keep_days` are destroyed. Raises CannotBackUp,
    config.dumps.CannotDump; then no folder is left.
    """
    folder = target / now.astimezone(UTC).strftime(_NAME)
    unfinished = target / f".{folder.name}.part"
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.exists():
            raise CannotBackUp(f"There is already a backup {folder}. Wait a second.")
        unfinished.mkdir(mode=0o700)
        manifest = _write(unfinished, to, now)
        manifest["sha256"] = _digest(manifest)
        _write_text(unfinished / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        sync(unfinished)
        unfinished.rename(folder)
        sync(target)
    except OSError as problem:
        raise CannotBackUp(
            f"{target} cannot be written to: {problem.strerror or problem}. Nothing of it is left."
        ) from problem
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    size = sum(part["bytes"] for part in manifest["parts"].values())
    return BackupResult(folder, size, expire(target, now=now, keep_days=keep_days))


def _write(folder: Path, to: Sequence[object], now: datetime) -> dict[str, Any]:
    files.sweep()  # what was just uploaded lies in its place
    with snapshot() as taken:
        parts = {DATABASE: age.seal(taken.stream, folder / DATABASE, to)}
        parts[KEYS] = age.seal(io.BytesIO(packed_keys(taken)), folder / KEYS, to)
    with age.written_by(_tar) as stream:
        parts[FILES] = age.seal(stream, folder / FILES, to)
    return {
        "format": FORMAT,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "database": connection.vendor,
        "root_keys": sorted({key_id(wrapped).hex() for _owner, wrapped in taken.keys if wrapped}),
        "migrations": sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations()),
        "parts": {name: asdict(written) for name, written in parts.items()},
    }


def packed_keys(taken: Snapshot) -> bytes:
    """Record keys as lines of JSON, after a line with the root's canary; still wrapped under the root."""
    lines: list[dict[str, Any]] = [{"format": FORMAT, "root_canary": bytes(taken.root_canary).hex()}]
    lines += [
        {"owner": owner, "wrapped": None if wrapped is None else bytes(wrapped).hex()}
        for owner, wrapped in taken.keys
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _tar(sink: IO[bytes]) -> None:
    """All stored files; one that an erasure takes away meanwhile is left out."""
    with tarfile.open(fileobj=sink, mode="w|") as archive:
        for path in sorted(stored_files(Path(settings.FILES_DIR))):
            try:
                with path.open("rb") as file:
                    entry = tarfile.TarInfo(path.name)
                    entry.size = os.fstat(file.fileno()).st_size
                    archive.addfile(entry, file)
            except FileNotFoundError:
                continue


def stored_files(folder: Path) -> Iterator[Path]:
    """The sealed files in `folder`, without what is being written."""
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if STORED.fullmatch(path.name))


def expire(target: Path, *, now: datetime, keep_days: int) -> int:
    """Destroy the record keys of backups in `target` that are older than `keep_days`; how many went."""
    gone = 0
    for path in target.glob(f"desk-*/{KEYS}"):
        made_at = read_manifest(path.parent)["made_at"]
        if datetime.fromisoformat(made_at) < now - timedelta(days=keep_days):
            destroy(path)
            gone += 1
    return gone


def _digest(manifest: dict[str, Any]) -> str:
    """Of all that a manifest says, to notice a bad copy. It proves no sender: anybody may write one."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises CannotBackUp where there is none."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        if manifest["format"] != FORMAT or manifest["sha256"] != _digest(manifest):
            raise ValueError
        datetime.fromisoformat(manifest["made_at"])
        for part in (DATABASE, KEYS, FILES):
            manifest["parts"][part]["sha256"]  # noqa: B018 (that it is there is what is asked)
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotBackUp(f"{folder} is no backup: its {MANIFEST} is missing or damaged.") from None
    return manifest


def _write_text(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
