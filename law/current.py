"""The law that the desk counts by: the rows that stand in the database, as the pure modules take them."""

from __future__ import annotations

from datetime import date

from law.clocks import Law
from law.models.legal_rule import LegalRule
from law.rules.reference import EU, ProceduralRow
from law.rules.versions import Tables


def current(on: date, tables: Tables | None = None) -> Law:
    """The rows that stand, past and announced ones too, and the members of the EU on `on`.

    For many cases ask once for `LegalRule.objects.tables()` and pass it on.
    """
    tables = tables or LegalRule.objects.tables()
    return Law(tables.terms, tables.stays, tables.members("EU", on))


def kinds_by_country(on: date) -> dict[str, frozenset[str]]:
    """The kinds of procedure and refusal (tags) that the rules of each country tell apart."""
    law = current(on)
    found: dict[str, set[str]] = {}
    for row in law.rows:
        if row.trigger != "stay":
            for country in law.eu_members if row.country == EU else (row.country,):
                found.setdefault(country, set()).update(row.applies_to)
    return {country: frozenset(tags) for country, tags in found.items()}


def by_id() -> dict[str, ProceduralRow]:
    """The newest version of every procedural row, by its id: for words about a term."""
    rows = LegalRule.objects.procedural_rows()
    return {row.id: row for row in sorted(rows, key=lambda row: row.valid_from or date.min)}
