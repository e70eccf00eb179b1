"""Each sentence of the design's "Legal stay" that can be a vector is one here, in its order."""

import json
from datetime import date
from pathlib import Path

import pytest

from law.rules.stay import AllOf, PerEntry, Presence, Rule, Stay, Unknown, assess_stay, parts_of
from law.rules.wire import assess_stay_row

EXAMPLES = json.loads((Path(__file__).parent / "stay_examples.json").read_text(encoding="utf-8"))["vectors"]
FIELDS = [
    "status",
    "last_legal_day",
    "days_left",
    "first_violation",
    "days_used",
    "overstay_days",
    "max_stay_from_entry",
    "earliest_entry",
]
ROLLING = {"kind": "rolling", "days": 90, "window_days": 180}
PERMIT = {"basis": "permit", "basis_valid_until": "2026-06-30"}


def assess(rule, stays, as_of, caps=None):
    if isinstance(rule, str):
        rule = {"kind": rule}
    return assess_stay_row({"rule": rule, "stays": stays, "as_of": as_of, "caps": caps})


def per_entry(days):
    return {"kind": "per_entry", "days": days}


def year(days):
    return {"kind": "calendar_year", "days": days}


def all_of(*rules):
    return {"kind": "all_of", "rules": list(rules)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
def test_the_published_examples_hold(example):
    answer = assess_stay_row(example)
    assert list(answer) == FIELDS
    assert answer == example["expected"]
    for field, value in example.get("published", {}).items():
        assert answer["max_stay_from_entry" if field == "max_stay" else field] == value


# Input


def test_stays_count_by_their_basis_visa_free_if_nothing_is_said():
    stay = {"entry": "2026-01-01"}
    assert assess(per_entry(10), [stay], "2026-01-01")["status"] == "ok"
    assert assess(per_entry(10), [stay | {"basis": None}], "2026-01-01")["status"] == "ok"
    assert assess(per_entry(10) | {"counted_bases": None}, [stay], "2026-01-01")["status"] == "ok"
    assert assess(per_entry(10) | {"counted_bases": []}, [stay], "2026-01-01")["status"] == "unknown"
    counts_visas = per_entry(10) | {"counted_bases": ["short_stay_visa"]}
    assert assess(counts_visas, [stay], "2026-01-01")["status"] == "unknown"
    assert assess(counts_visas, [stay | {"basis": "short_stay_visa"}], "2026-01-01")["status"] == "ok"


def test_counted_bases_are_read_from_the_outermost_rule_only():
    inner = per_entry(10) | {"counted_bases": ["permit"]}
    answer = assess(all_of(inner), [{"entry": "2026-01-01"}], "2026-01-01")
    assert (answer["status"], answer["last_legal_day"]) == ("ok", "2026-01-10")
    outer = all_of(inner) | {"counted_bases": ["permit"]}
    assert assess(outer, [{"entry": "2026-01-01"}], "2026-01-01")["status"] == "unknown"


# Presence


def test_a_stay_that_enters_tomorrow_is_ignored_everywhere():
    answer = assess(ROLLING, [{"entry": "2026-01-02"}], "2026-01-01")
    assert (answer["status"], answer["days_used"], answer["earliest_entry"]) == ("outside", 0, "2026-01-01")


def test_both_ends_of_a_stay_are_days_of_presence_and_no_day_counts_twice():
    stays = [
        {"entry": "2026-01-01", "exit": "2026-01-10"},
        {"entry": "2026-01-10", "exit": "2026-01-12"},
        {"entry": "2026-01-03", "exit": "2026-01-05"},
    ]
    assert assess(ROLLING, stays, "2026-02-01")["days_used"] == 12


def test_presence_ends_today_even_where_the_exit_is_planned_later():
    stays = [{"entry": "2026-01-01", "exit": "2026-01-31"}]
    assert assess(ROLLING, stays, "2026-01-10")["days_used"] == 10


def test_a_counted_day_past_the_stays_own_end_still_counts():
    stays = [{"entry": "2026-01-01", "exit": "2026-01-20", "basis_valid_until": "2026-01-05"}]
    assert assess(ROLLING, stays, "2026-02-01")["days_used"] == 20


def test_a_counted_day_counts_although_a_permit_covers_it_too():
    stays = [
        {"entry": "2026-01-01", "exit": "2026-01-20"},
        {"entry": "2026-01-05", "exit": "2026-01-20", **PERMIT},
    ]
    assert assess(ROLLING, stays, "2026-02-01")["days_used"] == 20


def test_days_on_a_lapsed_permit_add_nothing():
    stays = [
        {"entry": "2026-01-01", "exit": "2026-01-20", "basis": "permit", "basis_valid_until": "2026-01-02"}
    ]
    assert assess(ROLLING, stays, "2026-02-01")["days_used"] == 0


# Current stay


def test_of_several_present_stays_the_latest_entry_decides():
    stays = [{"entry": "2026-01-01"}, {"entry": "2026-01-05", "exit": "2026-01-20"}]
    assert assess(per_entry(10), stays, "2026-01-06")["last_legal_day"] == "2026-01-14"


def test_then_open_before_closed():
    closed = {
        "entry": "2026-01-01",
        "exit": "2026-01-20",
        "basis": "permit",
        "basis_valid_until": "2027-01-01",
    }
    assert assess(per_entry(10), [closed, {"entry": "2026-01-01"}], "2026-01-06")["status"] == "ok"


def test_then_the_later_exit():
    shorter = {"entry": "2026-01-01", "exit": "2026-01-09", **PERMIT}
    longer = {"entry": "2026-01-01", "exit": "2026-01-10"}
    assert assess(per_entry(10), [shorter, longer], "2026-01-06")["status"] == "ok"


def test_then_not_counted_before_counted():
    answer = assess(per_entry(10), [{"entry": "2026-01-01"}, {"entry": "2026-01-01", **PERMIT}], "2026-01-06")
    assert (answer["status"], answer["last_legal_day"]) == ("other_basis", "2026-06-30")


def test_then_the_earliest_own_end_and_none_last():
    stays = [
        {"entry": "2026-01-01", "basis": "permit"},
        {"entry": "2026-01-01", "basis": "permit", "basis_valid_until": "2026-03-01"},
        {"entry": "2026-01-01", "basis": "protection", "basis_valid_until": "2026-02-01"},
    ]
    assert assess(per_entry(10), stays, "2026-01-06")["last_legal_day"] == "2026-02-01"


def test_a_person_is_still_inside_on_the_day_of_exit_and_outside_on_the_next():
    stays = [{"entry": "2026-01-01", "exit": "2026-01-05"}]
    assert assess(per_entry(10), stays, "2026-01-05")["status"] == "ok"
    assert assess(per_entry(10), stays, "2026-01-06")["status"] == "outside"


def test_the_planned_exit_changes_nothing():
    planned = assess(ROLLING, [{"entry": "2026-01-01", "exit": "2026-01-05"}], "2026-01-03")
    assert planned == assess(ROLLING, [{"entry": "2026-01-01"}], "2026-01-03")


# Rule on a day


def test_per_entry_counts_the_entry_day_as_day_one_across_29_february():
    assert assess(per_entry(3), [{"entry": "2024-02-28"}], "2024-02-28")["last_legal_day"] == "2024-03-01"
    assert assess(per_entry(3), [{"entry": "2023-02-28"}], "2023-02-28")["last_legal_day"] == "2023-03-02"
    assert assess(per_entry(1), [{"entry": "2024-02-29"}], "2024-02-29")["last_legal_day"] == "2024-02-29"


def test_per_entry_starts_anew_and_rolling_does_not():
    stays = [{"entry": "2026-01-01", "exit": "2026-03-31"}, {"entry": "2026-04-01"}]
    assert assess(per_entry(90), stays, "2026-04-01")["last_legal_day"] == "2026-06-29"
    assert assess(ROLLING, stays, "2026-04-01")["status"] == "inadmissible"


def test_the_window_is_180_days_and_not_181():
    """On the 181st day, counted from it, the first day of presence has left the window."""
    stays = [{"entry": "2026-01-01", "exit": "2026-03-31"}]
    assert assess(ROLLING, stays, "2026-04-01")["earliest_entry"] == "2026-06-30"
    stays.append({"entry": "2026-06-30"})
    assert assess(ROLLING, stays, "2026-06-30")["last_legal_day"] == "2026-09-27"
    stays[1] = {"entry": "2026-06-29"}
    assert assess(ROLLING, stays, "2026-06-29")["status"] == "inadmissible"


def test_a_calendar_year_begins_on_1_january():
    stays = [{"entry": "2025-01-01", "exit": "2025-06-29"}, {"entry": "2025-12-31"}]
    answer = assess(year(181), stays, "2025-12-31")
    assert (answer["days_used"], answer["last_legal_day"]) == (181, "2026-06-30")
    assert assess(year(180), stays, "2025-12-31")["status"] == "inadmissible"


def test_every_part_of_all_of_must_hold():
    turkey = all_of(per_entry(60), ROLLING)
    assert assess(turkey, [{"entry": "2026-01-01"}], "2026-01-01")["last_legal_day"] == "2026-03-01"
    stays = [{"entry": "2026-01-01", "exit": "2026-02-09"}, {"entry": "2026-03-01"}]
    answer = assess(turkey, stays, "2026-03-01")
    assert (answer["last_legal_day"], answer["days_used"]) == ("2026-04-19", 41)


@pytest.mark.parametrize(
    ("rule", "caps", "status"),
    [
        ("unknown", [], "unknown"),
        ("unknown", ["2026-12-31"], "unknown"),
        ("until_document", [], "unknown"),
        ("until_document", None, "unknown"),
        ("until_document", ["2026-12-31"], "ok"),
        ("unlimited", [], "unlimited"),
        ("unlimited", ["2026-12-31"], "ok"),
        (all_of(per_entry(9), {"kind": "unknown"}), ["2026-12-31"], "unknown"),
        (all_of(per_entry(9), all_of({"kind": "until_document"})), [], "unknown"),
        (all_of(per_entry(9), all_of({"kind": "until_document"})), ["2026-12-31"], "ok"),
        (all_of({"kind": "unlimited"}, {"kind": "until_document"}), ["2025-12-31"], "inadmissible"),
    ],
)
def test_what_is_undetermined_is_unknown_and_nothing_else_is(rule, caps, status):
    assert assess(rule, [{"entry": "2026-01-01"}], "2026-01-01", caps)["status"] == status


# Last day


def test_a_stay_on_another_basis_ends_with_it_and_obeys_neither_rule_nor_caps():
    stays = [{"entry": "2026-01-01", **PERMIT}]
    answer = assess(per_entry(1), stays, "2026-06-30", ["2026-02-01"])
    assert (answer["status"], answer["last_legal_day"], answer["days_left"]) == (
        "other_basis",
        "2026-06-30",
        0,
    )
    late = assess("unknown", stays, "2026-07-02")
    assert (late["status"], late["overstay_days"], late["days_left"]) == ("overstay", 2, -2)


def test_another_basis_without_an_end_is_unknown():
    assert (
        assess(per_entry(1), [{"entry": "2026-01-01", "basis": "permit"}], "2026-01-01")["status"]
        == "unknown"
    )


def test_a_counted_stay_ends_with_the_earliest_of_rule_caps_and_its_own_basis():
    stay = {"entry": "2026-01-01", "basis_valid_until": "2026-01-20"}
    caps = ["2026-01-25", "2026-01-22"]
    assert assess(per_entry(30), [stay], "2026-01-01", caps)["last_legal_day"] == "2026-01-20"
    assert (
        assess(per_entry(30), [stay], "2026-01-01", ["2026-01-19", *caps])["last_legal_day"] == "2026-01-19"
    )
    assert assess(per_entry(5), [stay], "2026-01-01", caps)["last_legal_day"] == "2026-01-05"
    assert assess("until_document", [stay], "2026-01-01")["last_legal_day"] == "2026-01-20"


def test_the_own_end_of_another_stay_plays_no_part():
    stays = [
        {"entry": "2026-01-01", "exit": "2026-01-02", "basis_valid_until": "2026-01-02"},
        {"entry": "2026-02-01"},
    ]
    assert assess(per_entry(5), stays, "2026-02-01")["last_legal_day"] == "2026-02-05"


def test_a_first_violation_is_final():
    """In the new year the count starts anew and the rule would hold again: the stay stays unlawful."""
    answer = assess(year(30), [{"entry": "2025-11-20"}], "2026-01-05")
    assert (answer["status"], answer["last_legal_day"], answer["days_used"]) == ("overstay", "2025-12-19", 5)


def test_presence_beyond_ten_years_is_unlimited():
    assert assess(per_entry(3652), [{"entry": "2020-01-01"}], "2026-01-01")["status"] == "ok"
    assert assess(per_entry(3653), [{"entry": "2020-01-01"}], "2026-01-01")["status"] == "unlimited"
    assert assess(per_entry(3653), [{"entry": "2010-01-01"}], "2026-01-01")["status"] == "unlimited"
    long = {"kind": "rolling", "days": 90, "window_days": 10**18}
    assert assess(long, [{"entry": "1900-01-01"}], "1900-01-01")["last_legal_day"] == "1900-03-31"


# Status and fields


def test_the_last_legal_day_itself_is_lawful_and_the_next_is_not():
    stay = {"entry": "2026-01-01"}
    today = assess(per_entry(10), [stay], "2026-01-10")
    assert today == {
        "status": "ok",
        "last_legal_day": "2026-01-10",
        "days_left": 0,
        "first_violation": "2026-01-11",
        "days_used": None,
        "overstay_days": 0,
        "max_stay_from_entry": 10,
        "earliest_entry": None,
    }
    tomorrow = assess(per_entry(10), [stay], "2026-01-11")
    assert tomorrow == today | {"status": "overstay", "days_left": -1, "overstay_days": 1}


def test_a_presence_that_was_never_lawful_is_inadmissible_whatever_its_basis():
    expected = {
        "status": "inadmissible",
        "last_legal_day": None,
        "days_left": None,
        "first_violation": "2026-01-05",
        "days_used": None,
        "overstay_days": 3,
        "max_stay_from_entry": 0,
        "earliest_entry": "2026-01-07",
    }
    lapsed = {"entry": "2026-01-05", "basis_valid_until": "2026-01-04"}
    assert assess(per_entry(10), [lapsed], "2026-01-07") == expected
    assert assess(per_entry(10), [lapsed | {"basis": "permit"}], "2026-01-07") == expected
    capped = assess(per_entry(10), [{"entry": "2026-01-05"}], "2026-01-07", ["2026-01-04"])
    assert capped == expected | {"earliest_entry": None}


def test_a_cap_on_the_entry_day_leaves_that_day():
    answer = assess(per_entry(10), [{"entry": "2026-01-05"}], "2026-01-05", ["2026-01-05"])
    assert (answer["status"], answer["max_stay_from_entry"], answer["days_left"]) == ("ok", 1, 0)


@pytest.mark.parametrize("status", ["outside", "unlimited", "unknown"])
def test_four_fields_are_null_where_there_is_no_last_day(status):
    rule = {"outside": per_entry(5), "unlimited": "unlimited", "unknown": "unknown"}[status]
    stays = [] if status == "outside" else [{"entry": "2026-01-01"}]
    answer = assess(rule, stays, "2026-01-01")
    assert answer["status"] == status
    for field in ("last_legal_day", "days_left", "first_violation", "max_stay_from_entry"):
        assert answer[field] is None
    assert answer["overstay_days"] == 0


def test_days_used_is_told_whatever_the_status():
    stays = [{"entry": "2025-12-30", "exit": "2026-01-02"}]
    both = all_of(year(90), ROLLING)
    assert assess(year(90), stays, "2026-02-01")["days_used"] == 2
    assert assess(ROLLING, stays, "2026-02-01")["days_used"] == 4
    assert assess(both, stays, "2026-02-01")["days_used"] == 4
    assert assess(all_of(both, {"kind": "unknown"}), stays, "2026-02-01")["days_used"] == 4
    assert assess(all_of(per_entry(9), {"kind": "unlimited"}), stays, "2026-02-01")["days_used"] is None
    on_permit = assess(ROLLING, [*stays, {"entry": "2026-02-01", **PERMIT}], "2026-02-01")
    assert (on_permit["status"], on_permit["days_used"]) == ("other_basis", 4)


@pytest.mark.parametrize("rule", ["until_document", "unlimited", "unknown", per_entry(3)])
def test_days_used_is_null_for_kinds_that_count_no_window(rule):
    assert assess(rule, [{"entry": "2026-01-01"}], "2026-01-01")["days_used"] is None


# Earliest entry


def test_the_earliest_entry_waits_for_the_window_to_empty():
    stays = [{"entry": "2026-01-01", "exit": "2026-03-31"}]
    assert assess(ROLLING, stays, "2026-04-01")["earliest_entry"] == "2026-06-30"
    assert assess(ROLLING, stays, "2026-07-15")["earliest_entry"] == "2026-07-15"


def test_the_earliest_entry_waits_for_the_new_year():
    stays = [{"entry": "2026-01-01", "exit": "2026-03-31"}]
    assert assess(year(90), stays, "2026-04-01")["earliest_entry"] == "2027-01-01"
    assert assess(year(91), stays, "2026-04-01")["earliest_entry"] == "2026-04-01"
    inside = [*stays, {"entry": "2026-04-02", "basis_valid_until": "2026-04-01"}]
    assert assess(year(91), inside, "2026-04-02")["earliest_entry"] == "2026-04-02"


def test_today_is_a_day_of_entry_if_the_rule_holds_with_it_although_it_is_already_a_day_of_presence():
    """Unlawful by its visa, lawful by the rule: today is in P already and costs nothing more."""
    stays = [
        {"entry": "2026-01-01", "exit": "2026-03-30"},
        {"entry": "2026-04-01", "basis_valid_until": "2026-03-31"},
    ]
    answer = assess(ROLLING, stays, "2026-04-01")
    assert (answer["status"], answer["days_used"], answer["earliest_entry"]) == (
        "inadmissible",
        90,
        "2026-04-01",
    )


def test_there_is_no_entry_after_the_earliest_cap_and_one_on_it():
    stays = [{"entry": "2026-01-01", "exit": "2026-03-31"}]
    assert assess(ROLLING, stays, "2026-04-01", ["2026-06-30"])["earliest_entry"] == "2026-06-30"
    assert assess(ROLLING, stays, "2026-04-01", ["2026-06-29", "2027-01-01"])["earliest_entry"] is None


def test_own_ends_of_stays_do_not_bound_the_earliest_entry():
    stays = [{"entry": "2026-01-01", "exit": "2026-01-02", "basis_valid_until": "2026-01-02"}]
    assert assess(per_entry(9), stays, "2026-04-01")["earliest_entry"] == "2026-04-01"
    assert assess("until_document", stays, "2026-04-01")["earliest_entry"] is None


@pytest.mark.parametrize("rule", ["unknown", all_of(per_entry(9), {"kind": "unknown"})])
def test_under_an_undetermined_rule_there_is_no_earliest_entry(rule):
    assert assess(rule, [], "2026-04-01", ["2027-01-01"])["earliest_entry"] is None
    assert assess("until_document", [], "2026-04-01")["earliest_entry"] is None
    assert assess("until_document", [], "2026-04-01", ["2027-01-01"])["earliest_entry"] == "2026-04-01"


def test_an_entry_is_looked_for_within_3652_days():
    stays = [{"entry": "2020-01-01", "exit": "2020-01-01"}]
    day_3652 = {"kind": "rolling", "days": 1, "window_days": 3653}
    assert assess(day_3652, stays, "2020-01-02")["earliest_entry"] == "2030-01-01"
    assert assess(day_3652 | {"window_days": 3654}, stays, "2020-01-02")["earliest_entry"] is None
    assert assess(day_3652 | {"window_days": 3654}, stays, "2020-01-03")["earliest_entry"] == "2030-01-02"


def test_results_may_lie_past_the_year_2199():
    answer = assess(per_entry(90), [{"entry": "2199-12-31"}], "2199-12-31")
    assert answer["last_legal_day"] == "2200-03-30"


# What only Python callers meet


def test_nesting_of_any_depth_is_flat():
    limit = PerEntry(3)
    for _ in range(50_000):
        limit = AllOf((limit,))
    assert parts_of(limit) == (PerEntry(3),)
    answer = assess_stay(Rule(limit), [Stay(date(2026, 1, 1))], as_of=date(2026, 1, 1))
    assert answer.last_legal_day == date(2026, 1, 3)


def test_a_rule_is_hashable_and_comparable():
    assert Rule(AllOf((PerEntry(3), Unknown()))) in {Rule(AllOf((PerEntry(3), Unknown())))}


def test_presence_counts_between_two_days():
    presence = Presence([(10, 12), (1, 3), (3, 5), (20, 20)])
    assert [presence.count(*span) for span in [(1, 30), (4, 11), (6, 9), (12, 20), (5, 4), (21, 99)]] == [
        9,
        4,
        0,
        2,
        0,
        0,
    ]
