"""Why a date is that date: the facts in the file, the rule with its source, who confirmed it, and the day.

Counted live by the version of the rule that the date was stored with; what has changed since is said.
EXPLAINED names who explains which kind of date; terms of procedures are told by `provenance.explain_term`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Deadline, DeadlineKind, IdentityDocument
from cases.models.document_words import document_card
from cases.models.identity import Identity
from cases.models.residence import end_is_damaged, end_of
from cases.models.stay_words import UNSURE, counted_stays, day_words, not_counted, reasons, warnings
from desk import stay_page
from law import countries
from law.models.legal_rule import LegalRule
from law.rules.explain import explain as explain_row
from law.rules.reference import StayRow
from law.rules.residence import NO_ROW, Residence
from law.rules.versions import Tables, Version, tables_of
from law.stages import Basis
from law.words.rules import RuleCard, card
from vault.show import display_value

Fact = tuple[str, str]
FACTS_CHANGED = _(
    "The facts have changed since this date was set. Counted today by the same version it is %(day)s."
)


@dataclass(frozen=True)
class Explanation:
    """The chain of one date: `facts` (label, value), the rule, how it counts, the day, what changed."""

    facts: tuple[Fact, ...]
    rule: RuleCard | None = None
    steps: tuple[str, ...] = ()
    result: str = ""
    notes: tuple[str, ...] = ()


def explain(row: Deadline, *, today: date) -> Explanation | None:
    """The chain of `row` on `today`, the date where it counts; None for a kind that no rule explains."""
    explained = EXPLAINED.get(row.kind)
    return None if explained is None else explained(row, today)


def stored_version(ref: str) -> Tables | None:
    """The tables that one version makes alone, also one that no longer stands; None for an unknown ref."""
    found = next((each for each in LegalRule.objects.versions() if each.ref == ref), None)
    return None if found is None else tables_of([_alone(found)])


def _alone(version: Version) -> Version:
    return replace(version, replaces=None, corrects=False)


def fact_key(row: Deadline) -> UUID | None:
    """The id of the fact that the date was counted from; None where its name does not open."""
    parts = str(display_value(row, "source")).split(":")
    try:
        return UUID(parts[1])
    except (IndexError, ValueError):
        return None


# Stays


def _of_stay(row: Deadline, today: date) -> Explanation:
    found, stays = stay_page.read(row.case, today=today)
    stay = stays.get(fact_key(row))
    if stay is None:
        return _fact_is_gone()
    facts: list[Fact] = [
        (gettext("Country"), countries.name(stay.country)),
        (gettext("Entry"), _shown_day(display_value(stay, "entered_on"))),
        (gettext("Exit"), _shown_day(display_value(stay, "left_on"))),
        (gettext("Legal basis"), str(Basis(stay.basis).label)),
    ]
    if stay.has_value("basis_valid_until"):
        facts.append((gettext("Basis valid until"), _shown_day(display_value(stay, "basis_valid_until"))))
    if stay.has_value("last_legal_day"):
        by = stay.last_legal_day_by.username if stay.last_legal_day_by else "–"
        facts.append((gettext("Typed by hand"), _shown_day(display_value(stay, "last_legal_day"))))
        facts.append((gettext("Typed by"), by))
        facts.append((gettext("Source"), str(display_value(stay, "last_legal_day_source") or "–")))
    if found.unsure:
        return Explanation(tuple(facts), result=_day_in_words(row), notes=(str(UNSURE),))
    place = found.of(stay.pk)
    if place is None:
        return Explanation(tuple(facts), result=_day_in_words(row), notes=tuple(_typed_note(row, stay, None)))
    facts += [(gettext("Counted"), text) for text in counted_stays(place)]
    facts += [(gettext("Not counted"), text) for text in not_counted(place)]
    version = _stay_version(row, place)
    notes = [*_typed_note(row, stay, place), *_changes(row, place, version), *warnings(place)]
    return Explanation(
        tuple(facts),
        rule=None if version is None else card(version),
        steps=tuple(reasons(place)),
        result=_day_in_words(row),
        notes=tuple(dict.fromkeys(notes)),
    )


def _stay_version(row: Deadline, place: Residence) -> StayRow | None:
    """The row the date was stored with, also an old one; for a typed day the one in force, to compare."""
    if row.rule:
        tables = stored_version(str(row.rule))
        return tables.stays[0] if tables and tables.stays else None
    return None if place.row is NO_ROW else place.row


def _typed_note(row: Deadline, stay: Any, place: Residence | None) -> list[str]:
    if not stay.has_value("last_legal_day"):
        return []
    notes = [gettext("A person typed this day; it goes before what the rules say.")]
    if place is not None and place.last_day is not None:
        notes.append(gettext("The rules give %(day)s.") % {"day": day_words(place.last_day)})
    return notes


def _changes(row: Deadline, place: Residence, version: StayRow | None) -> list[str]:
    """What is no longer as it was when the date was stored: the facts, or the rule."""
    if not row.rule or not row.opens():
        return []
    if version is None:
        return [gettext("The version of the rule that gave this day is no longer known.")]
    stays = [each.as_stay() for each in place.stays]
    caps = () if place.cap is None else (place.cap,)
    by_it = explain_row(version, stays, as_of=place.as_of, caps=caps).reminded_day
    return changed_since(row, now=place.last_day, now_ref=place.ref, by_stored=by_it)


def changed_since(row: Deadline, *, now: date | None, now_ref: str, by_stored: date | None) -> list[str]:
    """What to say of a date that is another one today, by its stored version or by the one in force."""
    notes = []
    day_now = "–" if now is None else day_words(now)
    if now_ref != row.rule and now_ref:
        notes.append(
            gettext("Another version of the rule is in force now: %(ref)s. By it the day is %(day)s.")
            % {"ref": now_ref, "day": day_now}
        )
        if by_stored is not None and by_stored != row.due_on:
            notes.append(str(FACTS_CHANGED) % {"day": day_words(by_stored)})
    elif now != row.due_on:
        notes.append(str(FACTS_CHANGED) % {"day": day_now})
    return notes


# Documents


def _of_document(row: Deadline, today: date) -> Explanation:
    document = IdentityDocument.objects.filter(case=row.case, pk=fact_key(row) or row.pk).with_keys().first()
    if document is None:
        return _fact_is_gone()
    document.case = row.case
    identity = Identity.objects.filter(case=row.case).with_keys().first()
    rules = LegalRule.objects.document_rules(today)
    facts: list[Fact] = [
        (gettext("Document"), str(document.get_kind_display())),
        (gettext("Issued by"), countries.name(document.issued_by_country)),
        (gettext("Date of issue"), _shown_day(display_value(document, "issued_on"))),
    ]
    if document.has_value("valid_until"):
        facts.append((gettext("Typed by hand"), _shown_day(display_value(document, "valid_until"))))
    derived = end_of(document, identity, rules)
    ref = str(row.rule or "") or derived.ref
    stored = stored_version(ref) if ref else None
    notes: list[str] = []
    if end_is_damaged(document, identity):
        notes.append(str(UNSURE))
    elif document.has_value("valid_until"):
        notes.append(gettext("A person typed this day; it goes before what the rules say."))
        if derived.day is not None:
            notes.append(gettext("The rules give %(day)s.") % {"day": day_words(derived.day)})
    elif row.rule and row.opens():
        by_it = None if stored is None else end_of(document, identity, stored.document_rules()).day
        notes += changed_since(row, now=derived.day, now_ref=derived.ref, by_stored=by_it)
    return Explanation(
        tuple(facts),
        rule=None if stored is None else document_card(stored.others[0]),
        result=_day_in_words(row),
        notes=tuple(notes),
    )


def _fact_is_gone() -> Explanation:
    return Explanation((), notes=(gettext("The fact it was counted from is no longer in the file."),))


def _day_in_words(row: Deadline) -> str:
    return day_words(row.due_on) if row.opens() else ""


def _shown_day(value: Any) -> str:
    return day_words(value) if isinstance(value, date) else str(value or "–")


EXPLAINED: dict[str, Callable[[Deadline, date], Explanation]] = {
    DeadlineKind.STAY_END: _of_stay,
    DeadlineKind.STAY_QUESTION: _of_stay,
    DeadlineKind.DOCUMENT_END: _of_document,
}
