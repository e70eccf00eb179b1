"""Terms in words: what has to be done, how long there is, from when, and who says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from law.clocks import WHICH_PAGE, WHICH_TAGS, Clock, DutyClock, Question, Term
from law.stages import Tag

# What a term is called, as a kind of deadline too (`cases.models.deadline`).
TERMS: dict[Term, Any] = {
    Term.APPLY: _("Last day to ask for asylum"),
    Term.APPEAL: _("Window of appeal closes"),
    Term.STEP: _("Step in the procedure"),
    Term.AUTHORITY: _("The authority must act by this day"),
}
DUTY = _("Duty after arrival")
# Codes of the rows; one that a lawyer added since is shown as it was typed.
WHAT: dict[str, Any] = {
    "apply_for_refugee_status": _("ask for refugee status"),
    "declare_asylum_after_irregular_entry": _("declare oneself after an irregular entry"),
    "apply_to_avoid_accelerated": _("apply, to avoid the accelerated procedure"),
    "file_asylum_one_year": _("file the asylum claim within one year"),
    "claim_within_one_year": _("make the claim within one year"),
    "claim_within": _("make the claim"),
    "fingerprinting": _("give fingerprints"),
    "asylum_certificate_valid": _("the asylum-seeker certificate ends"),
    "authority_decision_due": _("the authority decides"),
    "authority_admissibility_decision": _("the authority decides on admissibility"),
    "take_charge_request_due": _("the authority asks the other state to take charge"),
    "transfer_decision_due": _("the authority decides on the transfer"),
    "transfer_deadline": _("the transfer is carried out"),
    "appeal": _("appeal"),
    "appeal_refusal": _("appeal against the refusal"),
    "appeal_court": _("appeal to the court"),
    "appeal_and_urgent_motion": _("appeal and urgent motion"),
    "appeal_transfer": _("appeal against the transfer"),
    "appeal_cnda": _("appeal to the CNDA"),
    "appeal_administrative_court": _("appeal to the administrative court"),
    "appeal_une": _("appeal to UNE"),
    "appeal_bia": _("appeal to the BIA"),
    "cassation_conseil_etat": _("cassation before the Conseil d'État"),
    "petition_for_review": _("petition for review"),
    "rad_notice": _("notice of appeal to the RAD"),
    "rad_perfect": _("perfect the appeal to the RAD"),
    "judicial_review_leave": _("ask for leave for judicial review"),
    "statement_of_reasons": _("hand in the reasons for the appeal"),
    "supplement_appeal": _("supplement the appeal"),
    "request_legal_aid": _("ask for legal aid"),
    "submit_ofpra_form": _("send the form to OFPRA"),
    "basis_of_claim_form": _("hand in the Basis of Claim form"),
    # duties after arrival
    "host_notification": _("the host reports the stay"),
    "white_card": _("register the address (white card)"),
    "registration": _("register the stay"),
}
EVENTS: dict[str, Any] = {
    "stay_entered": _("the entry"),
    "first_entry": _("the first entry"),
    "irregular_entry": _("the entry outside a border post"),
    "irregular_land_entry": _("the entry over the land border"),
    "host_arrived": _("the arrival at this address"),
    "risk_known": _("the day the danger at home became known"),
    "application_lodged": _("the lodging of the application"),
    "application_registered": _("the registration of the application"),
    "certificate_issued": _("the issue of the certificate"),
    "certificate_received": _("the receipt of the certificate"),
    "claim_referred": _("the referral of the claim"),
    "responsibility_accepted": _("the acceptance of responsibility by the other state"),
    "transfer_decision_served": _("the service of the transfer decision"),
    "decision_made": _("the decision itself"),
    "decision_mailed": _("the mailing of the decision"),
    "decision_served": _("the service of the decision"),
    "reasons_served": _("the service of the reasons"),
    "appeal_filed": _("the filing of the appeal"),
    "appeal_decided": _("the decision on the appeal"),
    "appeal_served": _("the service of the decision on the appeal"),
    "legal_aid_requested": _("the request for legal aid"),
}
TO_CONFIRM = _("to be confirmed by a lawyer")
ROLL_UNKNOWN = _("Whether a last day on a weekend or holiday moves is not known: here it does not move.")


@dataclass(frozen=True)
class TermInWords:
    """A term as people read it. `warnings` are sentences; `source` says where the rule stands."""

    title: str
    what: str
    why: str
    last_day: date
    source: str
    check: str
    rule: str
    warnings: tuple[str, ...] = ()
    typed: bool = False
    authority: bool = False

    @property
    def code(self) -> str:
        """The short name of the rule, which its page has in its address; "" for a typed day."""
        return self.rule.partition("@")[0]


def length(amount: int, unit: str) -> str:
    """ "3 months", in the reader's language."""
    words = {
        "calendar_days": lambda: ngettext("%(n)d calendar day", "%(n)d calendar days", amount),
        "working_days": lambda: ngettext("%(n)d working day", "%(n)d working days", amount),
        "weeks": lambda: ngettext("%(n)d week", "%(n)d weeks", amount),
        "months": lambda: ngettext("%(n)d month", "%(n)d months", amount),
        "years": lambda: ngettext("%(n)d year", "%(n)d years", amount),
        "hours": lambda: ngettext("%(n)d hour", "%(n)d hours", amount),
    }
    return words[unit]() % {"n": amount}


def what(code: str) -> str:
    """What a row's deadline is for."""
    return str(WHAT.get(code) or code.replace("_", " "))


def event(code: str) -> str:
    """What starts a term."""
    return str(EVENTS.get(code) or code.replace("_", " "))


def confirmation_in_words(verified_on: date | str | None, verified_by: str | None) -> str:
    """Who confirmed a rule and when, or that a lawyer has to."""
    if not verified_on:
        return str(TO_CONFIRM)
    return gettext("confirmed by %(who)s on %(day)s") % {"who": verified_by or "–", "day": str(verified_on)}


def tell(clock: Clock) -> TermInWords:
    """A clock in words, with its source, who confirmed it, and what is not sure about it."""
    title = str(TERMS[clock.term])
    authority = clock.term == Term.AUTHORITY
    if clock.row is None:
        compared = clock.typed is not None and clock.typed.confirmed
        return TermInWords(
            title=title,
            what=gettext("as it stands on the decision's own page"),
            why="",
            last_day=clock.last_day,
            source="",
            check=gettext("compared by a second person") if compared else "",
            rule="",
            warnings=() if compared else (gettext("A second person has not compared it with the page yet."),),
            typed=True,
            authority=authority,
        )
    row = clock.row
    return TermInWords(
        title=title,
        what=what(row.deadline),
        why=gettext("%(length)s, counted from %(day)s: %(event)s.")
        % {"length": length(row.amount, row.unit), "day": clock.event, "event": event(clock.event_code)},
        last_day=clock.last_day,
        source="; ".join(row.check.sources),
        check=confirmation_in_words(row.check.verified_on, row.check.verified_by),
        rule=clock.rule,
        warnings=tuple(_doubts(clock)),
        authority=authority,
    )


def tell_duty(duty: DutyClock) -> TermInWords:
    """A duty after arrival in words."""
    return TermInWords(
        title=str(DUTY),
        what=what(duty.code),
        why=gettext("%(length)s, counted from %(day)s: %(event)s.")
        % {"length": length(duty.amount, duty.unit), "day": duty.event, "event": event(duty.event_code)},
        last_day=duty.last_day,
        source=duty.source,
        check=confirmation_in_words(duty.verified_on, ""),
        rule=f"{duty.row.id}@{duty.row.version}",
    )


def _doubts(clock: Clock) -> Iterable[str]:
    row = clock.row
    if row is None:
        return
    if clock.moment is not None:
        yield gettext("It ends on %(day)s at %(time)s, by the clock of that country.") % {
            "day": clock.moment.date().isoformat(),
            "time": f"{clock.moment:%H:%M}",
        }
    if clock.paused_days:
        yield ngettext(
            "It stood still for %(n)d day.", "It stood still for %(n)d days.", clock.paused_days
        ) % {"n": clock.paused_days}
    if clock.stands_still:
        yield gettext("It may stand still now. Until somebody types when it runs on, no pause is counted.")
    if row.roll is None and row.unit != "hours":
        yield str(ROLL_UNKNOWN)


def ask(question: Question) -> str:
    """A question in words: what must be known, and what hangs on it."""
    term = str(TERMS[question.term])
    if question.code == WHICH_TAGS:
        tags = sorted(str(Tag(tag).label) for tag in question.tags if tag in Tag.values)
        return gettext("%(term)s: which of these is it? %(kinds)s. The length depends on it.") % {
            "term": term,
            "kinds": "; ".join(tags),
        }
    if question.code == WHICH_PAGE:
        return str(NO_RULE)
    return gettext("%(term)s: on which day was %(event)s? The term runs from it.") % {
        "term": term,
        "event": event(question.code),
    }


NO_RULE = _("No rule of the desk gives a term here. Type the last day from the decision's own page.")


def ask_code(code: str) -> str:
    """The short form of a question that lists show: its code alone is known there."""
    if code == WHICH_TAGS:
        return gettext("Which kind of procedure or refusal is it? The term depends on it.")
    if code == WHICH_PAGE:
        return str(NO_RULE)
    return gettext("On which day was %(event)s? A term runs from it.") % {"event": event(code)}
