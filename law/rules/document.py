"""Ends of documents that follow from other dates. A typed date wins over a derived one.

Every `valid_until` is the last valid day, counted in. Ages and terms are data (`document_rules.json`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from law.rules.procedure import same_day
from law.rules.values import BadValue

_SEED = Path(__file__).parent.parent / "data" / "document_rules.json"


@dataclass(frozen=True, slots=True)
class InternalPassportRule:
    """A passport ends `grace_days` days after the next birthday of `replaced_at_ages` (ascending)."""

    id: str
    replaced_at_ages: tuple[int, ...]
    grace_days: int


def valid_until(date_of_birth: date, issued: date, rule: InternalPassportRule | None = None) -> date | None:
    """Last valid day of a Russian internal passport, or None if it has no end. It cannot be replaced abroad.

    `rule` None: the seeded row `ru-internal-passport` (its source and last legal check are in the row).
    BadValue if the birth is after the issue.
    """
    if date_of_birth > issued:
        raise BadValue("date_of_birth is after issued.")
    rule = rule or internal_passport_rule()
    for age in rule.replaced_at_ages:
        birthday = birthday_on(date_of_birth, age)
        if issued < birthday:
            return birthday + timedelta(days=rule.grace_days)
    return None


def travel_passport_valid_until(issued: date, years: int, allowed: Sequence[int] | None = None) -> date:
    """Last valid day of a travel passport issued for `years` years; BadValue if no passport has that term."""
    terms = _seed("ru-travel-passport")["terms_years"] if allowed is None else allowed
    if years not in terms:
        raise BadValue("A travel passport has no such term.")
    return same_day(issued, 12 * years)


def birthday_on(date_of_birth: date, age: int) -> date:
    """The day a person turns `age` years; one born on 29 February has it on the 28th in common years."""
    return same_day(date_of_birth, 12 * age)


@lru_cache(maxsize=1)
def internal_passport_rule() -> InternalPassportRule:
    """The seeded row `ru-internal-passport`."""
    row = _seed("ru-internal-passport")
    return InternalPassportRule(row["id"], tuple(sorted(row["replaced_at_ages"])), row["grace_days"])


@lru_cache(maxsize=2)
def _seed(row_id: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = json.loads(_SEED.read_text(encoding="utf-8"))["rules"]
    return next(row for row in rows if row["id"] == row_id)
