"""A case's files as pages show them, and the daily sweep behind uploads and erasures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.template.defaultfilters import filesizeformat

from cases.models import Attachment, AttachmentKind, Case
from cases.models.attachment import folder
from cases.models.history import value_or_none
from desk.erasing import remove_files
from vault import files
from vault.models import RecordKey
from vault.show import display_value

AT_ONCE = 500


@dataclass(frozen=True)
class Line:
    """One file in a list; what does not open stands as its sign."""

    key: UUID
    number: int
    kind: str
    name: str
    remark: str
    size: str
    at: datetime | None
    by: str


def lines(case: Case) -> list[Line]:
    """The files of a case, oldest first, by two queries."""
    return [_line(number, row) for number, row in enumerate(Attachment.objects.of(case), 1)]


def _line(number: int, row: Any) -> Line:
    kind, size = display_value(row, "kind"), value_or_none(row, "size")
    return Line(
        key=row.pk,
        number=number,
        kind=str(AttachmentKind(kind).label if kind in AttachmentKind.values else kind),
        name=display_value(row, "name"),
        remark=display_value(row, "remark"),
        size=filesizeformat(size) if isinstance(size, int) else "",
        at=value_or_none(row, "added_at"),
        by=row.added_by.username,
    )


def sweep() -> int:
    """Clear up behind what was killed half way; returns how many files it finished or removed.

    An upload whose row is committed is put into its place, one without a row goes after a day; files of
    erased cases go.
    """
    waiting = files.unfinished(folder())
    done = 0
    for names in _batches(waiting):
        for row in Attachment.objects.filter(stored__in=names):
            done += files.finish(folder(), row.stored)
    return done + files.sweep(folder()) + _erased_again()


def _erased_again() -> int:
    erased = RecordKey.objects.filter(wrapped=None).values("owner")
    names = Attachment.objects.filter(case__in=erased).values_list("stored", flat=True)
    left = [name for name in names.iterator() if files.stored_bytes(folder(), name)]
    remove_files(left)
    return len(left)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch
