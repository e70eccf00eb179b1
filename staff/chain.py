"""The chain over the trail: each link's hash covers its row and the link before it.

It is not keyed, so that anybody with an export can check it, and the worker writes it without a key to any
case: what is hashed is the ciphertext. Whoever owns the database can still rewrite rows and chain together; a
checkpoint that was written down elsewhere proves that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff.trail import TrailRow
from vault.keyring import message

BATCH = 1000
# A row may commit after a row with a higher number; this far back late ones are still looked for.
LOOK_BACK = 10_000
# No request and no command holds a transaction open for longer: a row of an earlier time was not there yet.
LATEST_COMMIT = timedelta(minutes=10)
# The worker links every 15 seconds; a row that waits longer than this says that it does not.
LATE = timedelta(minutes=5)
START = "0" * 64
COLUMNS = ("id", "seal_id", "at", "actor_id", "verb", "case", "details")


class TrailLink(models.Model):
    """The place of one row in the chain. Append-only by triggers, as the trail itself."""

    position = models.BigIntegerField(primary_key=True)
    row = models.OneToOneField(TrailRow, models.PROTECT, related_name="link")
    hash = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = _("link of the trail")
        verbose_name_plural = _("links of the trail")

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


@dataclass(frozen=True)
class Head:
    """The end of the chain: what to write down elsewhere, as `position:hash`."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


class BrokenChain(Exception):
    """The chain does not hold; the message names the first row where it breaks, and what to do."""


def encode(facts: dict[str, Any]) -> bytes:
    """One row as unambiguous bytes: each part is preceded by its length, times are UTC to the microsecond."""
    return message(
        [
            str(facts["id"]),
            facts["seal_id"],
            facts["at"],
            facts["actor"] or "",
            facts["verb"],
            facts["case"] or "",
            bytes.fromhex(facts["details"]),
        ]
    )


def link_hash(before: str, position: int, facts: dict[str, Any]) -> str:
    """The hash of the link at `position`, in hex; `before` is that of the link before it."""
    return hashlib.sha256(message([before, str(position), encode(facts)])).hexdigest()


def _facts(values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip(COLUMNS, values, strict=True))
    at: datetime = row["at"]
    return {
        "id": row["id"],
        "seal_id": row["seal_id"].hex,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": row["actor_id"].hex if row["actor_id"] else None,
        "verb": row["verb"],
        "case": row["case"].hex if row["case"] else None,
        "details": bytes(row["details"]).hex(),
    }


def _rows(rows: Any) -> Iterator[dict[str, Any]]:
    """Facts of `rows` with the ciphertext as it lies there; nothing is opened."""
    return (_facts(values) for values in rows.values_list(*COLUMNS))


def head() -> Head:
    """The last link, or position 0 of an empty chain."""
    last = TrailLink.objects.order_by("-position").first()
    return Head(last.position, last.hash) if last else Head(0, START)


def extend(*, batch: int = BATCH) -> int:
    """Link rows that have no link yet, oldest first; returns how many. Safe to run in two workers at once."""
    linked_up_to = TrailLink.objects.aggregate(last=Max("row_id"))["last"] or 0
    rows = TrailRow._base_manager.filter(link=None, pk__gt=linked_up_to - LOOK_BACK).order_by("pk")
    waiting = list(_rows(rows[:batch]))
    if not waiting:
        return 0
    try:
        with transaction.atomic():
            links = TrailLink.objects.bulk_create(_continue_chain(head(), waiting))
    except IntegrityError:
        # Another worker took these positions a moment ago; the next run goes on from there.
        return 0
    return len(links)


def extend_all() -> int:
    """Link until nothing waits; returns how many."""
    count = 0
    while linked := extend():
        count += linked
    return count


def _continue_chain(end: Head, rows: Iterable[dict[str, Any]]) -> Iterator[TrailLink]:
    position, before = end.position, end.hash
    for facts in rows:
        position += 1
        before = link_hash(before, position, facts)
        yield TrailLink(position=position, row_id=facts["id"], hash=before)


def export(*, after: int = 0, until: int | None = None) -> Iterator[str]:
    """The links after position `after` as JSON lines: enough for an outsider to check them without a key."""
    rows = TrailLink.objects.filter(position__gt=after).order_by("position")
    if until is not None:
        rows = rows.filter(position__lte=until)
    links = rows.values_list("position", "row_id", "hash")
    for chunk in _chunks(links.iterator(chunk_size=BATCH)):
        ids = [row_id for _position, row_id, _hash in chunk]
        found = {facts["id"]: facts for facts in _rows(TrailRow._base_manager.filter(pk__in=ids))}
        for position, row_id, digest in chunk:
            line = {"position": position, "hash": digest, "row": found.get(row_id, {"id": row_id})}
            yield json.dumps(line, sort_keys=True)


def _chunks(links: Iterable[tuple[int, int, str]]) -> Iterator[list[tuple[int, int, str]]]:
    chunk: list[tuple[int, int, str]] = []
    for link in links:
        chunk.append(link)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def verify(
    lines: Iterable[str] | None = None,
    *,
    start: Head | None = None,
    checkpoint: Head | None = None,
    checkpoints: Mapping[int, str] | None = None,
) -> Head:
    """Walk the chain from `start`, in the database or in exported `lines`, to its end. Raises Broken.

    `checkpoint` and `checkpoints` (hash by position), written down earlier, must stand in the chain: they
    prove a rewrite of everything before them. The first row that does not hold is named.
    """
    begin = start or Head(0, START)
    noted = dict(checkpoints or {})
    if checkpoint is not None:
        if noted.get(checkpoint.position, checkpoint.hash) != checkpoint.hash:
            raise BrokenChain(
                f"The trail was rewritten: link {checkpoint.position} is not what was written down."
            )
        noted[checkpoint.position] = checkpoint.hash
    walk = _Walk(begin, noted)
    for line in export(after=begin.position) if lines is None else lines:
        walk.step(json.loads(line))
    return walk.end()


class _Walk:
    """One walk along the chain, link by link."""

    def __init__(self, begin: Head, noted: dict[int, str]) -> None:
        self.position, self.hash, self.noted = begin.position, begin.hash, noted
        self.latest: datetime | None = None
        self._compare()

    def step(self, link: dict[str, Any]) -> None:
        """Check the next link. Raises Broken."""
        self.position += 1
        row = link["row"]
        if link["position"] != self.position:
            raise BrokenChain(f"Link {self.position} is missing. Compare with a backup from before.")
        if "seal_id" not in row:
            raise BrokenChain(
                f"Row {row['id']} at link {self.position} is missing. Compare with a backup from before."
            )
        self.hash = link_hash(self.hash, self.position, row)
        if self.hash != link["hash"]:
            raise BrokenChain(
                f"Row {row['id']} at link {self.position} was changed after it was linked. "
                "Compare with a backup."
            )
        self._in_time(row)
        self._compare()

    def _in_time(self, row: dict[str, Any]) -> None:
        at = datetime.fromisoformat(row["at"])
        if self.latest is not None and at < self.latest - LATEST_COMMIT:
            raise BrokenChain(
                f"Row {row['id']} at link {self.position} says {at:%Y-%m-%d %H:%M} UTC but was linked "
                f"after a "
                f"row of {self.latest:%Y-%m-%d %H:%M}: it was inserted later, or the clock was set back."
            )
        self.latest = at if self.latest is None else max(self.latest, at)

    def _compare(self) -> None:
        if self.noted.get(self.position, self.hash) != self.hash:
            raise BrokenChain(
                f"The trail was rewritten: link {self.position} is not what the checkpoint says."
            )

    def end(self) -> Head:
        """Where the chain ends. Raises Broken if a checkpoint lies behind that."""
        if self.noted and max(self.noted) > self.position:
            raise BrokenChain(f"The trail was cut: it ends at link {self.position}, before a checkpoint.")
        return Head(self.position, self.hash)


def late_rows(*, now: datetime | None = None, recent: bool = False) -> int:
    """Rows that wait for their link longer than five minutes: the worker stands still, or they are forged.

    With `recent` only among the last rows, which is enough for a page and does not grow with the trail.
    """
    rows = TrailRow._base_manager.filter(link=None, at__lt=(now or timezone.now()) - LATE)
    if recent:
        rows = rows.filter(pk__gt=(TrailRow._base_manager.aggregate(last=Max("pk"))["last"] or 0) - LOOK_BACK)
    return rows.count()
