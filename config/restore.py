"""A backup comes back into an empty installation: looked through first, then written, then verified.

What was erased since it was made is erased again, so that nobody comes back with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from cases.models import Attachment, Case
from config import backup, dumps
from desk import erasing
from staff import append_only, chain
from staff.models import Session
from vault import age, canaries, erasure, integrity
from vault.cipher import CannotOpen
from vault.keyring import NEEDED, keyring
from vault.models import HOUSE, Canary, OwnerModel, RecordKey

REASON = "Erased again: a backup from before the erasure was restored."


class CannotRestore(Exception):
    """The restore was refused or stopped. The text says why and what to do."""


@dataclass
class RestoreResult:
    """What came back, and what is not as it should be."""

    cells: int = 0
    owners: int = 0
    erased: int = 0
    files: int = 0
    links: int = 0
    # Access seals of a root that is gone by now: another backup's record keys came with the newer one.
    unsealed: int = 0
    findings: list[str] = field(default_factory=list)


def restore(folder: Path, keys_from: Path, identities: Sequence[object]) -> RestoreResult:
    """Restore the backup in `folder` with the record keys of the one in `keys_from` (mostly the same).

    Raises CannotRestore and what reading backups, keys and dumps raises. Nothing is written before every
    part was opened to its end once.
    """
    for name in NEEDED[settings.SITE]:
        keyring().keys(name)  # KeyProblem says which key file to put back
    _require_empty()
    manifest = backup.read_manifest(folder)
    if manifest["database"] != connection.vendor:
        raise CannotRestore(
            f"This backup is of {manifest['database']} and this installation has {connection.vendor}. "
            "Set or leave out DATABASE_URL."
        )
    for name in (backup.DATABASE, backup.FILES):
        _look_through(folder, name, identities)
    _look_through(keys_from, backup.KEYS, identities)
    _require_root(backup.read_manifest(keys_from)["root_keys"])
    with age.open_sealed(folder / backup.DATABASE, identities) as stream:
        dumps.load(stream)
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    Session.objects.all().delete()  # nobody is signed in after a fire
    done = RestoreResult()
    done.owners = _put_keys(keys_from, identities)
    done.files = _put_files(folder, identities)
    done.erased = _erase_again()
    _verify(done, same_root=keys_from == folder)
    return done


def _require_empty() -> None:
    if connection.introspection.table_names():
        raise CannotRestore("This database is not empty. Restore into an empty one, before `migrate`.")
    store = Path(settings.FILES_DIR)
    if store.exists() and any(store.iterdir()):
        raise CannotRestore(f"{store} is not empty. Restore into an empty folder (FILES_DIR).")


def _look_through(folder: Path, name: str, identities: Sequence[object]) -> None:
    """The part is what the manifest says, and opens to its end."""
    wanted = backup.read_manifest(folder)["parts"][name]["sha256"]
    try:
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        advice = " Give those of a newer one: --record-keys FOLDER" if name == backup.KEYS else ""
        raise CannotRestore(f"{name} is missing in {folder}.{advice}") from None
    if found != wanted:
        raise CannotRestore(f"{name} in {folder} is damaged: its checksum differs. Use another copy.")
    with age.open_sealed(folder / name, identities):
        pass


def _require_root(needed: Sequence[str]) -> None:
    held = {key.id.hex() for key in keyring().keys("root")}
    if missing := sorted(set(needed) - held):
        raise CannotRestore(
            f"These record keys are wrapped under the root {', '.join(missing)}, which is not in the key "
            "file. Put that key in, or give the record keys of a newer backup: --record-keys FOLDER"
        )


def _lines(folder: Path, identities: Sequence[object]) -> Iterator[dict[str, Any]]:
    with age.open_sealed(folder / backup.KEYS, identities) as stream:
        for line in stream:
            yield json.loads(line)


def _owners() -> set[UUID]:
    """Everybody who may have a record key in this database."""
    found = {HOUSE}
    for model in apps.get_models():
        if issubclass(model, OwnerModel) and not model._meta.proxy:
            found.update(model._base_manager.values_list(model.sealed_row_id, flat=True))
    return found


def _put_keys(folder: Path, identities: Sequence[object]) -> int:
    """The record keys of owners that came back; those who came later have no row here."""
    first, *lines = _lines(folder, identities)
    owners = _owners()
    rows = [
        RecordKey(owner=owner, wrapped=bytes.fromhex(line["wrapped"]) if line["wrapped"] else None)
        for line in lines
        if (owner := UUID(line["owner"])) in owners
    ]
    RecordKey.objects.bulk_create(rows, batch_size=1000)
    if first["root_canary"]:
        sealed = bytes.fromhex(first["root_canary"])
        Canary.objects.update_or_create(key_name="root", defaults={"sealed": sealed})
    return len(rows)


def _put_files(folder: Path, identities: Sequence[object]) -> int:
    """The files that have a row, as they were sealed."""
    store, count = Path(settings.FILES_DIR), 0
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = set(Attachment.objects.values_list("stored", flat=True))
    with (
        age.open_sealed(folder / backup.FILES, identities) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None and entry.name in known and backup.STORED.fullmatch(entry.name):
                _put_file(store / entry.name, content)
                count += 1
    return count


def _put_file(path: Path, content: IO[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := content.read(age.PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (0, 0))


def _erase_again() -> int:
    """What a newer copy of the record keys says is erased goes here too: dates, indexes, files."""
    gone = list(RecordKey.objects.filter(wrapped=None).values_list("owner", flat=True))
    cases = {case.pk: case for case in Case._base_manager.filter(pk__in=gone)}
    again = 0
    for owner in gone:
        if owner not in cases:
            erasure.erase(owner)
        elif not cases[owner].erased:
            erasing.erase(cases[owner], by=None, reason=REASON)
            again += 1
    return again


def _verify(done: RestoreResult, *, same_root: bool) -> None:
    """Every cell, index, file and link, and that the keys here are the right ones."""
    try:
        canaries.require()
    except Exception as problem:  # a KeyProblem names the key that is missing; the rest is looked at too
        done.findings.append(str(problem))
    count = integrity.Count()
    for finding in integrity.verify(count):
        if finding.column == "access_seal" and not same_root:
            done.unsealed += 1
        else:
            done.findings.append(str(finding))
    done.cells = count.cells
    for name in append_only.missing(connection):
        done.findings.append(f"The trigger {name} is missing. Run: manage.py trail guard")
    try:
        done.links = chain.verify().position
    except chain.BrokenChain as problem:
        done.findings.append(str(problem))
    for row in Attachment.objects.exclude(case__erased=True).with_keys():
        try:
            row.pieces()
        except CannotOpen as problem:
            done.findings.append(f"cases.Attachment {row.pk}: {problem}")
