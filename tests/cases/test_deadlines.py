"""Facts in, deadlines out; and who hears of them when. Pure: no database, no clock."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.deadlines import (
    COUNTED,
    DEFAULT_LEADS,
    ApplicationFact,
    DerivedDeadline,
    DocumentFact,
    Kind,
    StayFact,
    TaskFact,
    derive,
    lead_reached,
    unseen_goes_up_at,
    with_questions,
)
from tests.cases.a_file import a_file, a_stay

SOME = UUID(int=1)
DAY = date(2026, 11, 23)
ALMATY = ZoneInfo("Asia/Almaty")

days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
maybe_days = st.none() | days
ids = st.uuids()
countries = st.sampled_from(["KZ", "AM", "GE"])
next_steps = st.fixed_dictionaries(dict.fromkeys(("application_check", "interview", "hearing"), maybe_days))
facts = st.builds(
    a_file,
    country=countries,
    stays=st.lists(st.builds(a_stay, ids, countries, maybe_days, maybe_days), max_size=3),
    documents=st.lists(
        st.builds(DocumentFact, ids, countries, maybe_days, st.booleans(), st.just("")), max_size=3
    ),
    applications=st.lists(
        st.builds(ApplicationFact, ids, countries, next_steps, st.booleans()),
        max_size=3,
    ),
    tasks=st.lists(st.builds(TaskFact, ids, countries, maybe_days, st.booleans()), max_size=3),
    closed=st.booleans(),
)


def test_a_stay_in_progress_ends_on_its_last_legal_day():
    (due,) = derive(a_file("KZ", stays=[a_stay(SOME, "KZ", None, DAY)]))
    assert (due.kind, due.source, due.due_on, due.country) == ("stay_end", f"stay:{SOME}", DAY, "KZ")


@pytest.mark.parametrize(
    "silent",
    [
        a_file("KZ", stays=[a_stay(SOME, "KZ", DAY, DAY)]),
        a_file("KZ", stays=[a_stay(SOME, "KZ", None, None)]),
        a_file("KZ", documents=[DocumentFact(SOME, "KZ", DAY, in_force=False, rule="")]),
        a_file("KZ", applications=[ApplicationFact(SOME, "FR", {Kind.HEARING: DAY}, closed=True)]),
        a_file("KZ", tasks=[TaskFact(SOME, "KZ", DAY, done=True)]),
        a_file("KZ", stays=[a_stay(SOME, "KZ", None, DAY)], closed=True),
    ],
    ids=["left", "unknown", "lost document", "finished application", "done task", "closed case"],
)
def test_what_is_over_gives_no_deadline(silent):
    assert derive(silent) == ()


def test_one_application_gives_a_check_an_interview_and_a_hearing():
    ahead = [Kind.APPLICATION_CHECK, Kind.INTERVIEW, Kind.HEARING]
    days_ahead = {kind: DAY + timedelta(n) for n, kind in enumerate(ahead)}
    application = ApplicationFact(SOME, "FR", days_ahead, closed=False)
    found = derive(a_file("KZ", applications=[application]))
    assert [due.kind for due in found] == ["application_check", "interview", "hearing"]
    assert {due.country for due in found} == {"FR"}


def test_a_fact_without_a_country_counts_by_the_country_of_stay():
    (due,) = derive(a_file("AM", tasks=[TaskFact(SOME, "", DAY, done=False)]))
    assert due.country == "AM"


@given(facts)
def test_every_date_in_force_is_due_once(known):
    found = derive(known)
    expected = 0 if known.closed else (
        sum(1 for stay in known.stays if stay.last_legal_day and not stay.left_on)
        + sum(1 for paper in known.documents if paper.valid_until and paper.in_force)
        + sum(
            sum(1 for day in each.days.values() if day)
            for each in known.applications
            if not each.closed
        )
        + sum(1 for task in known.tasks if task.due_on and not task.done)
    )  # fmt: skip
    assert len(found) == expected
    assert [due.due_on for due in found] == sorted(due.due_on for due in found)


@given(facts, st.randoms())
def test_the_order_of_facts_does_not_matter(known, shuffled):
    lists = {name: list(getattr(known, name)) for name in ("stays", "documents", "applications", "tasks")}
    for rows in lists.values():
        shuffled.shuffle(rows)
    assert set(derive(a_file(known.country, closed=known.closed, **lists))) == set(derive(known))


@pytest.mark.parametrize(
    ("days_left", "lead"),
    [(31, None), (30, 30), (29, 30), (8, 14), (7, 7), (2, 3), (1, 1), (0, 0), (-1, 0), (-400, 0)],
)
def test_the_most_urgent_lead_reached(days_left, lead):
    assert lead_reached(days_left) == lead


@given(st.integers(-500, 500), st.lists(st.integers(0, 365), min_size=1, max_size=8))
def test_a_lead_once_reached_is_never_unreached_as_days_pass(days_left, leads):
    now, tomorrow = lead_reached(days_left, leads), lead_reached(days_left - 1, leads)
    assert now is None or (tomorrow is not None and tomorrow <= now)


def test_no_lead_is_skipped_for_good():
    reached = [lead_reached(days_left) for days_left in range(40, -5, -1)]
    assert [lead for lead in dict.fromkeys(reached) if lead is not None] == list(DEFAULT_LEADS)


def test_a_date_on_a_wednesday_goes_up_when_tuesday_begins_in_its_country():
    moment = unseen_goes_up_at(date(2026, 11, 25), None, ALMATY)
    assert moment.astimezone(UTC) == datetime(2026, 11, 23, 19, tzinfo=UTC)


@pytest.mark.parametrize("due_on", [date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)])
def test_a_date_after_the_weekend_goes_up_on_friday(due_on):
    assert unseen_goes_up_at(due_on, None, ALMATY).date() == date(2026, 11, 27)


def test_a_date_typed_late_leaves_its_caseworker_until_the_next_working_morning():
    typed = datetime(2026, 11, 24, 15, tzinfo=ALMATY)
    assert unseen_goes_up_at(date(2026, 11, 25), typed, ALMATY) == datetime(2026, 11, 25, 9, tzinfo=ALMATY)


def test_a_date_typed_in_the_night_before_goes_up_that_morning():
    typed = datetime(2026, 11, 24, 2, tzinfo=ALMATY)
    assert unseen_goes_up_at(date(2026, 11, 25), typed, ALMATY) == datetime(2026, 11, 24, 9, tzinfo=ALMATY)


@given(days, st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)))
def test_nobody_waits_past_the_morning_of_the_day(due_on, typed):
    moment = unseen_goes_up_at(due_on, typed, ALMATY)
    assert moment <= datetime(due_on.year, due_on.month, due_on.day, 9, tzinfo=ALMATY)


def test_a_deadline_names_the_rule_that_gave_its_day_and_none_where_a_person_typed_it():
    stays = (StayFact(uuid4(), "KZ", None, DAY, "kz-2023@1", None), a_stay(uuid4(), "AM", None, DAY))
    documents = (DocumentFact(uuid4(), "KZ", DAY, True, "ru-internal-passport@1"),)
    dues = derive(a_file("KZ", stays=stays, documents=documents))
    assert {due.rule for due in dues} == {"kz-2023@1", "", "ru-internal-passport@1"}


# -- terms that were over before anybody here counted them

kinds = st.sampled_from(list(Kind))
dated = st.builds(DerivedDeadline, kinds, st.just("stay:1:kz-01"), days, countries, st.just("kz-01@1"))


@given(dated, days, st.booleans())
def test_only_a_counted_term_that_was_over_unwatched_becomes_a_question(due, today, watched):
    """Sabotage: compare with `<=` in with_questions, or leave `watched` out of it."""
    (found,) = with_questions([due], watched={(due.kind, due.source)} if watched else (), today=today)
    if watched or due.kind not in COUNTED or due.due_on >= today:
        assert found == due
        return
    assert (found.kind, found.due_on, found.question) == (Kind.TERM_PASSED, today, True)
    assert found.source == f"stay:1:kz-01:{due.due_on}"
    assert (found.country, found.rule) == (due.country, due.rule)


def test_a_stay_or_a_document_that_ended_is_overdue_and_no_question():
    """Each day of it counts. Sabotage: put STAY_END into COUNTED."""
    lasting = (Kind.STAY_END, Kind.DOCUMENT_END, Kind.TASK)
    dues = [DerivedDeadline(kind, "x:1", DAY - timedelta(9), "KZ") for kind in lasting]
    assert with_questions(dues, watched=(), today=DAY) == tuple(dues)
