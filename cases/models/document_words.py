"""What the rules say about documents, in sentences: their ends, the borders they open, odd numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils.translation import gettext, ngettext

from cases.models.document import IdentityDocument
from cases.models.history import value_or_none
from cases.models.identity import Identity
from cases.models.residence import OUT_OF_REACH, end_of
from cases.models.stay_words import day_words
from law import countries
from law.rules.reference import StayRow
from law.rules.residence import BORDER_PAPERS, INTERNAL_PASSPORT
from law.rules.versions import Tables, Version
from law.words.rules import CONFIDENCE, RuleCard
from law.words.terms import TO_CONFIRM, confirmation_in_words

# What a number looks like, blanks and dashes left out; written in words beside the pattern.
SHAPES: dict[tuple[str, str], tuple[re.Pattern[str], str]] = {
    ("internal_passport", "RU"): (re.compile(r"\d{10}"), "12 34 567890"),
    ("travel_passport_5", "RU"): (re.compile(r"\d{9}"), "12 3456789"),
    ("travel_passport_10", "RU"): (re.compile(r"\d{9}"), "12 3456789"),
    ("military_id", "RU"): (re.compile(r"[А-ЯЁ]{2}\d{7}"), "АБ 1234567"),
}
BLANKS = re.compile(r"[\s№–—-]+")


def odd_number(document: IdentityDocument) -> str:
    """A warning where the number does not look like one of that kind and country; "" where nothing is odd.

    Warned of, never refused: series change, and a forged number is a fact too.
    """
    number = value_or_none(document, "number")
    shape = SHAPES.get((document.kind, document.issued_by_country))
    if not number or shape is None:
        return ""
    pattern, example = shape
    if pattern.fullmatch(BLANKS.sub("", str(number)).upper()):
        return ""
    return gettext(
        "This number looks unusual for such a document: usually it is like %(example)s. Compare it."
    ) % {"example": example}


def document_card(version: Version) -> RuleCard:
    """A rule of documents with its numbers in words."""
    row = version.row
    return RuleCard(
        ref=version.ref,
        words=_rule_in_words(row),
        stricter="",
        sources=tuple(row.get("sources", ())),
        confidence=str(CONFIDENCE.get(row.get("confidence", ""), row.get("confidence", ""))),
        check=confirmation_in_words(version.verified_on, version.verified_by),
        is_confirmed=version.verified_on is not None,
        note=str(row.get("note") or ""),
        code=version.code,
    )


def _rule_in_words(row: Any) -> str:
    if "replaced_at_ages" in row:
        ages = ", ".join(str(age) for age in row["replaced_at_ages"])
        return ngettext(
            "An internal passport ends %(n)d day after the birthday at which it must be replaced (ages: "
            "%(ages)s).",
            "An internal passport ends %(n)d days after the birthday at which it must be replaced (ages: "
            "%(ages)s).",
            row["grace_days"],
        ) % {"n": row["grace_days"], "ages": ages}
    terms = ", ".join(str(years) for years in row.get("terms_years", ()))
    return gettext("A travel passport is valid for its term from the day of issue (years: %(terms)s).") % {
        "terms": terms
    }


def notes(document: IdentityDocument, identity: Identity | None, tables: Tables, *, today: date) -> list[str]:
    """What stands beside a document: its end by the rules, whether it opens borders, an odd number."""
    end = _end(document, identity, tables, today=today)
    found = [odd_number(document), *end, _borders(document, tables, today)]
    return [text for text in found if text]


def _end(
    document: IdentityDocument, identity: Identity | None, tables: Tables, *, today: date
) -> Iterable[str]:
    derived = end_of(document, identity, tables.document_rules(today))
    if derived.endless:
        yield gettext("By the rule %(ref)s it has no end.") % {"ref": _check_in_words(derived.ref, tables)}
        return
    if derived.day is None:
        if document.kind == INTERNAL_PASSPORT and not document.has_value("valid_until"):
            yield gettext("Type the day of issue and the date of birth: the desk then counts its end.")
        return
    typed = value_or_none(document, "valid_until")
    said = {"day": day_words(derived.day), "ref": _check_in_words(derived.ref, tables)}
    if typed is None:
        yield gettext("By the rule it is valid until %(day)s (%(ref)s).") % said
    elif typed != derived.day:
        yield gettext("The typed day goes first; by the rule it would be %(day)s (%(ref)s).") % said


def _check_in_words(ref: str, tables: Tables) -> str:
    version = next((each for each in tables.others if each.ref == ref), None)
    if version is None:
        return ref
    sources = "; ".join(version.row.get("sources", ()))
    return f"{ref}, {confirmation_in_words(version.verified_on, version.verified_by)}; {sources}"


def _borders(document: IdentityDocument, tables: Tables, today: date) -> str:
    if document.kind not in BORDER_PAPERS and document.kind != INTERNAL_PASSPORT:
        return ""
    if not document.in_force or document.custody in OUT_OF_REACH or document.authenticity == "forged":
        return gettext("It opens no border as it is now, and no stay is counted by it (%(check)s).") % {
            "check": TO_CONFIRM
        }
    if document.kind != INTERNAL_PASSPORT:
        return ""
    where = sorted(countries.name(row.country) for row in tables.stays if _takes(row, today))
    return gettext("By the rules of stay it opens these borders: %(countries)s (%(check)s).") % {
        "countries": ", ".join(where) or "–",
        "check": TO_CONFIRM,
    }


def _takes(row: StayRow, today: date) -> bool:
    in_force = (row.valid_from is None or row.valid_from <= today) and (
        row.valid_to is None or today <= row.valid_to
    )
    return in_force and row.raw.get("internal_passport") is True
