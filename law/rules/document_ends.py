"""When a document ends that nobody typed an end for, by the rules of documents. Pure."""

from dataclasses import dataclass
from datetime import date

from law.rules.document import travel_passport_valid_until, valid_until
from law.rules.residence import INTERNAL_PASSPORT
from law.rules.values import BadValue
from law.rules.versions import DocumentRules

TRAVEL_PASSPORT_YEARS = {"travel_passport_5": 5, "travel_passport_10": 10}
ISSUER = "RU"
"""The country whose passports the rules speak of."""


@dataclass(frozen=True, slots=True)
class DerivedEnd:
    """The last valid day by rule `ref`; `day` None and `endless`: the rule sets no end."""

    ref: str = ""
    day: date | None = None
    endless: bool = False


NOT_DERIVED = DerivedEnd()


def derived_end(
    kind: str, *, issued_by: str, issued: date | None, born: date | None, rules: DocumentRules
) -> DerivedEnd:
    """The end that follows from the issue and, for an internal passport, from the birth.

    NOT_DERIVED where a date is missing, the dates contradict each other, or no rule speaks of such a paper.
    """
    if issued is None or issued_by != ISSUER:
        return NOT_DERIVED
    try:
        if kind == INTERNAL_PASSPORT and born is not None and rules.internal_passport is not None:
            day = valid_until(born, issued, rules.internal_passport)
            return DerivedEnd(rules.internal_passport_ref, day, endless=day is None)
        years = TRAVEL_PASSPORT_YEARS.get(kind)
        if years is not None:
            day = travel_passport_valid_until(issued, years, rules.travel_passport_terms)
            return DerivedEnd(rules.travel_passport_ref, day)
    except BadValue:
        return NOT_DERIVED
    return NOT_DERIVED
