"""Which versions of a rule stand, and on which days: pure, dates in, dates out."""

import copy
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from law.rules.reference import BadTable
from law.rules.stay import PerEntry, Rolling
from law.rules.versions import Table, Version, covers, effective_versions, shipped_versions, tables_of

KZ = next(version for version in shipped_versions() if version.code == "kz-2023")


def version(number, first=None, last=None, *, replaces=None, corrects=False):
    return Version("stay", "xx", number, {}, first, last, replaces or number - 1 or None, corrects)


def spans(*versions):
    return {v.number: (v.valid_from, v.valid_to) for v in effective_versions(versions)}


def test_the_law_changes_and_the_older_version_ends_the_day_before():
    """Sabotage: leave out `- timedelta(days=1)` in _left_of."""
    found = spans(version(1), version(2, date(2027, 1, 1)))
    assert found == {1: (None, date(2026, 12, 31)), 2: (date(2027, 1, 1), None)}


def test_a_correction_takes_the_place_of_the_version_that_was_wrong():
    """Sabotage: leave out `wrong.add` in _left_of."""
    assert spans(version(1), version(2, corrects=True)) == {2: (None, None)}
    later = version(3, date(2027, 6, 1), corrects=True)
    assert spans(version(1), version(2, date(2027, 1, 1)), later) == {
        1: (None, date(2027, 5, 31)),
        3: (date(2027, 6, 1), None),
    }


def test_a_law_that_was_announced_and_never_came_leaves_no_gap():
    again = version(3, date(2023, 1, 27), corrects=True)
    found = spans(version(1, date(2023, 1, 27)), version(2, date(2027, 1, 1)), again)
    assert found == {3: (date(2023, 1, 27), None)}


def test_the_past_is_corrected_beside_a_version_that_followed():
    past = version(3, None, date(2022, 12, 31), replaces=1, corrects=True)
    found = spans(version(1), version(2, date(2023, 1, 1)), past)
    assert found == {2: (date(2023, 1, 1), None), 3: (None, date(2022, 12, 31))}


def test_a_version_that_begins_no_later_leaves_nothing_of_the_one_before():
    assert spans(version(1, date(2024, 1, 1)), version(2, date(2024, 1, 1))) == {2: (date(2024, 1, 1), None)}


days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@st.composite
def chains(draw):
    """Each version follows the newest one or corrects it, from any day on, without end."""
    firsts = draw(st.lists(st.none() | days, min_size=1, max_size=6))
    return [version(n, day, corrects=n > 1 and draw(st.booleans())) for n, day in enumerate(firsts, start=1)]


@given(chains(), days)
def test_on_any_day_at_most_one_version_is_in_force(chain, day):
    assert sum(covers(each, day) for each in effective_versions(chain)) <= 1


@given(chains())
def test_the_newest_version_stands_as_it_was_made(chain):
    assert effective_versions(chain)[-1] == chain[-1]


@given(chains(), st.randoms())
def test_the_order_of_reading_changes_nothing(chain, dice):
    mixed = chain[:]
    dice.shuffle(mixed)
    assert effective_versions(mixed) == effective_versions(chain)


# -- the tables


def test_two_versions_of_one_rule_stand_one_after_the_other_in_the_table():
    row = copy.deepcopy(KZ.row)
    row["rule"] = {"kind": "per_entry", "days": 60}
    newer = replace(KZ, number=2, row=row, valid_from=date(2027, 1, 1), replaces=1)
    rows = [r for r in tables_of([*shipped_versions(), newer]).stays if r.id == "kz-2023"]
    assert [(r.version, r.valid_to) for r in rows] == [("1", date(2026, 12, 31)), ("2", None)]
    assert [r.rule.limit for r in rows] == [Rolling(90, 180), PerEntry(60)]
    assert {r.raw["id"] for r in rows} == {"kz-2023"}


def test_a_confirmation_stands_in_the_row():
    signed = replace(KZ, verified_on=date(2026, 11, 1), verified_by="lena")
    row = next(r for r in tables_of([signed]).stays)
    assert (row.check.verified_on, row.check.verified_by) == (date(2026, 11, 1), "lena")


def test_versions_that_overlap_are_refused_by_name():
    with pytest.raises(BadTable, match=r"kz-2023@1.*other@1|other@1.*kz-2023@1"):
        tables_of([KZ, replace(KZ, code="other")])


def test_what_ships_makes_tables_and_says_which_version_it_is():
    tables = tables_of(shipped_versions())
    assert (len(tables.stays), len(tables.terms)) == (21, 48)
    assert {r.version for r in (*tables.stays, *tables.terms)} == {"1"}
    passports = tables.document_rules()
    assert passports.internal_passport.replaced_at_ages == (20, 45)
    assert passports.internal_passport.grace_days == 90
    assert passports.travel_passport_terms == (5, 10)
    assert passports.internal_passport_ref == "ru-internal-passport@1"
    assert len(tables.members("EU", date(2026, 1, 1))) == 27
    assert tables.members("EU", date(2020, 1, 31)) == frozenset()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("ru-internal-passport", {"grace_days": 0}),
        ("ru-internal-passport", {"replaced_at_ages": []}),
        ("ru-travel-passport", {"terms_years": [True]}),
        ("ru-travel-passport", {"sources": []}),
        ("ru-travel-passport", {"document": "driving_licence"}),
        ("EU", {"members": []}),
        ("EU", {"members": ["DE", "DE"]}),
    ],
)
def test_a_row_of_documents_or_groups_that_cannot_be_used_is_named(code, changes):
    good = next(v for v in shipped_versions() if v.code == code)
    with pytest.raises(BadTable, match=f"{code}@1"):
        tables_of([replace(good, row={**good.row, **changes})])


def test_a_day_more_than_the_rule_has_is_not_covered():
    ending = replace(KZ, valid_to=date(2026, 12, 31))
    assert covers(ending, date(2026, 12, 31))
    assert not covers(ending, date(2026, 12, 31) + timedelta(days=1))
    assert ending.table == Table.STAY
