"""What is published of counts: an attacker who adds and subtracts learns no hidden number."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from figures import disclosure
from figures.disclosure import (
    OTHERS,
    PROTECTION,
    THRESHOLD,
    group_names,
    primary,
    publish,
    ranges,
    suppressed_cells,
)
from tests.figures.attacker import Attacker, all_tables, of_publication

COUNTRIES = [f"C{n}" for n in range(7)]
VALUES = {"category": ["a", "b", "c", "d"], "outcome": ["x", "y", "z"]}

small_grids = st.tuples(st.integers(2, 3), st.integers(2, 3)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 7), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


def large_totals(grid):
    return all(sum(line) >= THRESHOLD for line in [*grid, *zip(*grid, strict=True)])


@st.composite
def people(draw):
    """Each with a country, a category and an outcome: few in most countries, many in some."""
    size = draw(st.integers(0, 220))
    dice = random.Random(draw(st.integers(0, 10**6)))
    weights = [dice.choice((1, 2, 20)) for _each in COUNTRIES]
    return [
        (dice.choices(COUNTRIES, weights)[0], dice.choices(VALUES["category"], (9, 4, 2, 1))[0],
         dice.choices(VALUES["outcome"], (8, 3, 1))[0])
        for _each in range(size)
    ]  # fmt: skip


def counted(crowd):
    tables = {"category": {}, "outcome": {}}
    for country, category, outcome in crowd:
        for name, value in (("category", category), ("outcome", outcome)):
            tables[name][country, value] = tables[name].get((country, value), 0) + 1
    return tables


def published(crowd):
    return publish(counted(crowd), countries=COUNTRIES, values=VALUES)


@given(small_grids, st.data())
@settings(max_examples=60)
def test_the_ranges_are_exactly_those_of_trying_everything(grid, data):
    """Sabotage: `amounts[place] > 1` in _way, or `most=None` where a cell grows less."""
    places = [(i, j) for i, line in enumerate(grid) for j in range(len(line))]
    hidden = data.draw(st.sets(st.sampled_from(places)))
    tried = all_tables(grid, hidden)
    for place, (low, high) in ranges(grid, hidden).items():
        seen = {table[place] for table in tried}
        assert (low, high) == (min(seen), max(seen))


@given(small_grids)
@settings(max_examples=80)
def test_every_hidden_cell_could_be_one_of_many_numbers(grid):
    """Sabotage: `return frozenset(primary(grid))` at the start of suppressed_cells()."""
    assume(large_totals(grid))
    hidden = suppressed_cells(grid)
    assert primary(grid) <= hidden
    tried = all_tables(grid, hidden)
    for place in hidden:
        seen = {table[place] for table in tried}
        assert max(seen) - min(seen) >= PROTECTION


@given(people())
@settings(max_examples=60)
def test_nobody_recovers_a_hidden_cell_by_adding_and_subtracting(crowd):
    """Done when a test tries to recover hidden cells over all tables of a publication, and cannot.

    The attacker solves every equation that totals and shown cells give, of all tables at once.
    Sabotage: `return frozenset(primary(grid))` at the start of suppressed_cells().
    """
    attacker = of_publication(published(crowd))
    for cell, (low, high) in attacker.ranges().items():
        assert high - low >= PROTECTION, cell


def test_the_attacker_succeeds_where_only_small_cells_are_hidden():
    """What the attack is worth: with the second step left out it reads the hidden number."""
    grid = [[2, 30, 40], [25, 10, 20], [30, 30, 9]]
    tables = {"category": {(f"C{i}", "abc"[j]): n for i, line in enumerate(grid) for j, n in enumerate(line)}}
    lists = {"countries": ["C0", "C1", "C2"], "values": {"category": ["a", "b", "c"]}}
    good = of_publication(publish(tables, **lists))
    assert len(good.hidden) >= 4
    assert all(high - low >= PROTECTION for low, high in good.ranges().values())
    bad = Attacker()
    bad.know_table("category", grid, hidden=primary(grid))
    assert bad.ranges() == {("category", 0, 0): (2, 2)}


@given(people())
@settings(max_examples=60)
def test_no_total_is_small_and_no_row_of_others_stands_for_one_alone(crowd):
    """Sabotage: `while False` in group_names()."""
    for table in published(crowd).values():
        assert min(*table.row_totals, *table.column_totals, table.total) >= THRESHOLD
        assert sum(table.row_totals) == sum(table.column_totals) == len(crowd)
        for line in table.cells:
            assert all(cell is None or cell >= THRESHOLD for cell in line)
    if len(crowd) >= THRESHOLD:
        totals = {country: sum(each[0] == country for each in crowd) for country in COUNTRIES}
        rows = group_names(totals, COUNTRIES)
        assert sorted(itertools.chain(*rows.values())) == COUNTRIES
        assert OTHERS not in rows or len(rows[OTHERS]) > 1


def test_few_people_are_not_published_at_all():
    assert published([("C0", "a", "x")] * 4) == {}
    table = published([("C0", "a", "x")] * 5)["category"]
    assert table.rows == (OTHERS,)  # that nobody came from elsewhere is nobody's business either
    assert table.cells == ((5,),)


def test_two_tables_of_one_publication_have_the_same_countries():
    crowd = [("C0", "a", "x")] * 9 + [("C1", "b", "y")] * 8 + [("C2", "c", "z")] * 2
    tables = published(crowd)
    assert tables["category"].rows == tables["outcome"].rows
    assert tables["category"].row_totals == tables["outcome"].row_totals


@pytest.mark.parametrize(
    "tables",
    [
        {"category": {("C0", "a"): 6}, "outcome": {("C1", "x"): 6}},
        {"category": {("XX", "a"): 6}},
        {"category": {("C0", "q"): 6}},
        {"category": {("C0", "a"): -1}},
    ],
)
def test_what_are_no_counts_of_the_same_people_is_refused(tables):
    with pytest.raises(ValueError, match="people|list"):
        publish(tables, countries=COUNTRIES, values=VALUES)


def test_a_world_of_countries_is_hidden_well_enough():
    """As large as it gets: every country there is, ten stages. Sabotage: leave _partners' columns out."""
    dice = random.Random(7)
    world = [f"W{n}" for n in range(60)]
    stages = [f"s{n}" for n in range(10)]
    counts = {(country, stage): dice.choice((0, 0, 1, 2, 6, 15, 40)) for country in world for stage in stages}
    table = publish({"stage": counts}, countries=world, values={"stage": stages})["stage"]
    grid = [[counts[row, column] if row != OTHERS else 0 for column in table.columns] for row in table.rows]
    assert OTHERS not in table.rows
    hidden = {(i, j) for i, line in enumerate(table.cells) for j, cell in enumerate(line) if cell is None}
    assert primary(grid) < hidden
    assert all(high - low >= PROTECTION for low, high in ranges(grid, hidden).values())
    assert disclosure.THRESHOLD == 5
