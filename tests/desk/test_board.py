"""What stands on the deadline board: parts, counts and country midnights, with the time as a parameter."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from cases.deadlines import DerivedDeadline
from cases.models import Case, CaseShare, Deadline, IdentityDocument, Stay, Task
from desk import board
from desk.board import Part, Whose
from desk.drawings import month
from law import countries
from tests.dated import NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    """A page that another test has read leaves its reader's language behind in the thread."""
    with translation.override("en"):
        yield


def days(found):
    """The days left of the marks."""
    return [mark.left for mark in found]


def lines(person, found):
    """The whole lines of the marks."""
    return board.lines(person, [mark.pk for mark in found], NOW)


def damage(deadline, column="due_on"):
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE cases_deadline SET {column} = %s WHERE id = %s",
            [b"\x01damaged", deadline.pk.hex if connection.vendor == "sqlite" else deadline.pk],
        )


def test_each_date_stands_in_its_part(case, olga):
    """Sabotage: count SOON_DAYS as 6, or compare with `<` in Mark.part."""
    wanted = [-40, -1, 0, 1, 7, 8, 30, 31]
    Deadline.objects.apply(
        case,
        [DerivedDeadline("task", f"task:{uuid4()}", TODAY + timedelta(n), "KZ") for n in wanted],
        unreadable=(),
        today=None,
    )
    parts = board.parts(board.marks(olga, NOW), Whose.ALL)
    assert {part: days(found) for part, found in parts.items()} == {
        Part.UNREADABLE: [],
        Part.OVERDUE: [-40, -1],
        Part.TODAY: [0],
        Part.SOON: [1, 7],
        Part.LATER: [8, 30],
    }


def test_a_day_ends_at_midnight_of_its_own_country(dated_case, olga):
    """Sabotage: take `now.date()` for today in board._marks."""
    day = date(2026, 12, 9)
    there, here = dated_case(day, country="KZ"), dated_case(day, country="RS")
    before, after = datetime(2026, 12, 9, 18, 59, tzinfo=UTC), datetime(2026, 12, 9, 19, 0, tzinfo=UTC)

    def part_of(case, now):
        marks = {mark.pk: mark.part for mark in board.marks(olga, now)}
        return marks[Deadline.objects.get(case=case).pk]

    # 19:00 in London is midnight in Almaty and eight in the evening in Belgrade.
    assert (part_of(there, before), part_of(here, before)) == (Part.TODAY, Part.TODAY)
    assert (part_of(there, after), part_of(here, after)) == (Part.OVERDUE, Part.TODAY)
    assert part_of(here, datetime(2026, 12, 9, 23, 0, tzinfo=UTC)) == Part.OVERDUE


@pytest.mark.parametrize("minute", range(0, 24 * 60, 97))
def test_the_window_reaches_as_far_as_the_first_country_on_earth(dated_case, olga, minute):
    """The day after 30 days is a Monday: another week. Sabotage: leave FURTHEST_AHEAD out of window()."""
    now = datetime(2026, 12, 11, tzinfo=UTC) + timedelta(minutes=minute)
    last = countries.today_in("US", now) + timedelta(days=30)
    first = countries.today_in("AU", now) + timedelta(days=30)
    dated_case(last, country="US")
    dated_case(first, country="AU")
    assert days(board.parts(board.marks(olga, now), Whose.ALL)[Part.LATER]) == [30, 30]


def test_what_does_not_open_stands_on_top_and_hides_nothing(dated_case, olga):
    """Sabotage: leave rows out that do not open, as due_until() does."""
    whole, broken = dated_case(TODAY), dated_case(TODAY + timedelta(3))
    damage(Deadline.objects.get(case=broken))
    parts = board.parts(board.marks(olga, NOW), Whose.ALL)
    assert [len(parts[part]) for part in (Part.UNREADABLE, Part.TODAY, Part.SOON)] == [1, 1, 0]
    found = lines(olga, parts[Part.UNREADABLE] + parts[Part.TODAY])
    assert [line.case for line in found] == [broken, whole]
    assert (found[0].words, found[0].style, found[0].due_on) == ("⚠ unreadable", "d-over", None)


@pytest.mark.parametrize("column", ["source", "care", "reason_padded"])
def test_a_line_with_a_damaged_cell_is_still_a_line(dated_case, olga, column):
    case = dated_case(TODAY)
    damage(Deadline.objects.get(case=case), column)
    (line,) = lines(olga, board.marks(olga, NOW))
    assert (line.case, line.left) == (case, 0)


def test_mine_is_what_i_hold_team_what_we_hold_all_what_i_may_open(dated_case, olga, oskar, petra, paula):
    """Sabotage: let CaseQuerySet.visible_to() forget shared cases, or board.Mark.belongs_to() the team."""
    dated_case(TODAY, by=olga)
    dated_case(TODAY, by=petra).assign(to=petra, by=petra)
    foreign = dated_case(TODAY, by=oskar)
    CaseShare.objects.create(case=foreign, user=petra, until_on=timezone.localdate() + timedelta(30))
    seen = {
        person.username: [len(board.parts(board.marks(person, NOW), whose)[Part.TODAY]) for whose in Whose]
        for person in (petra, olga, oskar)
    }
    assert seen == {"petra": [3, 2, 1], "olga": [1, 1, 1], "oskar": [1, 1, 1]}
    assert board.choices_of(petra) == [Whose.ALL, Whose.TEAM, Whose.MINE]
    assert board.choices_of(olga) == [Whose.ALL, Whose.MINE]


def test_nobody_without_the_right_has_a_board(dated_case, mark, anton, oskar):
    dated_case(TODAY)
    assert [board.marks(person, NOW) for person in (mark, anton, oskar)] == [[], [], []]


def test_the_board_never_asks_the_reminders(dated_case, olga):
    """Silence of the reminders must not make the board silent."""
    dated_case(TODAY)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        lines(olga, board.marks(olga, NOW))
    assert asked.captured_queries
    assert not [query for query in asked.captured_queries if "reminders_reminder" in query["sql"]]


def test_lines_take_no_more_queries_for_more_dates(case, olga):
    """Sabotage: take `.with_keys()` out of board.readable(), or select_related("case")."""
    counts = []
    for number in (5, 45):
        for _each in range(number):
            task = Task.objects.create(by=olga, case=case, text="Call.", due_on=TODAY)
            stay = Stay.objects.create(by=olga, case=case, country="KZ", last_legal_day=TODAY,
                                       last_legal_day_source="stamp")  # fmt: skip
            assert task.pk != stay.pk
        case.refresh_deadlines(today=case.today())
        with CaptureQueriesContext(connection) as asked:
            found = lines(olga, board.marks(olga, NOW))
        counts.append((len(found), len(asked)))
    assert [number for number, _asked in counts] == [10, 100]
    assert counts[0][1] == counts[1][1]


def test_a_line_says_what_its_date_was_counted_from(case, olga):
    Stay.objects.create(by=olga, case=case, country="KZ", entered_on=date(2026, 9, 12), last_legal_day=TODAY,
                        last_legal_day_source="stamp")  # fmt: skip
    IdentityDocument.objects.create(by=olga, case=case, kind="military_id", valid_until=TODAY)
    Task.objects.create(by=olga, case=case, text="Call the consulate.", due_on=TODAY)
    case.refresh_deadlines(today=case.today())
    found = lines(olga, board.marks(olga, NOW))
    assert {line.deadline.kind: (line.why, line.anchor) for line in found} == {
        "stay_end": ("Stay in Kazakhstan since 2026-09-12: stamp", "stays-group"),
        "term_passed": (
            "Its last day was 2026-09-17. Stay in Kazakhstan since 2026-09-12: ask for refugee status "
            "(kz-01@1, to be confirmed by a lawyer)",
            "stays-group",
        ),
        "document_end": ("Military ID, last day it is valid", "documents-group"),
        "task": ("Call the consulate.", "tasks-group"),
    }


def test_a_source_of_another_case_is_not_read_out(case, dated_case, oskar, olga):
    """Sabotage: drop the comparison of case_id in provenance._origin()."""
    foreign = Case.objects.open_case(by=oskar, country="GE")
    secret = Task.objects.create(by=oskar, case=foreign, text="Not for Olga.", due_on=TODAY)
    Deadline.objects.apply(
        case, [DerivedDeadline("task", f"task:{secret.pk}", TODAY, "KZ")], unreadable=(), today=None
    )
    (line,) = lines(olga, board.marks(olga, NOW))
    assert "Not for Olga" not in line.why


def test_cases_nobody_is_reminded_of_are_counted(case, dated_case, olga):
    dated_case(TODAY)
    closed = Case.objects.open_case(by=olga, country="KZ")
    closed.close(on=TODAY, by=olga, reason="Safe.")
    assert list(board.cases_without_date(olga)) == [case]


@pytest.mark.parametrize(
    ("left", "words", "style"),
    [
        (-2, "2 days overdue", "d-over"),
        (-1, "1 day overdue", "d-over"),
        (0, "today", "d-crit"),
        (1, "tomorrow, 1 day left", "d-crit"),
        (7, "7 days left", "d-soon"),
        (8, "8 days left", "d-ok"),
        (None, "⚠ unreadable", "d-over"),
    ],
)
def test_days_left_are_said_in_words_and_number(left, words, style):
    assert (board.days_left_words(left), board.nearness(left)) == (words, style)


# -- the month


def test_the_month_counts_every_day_of_its_own_and_no_other():
    """Sabotage: draw 30 cells for every month."""
    first = date(2026, 12, 1)
    drawn = month.draw(first, [first, first, date(2026, 12, 31), date(2027, 1, 1)], TODAY)
    assert [cell.on.day for cell in drawn.cells] == list(range(1, 32))
    assert {cell.on: cell.count for cell in drawn.cells if cell.count} == {first: 2, date(2026, 12, 31): 1}
    assert drawn.summary == "3 deadlines in this month"
    # 1 December 2026 is a Tuesday: second column, first row.
    assert (drawn.cells[0].x, drawn.cells[0].y) == (month.CELL_WIDTH, month.HEAD_HEIGHT)
    assert drawn.cells[6].x == 0


@pytest.mark.parametrize(("count", "heat"), [(0, 0), (1, 1), (2, 2), (4, 3), (7, 4), (90, 4)])
def test_more_dates_are_a_stronger_shade(count, heat):
    assert month.Cell(TODAY, count, 0, 0, is_today=False).heat == heat


@pytest.mark.parametrize("text", ["", "2026-13", "soon", "1901-01", "2099-12", "2026-12-01"])
def test_an_address_names_a_month_nearby_or_gets_this_one(text):
    assert month.parse_month(text, TODAY) == date(2026, 11, 1)
    assert month.parse_month("2027-02", TODAY) == date(2027, 2, 1)
