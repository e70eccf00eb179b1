"""The shipped tables and the choice among their rows."""

import copy
import json
from datetime import date, datetime
from pathlib import Path

import pytest

import law.rules
from law.rules.procedure import UNITS, last_day, require_holiday_code
from law.rules.reference import (
    BadTable,
    ProceduralRow,
    Running,
    in_force,
    procedural_rows,
    running,
    stay_rows,
    to_confirm,
)
from law.rules.stay import CalendarYear, PerEntry, Rolling

DATA = Path(law.rules.__file__).parent.parent / "data"


def table(name):
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


STAYS, DEADLINES, GROUPS = table("stay_rules"), table("procedural_deadlines"), table("country_groups")
ROWS, TERMS = stay_rows(STAYS), procedural_rows(DEADLINES)
EU_MEMBERS = frozenset(GROUPS["groups"][0]["members"])


# The shipped tables


@pytest.mark.parametrize("name", ["stay_rules", "procedural_deadlines"])
def test_a_shipped_table_keeps_to_its_schema(name):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(table(name), table(f"{name}.schema"))


def test_every_shipped_row_is_read():
    assert (len(ROWS), len(TERMS)) == (21, 48)
    assert {row.version for row in (*ROWS, *TERMS)} == {"2026-11-22.2"}
    assert all(row.check.sources and row.check.verified_on is None for row in (*ROWS, *TERMS))
    assert sum(term.roll is None for term in TERMS) == 41


def test_every_shipped_term_can_be_computed():
    for term in TERMS:
        country = "DE" if term.country == "EU" else term.country
        assert term.unit in UNITS
        holidays = term.holidays_in(country)
        if holidays:
            require_holiday_code(holidays)
        day = last_day(date(2026, 7, 2), term.amount, term.unit, roll=term.roll, holidays=holidays)
        assert day > date(2026, 7, 2) or term.unit == "hours"


def test_the_union_has_27_members():
    assert len(EU_MEMBERS) == len(GROUPS["groups"][0]["members"]) == 27
    assert not EU_MEMBERS & {"NO", "CH", "IS", "LI", "GB"}


# Which rule of stay was in force


@pytest.mark.parametrize(
    ("country", "basis", "on", "row_id"),
    [
        ("KZ", "visa_free", date(2023, 1, 26), "kz-2012"),
        ("KZ", "visa_free", date(2023, 1, 27), "kz-2023"),
        ("KZ", "visa_free", date(2026, 7, 1), "kz-2023"),
        ("KG", "visa_free", date(2024, 9, 4), "kg-old"),
        ("KG", "visa_free", date(2024, 9, 5), "kg-2024"),
        ("GE", "visa_free", date(2015, 6, 8), None),
        ("GE", "visa_free", date(2015, 6, 9), "ge-255"),
        ("KZ", "permit", date(2026, 7, 1), "any-permit"),
        ("DE", "permit", date(2026, 7, 1), "any-permit"),
        ("KZ", "asylum_certificate", date(2026, 7, 1), "any-asylum-cert"),
        ("DE", "short_stay_visa", date(2026, 7, 1), "schengen"),
        ("DE", "visa_free", date(2026, 7, 1), "schengen"),
        ("DE", "long_stay_visa", date(2026, 7, 1), None),
        ("IE", "short_stay_visa", date(2026, 7, 1), None),
        ("DE", "short_stay_visa", date(2013, 10, 17), None),
        ("XX", "visa_free", date(2026, 7, 1), None),
    ],
)
def test_the_row_in_force_on_a_day(country, basis, on, row_id):
    row = in_force(ROWS, country=country, basis=basis, on=on)
    assert (row and row.id) == row_id
    assert in_force(ROWS[::-1], country=country, basis=basis, on=on) == row


def test_a_countrys_own_row_goes_before_a_common_one():
    shipped = copy.deepcopy(STAYS)
    own = dict(next(row for row in shipped["rules"] if row["id"] == "schengen"), id="de-own", country="DE")
    own |= {"members": [], "rule": {"kind": "per_entry", "days": 30}}
    shipped["rules"].insert(0, own)
    for order in (1, -1):
        rows = stay_rows(shipped)[::order]
        on = date(2026, 7, 1)
        assert in_force(rows, country="DE", basis="short_stay_visa", on=on).id == "de-own"
        assert in_force(rows, country="FR", basis="short_stay_visa", on=on).id == "schengen"


def test_both_readings_of_a_row_count_the_same_bases():
    armenia = next(row for row in ROWS if row.id == "am-cis")
    assert armenia.rule.limit == CalendarYear(180)
    assert armenia.conservative_rule.limit == Rolling(180, 365)
    assert armenia.rule.counted_bases == armenia.conservative_rule.counted_bases == {"visa_free"}
    schengen = next(row for row in ROWS if row.id == "schengen")
    assert schengen.rule.counted_bases == {"visa_free", "short_stay_visa"}
    assert next(row for row in ROWS if row.id == "any-permit").rule.counted_bases == frozenset()
    assert next(row for row in ROWS if row.id == "ge-255").rule.limit == PerEntry(365)


def test_the_queue_lists_what_is_in_force_and_not_lately_confirmed():
    """Today no shipped row is confirmed: all wait but the two that have ended, volatile ones first."""
    on = date(2026, 11, 22)
    waiting = to_confirm(ROWS, on=on, stale_after_days=180)
    assert [row.id for row in waiting[:3]] == ["me-2008", "th-2024", "ae"]
    assert {row.id for row in ROWS} - {row.id for row in waiting} == {"kz-2012", "kg-old"}
    last = to_confirm(ROWS, on=date(2023, 1, 26), stale_after_days=1)
    assert "kz-2012" in {row.id for row in last}
    assert "kz-2012" not in {row.id for row in to_confirm(ROWS, on=date(2023, 1, 27), stale_after_days=1)}
    confirmed = {"verified_on": "2026-05-26", "verified_by": "Lena"}
    rows = stay_rows(spoilt(STAYS, 1, **confirmed))
    assert "kz-2023" not in {row.id for row in to_confirm(rows, on=on, stale_after_days=180)}
    assert "kz-2023" in {row.id for row in to_confirm(rows, on=on, stale_after_days=179)}
    ended = {"de-15", "de-16", "de-17"}
    assert {row.id for row in TERMS} - {
        row.id for row in to_confirm(TERMS, on=on, stale_after_days=1)
    } == ended


# A table that cannot be used


def spoilt(document, place, **changes):
    document = copy.deepcopy(document)
    rows = document["rules" if "rules" in document else "deadlines"]
    for key, value in changes.items():
        if value is KeyError:
            del rows[place][key]
        else:
            rows[place][key] = value
    return document


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rule": {"kind": "fortnightly"}}, "kind"),
        ({"rule": {"kind": "rolling", "days": 90}}, "window_days"),
        ({"rule": {"kind": "per_entry", "days": True}}, "days"),
        ({"rule": None}, "rule"),
        ({"conservative_rule": {"kind": "all_of", "rules": []}}, "rules"),
        ({"basis": "tourism"}, "basis"),
        ({"counted_bases": ["tourism"]}, "counted_bases"),
        ({"counted_bases": None}, "counted_bases"),
        ({"valid_to": "2023-02-30"}, "valid_to"),
        ({"valid_from": "2024-01-01", "valid_to": "2023-12-31"}, "valid_to is before"),
        ({"valid_from": KeyError}, "valid_from is missing"),
        ({"verified_on": "2026-01-01"}, "go together"),
        ({"verified_by": "Lena"}, "go together"),
        ({"verified_on": "yesterday", "verified_by": "Lena"}, "verified_on"),
        ({"sources": []}, "source"),
        ({"sources": [""]}, "source"),
        ({"confidence": "certain"}, "confidence"),
        ({"country": ""}, "country"),
        ({"id": "kz-2012"}, "same id"),
    ],
    ids=repr,
)
def test_a_bad_row_of_stays_is_named(changes, says):
    """kz-2023 is the second row."""
    with pytest.raises(BadTable, match=f"row 'kz-20.*{says}"):
        stay_rows(spoilt(STAYS, 1, **changes))


def test_a_row_may_be_in_force_for_a_single_day():
    one_day = {"valid_from": "2023-01-27", "valid_to": "2023-01-27"}
    assert stay_rows(spoilt(STAYS, 1, **one_day))[1].valid_to == date(2023, 1, 27)


def test_two_versions_in_force_on_one_day_are_refused_by_name():
    with pytest.raises(BadTable, match="'kz-2012'.*'kz-2023'"):
        stay_rows(spoilt(STAYS, 0, valid_to="2023-01-27"))
    with pytest.raises(BadTable, match="'kz-2012'.*'kz-2023'"):
        stay_rows(spoilt(STAYS, 1, valid_from=None))
    twin = dict(next(row for row in DEADLINES["deadlines"] if row["id"] == "ca-43"), id="twin")
    both = DEADLINES | {"deadlines": [*DEADLINES["deadlines"], twin]}
    with pytest.raises(BadTable, match="'ca-43'.*'twin'"):
        procedural_rows(both)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": "fortnights"}, "unit"),
        ({"amount": 0}, "amount"),
        ({"trigger": "rumour"}, "trigger"),
        ({"stage": "refused"}, "stage"),
        ({"trigger": "appeal"}, "stage"),
        ({"from_events": []}, "pick"),
        ({"from_events": ["stay_entered"]}, "pick"),
        ({"from_events": ["stay_entered", "weather"]}, "from_events"),
        ({"pick": None}, "pick"),
        ({"pick": "middle"}, "pick"),
        ({"applies_to": ["nobody"]}, "applies_to"),
        ({"who": "neighbour"}, "who"),
        ({"roll": "maybe"}, "roll"),
        ({"holidays": 5}, "holidays"),
        ({"event_after": "soon"}, "event_after"),
        ({"source": ""}, "source"),
        ({"valid_to": "1899-12-31"}, "valid_to"),
        ({"deadline": KeyError}, "deadline is missing"),
    ],
    ids=repr,
)
def test_a_bad_procedural_row_is_named(changes, says):
    with pytest.raises(BadTable, match=f"row 'kz-01'.*{says}"):
        procedural_rows(spoilt(DEADLINES, 0, **changes))


@pytest.mark.parametrize(
    "document", [None, [], {}, {"version": 3, "rules": []}, {"version": "1", "rules": {}}]
)
def test_what_is_no_table_is_refused(document):
    with pytest.raises(BadTable):
        stay_rows(document)
    with pytest.raises(BadTable):
        procedural_rows(document)


def test_a_row_without_an_id_is_named_by_its_place():
    with pytest.raises(BadTable, match="row 2"):
        stay_rows(spoilt(STAYS, 1, id=KeyError))
    with pytest.raises(BadTable, match="row 1 "):
        stay_rows(STAYS | {"rules": [5]})


# Which procedural rows run


def chosen(country, trigger, stage, tags=(), **known):
    found = running(
        TERMS,
        country=country,
        trigger=trigger,
        stage=stage,
        tags=tags,
        known={code: moments if isinstance(moments, list) else [moments] for code, moments in known.items()},
        eu_members=EU_MEMBERS,
    )
    return {r.row.id: r.event for r in found}


def test_a_term_runs_from_service_and_not_from_the_decision():
    served = date(2026, 3, 3)
    ran = chosen("AM", "application", "refused", decision_served=served, decision_made=date(2026, 2, 1))
    assert ran == {"am-14": served}
    assert chosen("AM", "application", "refused", decision_made=date(2026, 2, 1)) == {"am-14": None}


def test_the_row_is_the_one_valid_on_the_day_of_the_event():
    old, new = date(2026, 6, 11), date(2026, 6, 12)
    assert chosen("DE", "application", "refused", ["simple"], decision_served=old) == {"de-15": old}
    assert chosen("DE", "application", "refused", ["simple"], decision_served=new) == {}
    assert chosen("DE", "application", "refused", ["inadmissible"], decision_served=old) == {"de-16": old}
    assert chosen("DE", "application", "refused", ["inadmissible"], decision_served=new) == {"eu-20": new}


def test_a_row_with_tags_needs_one_of_them():
    served = date(2026, 3, 3)
    assert chosen("NL", "application", "refused", decision_served=served) == {}
    assert chosen("NL", "application", "refused", ["other"], decision_served=served) == {"nl-33": served}
    tags = ["manifestly_unfounded", "detained"]
    assert chosen("NL", "application", "refused", tags, decision_served=served) == {"nl-32": served}


def test_a_matching_tag_goes_before_no_tags_about_the_same_deadline():
    served = date(2026, 3, 3)
    assert chosen("LT", "application", "refused", decision_served=served) == {"lt-35": served}
    assert chosen("LT", "application", "refused", ["accelerated"], decision_served=served) == {
        "lt-36": served
    }
    events = {"application_registered": date(2026, 8, 1), "responsibility_accepted": date(2026, 9, 1)}
    ran = chosen("AT", "application", "responsibility_check", ["detained"], **events)
    assert set(ran) == {"eu-23", "eu-24"}


def test_a_member_states_row_goes_before_the_unions_about_the_same_partys_deadlines():
    served = date(2026, 8, 3)
    assert set(chosen("FI", "application", "refused", ["other"], decision_served=served)) == {"fi-34"}
    assert set(chosen("AT", "application", "refused", ["other"], decision_served=served)) == {"eu-21"}
    assert set(chosen("FR", "application", "refused", decision_served=served)) == {"fr-29", "fr-30"}


def test_the_authoritys_deadline_of_the_union_stays_beside_the_persons_national_one():
    served, accepted = date(2026, 6, 20), date(2026, 6, 1)
    events = {"transfer_decision_served": served, "responsibility_accepted": accepted}
    ran = chosen("DE", "application", "transfer_decision", ["dublin"], **events)
    assert ran == {"de-17": served, "eu-26": accepted}


def test_rows_of_the_union_are_for_its_members_alone():
    events = {"application_registered": date(2026, 8, 1)}
    assert set(chosen("AT", "application", "responsibility_check", **events)) == {"eu-22", "eu-24"}
    assert chosen("NO", "application", "responsibility_check", **events) == {}
    assert chosen("KZ", "application", "responsibility_check", **events) == {}


def test_a_row_of_the_union_takes_the_holidays_of_the_member_state():
    union = next(term for term in TERMS if term.id == "eu-20")
    assert (union.holidays, union.holidays_in("FR")) == (None, "FR")
    assert next(term for term in TERMS if term.id == "kz-03").holidays_in("KZ") is None
    assert next(term for term in TERMS if term.id == "kz-01").holidays_in("KZ") == "KZ"


def test_a_row_whose_event_is_unknown_pushes_nothing_out():
    accepted = date(2026, 9, 1)
    ran = chosen("DE", "application", "transfer_decision", ["dublin"], responsibility_accepted=accepted)
    assert ran == {"de-17": None, "eu-25": None, "eu-26": accepted}


def test_of_several_events_the_row_picks():
    entered, knew = date(2026, 1, 5), date(2026, 3, 1)
    assert chosen("KZ", "stay", None, stay_entered=entered, risk_known=knew)["kz-01"] == entered
    assert chosen("KZ", "stay", None, risk_known=knew)["kz-01"] == knew
    accepted, decided = date(2026, 1, 1), date(2026, 2, 1)
    ran = chosen(
        "AT", "application", "transfer_decision", responsibility_accepted=accepted, appeal_decided=decided
    )
    assert ran["eu-26"] == decided


def test_the_first_entry_after_a_day_and_else_the_last_of_several():
    entries = [date(2020, 6, 24), date(2025, 8, 1), date(2026, 2, 1)]
    assert chosen("CA", "stay", None, first_entry=entries) == {
        "ca-43": date(2025, 8, 1),
    }
    assert chosen("CA", "stay", None, first_entry=[date(2020, 6, 24)]) == {"ca-43": None}
    assert chosen("US", "stay", None, stay_entered=entries) == {"us-40": date(2026, 2, 1)}


def test_a_moment_is_an_event_too():
    crossed = datetime(2026, 5, 1, 22, 10)
    assert chosen("GE", "stay", None, ["irregular"], irregular_entry=[date(2026, 4, 1), crossed]) == {
        "ge-06": crossed
    }


def test_what_is_chosen_keeps_row_and_event_together():
    found = running(
        TERMS,
        country="AM",
        trigger="application",
        stage="refused",
        tags=[],
        known={"decision_served": [date(2026, 3, 3)]},
        eu_members=EU_MEMBERS,
    )
    assert isinstance(found[0], Running)
    assert isinstance(found[0].row, ProceduralRow)
