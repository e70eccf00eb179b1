"""The demo: invented, complete, never beside real files."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cases.models import (
    Application,
    Blocker,
    Case,
    ContactChannel,
    FactHistory,
    Identity,
    IdentityDocument,
    Note,
    Stay,
    Task,
)
from cases.models.deadline import Deadline
from demo import cases
from staff.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def trial(settings):
    """The demo is for the trial installation; the second run of the tests has a DATABASE_URL."""
    settings.EMBEDDED = True


def test_the_demo_has_forty_cases_in_six_countries_and_something_in_every_section_of_the_board():
    """Sabotage: SPREAD = ((91, 400),)."""
    call_command("load_demo", verbosity=0)
    assert Case.objects.filter(demo=True).count() == 40
    assert len(set(Case.objects.values_list("country", flat=True))) == 6
    assert {case.team.name for case in Case.objects.select_related("team")} == {
        "Astana",
        "Tbilisi",
        "Yerevan",
    }
    today = timezone.localdate()
    dues = [row.due_on for row in Deadline.objects.open()]
    for first, last in ((-60, -2), (-1, 1), (2, 7), (8, 30), (31, 400)):
        assert any(today + timedelta(first) <= day <= today + timedelta(last) for day in dues), (first, last)
    for model in (Identity, Stay, IdentityDocument, ContactChannel, Note, Task, FactHistory):
        assert model.objects.exists()
    kinds = set(Deadline.objects.values_list("kind", flat=True))
    assert kinds >= {"stay_end", "document_end", "application_check", "interview", "hearing", "task"}
    assert kinds >= {"apply_by", "obligation", "appeal_end", "home_hearing", "wanted_check", "authority_due"}
    assert "term_passed" in kinds
    assert Blocker.objects.filter(waits_for__isnull=False).exists()
    assert Application.objects.filter(stage="travel_document_refused").exists()
    assert Application.objects.filter(stage="status_unknown").exists()
    assert Application.objects.exclude(asks="").exists()


@pytest.mark.slow
def test_every_row_of_the_demo_keeps_the_rules_of_the_record():
    """bulk_create asks no clean(). Sabotage: `day is not None` -> `False` in demo.cases._applications."""
    cases.load(60)
    for case in Case.objects.with_keys():
        case.full_clean()
        for rows in (
            case.stays,
            case.documents,
            case.applications,
            case.contacts,
            case.tasks,
            case.appeals,
            case.pauses,
            case.typed_deadlines,
            case.proceedings,
            case.hearings,
            case.wanted_checks,
            case.extradition_notes,
            case.blockers,
        ):
            for row in rows.with_keys():
                row.full_clean()


def test_the_deadlines_are_those_that_the_facts_call_for():
    """Sabotage: leave tasks out of facts_in in the demo."""
    cases.load(20)
    for case in Case.objects.all():
        before = {(row.kind, row.source, row.due_on) for row in Deadline.objects.open().filter(case=case)}
        case.refresh_deadlines(today=case.today())
        assert {
            (row.kind, row.source, row.due_on) for row in Deadline.objects.open().filter(case=case)
        } == before


def test_the_demo_shows_computed_days_two_readings_and_an_overstay():
    """Sabotage: COMPUTED = 0 in the demo."""
    cases.load()
    rows = [row for row in Deadline.objects.open().filter(kind="stay_end") if row.rule]
    assert {"KZ", "AM", "GE"} <= {row.country for row in rows}
    assert any(row.rule.startswith("am-") for row in rows)
    assert any(row.due_on < timezone.localdate() for row in rows)


def test_a_second_call_adds_nothing_and_a_larger_one_tops_up():
    """Sabotage: `range(count)` in demo.cases.load."""
    cases.load(10)
    assert cases.load(10) == 0
    assert cases.load(25) == 15
    assert Case.objects.count() == 25
    assert User.objects.filter(demo=False).count() == 0


def test_the_demo_stays_away_from_real_cases_and_from_production(olga, settings):
    """Sabotage: take either `raise` out of refuse_if_real."""
    real = Case.objects.open_case(by=olga, country="KZ")
    with pytest.raises(CommandError, match="real cases"):
        call_command("load_demo")
    assert Case.objects.get() == real
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="no trial"):
        call_command("load_demo")


def test_the_demo_people_can_open_their_cases_and_a_shared_one():
    """Sabotage: no role for the demo's accounts."""
    cases.load()
    for username in ("olga", "oskar", "sona", "petra", "nino", "ani"):
        user = User.objects.get(username=username)
        assert Case.objects.visible_to(user).exists(), username
    assert not Case.objects.visible_to(User.objects.get(username="anton")).exists()
    oskar = User.objects.get(username="oskar")
    assert {case.team.name for case in Case.objects.visible_to(oskar).select_related("team")} == {
        "Tbilisi",
        "Astana",
    }


def test_a_newcomers_inbox_is_not_empty_and_alarms_nobody(tmp_path, settings):
    """Sabotage: leave requests.load out of demo.cases.load."""
    from inbox import listing
    from inbox.duplicates import of
    from inbox.listing import InboxFilter
    from inbox.models.marks import of as marks_of
    from intake.models import HelpRequest
    from vault import dropbox

    settings.DROPBOX_PRIVATE_FILE = tmp_path / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "mailbox.pub"
    dropbox.turn(timezone.localdate())
    call_command("load_demo", verbosity=0)
    now, olga = timezone.now(), User.objects.get(username="olga")
    assert listing.counts(olga)[InboxFilter.WAITING] == 4
    assert listing.counts(olga)[InboxFilter.ALL] == 5
    assert (listing.red(now), listing.late(olga, now)) == ([], [])
    call = HelpRequest.objects.get(channel="telephone")
    caller = User.objects.get(username=call_by(call))
    marks = marks_of(call.pk)
    assert any(each.case for each in of(call.pk, marks, by=caller, today=timezone.localdate()))
    call_command("load_demo", verbosity=0)
    assert HelpRequest.objects.count() == 5


def call_by(call):
    from staff.models import TrailRow

    (entry,) = TrailRow.objects.filter(verb="request_typed")
    assert entry.details["about"] == str(call.pk)
    return entry.actor.username
