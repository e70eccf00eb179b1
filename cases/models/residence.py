"""From the rows of a file to what the stay rules are asked: crossings, papers, and what does not open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cases.models.history import value_or_none
from law.rules.document_ends import NOT_DERIVED, DerivedEnd, derived_end
from law.rules.residence import INTERNAL_PASSPORT, Crossing, Paper, Residence, residences, what_if
from vault.cipher import CannotOpen

if TYPE_CHECKING:
    from cases.models.document import IdentityDocument
    from cases.models.identity import Identity
    from cases.models.stay import Stay
    from law.rules.versions import DocumentRules, Tables

COUNTED_CELLS = ("entered_on", "left_on", "basis_valid_until")
# A paper in these hands opens no border for the person.
OUT_OF_REACH = frozenset({"unit", "lost"})


@dataclass(frozen=True)
class Whereabouts:
    """What the rules say about all stays of a file on a day.

    `unsure`: stays whose answer would rest on a cell that does not open; for these nothing is computed.
    """

    found: tuple[Residence, ...]
    unsure: frozenset[UUID]
    crossings: tuple[Crossing, ...]
    papers: tuple[Paper, ...]
    identity: Identity | None
    tables: Tables
    on: date

    def of(self, stay: UUID) -> Residence | None:
        """Where the person is by that stay; None: it is over, cannot be counted, or another one counts."""
        return next((each for each in self.found if each.here is not None and each.here.id == stay), None)

    def if_moving(self, country: str, *, leave: date | None, back: date | None) -> Residence:
        """The answer for a day to come, as if the person left on `leave` and came again on `back`."""
        return what_if(
            self.tables.stays,
            self.crossings,
            self.papers,
            country=country,
            leave=leave,
            back=back,
            on=self.on,
        )


def whereabouts(
    stays: Iterable[Stay],
    documents: Iterable[IdentityDocument],
    identity: Identity | None,
    tables: Tables,
    *,
    today: date,
) -> Whereabouts:
    """What the rules in `tables` say on `today`; nothing is sure where a cell that counts does not open."""
    stays, documents = list(stays), list(documents)
    rules = tables.document_rules(today)
    crossings = tuple(_crossing(stay) for stay in stays)
    papers = tuple(papers_of(documents, identity, rules))
    found = residences(tables.stays, crossings, papers, on=today)
    broken = any(is_damaged(stay, COUNTED_CELLS) for stay in stays) or any(
        end_is_damaged(document, identity) for document in documents if document.in_force
    )
    # It may lie in any country's past: better no new day than a wrong one.
    unsure = frozenset(stay.pk for stay in stays) if broken else frozenset()
    return Whereabouts(found, unsure, crossings, papers, identity, tables, today)


def papers_of(
    documents: Iterable[IdentityDocument], identity: Identity | None, rules: DocumentRules
) -> list[Paper]:
    """Those documents that can be shown at a border: in force, at hand, not forged."""
    found = []
    for document in documents:
        if not document.in_force or document.custody in OUT_OF_REACH or document.authenticity == "forged":
            continue
        typed = value_or_none(document, "valid_until")
        derived = NOT_DERIVED if typed else end_of(document, identity, rules)
        found.append(Paper(document.kind, typed or derived.day, derived.endless))
    return found


def end_of(document: IdentityDocument, identity: Identity | None, rules: DocumentRules) -> DerivedEnd:
    """The end that the rules give the document, whatever was typed."""
    return derived_end(
        document.kind,
        issued_by=document.issued_by_country,
        issued=value_or_none(document, "issued_on"),
        born=None if identity is None else value_or_none(identity, "born_on"),
        rules=rules,
    )


def end_is_damaged(document: IdentityDocument, identity: Identity | None) -> bool:
    """Whether a cell that gives the document's end does not open."""
    if is_damaged(document, ("valid_until", "issued_on")):
        return True
    derived = document.kind == INTERNAL_PASSPORT and not document.has_value("valid_until")
    return derived and identity is not None and is_damaged(identity, ("born_on",))


def is_damaged(row: Any, names: Sequence[str]) -> bool:
    """Whether one of these cells does not open."""
    for name in names:
        try:
            getattr(row, name)
        except CannotOpen:
            return True
    return False


def _crossing(stay: Stay) -> Crossing:
    return Crossing(
        stay.pk,
        stay.country,
        value_or_none(stay, "entered_on"),
        value_or_none(stay, "left_on"),
        stay.basis,
        value_or_none(stay, "basis_valid_until"),
    )
