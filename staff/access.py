"""Whether the rows that decide who reads are as the desk wrote them, and no older than the trail knows.

`vault/bound.py` refuses a row that does not fit, wherever it is used. Here all of them are looked at, an
older state that fits is told by its serial, and both are written on the trail once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from staff import trail
from staff.models import TrailRow, User
from staff.trail import Verb
from vault import bound
from vault.cipher import CannotOpen

# Acts that write an account's bound columns anew.
OF_ACCOUNTS = (
    Verb.ROLE_GRANTED,
    Verb.ROLE_LAPSED,
    Verb.PASSWORD_CHANGED,
    Verb.SESSIONS_ENDED,
    Verb.SECOND_FACTOR_ENROLLED,
    Verb.BACKUP_CODES_RENEWED,
    Verb.BACKUP_CODES_VOIDED,
    Verb.BACKUP_CODE_USED,
    Verb.DEVICE_RESET,
    Verb.PANIC,
    Verb.ACCOUNT_CHANGED,
    Verb.ACCOUNT_DEACTIVATED,
    Verb.ACCOUNT_REACTIVATED,
    Verb.INVITATION_ACCEPTED,
    Verb.ACCESS_RESEALED,
)
OF_CASES = (
    Verb.CASE_ASSIGNED,
    Verb.CASE_SHARED,
    Verb.CASE_SHARE_ENDED,
    Verb.DEPUTY_ENDED,
    Verb.GLASS_APPROVED,
    Verb.GLASS_REFUSED,
    Verb.GLASS_CLOSED,
)


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
    found = [Broken(model._meta.label, str(pk)) for model, pk in bound.broken_rows()]
    known = _highest_serials(TrailRow.objects.filter(verb__in=[*OF_ACCOUNTS, *OF_CASES]))
    for model in bound.bound_models():
        mine = {row: serial for (label, row), serial in known.items() if label == model._meta.label}
        stored = model._base_manager.filter(pk__in=list(mine)).values_list("pk", "access_serial")
        found += [
            Broken(model._meta.label, str(pk), older=True) for pk, serial in stored if serial < mine[str(pk)]
        ]
    return found


def is_put_back(user: User) -> bool:
    """Whether the trail knows a later state of this account than the row that is about to sign in."""
    mine = (User._meta.label, str(user.pk))
    # The newest act that names the account has its highest serial.
    for row in TrailRow.objects.filter(verb__in=OF_ACCOUNTS).order_by("-id").with_keys().iterator(200):
        if (serial := _highest_serials([row]).get(mine)) is not None:
            return user.access_serial < serial
    return False


def _highest_serials(rows: Iterable[TrailRow]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    rows = rows.with_keys().iterator() if isinstance(rows, trail.TrailQuerySet) else rows
    for row in rows:
        for label, pk, serial in _serials_in(row):
            found[label, pk] = max(serial, found.get((label, pk), 0))
    return found


def _serials_in(row: TrailRow) -> Iterator[tuple[str, str, int]]:
    try:
        details: dict[str, Any] = row.details or {}
    except CannotOpen:
        return
    yield from details.get("access", ())


def watch(now: datetime) -> list[Broken]:
    """Look at everything, and write on the trail what it does not name yet; what is broken."""
    found = broken()
    if found:
        rows = TrailRow.objects.filter(verb=Verb.ACCESS_BROKEN).with_keys()
        told = [row.details.get("receipt") for row in rows]
        fresh = [one for one in found if {"model": one.model, "row": one.row} not in told]
        with transaction.atomic():
            for one in fresh:
                trail.append(None, Verb.ACCESS_BROKEN, receipt={"model": one.model, "row": one.row}, at=now)
    return found


def reseal(*, by: User | None, reason: str) -> list[Broken]:
    """Seal what does not fit as it stands now, on an operator's word; what was broken, put-back rows too."""
    found = broken()
    by_label = {model._meta.label: model for model in bound.bound_models()}
    with transaction.atomic():
        for one in found:
            model = by_label[one.model]
            row: Any = bound.reseal(model, one.row, at_least=_known_serial(one))
            trail.append(by, Verb.ACCESS_RESEALED, access=[row], reason=reason)
    return found


def _known_serial(one: Broken) -> int:
    rows = TrailRow.objects.filter(verb__in=[*OF_ACCOUNTS, *OF_CASES])
    return _highest_serials(rows).get((one.model, one.row), 0)
