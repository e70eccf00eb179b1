"""From applications, appeals and stays to what their terms are counted from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cases.models.stay import EntryKind
from law.clocks import ArrivalFact, Pause, ProcedureFact, TypedLastDay
from law.stages import ASYLUM_KINDS, Stage
from vault.cipher import CannotOpen

# Codes of events in the procedural rows, and the field that holds each.
OF_APPLICATION = {
    "risk_known": "risk_known_on",
    "application_lodged": "lodged_on",
    "application_registered": "registered_on",
    "certificate_issued": "certificate_issued_on",
    "certificate_received": "certificate_received_on",
    "claim_referred": "referred_on",
    "responsibility_accepted": "responsibility_accepted_on",
    "transfer_decision_served": "transfer_served_on",
    "decision_made": "decided_on",
    "decision_mailed": "mailed_on",
    "decision_served": "served_on",
    "reasons_served": "reasons_served_on",
}
OF_APPEAL = {
    "appeal_filed": "filed_on",
    "appeal_decided": "decided_on",
    "appeal_served": "served_on",
    "legal_aid_requested": "legal_aid_requested_on",
}
OF_STAY = {
    "stay_entered": "entered_on",
    "first_entry": "entered_on",
    "irregular_entry": "entered_on",
    "irregular_land_entry": "entered_on",
    "host_arrived": "registered_place_from",
}
# Which of these days are known to a rule, by what it runs in.
ASKABLE: dict[str, frozenset[str]] = {
    "stay": frozenset({*OF_STAY, "risk_known"}),
    "application": frozenset({*OF_APPLICATION, *OF_APPEAL, "stay_entered", "first_entry"}),
    "appeal": frozenset({*OF_APPLICATION, *OF_APPEAL, "stay_entered", "first_entry"}),
}
TAGS_OF_STAY = frozenset({"irregular", "irregular_land_border"})
# The rules know a tag and an event for each; who came over land outside a border post came irregularly too.
IRREGULAR = frozenset({EntryKind.IRREGULAR, EntryKind.IRREGULAR_LAND_BORDER})


@dataclass(frozen=True)
class Rows:
    """The rows of one case that say something about its procedures; each opens with the case's key."""

    stays: Iterable[Any]
    applications: Iterable[Any]
    appeals: Iterable[Any]
    pauses: Iterable[Any]
    typed_deadlines: Iterable[Any]

    @classmethod
    def of(cls, case: Any, stays: Iterable[Any], applications: Iterable[Any]) -> Rows:
        """Those of a stored case: three queries beside what is at hand."""
        return cls(
            stays,
            applications,
            case.appeals.with_keys(),
            case.pauses.with_keys(),
            case.typed_deadlines.with_keys(),
        )


def procedures(rows: Rows) -> tuple[tuple[ProcedureFact, ...], set[str]]:
    """Each application with what its terms are counted from, and the sources that do not open.

    An application with a damaged cell is left out: a day counted without it could be the wrong one, and what
    was counted before stays due.
    """
    found, damaged = [], set()
    for application in rows.applications:
        try:
            found.append(procedure(application, rows))
        except CannotOpen:
            damaged.add(f"application:{application.pk}")
    return tuple(found), damaged


def procedure(application: Any, rows: Rows) -> ProcedureFact:
    """One application as its terms see it. Raises CannotOpen where a cell that matters does not open."""
    mine = [row for row in rows.appeals if row.application_id == application.pk]
    return ProcedureFact(
        id=application.pk,
        country=application.country,
        stage=application.stage,
        asylum=application.kind in ASYLUM_KINDS,
        closed=application.is_finished,
        tags=frozenset(application.tags or ()),
        known=_days([application], OF_APPLICATION) | _days(mine, OF_APPEAL) | _entries(application, rows),
        pauses=tuple(
            Pause(row.stops, row.paused_on, row.runs_on_from)
            for row in rows.pauses
            if row.application_id == application.pk
        ),
        typed=tuple(
            TypedLastDay(row.pk, row.term, row.last_day, row.is_compared and row.access_holds())
            for row in rows.typed_deadlines
            if row.application_id == application.pk and row.in_force
        ),
    )


def arrivals(rows: Rows) -> tuple[tuple[ArrivalFact, ...], set[str]]:
    """Each stay that goes on, the latest of its country, with what runs from it; and what does not open."""
    found, damaged = [], set()
    claims = [row for row in rows.applications if row.kind in ASYLUM_KINDS and row.stage != Stage.DRAFT]
    claimed = {row.country for row in claims}
    for country in {stay.country for stay in rows.stays}:
        here = [stay for stay in rows.stays if stay.country == country]
        try:
            # A stay without an entry may still have a registered place; it counts where no other is open.
            current = max(
                (stay for stay in here if stay.left_on is None),
                key=lambda stay: stay.entered_on or date.min,
                default=None,
            )
            if current is not None:
                found.append(_arrival(current, here, rows, country in claimed))
        except CannotOpen:
            damaged |= {f"stay:{stay.pk}" for stay in here}
    return tuple(found), damaged


def _arrival(stay: Any, here: Iterable[Any], rows: Rows, claimed: bool) -> ArrivalFact:
    known = _days([stay], {"stay_entered": "entered_on", "host_arrived": "registered_place_from"})
    known |= _days(here, {"first_entry": "entered_on"})
    tags = set()
    if stay.entry_kind in IRREGULAR:
        tags.add("irregular")
        known |= _days([stay], {"irregular_entry": "entered_on"})
    if stay.entry_kind == EntryKind.IRREGULAR_LAND_BORDER:
        tags.add("irregular_land_border")
        known |= _days([stay], {"irregular_land_entry": "entered_on"})
    plans = [row for row in rows.applications if row.country == stay.country]
    return ArrivalFact(
        id=stay.pk,
        country=stay.country,
        claimed=claimed,
        registered_on=stay.registration_done_on,
        tags=frozenset(tags),
        known=known | _days(plans, {"risk_known": "risk_known_on"}),
    )


def _entries(application: Any, rows: Rows) -> dict[str, Collection[date]]:
    """Entries into the country of the application, for the rows of an application that run from one."""
    here = [stay for stay in rows.stays if stay.country == application.country]
    return _days(here, {"stay_entered": "entered_on", "first_entry": "entered_on"})


def _days(rows: Iterable[Any], fields: Mapping[str, str]) -> dict[str, Collection[date]]:
    found = {
        code: tuple(sorted({day for row in rows if (day := getattr(row, name)) is not None}))
        for code, name in fields.items()
    }
    return {code: days for code, days in found.items() if days}
