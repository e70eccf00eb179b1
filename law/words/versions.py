"""What a version of a rule says, in words: one line for lists, and a label and words for every part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from law import countries
from law.rules.versions import Table, Version
from law.rules.wire import read_limit
from law.stages import Basis, Stage, Tag
from law.words.remarks import remark
from law.words.rules import RISK, limit_in_words
from law.words.terms import ROLL_UNKNOWN, event, length, what

Facts = Iterable[tuple[str, str]]


def headline(version: Version) -> str:
    """The rule in one line: what it is about and its number."""
    row = version.row
    if version.table == Table.STAY:
        return f"{_basis(row['basis'])}: {limit_in_words(read_limit(row['rule']))}"
    if version.table == Table.PROCEDURE:
        return f"{what(row['deadline'])}: {length(row['amount'], row['unit'])}"
    if version.table == Table.DOCUMENT:
        return _document(row)
    return ngettext("%(n)d country", "%(n)d countries", len(row["members"])) % {"n": len(row["members"])}


def facts_of(version: Version) -> list[tuple[str, str]]:
    """Label and words for every part of the rule; parts that say nothing are left out."""
    tellers: dict[str, Callable[[Mapping[str, Any]], Facts]] = {
        Table.STAY: _stay,
        Table.PROCEDURE: _procedure,
        Table.DOCUMENT: lambda row: [(_("What it says"), _document(row))],
        Table.GROUP: lambda row: [(_("Members"), _names(row["members"]))],
    }
    found = [*tellers[version.table](version.row), *_notes(version.row)]
    return [(label, words) for label, words in found if words]


def _stay(row: Mapping[str, Any]) -> Facts:
    yield _("Legal basis"), _basis(row["basis"])
    yield _("What it says"), limit_in_words(read_limit(row["rule"]))
    if row.get("conservative_rule"):
        yield _("Stricter reading"), limit_in_words(read_limit(row["conservative_rule"]))
    counted = [_basis(code) for code in row["counted_bases"]]
    nothing = _("none: each such stay is lawful until its own end")
    yield _("Stays that count"), "; ".join(counted) or nothing
    yield _("Internal passport is enough"), _yes_no(row.get("internal_passport"))
    if row.get("visa_required"):
        yield _("Visa"), _("A visa is needed.")
    if row.get("members"):
        yield _("Members"), _names(row["members"])
    yield _("Danger"), str(RISK.get(row.get("risk") or "", ""))
    for duty in row.get("obligations") or ():
        term = _("%(length)s, counted from %(event)s") % {
            "length": length(duty["amount"], duty["unit"]),
            "event": event(duty["from_event"]),
        }
        yield _("Duty after arrival"), f"{what(duty['code'])}: {term} ({duty['source']})"
    for way in row.get("extension") or ():
        yield _("How to stay longer"), remark(way)


def _procedure(row: Mapping[str, Any]) -> Facts:
    yield _("What has to be done"), what(row["deadline"])
    yield _("Whose term"), _("of the authority") if row["who"] == "authority" else _("of the person")
    yield _("How long"), length(row["amount"], row["unit"])
    yield _("Counted from"), _starts(row)
    yield _("Runs in"), _where(row)
    yield _("Only for"), "; ".join(str(Tag(tag).label) for tag in row["applies_to"] if tag in Tag.values)
    yield (
        _("Last day on a weekend or holiday"),
        {
            True: _("moves to the next working day"),
            False: _("stays where it is"),
        }.get(row["roll"], str(ROLL_UNKNOWN)),
    )
    yield _("Holidays of"), _("the member state") if row["country"] == "EU" else _country(row["holidays"])
    if row.get("suspends"):
        yield _("Stops the clock of"), ", ".join(row["suspends"]["deadlines"])
    if row.get("suspensive") is not None:
        yield _("Stops a removal"), _yes_no(row["suspensive"])
    yield _("If it is missed"), remark(row.get("consequence") or "")
    yield _("How it is counted"), remark(row.get("counting_note") or "")


def _starts(row: Mapping[str, Any]) -> str:
    events = [event(code) for code in row["from_events"]]
    if row["pick"]:
        which = (
            _("the earliest of: %(events)s") if row["pick"] == "earliest" else _("the latest of: %(events)s")
        )
        words = which % {"events": "; ".join(events)}
    else:
        words = events[0]
    if row["event_after"]:
        words += " " + _("(only after %(day)s)") % {"day": row["event_after"]}
    return words


def _where(row: Mapping[str, Any]) -> str:
    trigger = {
        "stay": _("every stay in the country"),
        "application": _("an application"),
        "appeal": _("an appeal"),
    }[row["trigger"]]
    stage = row["stage"]
    return f"{trigger}: {Stage(stage).label}" if stage in Stage.values else trigger


def _document(row: Mapping[str, Any]) -> str:
    if row["document"] == "internal_passport":
        ages = ", ".join(str(age) for age in sorted(row["replaced_at_ages"]))
        days = ngettext("%(n)d day", "%(n)d days", row["grace_days"]) % {"n": row["grace_days"]}
        return _("Internal passport: to be replaced at the age of %(ages)s, and valid for %(days)s more.") % {
            "ages": ages,
            "days": days,
        }
    years = ", ".join(str(term) for term in sorted(row["terms_years"]))
    return _("Foreign travel passport: issued for %(years)s years.") % {"years": years}


def _notes(row: Mapping[str, Any]) -> Facts:
    yield _("Remark"), remark(row.get("note") or "")
    if row.get("stale_risk") == "high":
        yield _("Warning"), _("Likely to have changed since it was written down.")
    if row.get("source_seen") is False:
        yield _("Warning"), _("Nobody has seen the text of the source yet.")


def _basis(code: str) -> str:
    return str(Basis(code).label) if code in Basis.values else code


def _names(codes: Iterable[str]) -> str:
    return ", ".join(sorted(countries.name(code) for code in codes))


def _country(code: str | None) -> str:
    return countries.name(code) if code else _("no country: weekends only")


def _yes_no(value: bool | None) -> str:
    return {True: pgettext("answer", "yes"), False: pgettext("answer", "no")}.get(value, _("not known"))  # type: ignore[arg-type]
