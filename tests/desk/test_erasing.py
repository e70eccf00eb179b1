"""Erasing a case: nothing that it held can be read again, and nobody is reminded of it."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from cases.models import Attachment, Case, CaseShare, Deadline, Note, Stay, Task
from cases.models.history import FactHistory
from desk import erasing
from reminders import planning
from reminders.models import Reminder
from staff.models import TrailRow
from staff.trail import Refused, Verb
from tests.staff.flow import asks_for_a_code
from vault.cipher import Erased
from vault.integrity import Count, verify
from vault.models import RecordKey, SealedModel
from vault.show import display_value

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
PDF = b"%PDF-1.7 " + b"x" * 100_000


@pytest.fixture
def store(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"
    return settings.FILES_DIR


MADE = {
    "Identity": {"surname": "Петров", "given_name": "Иван"},
    "Stay": {"country": "KZ", "last_legal_day": TODAY + timedelta(3), "last_legal_day_source": "stamp"},
    "IdentityDocument": {"kind": "travel_passport_5", "number": "75 1234567", "issued_by_country": "RU"},
    "Application": {"country": "KZ", "kind": "asylum_claim", "next_check_on": TODAY + timedelta(5)},
    "ContactChannel": {"kind": "phone", "value": "+77010000001"},
    "Task": {"text": "call the lawyer", "due_on": TODAY + timedelta(1)},
}


def fill(case, by):
    """Everything a case can hold."""
    for name, facts in MADE.items():
        apps.get_model("cases", name).objects.create(case=case, by=by, **facts)
    Note.objects.create(case=case, by=by, text="left in the night")
    Attachment.objects.keep(case, PDF, name="Petrov.pdf", kind="decision", remark="", by=by)
    case.refresh_deadlines(today=case.today())
    planning.plan_case(case)


@pytest.fixture
def full(case, olga, oskar, store, django_capture_on_commit_callbacks):
    """Olga's case with everything in it, shared with Oskar."""
    with django_capture_on_commit_callbacks(execute=True):
        fill(case, olga)
        case.share(to=oskar, until_on=TODAY + timedelta(9), by=olga, reason="holiday")
    case.refresh_from_db()
    return case


@pytest.fixture
def erase(petra, django_capture_on_commit_callbacks):
    """A function: Petra erases the case."""

    def do(case, by=petra, reason="asked for it"):
        with django_capture_on_commit_callbacks(execute=True):
            erasing.erase(case, by=by, reason=reason)

    return do


def cells(case):
    """What every sealed cell of every row of the case shows."""
    for model in apps.get_models():
        if not issubclass(model, SealedModel) or model.sealed_under in (None, "house"):
            continue
        name = model.sealed_row_id if model.sealed_under == "self" else model.sealed_under
        for row in model._base_manager.filter(**{name: case.pk}):
            for field in row.sealed_fields():
                if row.__dict__.get(field.attname) is not None:
                    yield f"{model.__name__}.{field.name}", display_value(row, field.name)


def test_nothing_that_a_case_can_hold_opens_again(full, erase, store, olga):
    """Sabotage: leave the files, or erasure.erase(), out of erasing.erase()."""
    assert len(set(dict(cells(full)))) > 20
    erase(full)
    assert {value for _name, value in cells(full)} == {"[erased]"}
    assert list(store.iterdir()) == []
    assert RecordKey.objects.get(pk=full.pk).wrapped is None
    assert list(verify(Count())) == []


def test_every_row_that_points_at_a_case_is_reached():
    """Sealed under the case's key, or handled by erase(). Sabotage: a plain model with a key to Case."""
    # The outcome names a request that erase() has removed together with its mailbox.
    handled = {"CaseShare", "RequestOutcome"}
    beyond = {
        model.__name__
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is Case
        and not (issubclass(model, SealedModel) and model.sealed_under == field.name)
    }
    assert beyond - handled == set(), "let desk.erasing.erase() delete or blank these rows"


def test_nobody_is_reminded_and_no_date_is_left(full, erase, dated_case):
    """The ledger is sealed under the worker's key, not the case's. Sabotage: leave forget() out."""
    other = dated_case(TODAY + timedelta(2))
    planning.plan_case(other)
    about = {str(key) for key in Deadline.objects.filter(case=full).values_list("pk", flat=True)}
    assert any(row.payload["deadline"] in about for row in Reminder.objects.all())
    kept = {row.pk for row in Reminder.objects.all() if row.payload["deadline"] not in about}
    erase(full)
    assert {row.pk for row in Reminder.objects.all()} == kept
    rows = Deadline.objects.filter(case=full)
    assert {(row.state, row.due_week, display_value(row, "due_on")) for row in rows} == {
        ("cancelled", None, "[erased]")
    }
    assert Deadline.objects.open().filter(case=other).count() == 1


def test_the_row_stays_closed_and_empty(full, erase):
    name = full.code_name
    erase(full)
    full.refresh_from_db()
    assert (full.code_name, full.status, full.erased, full.caseworker) == (name, "closed", True, None)
    assert (full.category, full.colour) == ("unknown", "green")
    assert display_value(full, "closing_reason") == "[erased]"
    assert not CaseShare.objects.filter(case=full).exists()
    assert not Case.objects.in_work().filter(pk=full.pk).exists()


def test_a_receipt_stays_on_the_trail(full, erase, petra):
    """Under the house's key: the case's is gone. Sabotage: leave `receipt` out of trail.append()."""
    erase(full)
    row = TrailRow.objects.get(verb=Verb.CASE_ERASED)
    assert (row.actor, row.case, row.details["case"]) == (petra, None, str(full.pk))
    receipt = row.details["receipt"]
    assert receipt["files"] == 1
    assert receipt["reminders"] > 0
    assert receipt["rows"] > 10
    assert row.details["reason"] == "asked for it"
    assert {display_value(row, "details") for row in TrailRow.objects.of_case(full.pk)} == {"[erased]"}


def test_it_may_be_repeated(full, erase, petra):
    erase(full)
    erase(full)
    first, second = TrailRow.objects.filter(verb=Verb.CASE_ERASED).order_by("pk")
    assert (first.details["receipt"]["erased_before"], second.details["receipt"]["erased_before"]) == (
        False,
        True,
    )
    assert list(verify(Count())) == []


def test_others_are_not_touched(full, erase, olga):
    other = Case.objects.open_case(by=olga, country="AM", summary="not yours")
    Stay.objects.create(case=other, by=olga, country="AM", actual_place="hostel")
    erase(full)
    assert Case.objects.get(pk=other.pk).summary == "not yours"
    assert Stay.objects.get(case=other).actual_place == "hostel"
    assert FactHistory.objects.of(other)[0].at


def test_nothing_can_be_written_into_it(full, erase, olga, store):
    erase(full)
    with pytest.raises(Erased):
        Task.objects.create(case=Case.objects.get(pk=full.pk), by=None, text="back again")
    assert list(store.iterdir()) == []


# -- who


@pytest.mark.parametrize("who", ["mark", "anton", "olga"])
def test_only_a_coordinator_of_the_team_erases(full, who, request):
    """A caseworker does not erase her own case either. Sabotage: drop may_erase() from erase()."""
    with pytest.raises(Refused):
        erasing.erase(full, by=request.getfixturevalue(who), reason="asked for it")
    assert RecordKey.objects.get(pk=full.pk).wrapped is not None


def test_a_coordinator_with_whom_it_is_shared_does_not(full, oskar, other_team):
    """Sabotage: compare no team in may_erase()."""
    oskar.role = "coordinator"
    oskar.save()
    assert Case.objects.visible_to(oskar).filter(pk=full.pk).exists()
    with pytest.raises(Refused):
        erasing.erase(full, by=oskar, reason="asked for it")


def test_a_reason_is_needed(full, petra):
    with pytest.raises(ValidationError, match="Say why"):
        erasing.erase(full, by=petra, reason=" ")


def test_an_erasure_that_fails_changes_nothing(full, petra, store, monkeypatch):
    """Sabotage: remove the files before the commit."""
    monkeypatch.setattr("desk.erasing.trail.append", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erasing.erase(full, by=petra, reason="asked for it")
    full.refresh_from_db()
    assert full.summary == "Left the unit in spring."
    assert len(list(store.iterdir())) == 1
    assert Deadline.objects.open().filter(case=full).exists()


# -- the page


def address(case):
    return f"/desk/case/{case.pk}/erase/"


def stale(desk):
    """The last code was given longer ago than five minutes."""
    session = desk.session
    session["stepped_up_at"] = 0
    session.save()
    return desk


def test_the_page_asks_for_a_fresh_code_first(full, petra, at_desk):
    """Sabotage: drop @step_up_required."""
    desk = stale(at_desk(petra))
    for answer in (
        desk.get(address(full)),
        desk.post(address(full), {"code_name": full.code_name, "reason": "x"}),
    ):
        assert asks_for_a_code(answer)
    assert not Case.objects.get(pk=full.pk).erased


def test_the_page_erases_by_the_typed_code_name_only(
    full, petra, at_desk, store, django_capture_on_commit_callbacks
):
    """Sabotage: drop clean_code_name()."""
    desk = at_desk(petra)
    text = desk.get(address(full)).content.decode()
    assert "3 open deadlines are cancelled" in text
    wrong = desk.post(address(full), {"code_name": "Quiet otter 12", "reason": "asked for it"})
    assert wrong.status_code == 422
    assert "Nothing was erased" in wrong.content.decode()
    assert not Case.objects.get(pk=full.pk).erased
    with django_capture_on_commit_callbacks(execute=True):
        done = desk.post(
            address(full), {"code_name": f" {full.code_name.upper()} ", "reason": "asked for it"}
        )
    assert done.status_code == 302
    assert Case.objects.get(pk=full.pk).erased
    assert list(store.iterdir()) == []


def test_every_page_works_afterwards(full, erase, petra, at_desk):
    """Sabotage: read a value of an erased case without display_value()."""
    key = Attachment.objects.get().pk
    erase(full)
    desk = at_desk(petra)
    listed = desk.get("/desk/cases/case/?status=all").content.decode()
    assert full.code_name in listed
    assert "[erased]" in listed
    shown_page = desk.get(f"/desk/cases/case/{full.pk}/change/").content.decode()
    assert "This case was erased" in shown_page
    assert "[erased]" in shown_page
    for path in ("/desk/board/", "/desk/digest/", f"/desk/case/{full.pk}/files/", address(full)):
        assert desk.get(path).status_code == 200
    assert desk.get(f"/desk/file/{key}/").status_code == 410
    assert "Add the file" not in desk.get(f"/desk/case/{full.pk}/files/").content.decode()


@pytest.mark.parametrize("who", ["oskar", "mark", "olga"])
def test_others_do_not_reach_the_page(case, who, at_desk, request):
    """Oskar's 404 says nothing; Olga is told whom to ask. Sabotage: drop may_erase() from the view."""
    desk = at_desk(request.getfixturevalue(who))
    expected = {"oskar": 404, "mark": 302, "olga": 403}[who]
    assert desk.get(address(case)).status_code == expected
    assert desk.post(address(case), {"code_name": case.code_name, "reason": "x"}).status_code in (403, 404)
    assert not Case.objects.get(pk=case.pk).erased


def test_only_coordinators_are_shown_the_way(case, olga, petra, sign_in):
    way = address(case)
    assert way not in sign_in(olga).get(f"/desk/cases/case/{case.pk}/change/").content.decode()
    assert way in sign_in(petra).get(f"/desk/cases/case/{case.pk}/change/").content.decode()


def test_the_console_erases_by_the_whole_code_name(full, capsys):
    with pytest.raises(CommandError, match="No case has exactly this code name"):
        call_command("erase_case", full.code_name[:-1], "--reason", "asked for it")
    call_command("erase_case", full.code_name, "--reason", "asked for it")
    assert "is erased" in capsys.readouterr().out
    assert TrailRow.objects.get(verb=Verb.CASE_ERASED).actor is None


# -- the sweep


def test_files_that_an_erasure_left_behind_are_swept(full, erase, store, monkeypatch):
    """The disk failed after the commit. Sabotage: drop _erased_again() from files.sweep()."""
    from desk import files

    with monkeypatch.context() as patch:
        patch.setattr("desk.erasing.files.remove", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O")))
        patch.setattr("desk.erasing.files.abandon", lambda *_: None)
        erase(full)
    assert len(list(store.iterdir())) == 1
    assert files.sweep() == 1
    assert list(store.iterdir()) == []
