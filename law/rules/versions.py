"""Versions of legal rules: which of them stand, from when until when, and the tables that they make together.

A version is never changed. The law changes: a version that follows another takes over on its first day, and
the other ends the day before. The version was wrong: one that corrects it takes its place altogether.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from law.rules.document import InternalPassportRule
from law.rules.reference import BadTable, ProceduralRow, StayRow, procedural_rows, stay_rows
from law.rules.values import BadValue, as_count, as_list, as_text, optional_date, required

DATA = Path(__file__).parent.parent / "data"
INTERNAL_PASSPORT, TRAVEL_PASSPORT = "ru-internal-passport", "ru-travel-passport"
R = TypeVar("R", StayRow, ProceduralRow)


class Table(StrEnum):
    """The tables of rules; the values stand in the database."""

    STAY = "stay"
    PROCEDURE = "procedure"
    DOCUMENT = "document"
    GROUP = "group"


# The shipped file of each table, and the key of its list of rows.
FILES = {
    Table.STAY: ("stay_rules.json", "rules"),
    Table.PROCEDURE: ("procedural_deadlines.json", "deadlines"),
    Table.DOCUMENT: ("document_rules.json", "rules"),
    Table.GROUP: ("country_groups.json", "groups"),
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the rule `code`: `row` in the shape of the shipped files, with who confirmed it last.

    Both days are counted in, None = open. `replaces`: the number of the version that it follows, or corrects.
    """

    table: str
    code: str
    number: int
    row: Mapping[str, Any]
    valid_from: date | None
    valid_to: date | None
    replaces: int | None = None
    corrects: bool = False
    verified_on: date | None = None
    verified_by: str | None = None

    @property
    def ref(self) -> str:
        """What names this version for good: "kz-2023@2"."""
        return f"{self.code}@{self.number}"


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """When Russian passports end; None where there is no such rule on the day asked for.

    `travel_passport_terms`: the terms in years that a travel passport may have. The refs name the versions.
    """

    internal_passport: InternalPassportRule | None
    internal_passport_ref: str
    travel_passport_terms: tuple[int, ...]
    travel_passport_ref: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The rules that stand: the rows as `reference` reads them, and the versions that they come from."""

    stays: tuple[StayRow, ...]
    terms: tuple[ProceduralRow, ...]
    others: tuple[Version, ...]

    def document_rules(self, on: date | None = None) -> DocumentRules:
        """The rules of documents in force on `on`; None: whatever stands, the latest of it."""
        inner = self._other(Table.DOCUMENT, INTERNAL_PASSPORT, on)
        travel = self._other(Table.DOCUMENT, TRAVEL_PASSPORT, on)
        return DocumentRules(
            None if inner is None else _internal_passport(inner.row),
            "" if inner is None else inner.ref,
            () if travel is None else _terms(travel.row),
            "" if travel is None else travel.ref,
        )

    def members(self, group: str, on: date) -> frozenset[str]:
        """The countries of a group on `on`; none if the group is not known for that day."""
        found = self._other(Table.GROUP, group, on)
        return frozenset() if found is None else frozenset(found.row["members"])

    def _other(self, table: Table, code: str, on: date | None) -> Version | None:
        standing = [
            version
            for version in self.others
            if (version.table, version.code) == (table, code) and (on is None or covers(version, on))
        ]
        return max(standing, key=lambda version: version.valid_from or date.min, default=None)


def covers(version: Version, on: date) -> bool:
    """Whether the version is in force on `on`."""
    return (version.valid_from or date.min) <= on <= (version.valid_to or date.max)


def effective_versions(versions: Iterable[Version]) -> tuple[Version, ...]:
    """Those versions that still have a day of their own, each with the last day that is left to it."""
    by_code: dict[str, list[Version]] = {}
    for version in versions:
        by_code.setdefault(version.code, []).append(version)
    return tuple(left for family in by_code.values() for left in _left_of(family))


def _left_of(family: Sequence[Version]) -> list[Version]:
    """What is left of each version of one rule after those that replaced it, and those that replaced them."""
    taken_over: dict[int, date] = {}
    wrong: set[int] = set()
    left = []
    for version in sorted(family, key=lambda each: each.number, reverse=True):
        first, last = version.valid_from or date.min, version.valid_to or date.max
        over = taken_over.get(version.number, date.max)
        stands = version.number not in wrong
        if stands and (first < over or over == date.max):
            ends = last if over == date.max else min(last, over - timedelta(days=1))
            left.append(replace(version, valid_to=None if ends == date.max else ends))
        if version.replaces is not None:
            begins = min(first, over) if stands else over
            taken_over[version.replaces] = min(begins, taken_over.get(version.replaces, date.max))
            if version.corrects:
                wrong.add(version.replaces)
    return left[::-1]


def tables_of(versions: Iterable[Version]) -> Tables:
    """The tables that these versions make. Raises BadTable with the ref of a row that cannot be used."""
    standing_ones = effective_versions(versions)
    named = {version.ref: version for version in standing_ones}
    return Tables(
        stays=_read(stay_rows, Table.STAY, named),
        terms=_read(procedural_rows, Table.PROCEDURE, named),
        others=_others(standing_ones),
    )


def _read(reader: Any, table: Table, named: Mapping[str, Version]) -> tuple[R, ...]:
    """Rows read under their refs, which no two share, and given their codes afterwards."""
    own = [_as_in_a_file(version) for version in named.values() if version.table == table]
    rows: tuple[R, ...] = reader(vocabulary(table) | {FILES[table][1]: own})
    return tuple(
        replace(row, id=named[row.id].code, version=str(named[row.id].number), raw={**row.raw, "id": code})
        for row in rows
        for code in [named[row.id].code]
    )


def _as_in_a_file(version: Version) -> dict[str, Any]:
    return {
        **version.row,
        "id": version.ref,
        "valid_from": None if version.valid_from is None else version.valid_from.isoformat(),
        "valid_to": None if version.valid_to is None else version.valid_to.isoformat(),
        "verified_on": None if version.verified_on is None else version.verified_on.isoformat(),
        "verified_by": version.verified_by,
    }


def _others(versions: Sequence[Version]) -> tuple[Version, ...]:
    kept = []
    for version in versions:
        if version.table not in (Table.DOCUMENT, Table.GROUP):
            continue
        try:
            check_other(version)
        except BadValue as problem:
            raise BadTable(f"The rule in row {version.ref!r} cannot be used: {problem}") from None
        kept.append(version)
    return tuple(kept)


def check_other(version: Version) -> None:
    """BadValue unless a rule of documents or a group of countries can be used as it stands."""
    if not all(as_text(source, "sources") for source in as_list(required(version.row, "sources"), "sources")):
        raise BadValue("a rule needs a source.")
    if not version.row["sources"]:
        raise BadValue("a rule needs a source.")
    if version.table == Table.GROUP:
        members = [as_text(code, "members") for code in as_list(required(version.row, "members"), "members")]
        if not members or len(set(members)) != len(members):
            raise BadValue("members must be countries, each of them once.")
    elif version.row.get("document") == "internal_passport":
        _internal_passport(version.row)
    elif version.row.get("document") == "travel_passport":
        _terms(version.row)
    else:
        raise BadValue("document is not a code of this table.")


def _internal_passport(row: Mapping[str, Any]) -> InternalPassportRule:
    ages = as_list(required(row, "replaced_at_ages"), "replaced_at_ages")
    grace = as_count(required(row, "grace_days"), "grace_days")
    if not ages:
        raise BadValue("replaced_at_ages must not be empty.")
    return InternalPassportRule(
        as_text(required(row, "id"), "id"),
        tuple(sorted(as_count(age, "replaced_at_ages") for age in ages)),
        grace,
    )


def _terms(row: Mapping[str, Any]) -> tuple[int, ...]:
    terms = as_list(required(row, "terms_years"), "terms_years")
    if not terms:
        raise BadValue("terms_years must not be empty.")
    return tuple(as_count(years, "terms_years") for years in terms)


@lru_cache(maxsize=len(FILES))
def _file(table: Table) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / FILES[table][0]).read_text(encoding="utf-8"))
    return loaded


def vocabulary(table: Table) -> dict[str, Any]:
    """What the shipped file of a table says beside its rows: codes of bases, stages, events and tags."""
    return {key: value for key, value in _file(table).items() if key != FILES[table][1]}


def file_versions() -> dict[str, str]:
    """The version of each file that ships, by its name: "2026-11-22.2"."""
    return {name: str(_file(table)["version"]) for table, (name, _key) in FILES.items()}


def shipped_versions() -> tuple[Version, ...]:
    """The rules as they ship, as first versions. BadTable names a row that cannot be used.

    A confirmation in a file is refused: a lawyer confirms on the desk, under a name.
    """
    found = []
    for table, (_name, key) in FILES.items():
        for row in _file(table)[key]:
            code = row["code"] if table == Table.GROUP else row["id"]
            if row.get("verified_on") or row.get("verified_by"):
                raise BadTable(f"The rule in row {code!r} is confirmed in a file. Confirm it on the desk.")
            found.append(first_version(table, code, row))
    tables_of(found)
    return tuple(found)


def first_version(table: Table, code: str, row: Mapping[str, Any]) -> Version:
    """A row of a file as the first version of its rule."""
    return Version(
        table=table,
        code=code,
        number=1,
        row=row,
        valid_from=optional_date(row.get("valid_from"), "valid_from"),
        valid_to=optional_date(row.get("valid_to"), "valid_to"),
    )


def news(known: Iterable[Version]) -> tuple[Version, ...]:
    """What the shipped files say otherwise than the newest version of each rule, as the next versions.

    A file replaces its own earlier words: its versions correct. Once they are stored there are none.
    """
    newest: dict[str, Version] = {}
    for version in known:
        if version.code not in newest or newest[version.code].number < version.number:
            newest[version.code] = version
    found = []
    for each in shipped_versions():
        before = newest.get(each.code)
        if before is None:
            found.append(each)
        elif dict(before.row) != dict(each.row):
            found.append(replace(each, number=before.number + 1, replaces=before.number, corrects=True))
    return tuple(found)
