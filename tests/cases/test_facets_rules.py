"""What the record refuses, in every door, in words a caseworker can act on."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import (
    Application,
    Case,
    ContactChannel,
    Custody,
    Identity,
    IdentityDocument,
    Note,
    Status,
    Stay,
    Task,
)
from law.rules import reference
from law.rules.reference import BadTable
from law.rules.transitions import transitions_in
from law.stages import ApplicationKind, Stage, may_move
from staff.append_only import KeptForGood

pytestmark = pytest.mark.django_db

DATA = Path(reference.__file__).parent.parent / "data"
DAY = date(2026, 3, 1)
PAST = timezone.localdate() - timedelta(3)


def refused(act, field, *words):
    """The sentence that `field` is refused with; it must hold `words`."""
    with pytest.raises(ValidationError) as caught:
        act()
    text = " ".join(caught.value.message_dict[field])
    assert all(word in text for word in words), text
    return text


def by_hand(table, row, **columns):
    """Another program writes into the table, past all Python."""
    names = ", ".join(f"{name} = %s" for name in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {names} WHERE id = %s", [*columns.values(), row.pk.hex])


# -- stays


def test_a_last_legal_day_typed_by_hand_needs_its_source(case, olga):
    """Sabotage: take the source check out of Stay.clean (the form) or the constraint (the database)."""
    stay = Stay(case=case, country="KZ", last_legal_day=DAY)
    refused(lambda: stay.save(by=olga), "last_legal_day_source", "source")
    stay.last_legal_day_source = "stamp of 1 December"
    stay.save(by=olga)
    with pytest.raises(IntegrityError, match="last_legal_day_has_a_source"):
        by_hand("cases_stay", stay, last_legal_day_source=None)


def test_its_author_is_whoever_typed_it(case, olga, petra):
    """Sabotage: take Stay.about_to_save out."""
    stay = Stay.objects.create(
        case=case, country="KZ", by=olga, last_legal_day=DAY, last_legal_day_source="stamp"
    )
    assert stay.last_legal_day_by == olga
    stay = Stay.objects.get()
    stay.actual_place = "with friends"
    stay.save(by=petra)
    assert Stay.objects.get().last_legal_day_by == olga
    stay.last_legal_day = DAY + timedelta(30)
    stay.save(by=petra)
    assert Stay.objects.get().last_legal_day_by == petra
    with pytest.raises(IntegrityError, match="last_legal_day_has_an_author"):
        by_hand("cases_stay", stay, last_legal_day_by_id=None)


def test_an_exit_that_lies_ahead_is_refused_because_it_would_end_the_watch(case, olga):
    """Sabotage: take that check out of Stay.clean."""
    ahead = timezone.localdate() + timedelta(5)
    refused(lambda: Stay.objects.create(case=case, country="KZ", by=olga, left_on=ahead), "left_on", "ahead")


def test_days_in_the_wrong_order_are_refused(case, olga):
    """Sabotage: turn one of the `<` around."""
    refused(
        lambda: Stay.objects.create(
            case=case, country="KZ", by=olga, entered_on=DAY, left_on=DAY - timedelta(1)
        ),
        "left_on",
    )
    refused(
        lambda: IdentityDocument.objects.create(
            case=case, by=olga, kind="military_id", issued_on=DAY, valid_until=DAY - timedelta(1)
        ),
        "valid_until",
    )
    refused(
        lambda: Application.objects.create(
            case=case, by=olga, country="DE", kind="asylum_claim", stage="refused", decided_on=DAY,
            served_on=DAY - timedelta(1),
        ),
        "served_on",
    )  # fmt: skip


# -- documents


def test_a_document_counts_while_it_is_in_use_in_reach_and_not_declared_invalid(case, olga):
    """Sabotage: in_force returns self.in_use."""
    passport = IdentityDocument.objects.create(case=case, by=olga, kind="travel_passport_10", valid_until=DAY)
    assert passport.in_force
    for change in ({"in_use": False}, {"custody": Custody.LOST}, {"invalidated_on": PAST}):
        row = IdentityDocument.objects.get(pk=passport.pk)
        for name, value in change.items():
            setattr(row, name, value)
        assert not row.in_force
    refused(
        lambda: IdentityDocument.objects.create(
            case=case, by=olga, kind="military_id", invalidated_on=timezone.localdate() + timedelta(9)
        ),
        "invalidated_on",
        "ahead",
    )


# -- applications


def application(case, olga, **facts):
    facts = {"country": "DE", "kind": ApplicationKind.ASYLUM_CLAIM, "stage": Stage.LODGED} | facts
    return Application.objects.create(case=case, by=olga, **facts)


def test_kinds_stages_and_moves_are_those_of_the_rules():
    """Sabotage: let may_move() allow every move from "lodged"."""
    data = json.loads((DATA / "procedural_deadlines.json").read_text())
    assert {kind.value for kind in ApplicationKind} == set(data["application_kinds"])
    assert [stage.value for stage in Stage] == [row["code"] for row in data["stages"]]
    lawful = {tuple(move) for move in data["transitions"]}
    ours = {(a, b) for a in Stage.values for b in Stage.values if a != b and may_move(a, b)}
    assert ours == lawful
    assert {stage for move in lawful for stage in move} == set(Stage.values)
    # "Status unknown" is left to and reached from every stage but a draft.
    others = set(Stage.values) - {"status_unknown", "draft"}
    assert {after for before, after in lawful if before == "status_unknown"} == others
    assert {before for before, after in lawful if after == "status_unknown"} == others


@pytest.mark.parametrize("move", [["lodged", "lodged"], ["lodged", "won"], ["lodged"], "lodged", None])
def test_a_move_that_cannot_be_is_refused_by_name(move):
    """Sabotage: look at the first stage of a move alone."""
    data = json.loads((DATA / "procedural_deadlines.json").read_text())
    with pytest.raises(BadTable, match=re.escape(repr(move))):
        transitions_in(data | {"transitions": [*data["transitions"], move]})


def test_every_event_of_the_rules_about_stays_and_applications_has_its_field():
    """Sabotage: rename Application.mailed_on."""
    data = json.loads((DATA / "procedural_deadlines.json").read_text())
    facets = {"stay": Stay, "application": Application}
    for event in data["events"]:
        if event["facet"] in facets:
            assert facets[event["facet"]]._meta.get_field(event["field"])


def test_a_refused_travel_document_never_reads_as_a_refused_asylum_claim(case, olga):
    """Sabotage: leave the kind's own words in Application.headline."""
    paper = application(case, olga, kind=ApplicationKind.TRAVEL_DOCUMENT, stage=Stage.TRAVEL_REFUSED)
    assert "Travel document refused" in paper.headline
    assert "asylum" not in paper.headline.casefold()
    text = refused(
        lambda: application(case, olga, kind=ApplicationKind.TRAVEL_DOCUMENT, stage=Stage.REFUSED), "stage"
    )
    assert "not a refused asylum claim" in text
    with pytest.raises(IntegrityError, match="travel_document_is_no_asylum_claim"):
        by_hand("cases_application", paper, stage="refused")
    with pytest.raises(IntegrityError, match="travel_stage_needs_travel_kind"):
        by_hand("cases_application", paper, kind="asylum_claim")


def test_a_claim_from_the_press_says_so(case, olga):
    """Sabotage: `told = ""` in Application.headline."""
    claim = application(case, olga, evidence="press")
    assert "Claimed in the press, not verified" in claim.headline
    claim.evidence = "authority"
    assert claim.headline == "Germany: Asylum claim: Lodged"


def test_status_unknown_needs_the_day_of_the_next_check(case, olga):
    """Sabotage: take that check out of Application.clean or its constraint."""
    refused(lambda: application(case, olga, stage=Stage.STATUS_UNKNOWN), "next_check_on", "asks again")
    known = application(case, olga, stage=Stage.STATUS_UNKNOWN, next_check_on=DAY)
    with pytest.raises(IntegrityError, match="unknown_status_has_a_next_check"):
        by_hand("cases_application", known, next_check_on=None)


def test_an_application_moves_as_the_law_knows_and_a_mistake_is_corrected(case, olga):
    """Sabotage: take _refuse_impossible_move out of Application.clean."""
    claim = application(case, olga, stage=Stage.DRAFT)
    claim.stage = Stage.GRANTED_REFUGEE
    refused(lambda: claim.save(by=olga), "stage", "Correction")
    claim.is_correction = True
    claim.save(by=olga)
    assert Application.objects.get().stage == Stage.GRANTED_REFUGEE
    assert case.history.count() == 3
    assert any(row.record.get("correction") for row in case.history.all())


# -- contacts, identity, notes, tasks, the case


def test_relatives_are_never_contacted_unless_the_person_asked(case, olga):
    """Sabotage: take the constraint relative_is_never_contacted_uncleared out."""
    mother = ContactChannel(case=case, kind="phone", value="+7 701 000 00 00", owner="relative")
    with pytest.raises(ValidationError, match="Relatives are never contacted"):
        mother.validate_constraints()
    with pytest.raises(IntegrityError), transaction.atomic():
        mother.save(by=olga)
    mother.never_contact = True
    mother.save(by=olga)
    mother.cleared_for_contact = True
    with pytest.raises(ValidationError, match="Choose one"):
        mother.validate_constraints()


def test_there_is_one_identity_in_a_case(case, olga):
    """Sabotage: OneToOneField -> ForeignKey."""
    Identity.objects.create(case=case, by=olga, surname="Нестеров")
    with pytest.raises(ValidationError, match="identity already"):
        Identity(case=case).validate_unique()
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.objects.create(case=case, by=olga)
    refused(lambda: Identity(case=case, citizenships=["RU", "Narnia"]).clean(), "citizenships", "codes")


def test_a_note_is_written_once(case, olga, petra):
    """Sabotage: take the `_state.adding` check out of Note.save."""
    note = Note.objects.create(case=case, by=olga, text="Called, no answer.")
    assert (note.author, note.at.date()) == (olga, timezone.now().date())
    note.text = "Called, answered."
    with pytest.raises(KeptForGood):
        note.save(by=petra)
    refused(lambda: Note.objects.create(case=case, by=olga, text="  "), "text")
    refused(lambda: Task.objects.create(case=case, by=olga, text=""), "text")


def test_a_case_is_closed_with_day_and_reason_only(case, olga):
    """Sabotage: take the loop out of Case.clean or the constraint out of Case.Meta."""
    refused(lambda: case.close(on=PAST, by=olga, reason=" "), "closing_reason")
    case.refresh_from_db()
    case.close(on=PAST, by=olga, reason="Recognised in Germany")
    stored = Case.objects.get()
    assert (stored.status, stored.closed_on, stored.closing_reason) == (
        "closed",
        PAST,
        "Recognised in Germany",
    )
    with pytest.raises(IntegrityError, match="closed_case_says_when_and_why"):
        by_hand("cases_case", case, closed_on=None)
    refused(lambda: stored.close(on=PAST, by=olga, reason="again"), "status", "closed already")
    stored.reopen(by=olga)
    assert (Case.objects.get().status, Case.objects.get().closed_on) == (Status.OPEN, None)


@pytest.mark.parametrize(
    ("table", "column", "value", "constraint"),
    [
        ("cases_case", "status", "asleep", "case_status_is_known"),
        ("cases_case", "colour", "mauve", "case_colour_is_known"),
        ("cases_case", "country", "", "case_country_is_given"),
        ("cases_case", "code_name", "", "case_has_a_code_name"),
    ],
)
def test_the_database_knows_the_lists(case, table, column, value, constraint):
    """Sabotage: take that constraint out of the migration."""
    with pytest.raises(IntegrityError, match=constraint):
        by_hand(table, case, **{column: value})


def test_nothing_in_a_file_is_deleted_or_overwritten_in_bulk(case, olga):
    """Sabotage: take delete() or update() out of KeptQuerySet, or delete() out of KeepsHistory."""
    stay = Stay.objects.create(case=case, country="KZ", by=olga)
    note = Note.objects.create(case=case, by=olga, text="x")
    doors = [
        case.delete, stay.delete, note.delete, case.history.first().delete, case.history.first().save,
        Case.objects.all().delete, case.stays.all().delete, Note.objects.all().delete,
        case.history.all().delete,
        lambda: Case.objects.update(status="closed"), lambda: case.stays.update(country="AM"),
        lambda: case.history.update(case=case), lambda: Stay.objects.bulk_update([stay], ["country"]),
    ]  # fmt: skip
    for door in doors:
        with pytest.raises(KeptForGood), transaction.atomic():
            door()
    assert Case.objects.exists()
    assert case.history.count() == 2


def test_who_acts_is_always_said(case, olga):
    """Sabotage: give `by` the default None in KeepsHistory.save."""
    stay = Stay(case=case, country="KZ")
    with pytest.raises(TypeError, match="Say who changes this"):
        stay.save()
    with pytest.raises(TypeError, match="Say who changes this"):
        case.stays.create(country="KZ")
    with pytest.raises(TypeError, match="Say who changes this"):
        Stay.objects.bulk_create([stay])
    stay.save(by=None)
    assert case.history.count() == 2
