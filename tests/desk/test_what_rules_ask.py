"""Whatever a rule can ask for has its place on the case page: events, kinds of procedure, stages, duties."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from cases.models import Appeal, Application, Case, Stay
from cases.models.procedures import ASKABLE, TAGS_OF_STAY, Rows, arrivals, procedure
from law.rules import reference
from law.words.terms import EVENTS as EVENTS_OFFERED
from tests.page import form_data

pytestmark = pytest.mark.django_db

DATA = Path(reference.__file__).parent.parent / "data"
BOOK = json.loads((DATA / "procedural_deadlines.json").read_text(encoding="utf-8"))
STAYS = json.loads((DATA / "stay_rules.json").read_text(encoding="utf-8"))["rules"]
EVENTS = {event["code"]: event for event in BOOK["events"]}
FIRST = date(2026, 3, 2)
# The day on which each event is typed: every one another.
DAY = {code: FIRST + timedelta(number) for number, code in enumerate(EVENTS)}
PREFIX = {"stay": "stays-0", "application": "applications-0", "appeal": "appeals-0"}


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


def asked_events():
    """Every event that a row of the book counts from, stops at, or a duty runs from."""
    for row in BOOK["deadlines"]:
        yield from row["from_events"]
        yield from filter(None, [(row["suspends"] or {}).get("from_event")])
    for row in STAYS:
        yield from (duty["from_event"] for duty in row.get("obligations") or ())


def known_of(case):
    """What the terms of the case's only application and stay are counted from."""
    rows = Rows.of(case, list(case.stays.with_keys()), list(case.applications.with_keys()))
    (arrival,), _damaged = arrivals(rows)
    return {**arrival.known, **procedure(rows.applications[0], rows).known}, arrival


@pytest.mark.parametrize("kind", ["border_post", "irregular", "irregular_land_border"])
def test_each_event_that_a_rule_can_ask_is_typed_on_the_page(case, olga, at_desk, kind):
    """Sabotage: take "referred_on" out of the fieldsets of ApplicationInline, or out of OF_APPLICATION."""
    Stay.objects.create(case=case, by=olga, country="CA", entered_on=FIRST - timedelta(1))
    application = Application.objects.create(
        case=case, by=olga, country="CA", kind="asylum_claim", stage="lodged"
    )
    Appeal.objects.create(case=case, by=olga, application=application)
    desk = at_desk(olga)
    page = desk.get(address(case))
    typed = {"stays-0-entry_kind": kind}
    for code, event in EVENTS.items():
        name = f"{PREFIX[event['facet']]}-{event['field']}"
        assert f'name="{name}"' in page.content.decode(), code
        typed.setdefault(name, str(DAY[code]))
    assert desk.post(address(case), form_data(page, **typed)).status_code == 302
    known, arrival = known_of(case)
    entry = {"irregular_entry", "irregular_land_entry"}
    for code, event in EVENTS.items():
        if code not in entry or code in arrival.known:
            day = date.fromisoformat(typed[f"{PREFIX[event['facet']]}-{event['field']}"])
            assert day in known[code], code
    wanted = {"irregular": {"irregular_entry"}, "irregular_land_border": entry}.get(kind, set())
    assert entry & set(arrival.known) == wanted
    assert arrival.tags == ({"irregular", kind} if wanted else set())


def test_no_rule_waits_for_what_no_field_holds():
    """Also no rule that a lawyer writes. Sabotage: take risk_known out of ASKABLE."""
    assert set(asked_events()) <= set(EVENTS)
    assert set(EVENTS_OFFERED) == set(EVENTS) == set().union(*ASKABLE.values())
    for row in BOOK["deadlines"]:
        assert set(row["from_events"]) <= ASKABLE[row["trigger"]], row["id"]
        assert row["trigger"] != "stay" or set(row["applies_to"]) <= TAGS_OF_STAY, row["id"]


def test_each_kind_and_stage_that_a_rule_tells_apart_can_be_chosen(case, olga, at_desk):
    """Sabotage: let kinds_by_country pass over rows of the European Union."""
    rows = [row for row in BOOK["deadlines"] if row["trigger"] != "stay"]
    wanted = {}
    for row in (row for row in rows if row["applies_to"]):
        country = "FI" if row["country"] == "EU" else row["country"]
        wanted.setdefault(country, set()).update(row["applies_to"])
    for country in wanted:
        Application.objects.create(case=case, by=olga, country=country, kind="asylum_claim", stage="lodged")
    desk = at_desk(olga)
    page = desk.get(address(case))
    data = form_data(page)
    text = page.content.decode()
    stages = set(re.findall(r'<option value="([a-z_]+)"', text.partition("applications-0-stage")[2]))
    assert {row["stage"] for row in rows} <= stages
    for number, row in enumerate(each.instance for each in _forms(page)):
        offered = set(re.findall(rf'name="applications-{number}-tags" value="([a-z_]+)"', text))
        assert wanted[row.country] <= offered, row.country
        data[f"applications-{number}-tags"] = sorted(offered)
    assert desk.post(address(case), data).status_code == 302
    for row in case.applications.with_keys():
        assert wanted[row.country] <= set(row.tags or ()), row.country


def _forms(page):
    (formset,) = [
        inline.formset
        for inline in page.context["inline_admin_formsets"]
        if inline.formset.prefix == "applications"
    ]
    return formset.initial_forms


@pytest.mark.parametrize("row", [row for row in STAYS if row.get("obligations")], ids=lambda row: row["id"])
def test_each_duty_after_arrival_ends_with_a_day_that_is_typed(olga, at_desk, row):
    """Sabotage: leave registration_done_on out of the fieldsets of StayInline."""
    case = Case.objects.open_case(by=olga, country=row["country"])
    today = case.today()
    Stay.objects.create(
        case=case, by=olga, country=row["country"], entered_on=today, registered_place_from=today
    )
    case.refresh_deadlines(today=case.today())
    owed = case.deadlines.open().filter(kind="obligation")
    assert owed.count() == len(row["obligations"])
    desk = at_desk(olga)
    data = form_data(desk.get(address(case)), **{"stays-0-registration_done_on": str(today)})
    assert desk.post(address(case), data).status_code == 302
    assert owed.count() == 0
