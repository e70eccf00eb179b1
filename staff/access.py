"""Whether the rows that decide who reads are as the desk wrote them, and no older than the trail knows.

`vault/bound.py` refuses a row that does not fit, wherever it is used. Here all of them are looked at, an
older state that fits is told by its serial, and both are written on the trail once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from staff import trail
from staff.models import TrailRow, User
from staff.trail import SEALING, SEALING_ACCOUNTS, Verb
from vault import bound
from vault.cipher import CannotOpen

# Model and primary key of a row, and the serial that the trail knows it under.
Serials = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Broken:
    """A row that counts for nothing, or (`older`) is as it was before an act that the trail knows."""

    model: str
    row: str
    older: bool = False

    def __str__(self) -> str:
        what = "was put back to an older state" if self.older else "was changed from outside"
        return f"{self.model} {self.row} {what}"


def broken() -> list[Broken]:
    """Every such row. Reads each bound row once, and of the trail the acts that wrote them anew."""
    return _broken(_highest_serials())


def _broken(known: Serials) -> list[Broken]:
    found = []
    for model, pk, serial, fits in bound.seals():
        row = model._meta.label, str(pk)
        if not fits:
            found.append(Broken(*row))
        elif serial < known.get(row, 0):
            found.append(Broken(*row, older=True))
    return found


def is_put_back(user: User) -> bool:
    """Whether the trail knows a later state of this account than the row that is about to sign in."""
    mine = [User._meta.label, str(user.pk)]
    # The newest act that names the account has its highest serial.
    for row in TrailRow.objects.filter(verb__in=SEALING_ACCOUNTS).order_by("-id").with_keys().iterator(200):
        for *named, serial in _details(row).get("access", ()):
            if named == mine:
                return bool(user.access_serial < serial)
    return False


def _highest_serials() -> Serials:
    found: Serials = {}
    for row in TrailRow.objects.filter(verb__in=SEALING).with_keys().iterator():
        for label, pk, serial in _details(row).get("access", ()):
            found[label, pk] = max(serial, found.get((label, pk), 0))
    return found


def _details(row: TrailRow) -> dict[str, Any]:
    """What the row says; nothing where it does not open: SQL can add such a row, and stops no alarm by it."""
    try:
        return row.details or {}
    except CannotOpen:
        return {}


def watch(now: datetime) -> list[Broken]:
    """Look at everything, and write on the trail what it does not name yet; what is broken."""
    found = broken()
    if found:
        rows = TrailRow.objects.filter(verb=Verb.ACCESS_BROKEN).with_keys()
        told = [_details(row).get("receipt") for row in rows]
        named = [{"model": one.model, "row": one.row} for one in found]
        with transaction.atomic():
            for receipt in named:
                if receipt not in told:
                    trail.append(None, Verb.ACCESS_BROKEN, receipt=receipt, at=now)
    return found


def reseal(*, by: User | None, reason: str) -> list[Broken]:
    """Seal what does not fit as it stands now, on an operator's word; what was broken, put-back rows too."""
    known = _highest_serials()
    found = _broken(known)
    by_label = {model._meta.label: model for model in bound.bound_models()}
    with transaction.atomic():
        for one in found:
            row = bound.reseal(by_label[one.model], one.row, at_least=known.get((one.model, one.row), 0))
            trail.append(by, Verb.ACCESS_RESEALED, access=[row], reason=reason)
    return found
