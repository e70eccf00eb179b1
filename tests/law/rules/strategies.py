"""What Hypothesis draws from: days near the edges, stays that touch and overlap, rules of every kind."""

from datetime import date, timedelta

from hypothesis import strategies as st

from law.rules.stay import (
    AllOf,
    CalendarYear,
    PerEntry,
    Rolling,
    Rule,
    Stay,
    Unknown,
    Unlimited,
    UntilDocument,
)

ANCHORS = [date(1900, 1, 1), date(2023, 12, 31), date(2024, 2, 29), date(2026, 7, 1), date(2199, 12, 31)]
BASES = ["visa_free", "short_stay_visa", "permit"]

counts = st.one_of(
    st.integers(1, 40), st.integers(1, 400), st.sampled_from([365, 366, 3651, 3652, 3653, 10**30])
)
simple_limits = st.one_of(
    st.builds(PerEntry, counts),
    st.builds(Rolling, counts, counts),
    st.builds(CalendarYear, counts),
    st.sampled_from([UntilDocument(), Unlimited(), Unknown()]),
)
counting_limits = st.one_of(
    st.builds(PerEntry, counts), st.builds(Rolling, counts, counts), st.builds(CalendarYear, counts)
)


def _all_of(parts):
    return st.builds(AllOf, st.lists(parts, min_size=1, max_size=3).map(tuple))


limits = st.recursive(simple_limits, _all_of, max_leaves=4)
determined_limits = st.recursive(counting_limits, _all_of, max_leaves=4)
counted_bases = st.sampled_from(
    [frozenset({"visa_free"}), frozenset({"visa_free", "short_stay_visa"}), frozenset()]
)
rules = st.builds(Rule, limits, counted_bases)


@st.composite
def situations(draw, rules=rules, max_stays=6):
    """A rule, stays, a day and caps that all lie near each other."""
    anchor = draw(st.sampled_from(ANCHORS))
    near = st.one_of(st.integers(-30, 30), st.integers(-400, 400)).map(
        lambda n: min(max(anchor + timedelta(days=n), date(1900, 1, 1)), date(2199, 12, 31))
    )

    def stay(entry, length, open_ended, basis, own_end):
        last = None if open_ended else min(entry + timedelta(days=length), date(2199, 12, 31))
        return Stay(entry, last, basis, own_end)

    stays = st.builds(
        stay,
        near,
        st.one_of(st.integers(0, 10), st.integers(0, 200)),
        st.booleans(),
        st.sampled_from(BASES),
        st.one_of(st.none(), st.none(), near),
    )
    return (
        draw(rules),
        draw(st.lists(stays, max_size=max_stays)),
        draw(near),
        draw(st.lists(near, max_size=2)),
    )
