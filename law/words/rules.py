"""Rules of stay in words: the numbers as a sentence, where they stand, and who has confirmed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from law.rules.reference import StayRow
from law.rules.residence import ref_of
from law.rules.stay import CalendarYear, Limit, Part, PerEntry, Rolling, Unlimited, UntilDocument, parts_of
from law.words.remarks import remark
from law.words.terms import confirmation_in_words

CONFIDENCE: dict[str, Any] = {
    "high": pgettext_lazy("confidence", "high"),
    "medium": pgettext_lazy("confidence", "medium"),
    "low": pgettext_lazy("confidence", "low"),
}
RISK: dict[str, Any] = {
    "forbidden": _("Danger: never recommend this country."),
    "high": _("High danger in this country for people who are wanted at home."),
    "elevated": _("Some danger in this country for people who are wanted at home."),
}


@dataclass(frozen=True)
class RuleCard:
    """A version of a rule as people read it; `sources` and `note` are shown as they were typed."""

    ref: str
    words: str
    stricter: str
    sources: tuple[str, ...]
    confidence: str
    check: str
    is_confirmed: bool
    note: str
    code: str


def card(row: StayRow) -> RuleCard:
    """The row with its numbers in words."""
    return RuleCard(
        ref=ref_of(row),
        words=limit_in_words(row.rule.limit),
        stricter=limit_in_words(row.conservative_rule.limit) if row.conservative_rule else "",
        sources=row.check.sources,
        confidence=str(CONFIDENCE.get(row.check.confidence, row.check.confidence)),
        check=confirmation_in_words(row.check.verified_on, row.check.verified_by),
        is_confirmed=row.check.verified_on is not None,
        note=remark(str(row.raw.get("note") or "")),
        code=row.id,
    )


def check_in_words(row: StayRow) -> str:
    """Who confirmed the row, or that a lawyer has to: to stand beside a sentence of its own."""
    return confirmation_in_words(row.check.verified_on, row.check.verified_by)


def limit_in_words(limit: Limit) -> str:
    """The numbers of a rule as sentences; where several must hold, each has its own."""
    return " ".join(_part(part) for part in sorted(parts_of(limit), key=repr))


def risk(row: StayRow | None) -> str:
    """The warning about a country, "" where its row gives none."""
    level = None if row is None else row.raw.get("risk")
    return str(RISK[level]) if level in RISK else ""


def _part(part: Part) -> str:
    if isinstance(part, PerEntry):
        return ngettext(
            "At most %(n)d day from each entry; the day of entry is the first.",
            "At most %(n)d days from each entry; the day of entry is the first.",
            part.days,
        ) % {"n": part.days}
    if isinstance(part, Rolling):
        window = ngettext("any %(n)d day", "any %(n)d days in a row", part.window_days)
        return ngettext(
            "At most %(n)d day within %(window)s; the days of entry and exit both count.",
            "At most %(n)d days within %(window)s; the days of entry and exit both count.",
            part.days,
        ) % {"n": part.days, "window": window % {"n": part.window_days}}
    if isinstance(part, CalendarYear):
        return ngettext(
            "At most %(n)d day in each calendar year; the days of entry and exit both count.",
            "At most %(n)d days in each calendar year; the days of entry and exit both count.",
            part.days,
        ) % {"n": part.days}
    if isinstance(part, UntilDocument):
        return gettext("Lawful until the paper it rests on ends, that day included.")
    if isinstance(part, Unlimited):
        return gettext("No limit of days.")
    return gettext("No number of days is known.")
