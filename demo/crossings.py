"""Border crossings of the demo, laid so that the rules give a wanted last legal day."""

from __future__ import annotations

from datetime import date, timedelta

from law.models.legal_rule import LegalRule
from law.rules.explain import explain
from law.rules.reference import in_force
from law.rules.stay import Stay

# Days before the present entry: an earlier stay that uses up some of the days, as many people have one.
EARLIER = (timedelta(60), timedelta(31))


def crossings(country: str, last_day: date, today: date) -> list[tuple[date, date | None]]:
    """Entry and exit of an earlier and of the present stay; [] where no rule gives a last day there.

    The last day comes as near to `last_day` as an entry that does not lie ahead allows.
    """
    row = in_force(LegalRule.objects.stay_rows(), country=country, basis="visa_free", on=today)
    if row is None:
        return []
    entry = min(today, last_day)
    for _twice in range(2):
        reminded = explain(row, _stays(entry), as_of=max(entry, today)).reminded_day
        if reminded is None:
            return []
        entry = min(today, entry + (last_day - reminded))
    return [(stay.entry, stay.exit) for stay in _stays(entry)]


def _stays(entry: date) -> list[Stay]:
    return [Stay(entry - EARLIER[0], entry - EARLIER[1]), Stay(entry)]
