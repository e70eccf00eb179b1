"""The facts of a file for tests: what one does not name, the file does not hold."""

from datetime import date
from typing import Any

from cases.deadlines import CaseFacts, StayFact
from law.clocks import Law

NO_LAW = Law(rows=(), stay_rows=(), eu_members=frozenset())
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("stays", "documents", "applications", "tasks", "procedures", "arrivals", "home"), ()),
    "law": NO_LAW,
    "closed": False,
}


def a_file(country: str, **given: Any) -> CaseFacts:
    """A file that holds `given` and nothing else."""
    return CaseFacts(country=country, **EMPTY | given)


def a_stay(key: Any, country: str, left_on: date | None, last_legal_day: date | None) -> StayFact:
    """A stay whose last legal day a person typed."""
    return StayFact(key, country, left_on, last_legal_day, rule="", asked_on=None)
