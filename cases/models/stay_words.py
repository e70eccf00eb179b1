"""What the rules say about stays, in sentences that a caseworker can act on. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from law import countries
from law.rules.doubts import Doubt, StayDoubt
from law.rules.residence import Crossing, Notice, Residence
from law.rules.stay import PerEntry, parts_of
from law.stages import Basis

STATUS: dict[str, Any] = {
    "ok": pgettext_lazy("stay", "Lawful"),
    "other_basis": pgettext_lazy("stay", "Lawful on a paper of its own"),
    "overstay": pgettext_lazy("stay", "The last legal day has passed"),
    "inadmissible": pgettext_lazy("stay", "Already the entry was not lawful"),
    "outside": pgettext_lazy("stay", "Not there now"),
    "unlimited": pgettext_lazy("stay", "No limit of days"),
    "unknown": pgettext_lazy("stay", "No rule gives a last legal day"),
}
DOUBTS: dict[Doubt, Any] = {
    Doubt.ENTRY_IN_FUTURE: _("The entry on %(one)s lies ahead. Correct it, or leave it there as a plan."),
    Doubt.OVERLAPPING_STAYS: _(
        "The stays from %(one)s and from %(two)s overlap. Ask which stamps are right and correct the days."
    ),
    Doubt.OPEN_STAY_BEFORE_LATER_ENTRY: _(
        "The stay from %(one)s has no exit, though there is an entry on %(two)s. Type the exit: until then "
        "every day in between counts."
    ),
    Doubt.BASIS_ENDED_BEFORE_ENTRY: _(
        "The paper of the stay from %(one)s ended before the entry. Check until when it is valid."
    ),
    Doubt.BASIS_WITHOUT_END: _(
        "The stay from %(one)s does not say until when its paper is valid. Type it in “Basis valid until”."
    ),
    Doubt.COUNTED_PAST_OWN_END: _(
        "The stay from %(one)s went on after its own paper had ended. Speak with a lawyer before any "
        "crossing."
    ),
    Doubt.CAP_PASSED_UNDER_UNDETERMINED_RULE: _(
        "A paper that limits this stay has ended, and no rule says more. Type the last legal day today."
    ),
}
NOTICES: dict[Notice, Any] = {
    Notice.ENTRY_MISSING: _(
        "A stay in this country has no entry that can be counted, so it is left out. Ask for the stamp and "
        "type the day."
    ),
    Notice.OPEN_STAY_ELSEWHERE: _(
        "This stay is open, though there is a later entry into another country. Type the exit."
    ),
    Notice.NO_RULE: _(
        "The desk knows no rule for this country and basis. Type the last legal day with its source."
    ),
    Notice.NO_PAPER: _(
        "No document in the file opens this border. Add the one that was used: its end may end the stay."
    ),
    Notice.PAPER_WITHOUT_END: _(
        "A document that opens this border has no end in the file. Type it: it may end the stay earlier."
    ),
    Notice.PAPER_ENDED_BEFORE_ENTRY: _(
        "Every document in the file that opens this border had ended before the entry. Add the one that "
        "was used."
    ),
    Notice.PAPER_ENDS_FIRST: _("The document ends before the days run out. A new one may lengthen the stay."),
}
UNSURE = _(
    "Something in this file does not open, so no day is computed. The deadlines stay as they were. Tell an "
    "administrator, and type the last legal day by hand."
)
MAY_HAVE_CHANGED = _("This rule changes often or may have changed. Ask a lawyer before you rely on it.")


def day_words(day: date) -> str:
    """ "Tuesday 2026-07-21"."""
    return f"{date_format(day, 'l')} {day.isoformat()}"


def span(first: date, last: date | None) -> str:
    """Two days in words; the second is None where the stay goes on."""
    if last is None:
        return gettext("from %(first)s on") % {"first": first.isoformat()}
    return gettext("%(first)s to %(last)s") % {"first": first.isoformat(), "last": last.isoformat()}


def reasons(place: Residence) -> Iterable[str]:
    """Why the last day is that day, after the rule itself."""
    answer, here = place.explained.answer, place.here
    if here is not None:
        entry = here.as_stay().entry
        if here.basis in place.row.rule.counted_bases or place.status == "unknown":
            yield gettext("Counted from the entry on %(day)s.") % {"day": entry.isoformat()}
        elif here.basis_valid_until is not None:
            yield gettext("The stay rests on this: %(basis)s, valid until %(day)s. No days are counted.") % {
                "basis": Basis(here.basis).label,
                "day": here.basis_valid_until.isoformat(),
            }
    for window in place.explained.windows:
        yield gettext("The window reaches from %(first)s to %(last)s.") % {
            "first": window.first.isoformat(),
            "last": window.last.isoformat(),
        }
    if answer.days_used is not None and place.explained.windows:
        allowed = place.explained.windows[0].days_allowed
        yield gettext("Days used: %(used)d of %(allowed)d.") % {"used": answer.days_used, "allowed": allowed}
    if place.cap is not None:
        yield gettext("The last document that opens this border ends on %(day)s.") % {
            "day": place.cap.isoformat()
        }


def counted_stays(place: Residence) -> list[str]:
    """Each stay that the answer counts, with its days."""
    return [_one(place, each) for each in _by_entry(place.stays) if _counts(place, each)]


def not_counted(place: Residence) -> list[str]:
    """Each stay that the answer leaves out, with the reason."""
    found = []
    for each in _by_entry(place.stays):
        if _counts(place, each):
            continue
        entry = each.as_stay().entry
        if entry > place.as_of:
            why = gettext("lies ahead")
        elif each.basis not in place.row.rule.counted_bases:
            why = gettext("another basis: %(basis)s") % {"basis": Basis(each.basis).label}
        elif place.explained.windows:
            why = gettext("before the window")
        else:
            why = gettext("each entry is counted anew")
        found.append(f"{span(entry, each.exit)}: {why}")
    return found


def warnings(place: Residence) -> list[str]:
    """All doubts and notices as sentences, each once."""
    found = [_doubt(place, doubt) for doubt in place.explained.doubts]
    for notice in place.notices:
        found.append(_of_following(place) if notice == Notice.RULE_ENDS else str(NOTICES[notice]))
    if place.row.raw.get("stale_risk") == "high":
        found.append(str(MAY_HAVE_CHANGED))
    return list(dict.fromkeys(text for text in found if text))


def if_moving(place: Residence, *, leave: date | None, back: date | None) -> list[str]:
    """The answer to "what if I leave on … and come back on …", as sentences."""
    where = countries.name(place.country)
    found = []
    if back is None:
        if place.reentry is None:
            return [gettext("No day can be computed for another entry. Ask a lawyer.")]
        return [
            gettext("After leaving %(country)s on %(leave)s the first day for another entry is %(day)s.")
            % {"country": where, "leave": leave, "day": day_words(place.reentry)}
        ]
    if place.last_day is not None and place.last_day < back:
        found.append(
            gettext("An entry into %(country)s on %(day)s would not be lawful.")
            % {"country": where, "day": back.isoformat()}
        )
        if place.reentry is not None:
            found.append(
                gettext("The first day for another entry is %(day)s.") % {"day": day_words(place.reentry)}
            )
    elif place.last_day is not None:
        days = (place.last_day - back).days + 1
        found.append(
            gettext("Coming back on %(back)s the last legal day would be %(day)s.")
            % {"back": back.isoformat(), "day": day_words(place.last_day)}
        )
        found.append(
            ngettext("That is %(n)d day, both border days counted.", "That is %(n)d days, both border days "
                     "counted.", days) % {"n": days}
        )  # fmt: skip
    elif place.status == "unlimited":
        found.append(gettext("No limit of days is known for that stay."))
    else:
        found.append(gettext("No rule gives a last legal day for that stay. Ask a lawyer."))
    return found


def _by_entry(stays: Iterable[Crossing]) -> list[Crossing]:
    return sorted(stays, key=lambda each: each.as_stay().entry, reverse=True)


def _counts(place: Residence, stay: Crossing) -> bool:
    entry = stay.as_stay().entry
    if entry > place.as_of or stay.basis not in place.row.rule.counted_bases:
        return False
    if place.here is not None and stay.id == place.here.id:
        return True
    last = place.as_of if stay.exit is None else stay.exit
    return any(entry <= window.last and last >= window.first for window in place.explained.windows)


def _one(place: Residence, stay: Crossing) -> str:
    entry = stay.as_stay().entry
    last = place.as_of if stay.exit is None else min(stay.exit, place.as_of)
    days = (last - entry).days + 1
    words = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    inside = [
        max(0, (min(last, window.last) - max(entry, window.first)).days + 1)
        for window in place.explained.windows
    ]
    text = f"{span(entry, stay.exit)}: {words}"
    if inside and max(inside) < days:
        text += " " + gettext("(in the window: %(n)d)") % {"n": max(inside)}
    has_others = len(place.stays) > 1 and not place.explained.windows
    if has_others and any(isinstance(part, PerEntry) for part in parts_of(place.row.rule.limit)):
        text += " " + gettext("(this entry alone)")
    return text


def _doubt(place: Residence, doubt: StayDoubt) -> str:
    if doubt.kind == Doubt.RULE_NOT_CONFIRMED:
        return ""  # the rule says so itself, beside its source
    pair = sorted(place.stays[at].as_stay().entry for at in doubt.stays)
    days = [day.isoformat() for day in pair]
    return str(DOUBTS[doubt.kind]) % {"one": days[0] if days else "", "two": days[-1] if days else ""}


def _of_following(place: Residence) -> str:
    after = place.following
    if after is None:
        return ""
    begins = after.begins.isoformat()
    last_of_this = (after.begins - timedelta(days=1)).isoformat()
    if after.row is None or after.explained is None:
        return gettext(
            "This rule ends on %(day)s and the desk knows none that follows. Ask a lawyer what then holds."
        ) % {"day": last_of_this}
    if after.explained.reminded_day is None:
        return gettext(
            "From %(day)s another version of this rule is in force; it gives no last legal day."
        ) % {"day": begins}
    return gettext(
        "From %(day)s another version of this rule is in force. By it the last legal day is %(last)s."
    ) % {"day": begins, "last": after.explained.reminded_day.isoformat()}
