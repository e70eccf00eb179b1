"""The panel of the stay tab: what the rules say about the crossings in a file, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext

from cases.models import Case, Stay
from cases.models.document_words import notes as document_notes
from cases.models.identity import Identity
from cases.models.residence import Whereabouts, whereabouts
from cases.models.stay_words import (
    STATUS,
    UNSURE,
    counted_stays,
    day_words,
    if_moving,
    not_counted,
    reasons,
    warnings,
)
from desk.board import days_left_words, nearness
from desk.drawings import stay_bar
from law import countries
from law.models.legal_rule import LegalRule
from law.rules.residence import NO_ROW, Residence
from law.words.rules import RuleCard, card, check_in_words, risk
from vault.show import display_value


@dataclass(frozen=True)
class Reading:
    """One last legal day and where it comes from."""

    label: str
    day: date
    left: int

    @property
    def words(self) -> str:
        """The day with its weekday, and how far away it is."""
        return f"{day_words(self.day)}, {days_left_words(self.left)}"


@dataclass(frozen=True)
class Place:
    """One country on the panel. `day` is the one reminded of: typed by hand, or the earliest computed."""

    country: str
    status: str
    style: str
    day: date | None
    left: int | None
    typed: Reading | None
    typed_source: str
    typed_by: str
    readings: tuple[Reading, ...]
    rule: RuleCard | None
    risk: str
    risk_rule: str
    risk_check: str
    reasons: tuple[str, ...]
    counted: tuple[str, ...]
    not_counted: tuple[str, ...]
    warnings: tuple[str, ...]
    bar: stay_bar.Bar | None
    spoken: str
    here: bool
    reentry: str

    @property
    def day_text(self) -> str:
        """The day with its weekday, "" where there is none."""
        return "" if self.day is None else day_words(self.day)

    @property
    def left_text(self) -> str:
        """How far away it is, in words."""
        return days_left_words(self.left)


@dataclass(frozen=True)
class Panel:
    """What stands above the crossings. `answer`: to "what if", as sentences, with the rule it rests on."""

    places: tuple[Place, ...]
    found: Whereabouts
    unsure: str = ""
    answer: tuple[str, ...] = ()
    answer_rule: RuleCard | None = None
    form: Any = None


def read(case: Case, *, today: date) -> tuple[Whereabouts, dict[Any, Stay]]:
    """What the rules say about the stays of `case`, and the stays by id. Five queries, however many rows."""
    stays = {row.pk: row for row in case.stays.select_related("last_legal_day_by").with_keys()}
    for row in stays.values():
        row.case = case
    found = whereabouts(
        stays.values(),
        case.documents.with_keys(),
        Identity.objects.filter(case=case).with_keys().first(),
        LegalRule.objects.tables(),
        today=today,
    )
    return found, stays


def places_of(found: Whereabouts, stays: dict[Any, Stay]) -> tuple[Place, ...]:
    """Every country of the file in words; one whose cells do not open says so and nothing else."""
    return tuple(tell(place, stays, today=found.on) for place in found.found) if not found.unsure else ()


def panel(case: Case, *, today: date, form: Any = None) -> Panel:
    """The panel of a case; `form` is the "what if" form, answered where it is filled in and right."""
    found, stays = read(case, today=today)
    if found.unsure:
        return Panel((), found, unsure=str(UNSURE), form=form)
    places = places_of(found, stays)
    if form is None or not form.is_bound or not form.is_valid_for(found):
        return Panel(places, found, form=form)
    moved = found.if_moving(form.country, leave=form.leave, back=form.back)
    return Panel(
        places,
        found,
        form=form,
        answer=tuple(if_moving(moved, leave=form.leave, back=form.back)),
        answer_rule=None if moved.row is NO_ROW else card(moved.row),
    )


def put_document_notes(forms: Iterable[Any], found: Whereabouts) -> None:
    """Give each form of a stored document what stands beside it: end, borders, an odd number."""
    for form in forms:
        form.notes = document_notes(form.instance, found.identity, found.tables, today=found.on)


def tell(place: Residence, stays: dict[Any, Stay], *, today: date) -> Place:
    """A residence in words."""
    row = stays.get(place.here.id) if place.here is not None else None
    typed = _typed_reading(row, today)
    day = typed.day if typed else place.last_day if _goes_on(place) else None
    left = None if day is None else (day - today).days
    return Place(
        country=countries.name(place.country),
        status=_status(place, today),
        style=_style(place, left),
        day=day,
        left=left,
        typed=typed,
        typed_source=str(display_value(row, "last_legal_day_source") or "") if row and typed else "",
        typed_by=row.last_legal_day_by.username if row and typed and row.last_legal_day_by else "",
        readings=_readings(place, today) if _goes_on(place) else (),
        rule=None if place.row is NO_ROW else card(place.row),
        risk=risk(place.country_row),
        risk_rule="" if place.country_row is None else place.country_row.id,
        risk_check="" if place.country_row is None else check_in_words(place.country_row),
        reasons=tuple(reasons(place)),
        counted=tuple(counted_stays(place)),
        not_counted=tuple(not_counted(place)),
        warnings=tuple(warnings(place)),
        bar=stay_bar.draw(place, day) if place.stays else None,
        spoken=_bar_in_words(place, day),
        here=place.here is not None,
        reentry="" if _goes_on(place) or place.reentry is None else day_words(place.reentry),
    )


def _goes_on(place: Residence) -> bool:
    return place.here is not None and place.here.exit is None


def _status(place: Residence, today: date) -> str:
    if place.here is not None and place.here.exit is not None:
        return gettext("Leaves today")
    if place.here is not None and place.as_of > today:
        return gettext("Not there yet")
    return str(STATUS[place.status])


def _style(place: Residence, left: int | None) -> str:
    if not _goes_on(place):
        return "d-ok"
    return "d-ok" if left is None and place.status == "unlimited" else nearness(left)


def _typed_reading(row: Stay | None, today: date) -> Reading | None:
    day = None if row is None else row.value_or_none("last_legal_day")
    if day is None:
        return None
    return Reading(gettext("Typed by hand"), day, (day - today).days)


def _readings(place: Residence, today: date) -> tuple[Reading, ...]:
    """The computed days: the rule, its stricter reading, and the version that follows."""
    found = []
    after = place.following.explained if place.following else None
    for label, explained in (
        (gettext("By the rule"), place.explained.answer),
        (gettext("By the stricter reading"), place.explained.conservative),
        (gettext("By the version that follows"), after.answer if after else None),
    ):
        if explained is not None and explained.first_violation is not None:
            day = date.fromordinal(explained.first_violation.toordinal() - 1)
            found.append(Reading(label, day, (day - today).days))
    return tuple(found)


def _bar_in_words(place: Residence, day: date | None) -> str:
    """The bar in one sentence, for those who do not see it."""
    used = place.explained.answer.days_used
    parts = [countries.name(place.country)]
    if used is not None and place.explained.windows:
        parts.append(
            gettext("Days used: %(used)d of %(allowed)d.")
            % {"used": used, "allowed": place.explained.windows[0].days_allowed}
        )
    if day is not None:
        parts.append(gettext("Last legal day: %(day)s.") % {"day": day.isoformat()})
    return " ".join(parts)
