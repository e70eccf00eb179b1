"""The legal rules as people read them: the list, one rule with its versions, and what waits for a lawyer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Deadline
from cases.models.recomputation import countries_of
from law import countries
from law.models import LegalRule, RuleTable
from law.rules.versions import Version, covers, effective_versions
from law.words.rules import CONFIDENCE
from law.words.terms import confirmation_in_words
from law.words.versions import facts_of, headline
from staff.models import User
from vault.bulk import read_columns

# A confirmation older than this is asked for again; pages say the number.
STALE_AFTER_DAYS = 180
PLACES: dict[str, Any] = {
    "*": _("Any country"),
    "EU": _("European Union"),
    "SCHENGEN": _("Schengen area"),
}


class Waiting(TextChoices):
    """Why a rule is on a lawyer's list."""

    UNCONFIRMED = "unconfirmed", _("To be confirmed by a lawyer")
    STALE = "stale", _("Confirmed long ago")
    ANNOUNCED = "announced", _("About to change")


def place(code: str) -> str:
    """The country of a rule in words; groups of countries have names of their own."""
    return str(PLACES[code]) if code in PLACES else countries.name(code)


@dataclass(frozen=True)
class VersionInWords:
    """One version in words. `left`: what is left of it (None: replaced altogether)."""

    version: Version
    left: Version | None
    today: date

    @property
    def ref(self) -> str:
        """What names it for good."""
        return self.version.ref

    @property
    def first(self) -> date | None:
        """Its first day, counted in."""
        return self.version.valid_from

    @property
    def last(self) -> date | None:
        """The last day that is left to it, counted in."""
        return (self.left or self.version).valid_to

    @property
    def in_force(self) -> bool:
        """Whether it counts today."""
        return self.left is not None and covers(self.left, self.today)

    @property
    def announced(self) -> bool:
        """Whether its first day lies ahead."""
        return self.left is not None and self.first is not None and self.first > self.today

    @property
    def over(self) -> bool:
        """Whether its last day has passed, or it never had one."""
        return self.left is None or (self.last is not None and self.last < self.today)

    @property
    def volatile(self) -> bool:
        """Whether the row itself says that it is likely to have changed."""
        return self.version.row.get("stale_risk") == "high"

    @property
    def is_confirmed(self) -> bool:
        """Whether a lawyer has ever confirmed this version."""
        return self.version.verified_on is not None

    @property
    def stale(self) -> bool:
        """Whether its confirmation is older than STALE_AFTER_DAYS."""
        on = self.version.verified_on
        return on is not None and (self.today - on).days > STALE_AFTER_DAYS

    @property
    def check(self) -> str:
        """Who confirmed it and when, or that a lawyer has to."""
        return confirmation_in_words(self.version.verified_on, self.version.verified_by)

    @property
    def confidence(self) -> str:
        """How sure whoever wrote it was; "" where the row does not say."""
        level = self.version.row.get("confidence", "")
        return str(CONFIDENCE.get(level, level))

    @property
    def sources(self) -> Sequence[str]:
        """Where the rule stands, as it was typed."""
        row = self.version.row
        return row.get("sources") or [row["source"]]

    @cached_property
    def words(self) -> str:
        """What it says, in one line."""
        return headline(self.version)

    @cached_property
    def facts(self) -> list[tuple[str, str]]:
        """All that it says: a label and words for each."""
        return facts_of(self.version)


@dataclass(frozen=True)
class Entry:
    """One rule: the version that counts today, or else the next or the last one, and why it waits."""

    code: str
    table: RuleTable
    country: str
    told: VersionInWords
    waiting: frozenset[Waiting]

    @property
    def place(self) -> str:
        """Its country in words."""
        return place(self.country)

    @property
    def waits_for(self) -> list[str]:
        """Why it is on a lawyer's list, in words."""
        return [str(each.label) for each in Waiting if each in self.waiting]


def entries(today: date) -> list[Entry]:
    """Every rule, by table and country; those marked as likely to have changed first among equals."""
    versions = LegalRule.objects.versions()
    left = {version.ref: version for version in effective_versions(versions)}
    by_code: dict[str, list[VersionInWords]] = {}
    for version in versions:
        by_code.setdefault(version.code, []).append(VersionInWords(version, left.get(version.ref), today))
    found = [_entry(code, family) for code, family in by_code.items()]
    order = list(RuleTable)
    return sorted(found, key=lambda e: (order.index(e.table), e.place, not e.told.volatile, e.code))


def waiting(today: date) -> dict[Waiting, list[Entry]]:
    """What a lawyer has to look at, by reason; those likely to have changed first."""
    found = entries(today)
    return {
        why: sorted((e for e in found if why in e.waiting), key=lambda e: not e.told.volatile)
        for why in Waiting
    }


def family(code: str, today: date) -> list[VersionInWords]:
    """All versions of one rule, the newest first; empty if there is no such rule."""
    versions = LegalRule.objects.filter(code=code).versions()
    left = {version.ref: version for version in effective_versions(versions)}
    return [VersionInWords(version, left.get(version.ref), today) for version in versions[::-1]]


def main_version(told: Iterable[VersionInWords]) -> VersionInWords:
    """The version that counts today, or else the next one, or else the last that did."""
    newest_first = sorted(told, key=lambda each: each.version.number, reverse=True)
    for fits in (lambda t: t.in_force, lambda t: t.announced, lambda t: t.left is not None):
        for each in newest_first:
            if fits(each):
                return each
    return newest_first[0]


def _entry(code: str, versions: Sequence[VersionInWords]) -> Entry:
    told = main_version(versions)
    row = told.version.row
    return Entry(code, RuleTable(told.version.table), row.get("country") or code, told, _waiting(versions))


def _waiting(versions: Sequence[VersionInWords]) -> frozenset[Waiting]:
    """A version that is over waits for nobody; an announced one is news until its day."""
    alive = [told for told in versions if not told.over]
    why = set()
    if any(not told.is_confirmed for told in alive):
        why.add(Waiting.UNCONFIRMED)
    if any(told.stale for told in alive):
        why.add(Waiting.STALE)
    if any(told.announced or (told.last is not None and told.in_force) for told in alive):
        why.add(Waiting.ANNOUNCED)
    return frozenset(why)


def fed_deadlines(user: User, code: str) -> int:
    """How many open dates that `user` may see rest on a version of this rule."""
    rule = LegalRule.objects.filter(code=code).order_by("-version").first()
    if rule is None:
        return 0
    rows = Deadline.objects.open().of(Case.objects.visible_to(user))
    concerned = countries_of(rule)
    if concerned is not None:
        rows = rows.filter(country__in=concerned)
    refs = (ref for (ref,) in read_columns(rows, "rule"))
    return sum(isinstance(ref, str) and ref.partition("@")[0] == code for ref in refs)


def confirmation_ends(on: date) -> date:
    """The last day on which a confirmation of `on` is not asked for again."""
    return on + timedelta(days=STALE_AFTER_DAYS)
