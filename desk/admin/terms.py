"""What runs in a file, beside its form: terms with their rules, open questions, blockers. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.models.blocker import Blocker, OpenBlockers, state
from cases.models.consent import ConsentStatus, consent_statuses
from cases.models.facts import read_facts
from cases.models.proceeding import ProceedingStage
from desk.admin.fields import day_note
from law import clocks, countries
from law.rules.articles import maximum
from law.words.terms import TO_CONFIRM, TermInWords, ask, confirmation_in_words, tell, tell_duty
from vault.show import display_value


@dataclass(frozen=True)
class Line:
    """A term in words; `note` is its weekday and distance. `reminded` False: an earlier one stands for it."""

    told: TermInWords
    note: str
    reminded: bool


@dataclass(frozen=True)
class Running:
    """What runs for one application, or since one arrival."""

    headline: str
    lines: list[Line]
    questions: list[str]


def terms_of(case: Case) -> list[Running]:
    """All that runs in the file, by application and by arrival; as many queries for any file."""
    now = timezone.now()
    facts, _damaged = read_facts(case, today=countries.today_in(case.country, now))
    names = {row.pk: row.headline for row in case.applications.all()}
    found = []
    for fact in facts.procedures:
        shown_now = clocks.clocks(fact, facts.law)
        reminded = clocks.reminded_terms(shown_now)
        today = countries.today_in(fact.country, now)
        found.append(
            Running(
                names.get(fact.id, ""),
                [_line(tell(clock), today, clock in reminded) for clock in shown_now],
                [ask(question) for question in clocks.questions(fact, facts.law)],
            )
        )
    for arrival in facts.arrivals:
        today = countries.today_in(arrival.country, now)
        asked = [_line(tell(clock), today, True) for clock in clocks.arrival_clocks(arrival, facts.law)]
        owed = [_line(tell_duty(duty), today, True) for duty in clocks.duties(arrival, facts.law)]
        found.append(Running(countries.name(arrival.country), asked + owed, []))
    return [running for running in found if running.lines or running.questions]


def _line(told: TermInWords, today: date, reminded: bool) -> Line:
    return Line(told, day_note(told.last_day, today), reminded)


@dataclass(frozen=True)
class Accusation:
    """A proceeding with the most it can bring, and who says so."""

    article: str
    term: str
    source: str
    check: str


def accusations(case: Case) -> list[Accusation]:
    """The proceedings that go on, each with its maximum term: as typed, else by the table of articles."""
    rows = [
        row for row in case.proceedings.with_keys() if display_value(row, "stage") != ProceedingStage.CLOSED
    ]
    return [_accusation(row) for row in rows]


def _accusation(row: Any) -> Accusation:
    article, part = str(display_value(row, "article") or ""), str(display_value(row, "part") or "")
    typed = display_value(row, "maximum_term")
    if typed:
        return Accusation(
            article_words(row), str(typed), str(display_value(row, "maximum_term_source") or ""), ""
        )
    known = maximum(row.country, article, part)
    if known is None:
        return Accusation(article_words(row), gettext("no maximum term is known here"), "", str(TO_CONFIRM))
    return Accusation(
        article_words(row),
        ngettext("at most %(n)d year in prison", "at most %(n)d years in prison", known.maximum_years)
        % {"n": known.maximum_years},
        known.source,
        confirmation_in_words(known.verified_on, known.verified_by),
    )


def article_words(row: Any) -> str:
    """The article of a proceeding, as it was typed."""
    part = display_value(row, "part")
    words = _("article %(article)s, part %(part)s") if part else _("article %(article)s")
    return str(words) % {"article": display_value(row, "article") or "–", "part": part}


@dataclass(frozen=True)
class Link:
    """One blocker of a chain, as shown; `key` is its id."""

    key: UUID
    what: str
    by_what: str
    remover: str


def blocker_chains(case: Case) -> list[list[Link]]:
    """The open blockers, chain by chain: what can be removed now, and what becomes possible after it."""
    found: OpenBlockers = state(case.blockers.with_keys())
    return [[_link(row) for row in chain] for chain in found.chains]


def _link(row: Any) -> Link:
    return Link(row.pk, *(str(display_value(row, name) or "") for name in ("what", "by_what", "remover")))


def blocker_in(case: Case, key: str) -> Blocker | None:
    """The blocker of `case` with the id `key`; None where there is none."""
    try:
        return case.blockers.filter(pk=UUID(key)).with_keys().first()
    except ValueError:
        return None


def freed_words(freed: Sequence[Blocker]) -> str:
    """What to say after a blocker was removed; the head of the page names those that are free now."""
    if not freed:
        return gettext("Saved. No other blocker waited for this one alone.")
    return ngettext(
        "Saved. %(n)d other blocker can be worked on now: see the top of the page.",
        "Saved. %(n)d other blockers can be worked on now: see the top of the page.",
        len(freed),
    ) % {"n": len(freed)}


def consents(case: Case) -> list[ConsentStatus]:
    """Every purpose that needs a consent, with the person's answer on the case's own day."""
    return consent_statuses(case, list(case.consents.with_keys()), case.today())
