"""The voter proves itself first: it reads dates from a leaking dump, and nothing from a tight one."""

import random
import uuid
from datetime import date, timedelta

from tests.end_to_end.voter import judge, linked

FIRST = date(2026, 12, 1)


def _dump(leak=None, count=80):
    rng = random.Random(5)
    deadlines, reminders, due = [], [], []
    for _ in range(count):
        day = FIRST + timedelta(days=rng.randrange(90))
        row = {"id": str(uuid.UUID(int=rng.getrandbits(128))), "kind": rng.choice(["task", "stay_end"])}
        row["country"] = rng.choice(["KZ", "AM", "GE", "RS"])
        row["due_on"] = rng.randbytes(40)
        if leak == "created_at":
            row["created_at"] = str(day - timedelta(days=30))
        if leak == "colour":
            row["colour"] = "red" if (day - FIRST).days < 30 else "green"
        if leak == "place":
            row["place"] = (day - FIRST).days * 10 + rng.randrange(9)
        if leak == "reminder":
            reminders.append({"deadline": row["id"], "sent_at": str(day - timedelta(days=7))})
        deadlines.append(row)
        due.append(day)
    tables = {"reminder": reminders}
    return [linked(row, tables) for row in deadlines], due


def _judged(leak):
    columns, due = _dump(leak)
    return judge(columns, due, seed=11, shuffles=199)


def test_the_voter_reads_nothing_from_a_dump_that_holds_no_readable_time():
    verdict = _judged(None)
    assert verdict.p_value > 0.01


def test_a_readable_sending_time_gives_the_day_away():
    assert _judged("reminder").exact_days <= 0.01
    assert _judged("created_at").exact_days <= 0.01


def test_a_column_in_the_order_of_the_dates_gives_the_order_away():
    verdict = _judged("place")
    assert (verdict.order <= 0.01, verdict.best_order_column) == (True, "deadline.place")


def test_a_colour_made_from_the_date_gives_the_month_away():
    verdict = _judged("colour")
    assert (verdict.groups <= 0.01, verdict.best_group_column) == (True, "deadline.colour")


def test_equal_weeks_may_show_but_not_which_week_it_is():
    columns, due = _dump()
    weeks = sorted({day.isocalendar()[:2] for day in due})
    tokens = {week: random.Random(str(week)).random() for week in weeks}
    for row, day in zip(columns, due, strict=True):
        row["deadline.due_week"] = [tokens[day.isocalendar()[:2]]]
    named = {"equal_by_design": ["deadline.due_week"]}
    assert judge(columns, due, seed=11, shuffles=199, **named).p_value > 0.01
    assert judge(columns, due, seed=11, shuffles=199).groups <= 0.01
    for row, day in zip(columns, due, strict=True):
        row["deadline.due_week"] = [weeks.index(day.isocalendar()[:2])]
    assert judge(columns, due, seed=11, shuffles=199, **named).equal <= 0.01
