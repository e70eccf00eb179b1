"""Procedural terms: legal rows and facts in, days and questions out. Pure: no database, no clock."""

import json
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.deadlines import DocumentFact, TaskFact, derive
from law.clocks import (
    WHICH_PAGE,
    WHICH_TAGS,
    ArrivalFact,
    Law,
    Pause,
    ProcedureFact,
    Term,
    TypedLastDay,
    arrival_clocks,
    clocks,
    duties,
    questions,
    reminded_terms,
)
from law.rules import reference
from tests.cases.a_file import a_file, a_stay
from tests.law.rules.test_reference import DATA

SOME, OTHER = UUID(int=1), UUID(int=2)
DAY = date(2026, 3, 2)  # a Monday
LAW = Law(
    rows=reference.procedural_rows(json.loads((DATA / "procedural_deadlines.json").read_text())),
    stay_rows=reference.stay_rows(json.loads((DATA / "stay_rules.json").read_text())),
    eu_members=frozenset({"DE", "FR", "NL", "PL", "LT"}),
)


def application(country, stage, *tags, pauses=(), typed=(), asylum=True, closed=False, **events):
    known = {code: (day,) for code, day in events.items()}
    return ProcedureFact(
        SOME, country, stage, asylum, closed, frozenset(tags), known, tuple(pauses), tuple(typed)
    )


def told(fact):
    return [(clock.name, clock.last_day) for clock in clocks(fact, LAW)]


def asked(fact):
    return [(question.code, question.term) for question in questions(fact, LAW)]


# -- terms of the person


def test_an_appeal_window_runs_from_service_and_not_from_the_decision():
    """Sabotage: map decision_served to decided_on in cases/models/procedures.py (the test on rows), or
    count from `decision_made` in the row."""
    fact = application("KZ", "refused", decision_made=DAY - timedelta(20), decision_served=DAY)
    (clock,) = clocks(fact, LAW)
    assert (clock.term, clock.rule, clock.last_day) == (
        Term.APPEAL, "kz-05@2026-11-22.2", date(2026, 6, 2)
    )  # fmt: skip
    assert clock.event_code == "decision_served"


def test_a_refusal_of_which_service_is_not_known_gives_no_day_but_a_question():
    """Sabotage: fall back to decision_made where decision_served is unknown."""
    fact = application("KZ", "refused", decision_made=DAY)
    assert told(fact) == []
    assert asked(fact) == [("decision_served", Term.APPEAL)]


def test_an_untagged_dutch_refusal_asks_what_kind_it_is():
    """Four weeks or one: the desk does not guess. Sabotage: drop `applies_to` from running()."""
    fact = application("NL", "refused", decision_served=DAY)
    assert told(fact) == []
    assert (WHICH_TAGS, Term.APPEAL) in asked(fact)
    assert told(application("NL", "refused", "other", decision_served=DAY)) == [("nl-33", date(2026, 3, 30))]


def test_the_row_of_a_member_state_goes_before_that_of_the_union():
    """Sabotage: drop the line about `national` from running()."""
    assert told(application("DE", "refused", "inadmissible", decision_served=DAY)) == [
        ("de-16", date(2026, 3, 9))
    ]
    later = date(2026, 9, 7)
    assert told(application("PL", "refused", "inadmissible", decision_served=later)) == [
        ("eu-20", date(2026, 9, 12))
    ]


def test_a_german_last_day_on_a_sunday_moves_to_monday():
    assert told(application("DE", "refused", "simple", decision_served=date(2026, 3, 1))) == [
        ("de-15", date(2026, 3, 16))
    ]


def test_of_several_rows_about_one_appeal_all_are_shown_and_the_earliest_is_reminded():
    """Sabotage: `max` in reminded_terms()."""
    fact = application("DE", "refused", "simple", "manifestly_unfounded", decision_served=DAY)
    assert [name for name, _day in told(fact)] == ["de-16", "de-15"]
    assert [clock.name for clock in reminded_terms(clocks(fact, LAW))] == ["de-16"]


def test_two_steps_at_one_stage_are_both_reminded():
    fact = application("FR", "refused", decision_served=DAY)
    assert {clock.name for clock in reminded_terms(clocks(fact, LAW))} == {"fr-29", "fr-30"}
    fact = application("KZ", "registered", certificate_received=DAY, certificate_issued=DAY)
    assert {clock.name for clock in reminded_terms(clocks(fact, LAW))} == {"kz-02", "kz-03"}


def test_the_term_of_the_authority_is_its_own_kind():
    """Sabotage: term_of() looks at the stage alone."""
    (clock,) = clocks(application("DE", "decision_pending", application_lodged=DAY), LAW)
    assert (clock.term, clock.last_day) == (Term.AUTHORITY, date(2026, 9, 2))


def test_nothing_runs_for_a_visa_by_the_rows_about_asylum():
    """A wrong term is worse than none. Sabotage: leave `fact.asylum` out of clocks()."""
    fact = application("KZ", "refused", decision_served=DAY, asylum=False)
    assert told(fact) == []
    assert asked(fact) == [(WHICH_PAGE, Term.APPEAL)]


def test_a_country_without_a_row_asks_for_the_page_of_the_decision():
    fact = application("TR", "refused", decision_served=DAY)
    assert asked(fact) == [(WHICH_PAGE, Term.APPEAL)]
    typed = application(
        "TR", "refused", decision_served=DAY, typed=[TypedLastDay(OTHER, "appeal_end", DAY, False)]
    )
    assert asked(typed) == []


def test_terms_of_an_appeal_run_from_the_last_of_its_days():
    fact = replace(
        application("US", "appeal_dismissed", "us_bia"),
        known={"appeal_decided": (DAY, DAY + timedelta(100))},
    )
    (clock,) = clocks(fact, LAW)
    assert clock.last_day == DAY + timedelta(130)


# -- pauses


def paused(*pauses):
    fact = application(
        "FR", "refused", decision_served=DAY, pauses=[Pause("appeal_end", *pair) for pair in pauses]
    )
    return next(clock for clock in clocks(fact, LAW) if clock.name == "fr-30")


def test_a_term_that_stood_still_runs_on_with_the_days_that_were_left():
    """Sabotage: add one to the length of the pause."""
    assert paused().last_day == date(2026, 4, 2)
    clock = paused((date(2026, 3, 10), date(2026, 4, 19)))
    assert (clock.last_day, clock.paused_days, clock.stands_still) == (date(2026, 5, 12), 40, False)


def test_a_term_that_stands_still_keeps_its_first_day_until_somebody_says_when_it_runs_on():
    """Sabotage: leave out what has no end yet from `still`."""
    clock = paused((date(2026, 3, 10), None))
    assert (clock.last_day, clock.stands_still) == (date(2026, 4, 2), True)


def test_the_pause_of_an_earlier_decision_lengthens_nothing():
    """Sabotage: leave the comparison with the event out of _days_paused()."""
    assert paused((DAY - timedelta(300), DAY - timedelta(200))).last_day == date(2026, 4, 2)
    assert paused((date(2026, 4, 3), date(2026, 9, 1))).last_day == date(2026, 4, 2)


def test_legal_aid_asked_for_says_that_the_french_window_may_stand_still():
    """Sabotage: `return None` in suspended_by()."""
    fact = application("FR", "refused", decision_served=DAY, legal_aid_requested=DAY + timedelta(5))
    appeal = next(clock for clock in clocks(fact, LAW) if clock.name == "fr-30")
    assert (appeal.last_day, appeal.stands_still) == (date(2026, 4, 2), True)


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.lists(st.tuples(st.integers(-60, 90), st.integers(0, 90)), max_size=3),
)
def test_a_pause_never_shortens_a_term(served, lengths):
    pauses = [
        Pause("appeal_end", served + timedelta(start), served + timedelta(start + days))
        for start, days in lengths
    ]
    plain = application("FR", "refused", decision_served=served)
    held = replace(plain, pauses=tuple(pauses))
    before = {clock.name: clock.last_day for clock in clocks(plain, LAW)}
    after = {clock.name: clock.last_day for clock in clocks(held, LAW)}
    assert before.keys() == after.keys()
    assert all(before[name] <= after[name] for name in before)
    assert after["fr-29"] == before["fr-29"]


# -- days typed from the decision


def typed(last_day, confirmed):
    fact = application(
        "KZ", "refused", decision_served=DAY, typed=[TypedLastDay(OTHER, "appeal_end", last_day, confirmed)]
    )
    return [(clock.rule, clock.last_day) for clock in reminded_terms(clocks(fact, LAW))]


def test_a_typed_day_wins_once_a_second_person_has_compared_it():
    """Sabotage: `compared = True` in reminded_terms()."""
    rule, own = ("kz-05@2026-11-22.2", date(2026, 6, 2)), date(2026, 7, 1)
    assert typed(own, confirmed=False) == [rule, ("", own)]
    assert typed(own, confirmed=True) == [("", own)]


# -- arrivals


def arrival(country, *, claimed=False, registered_on=None, tags=(), **events):
    known = {code: (day,) for code, day in events.items()}
    return ArrivalFact(SOME, country, claimed, registered_on, frozenset(tags), known)


def test_asylum_has_to_be_asked_for_within_days_of_the_entry_unless_it_was():
    """Sabotage: leave `fact.claimed` out of arrival_clocks()."""
    (clock,) = arrival_clocks(arrival("KZ", stay_entered=DAY), LAW)
    assert (clock.term, clock.last_day) == (Term.APPLY, date(2026, 3, 7))
    assert arrival_clocks(arrival("KZ", stay_entered=DAY, claimed=True), LAW) == ()
    assert arrival_clocks(arrival("TR", stay_entered=DAY), LAW) == ()


def test_twenty_four_hours_after_an_irregular_entry_close_that_same_day():
    """Only the day is known: it counts from 00:00, so the day itself is the last one."""
    (clock,) = arrival_clocks(arrival("GE", tags=["irregular"], irregular_entry=DAY), LAW)
    assert clock.last_day == DAY
    assert clock.moment.isoformat() == "2026-03-03T00:00:00"
    assert arrival_clocks(arrival("GE", stay_entered=DAY), LAW) == ()


def test_a_duty_after_arrival_ends_when_it_is_done_and_begins_again_with_a_new_address():
    """Sabotage: leave the comparison with registered_on out of duties()."""
    (duty,) = duties(arrival("KZ", host_arrived=DAY), LAW)
    assert (duty.code, duty.last_day) == ("host_notification", date(2026, 3, 5))
    assert duty.source
    assert duties(arrival("KZ", host_arrived=DAY, registered_on=DAY), LAW) == ()
    assert duties(arrival("KZ", host_arrived=DAY, registered_on=DAY - timedelta(1)), LAW)


# -- together: no fact silences the term of an application

days = st.dates(date(2020, 1, 1), date(2035, 1, 1))
ids = st.uuids()
places = st.sampled_from(["KZ", "DE", "FR", "NL", "GE", "US"])
stages = st.sampled_from(
    ["registered", "decision_pending", "refused", "transfer_decision", "appeal_pending", "appeal_dismissed"]
)
events = st.dictionaries(
    st.sampled_from(
        ["decision_served", "application_lodged", "application_registered", "certificate_received",
         "certificate_issued", "appeal_filed", "appeal_decided", "appeal_served", "reasons_served",
         "transfer_decision_served", "responsibility_accepted", "decision_made"]
    ),
    st.lists(days, min_size=1, max_size=2).map(tuple),
)  # fmt: skip
tags = st.frozensets(st.sampled_from(sorted({tag for row in LAW.rows for tag in row.applies_to})), max_size=3)
procedures = st.builds(
    ProcedureFact, ids, places, stages, st.booleans(), st.booleans(), tags, events, st.just(()), st.just(())
)
others = st.fixed_dictionaries(
    {
        "stays": st.lists(st.builds(a_stay, ids, places, st.none() | days, st.none() | days), max_size=2),
        "documents": st.lists(
            st.builds(DocumentFact, ids, places, days, st.booleans(), st.just("")), max_size=2
        ),
        "tasks": st.lists(st.builds(TaskFact, ids, places, days, st.booleans()), max_size=2),
        "procedures": st.lists(procedures, max_size=2),
    }
)


def of(procedure, dues):
    return {due for due in dues if due.source.startswith(f"application:{procedure.id}")}


@given(procedures, others)
def test_no_other_fact_takes_a_term_away(procedure, other):
    """Sabotage: in _of_procedures, put the clocks of all applications into one reminded_terms()."""
    alone = derive(a_file("KZ", procedures=[procedure], law=LAW))
    more = [each for each in other.pop("procedures") if each.id != procedure.id]
    together = derive(a_file("KZ", procedures=[*more, procedure], law=LAW, **other))
    assert of(procedure, alone) == of(procedure, together)


@given(st.lists(procedures, max_size=4, unique_by=lambda each: each.id), st.randoms())
def test_the_order_of_applications_does_not_matter(found, dice):
    shuffled = list(found)
    dice.shuffle(shuffled)
    rows = list(LAW.rows)
    dice.shuffle(rows)
    law = replace(LAW, rows=rows)
    assert set(derive(a_file("KZ", procedures=found, law=LAW))) == set(
        derive(a_file("KZ", procedures=shuffled, law=law))
    )


@given(procedures)
def test_every_counted_thing_is_reminded_once_or_shown_beside_an_earlier_one(procedure):
    shown = clocks(procedure, LAW)
    chosen = reminded_terms(shown)
    assert all(clock in shown for clock in chosen)
    assert {clock.term for clock in chosen} == {clock.term for clock in shown}
    for term in {clock.term for clock in shown}:
        assert min(c.last_day for c in chosen if c.term == term) == min(
            c.last_day for c in shown if c.term == term
        )


@pytest.mark.parametrize("stage", ["refused", "transfer_decision", "appeal_dismissed"])
@pytest.mark.parametrize("country", ["KZ", "DE", "FR", "NL", "GE", "US", "TR", "PL", "AM"])
def test_after_a_refusal_there_is_a_day_or_a_question(country, stage):
    """Sabotage: drop WHICH_PAGE from questions()."""
    fact = application(country, stage)
    assert told(fact) or asked(fact)
