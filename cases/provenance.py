"""Why a date stands on the board: the fact in the file that it was counted from, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.text import Truncator
from django.utils.translation import gettext

from cases.deadlines import COUNTED, Kind
from cases.models import (
    Appeal,
    Application,
    Consent,
    Deadline,
    Hearing,
    IdentityDocument,
    Purpose,
    Stay,
    Task,
    WantedCheck,
    WantedFinding,
)
from cases.models.facts import read_facts
from law import countries, current
from law.clocks import arrival_clocks, clocks, duties
from law.words.terms import TO_CONFIRM, TermInWords, confirmation_in_words, tell, tell_duty, what
from vault.show import UNREADABLE, display_value

LONGEST = 140
# Which table a source ("stay:<uuid>") names, and the part of the case page that shows it.
TABLES: dict[str, tuple[Any, str]] = {
    "stay": (Stay, "stays-group"),
    "document": (IdentityDocument, "documents-group"),
    "application": (Application, "applications-group"),
    "task": (Task, "tasks-group"),
    "appeal": (Appeal, "appeals-group"),
    "hearing": (Hearing, "hearings-group"),
    "wanted": (WantedCheck, "wanted_checks-group"),
    "consent": (Consent, "consents-group"),
}
PARENTS = {"appeal": ("application",), "hearing": ("proceeding",)}
# What tells several terms of one fact apart stands behind its id: a typed day, or the code of a rule.
TYPED = "t-"


@dataclass(frozen=True)
class Origin:
    """Where a date comes from, in words, and the part of the case page to look at ("" if unknown)."""

    text: str
    anchor: str = ""


def origins(rows: Iterable[Deadline]) -> dict[UUID, Origin]:
    """The origin of each deadline: two queries for each kind of fact at most, however many rows."""
    rows = list(rows)
    named = {row.pk: _source(row) for row in rows}
    facts: dict[tuple[str, UUID], Any] = {}
    for table, (model, _anchor) in TABLES.items():
        keys = {key for name, key, _term in named.values() if name == table}
        if keys:
            found = model.objects.filter(pk__in=keys).select_related(*PARENTS.get(table, ())).with_keys()
            facts |= {(table, fact.pk): fact for fact in found}
    return {row.pk: _origin(row, *named[row.pk], facts) for row in rows}


def _source(row: Deadline) -> tuple[str, UUID | None, str]:
    """The table, the row and the term that a source names ("application:<uuid>:kz-05")."""
    table, key, term, *_day = [*str(display_value(row, "source")).split(":"), "", ""]
    try:
        return table, UUID(key), term
    except ValueError:
        return table, None, term


def counted_day(row: Deadline) -> date | None:
    """The last day of the term it is about; of a question, the day that was over. None: unknown."""
    if row.kind != Kind.TERM_PASSED:
        return row.due_on if row.opens() else None
    try:
        return date.fromisoformat(str(display_value(row, "source")).rpartition(":")[2])
    except ValueError:
        return None


def _origin(
    row: Deadline, table: str, key: UUID | None, term: str, facts: dict[tuple[str, UUID], Any]
) -> Origin:
    if table not in TABLES:
        return Origin(str(UNREADABLE))
    fact = facts.get((table, key)) if key else None
    anchor = TABLES[table][1]
    if fact is None or fact.case_id != row.case_id:
        return Origin(gettext("The fact it was counted from is no longer in the file."), anchor)
    # A term of an arrival is counted from the entry; who typed the last legal day has no part in it.
    words = _arrival(fact) if term and table == "stay" else _WORDS[table](fact)
    if term:
        words = f"{words}: {_of_term(term, display_value(row, 'rule'))}"
    if row.kind == Kind.TERM_PASSED:
        words = gettext("Its last day was %(day)s. %(term)s") % {"day": counted_day(row), "term": words}
    return Origin(Truncator(words).chars(LONGEST), anchor)


def _of_term(term: str, rule: Any) -> str:
    """What a term is for, and by which rule; every one without a lawyer's word says so."""
    if term.startswith(TYPED):
        return gettext("Typed from the decision's own page")
    rows = current.by_id()
    if term in rows:
        check = confirmation_in_words(rows[term].check.verified_on, rows[term].check.verified_by)
        return f"{what(rows[term].deadline)} ({rule or term}, {check})"
    return f"{what(term)} ({rule}, {TO_CONFIRM})"


def is_counted(row: Deadline) -> bool:
    """Whether the date is a term of a procedure or a duty, which explain_term() explains."""
    return row.kind in COUNTED or row.kind == Kind.TERM_PASSED


def explain_term(row: Deadline) -> TermInWords | None:
    """How the rules count this date today, from the facts in the file; None where they no longer do."""
    table, key, term = _source(row)
    if not is_counted(row) or key is None:
        return None
    facts, _damaged = read_facts(row.case, today=row.today())
    found: list[TermInWords] = []
    for procedure in facts.procedures:
        if table == "application" and procedure.id == key:
            found += [tell(clock) for clock in clocks(procedure, facts.law) if clock.name == term]
    for arrival in facts.arrivals:
        if table == "stay" and arrival.id == key:
            found += [tell(clock) for clock in arrival_clocks(arrival, facts.law) if clock.name == term]
            found += [tell_duty(duty) for duty in duties(arrival, facts.law) if duty.code == term]
    return found[0] if found else None


def _arrival(stay: Stay) -> str:
    where = countries.name(stay.country)
    since = _day(display_value(stay, "entered_on"))
    if not since:
        return gettext("Stay in %(country)s") % {"country": where}
    return gettext("Stay in %(country)s since %(day)s") % {"country": where, "day": since}


def _of_stay(stay: Stay) -> str:
    words, source = _arrival(stay), display_value(stay, "last_legal_day_source")
    return f"{words}: {source}" if source else words


def _of_document(document: IdentityDocument) -> str:
    return gettext("%(document)s, last day it is valid") % {"document": document.get_kind_display()}


def _of_application(application: Application) -> str:
    return application.headline


def _of_task(task: Task) -> str:
    return str(display_value(task, "text"))


def _of_appeal(appeal: Appeal) -> str:
    return gettext("Appeal. %(application)s") % {"application": appeal.application.headline}


def _of_hearing(hearing: Hearing) -> str:
    article = display_value(hearing.proceeding, "article")
    return gettext("Proceeding at home, article %(article)s") % {"article": article or "–"}


def _of_wanted(check: WantedCheck) -> str:
    return f"{check.get_wanted_list_display()}: {_finding(check)}"


def _of_consent(consent: Consent) -> str:
    purpose = display_value(consent, "purpose")
    label = Purpose(purpose).label if purpose in Purpose.values else str(purpose or "–")
    return gettext("The person agreed: %(purpose)s") % {"purpose": label}


def _finding(check: WantedCheck) -> str:
    found = display_value(check, "finding")
    return str(WantedFinding(found).label) if found in WantedFinding.values else str(found or "–")


def _day(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


_WORDS: dict[str, Any] = {
    "stay": _of_stay,
    "document": _of_document,
    "application": _of_application,
    "task": _of_task,
    "appeal": _of_appeal,
    "hearing": _of_hearing,
    "wanted": _of_wanted,
    "consent": _of_consent,
}
