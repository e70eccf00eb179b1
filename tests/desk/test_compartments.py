"""The closed parts of a file: opened with a reason and a fresh code, for a quarter of an hour."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import (
    Case,
    CaseLink,
    Compartment,
    CompartmentOpening,
    FactHistory,
    Identity,
    LinkKind,
    RouteNote,
    Verdict,
    Vetting,
    WarConduct,
)
from cases.models.compartment import is_open
from desk import chores, erasing
from staff.models import TrailRow
from staff.trail import Verb
from tests.staff.flow import asks_for_a_code

pytestmark = pytest.mark.django_db

NOW, TODAY = timezone.now(), timezone.localdate()
WHY = "The lawyer needs the spelling."


def address(case, which="identity"):
    return f"/desk/case/{case.pk}/closed/{which}/"


def opened(case, which, by, now=NOW):
    return CompartmentOpening.objects.open(case, which, by=by, reason=WHY, now=now)


@pytest.fixture
def identity(case, olga):
    return Identity.objects.create(case=case, surname="Нестеров", given_name="Илья", by=olga)


@pytest.fixture
def shared(case, olga, lena):
    """The case is shared with the lawyer."""
    case.share(to=lena, until_on=TODAY + timedelta(30), by=olga)
    return case


@pytest.fixture
def cleared(shared, lena, petra):
    """Two people have cleared the person."""
    vetting = Vetting(case=shared, state=Verdict.CLEARED, grounds="Spoke twice; two people know him.")
    vetting.propose(by=lena)
    vetting.confirm(by=petra)
    return vetting


# -- the door


def test_a_reason_opens_it_and_time_closes_it(case, olga):
    """Sabotage: `until is not None` without the time in OpeningQuerySet.until()."""
    opened(case, Compartment.IDENTITY, olga)
    assert is_open(case, Compartment.IDENTITY, olga, now=NOW + timedelta(minutes=14))
    assert not is_open(case, Compartment.IDENTITY, olga, now=NOW + timedelta(minutes=15))
    row = TrailRow.objects.get(verb=Verb.COMPARTMENT_OPENED)
    assert (row.actor, row.case) == (olga, case.pk)
    assert row.details == {"fields": ["identity"], "reason": WHY}


def test_it_opens_to_one_person_and_one_compartment(shared, olga, lena):
    """Sabotage: leave `person` or `which` out of the question in until()."""
    opened(shared, Compartment.IDENTITY, olga)
    assert not is_open(shared, Compartment.IDENTITY, lena, now=NOW)
    assert not is_open(shared, Compartment.LINKS, olga, now=NOW)


@pytest.mark.parametrize("reason", ["", "  ", "because"])
def test_without_a_reason_it_stays_closed(case, olga, reason):
    """Sabotage: drop SHORTEST_REASON."""
    with pytest.raises(ValidationError):
        CompartmentOpening.objects.open(case, Compartment.IDENTITY, by=olga, reason=reason, now=NOW)


ALLOWED = {
    Compartment.IDENTITY: {"olga", "petra", "lena"},
    Compartment.ROUTE: {"olga", "petra"},
    Compartment.VETTING: {"lena"},
    Compartment.LINKS: {"olga", "petra", "lena"},
}


@pytest.mark.parametrize("which", list(Compartment))
def test_each_compartment_has_people_of_its_own(which, cleared, shared, request, at_desk):
    """Mark, Oskar, Anton and Vera open none. Sabotage: OPEN_VETTING for CW in roles.ROLES_WITH."""
    found = set()
    for who in ("olga", "petra", "lena", "oskar", "mark", "anton", "vera"):
        try:
            opened(shared, which, request.getfixturevalue(who))
        except PermissionDenied:
            continue
        found.add(who)
    assert found == ALLOWED[which]


def test_until_when_it_stands_open_is_not_readable(case, olga):
    """Sabotage: DateTimeField instead of SealedDateTimeField."""
    from django.db import connection

    opened(case, Compartment.IDENTITY, olga)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cases_compartmentopening")
        cells = [
            bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in cursor.fetchone()
        ]
    assert f"{NOW:%Y-%m-%d}".encode() not in b" ".join(cells)


def test_a_role_taken_away_closes_it_at_once(case, olga):
    """Sabotage: take the `may` out of until()."""
    opened(case, Compartment.IDENTITY, olga)
    olga.role = ""
    assert not is_open(case, Compartment.IDENTITY, olga, now=NOW)


# -- the pages


def test_the_case_page_shows_no_name_and_the_compartment_does(case, identity, olga, at_desk):
    """Sabotage: leave IdentityInline in get_inlines(), or render the room before it is open."""
    desk = at_desk(olga)
    page = desk.get(f"/desk/cases/case/{case.pk}/change/").content.decode()
    assert "Нестеров" not in page
    assert address(case) in page
    door = desk.get(address(case)).content.decode()
    assert "Нестеров" not in door
    assert desk.post(address(case), {"act": "open", "reason": ""}).status_code == 422
    assert desk.post(address(case), {"act": "open", "reason": WHY}).status_code == 302
    assert "Нестеров" in desk.get(address(case)).content.decode()
    desk.post(address(case), {"act": "close"})
    assert "Нестеров" not in desk.get(address(case)).content.decode()


def test_earlier_names_show_in_the_compartment_alone(case, identity, olga, at_desk):
    """Sabotage: drop CLOSED_FACETS from earlier_versions.is_wanted()."""
    identity.surname = "Ковалёв"
    identity.save(by=olga)
    desk = at_desk(olga)
    for query in ("", "?past=all"):
        assert "Нестеров" not in desk.get(f"/desk/cases/case/{case.pk}/change/{query}").content.decode()
    opened(case, Compartment.IDENTITY, olga, now=timezone.now())
    assert "Нестеров" in desk.get(address(case)).content.decode()


def test_the_door_asks_for_a_fresh_code(case, identity, olga, at_desk, monkeypatch):
    """Sabotage: take step_up_required off _door()."""
    desk = at_desk(olga)
    monkeypatch.setattr("staff.stepup.is_fresh", lambda request: False)
    for answer in (desk.get(address(case)), desk.post(address(case), {"act": "open", "reason": WHY})):
        assert asks_for_a_code(answer)
    assert not CompartmentOpening.objects.exists()


def test_what_is_typed_in_the_room_is_saved_with_its_history(case, identity, olga, at_desk):
    """Sabotage: `return True` at the top of save()."""
    opened(case, Compartment.IDENTITY, olga, now=timezone.now())
    desk = at_desk(olga)
    page = desk.get(address(case))
    sent = _typed(page, **{"identity-surname": "Ковалёв", "identity-born_on": "1990-02-03"})
    assert desk.post(address(case), sent).status_code == 302
    assert Identity.objects.get().surname == "Ковалёв"
    assert FactHistory.objects.of(case)[0].readable_record["before"]["surname"] == "Нестеров"
    assert TrailRow.objects.filter(verb=Verb.CASE_CHANGED).latest("id").details["fields"] == [
        "identity.born_on",
        "identity.surname",
    ]


def _typed(page, **typed):
    data = {"act": "save", "version_seen": str(page.context.get("version", ""))}
    for form in page.context["forms"]:
        for name in form.fields:
            value = form.fields[name].prepare_value(form[name].value())
            data[form.add_prefix(name)] = "" if value is None else str(value)
    return data | typed


def test_what_was_typed_while_it_closed_is_kept_and_nothing_is_shown(case, identity, olga, at_desk):
    """Sabotage: LATE_MINUTES = 0 loses the text; no check of the time shows the names."""
    desk = at_desk(olga)
    opened(case, Compartment.IDENTITY, olga, now=timezone.now())
    sent = _typed(desk.get(address(case)), **{"identity-surname_latin": "Nesterov"})
    opened(case, Compartment.IDENTITY, olga, now=timezone.now() - timedelta(minutes=16))
    answer = desk.post(address(case), sent, follow=True)
    assert Identity.objects.get().surname_latin == "Nesterov"
    assert "Нестеров" not in answer.content.decode()
    opened(case, Compartment.IDENTITY, olga, now=timezone.now() - timedelta(minutes=90))
    desk.post(address(case), sent | {"identity-surname_latin": "Late"})
    assert Identity.objects.get().surname_latin == "Nesterov"


def test_two_people_in_one_compartment_lose_nothing(case, identity, olga, petra, at_desk):
    """Sabotage: take lock.reconcile() out of _bind_form()."""
    opened(case, Compartment.IDENTITY, olga, now=timezone.now())
    desk = at_desk(olga)
    sent = _typed(desk.get(address(case)), **{"identity-patronymic": "Юрьевич"})
    row = Identity.objects.get()
    row.given_name = "Марк"
    row.save(by=petra)
    assert desk.post(address(case), sent).status_code == 302
    stored = Identity.objects.get()
    assert (stored.given_name, stored.patronymic) == ("Марк", "Юрьевич")
    sent = _typed(desk.get(address(case)), **{"identity-given_name": "Лев"})
    row = Identity.objects.get()
    row.given_name = "Илья"
    row.save(by=petra)
    answer = desk.post(address(case), sent)
    assert answer.status_code == 422
    assert "Лев" in answer.content.decode()
    assert Identity.objects.get().given_name == "Илья"


@pytest.mark.parametrize("which", [*Compartment.values, "word"])
def test_a_foreign_case_has_no_doors(which, case, identity, oskar, at_desk):
    """The same 404 as for a case that never was. Sabotage: Case.objects.all() in case_or_404()."""
    desk = at_desk(oskar)
    for send in (desk.get, desk.post):
        hidden, absent = send(address(case, which)), send(f"/desk/case/{uuid4()}/closed/{which}/")
        assert (hidden.status_code, hidden.content) == (404, absent.content)


def test_a_caseworker_is_refused_the_vetting_and_the_trail_knows(case, olga, at_desk):
    assert at_desk(olga).get(address(case, "vetting")).status_code == 403
    assert TrailRow.objects.filter(verb=Verb.REFUSED, actor=olga).exists()


def test_the_chore_forgets_what_is_over(case, olga):
    """Sabotage: sweep() that keeps everything."""
    opened(case, Compartment.IDENTITY, olga, now=NOW - timedelta(hours=2))
    opened(case, Compartment.LINKS, olga)
    chores.close_compartments(NOW)
    assert [row.which for row in CompartmentOpening.objects.all()] == [Compartment.LINKS]


# -- vetting


def test_one_person_alone_clears_nobody(shared, lena, petra, oskar, olga, mark):
    """Sabotage: drop `second_id is not None` from Vetting.clears."""
    vetting = Vetting(case=shared, state=Verdict.CLEARED, grounds="Spoke twice.")
    vetting.propose(by=lena)
    assert not Vetting.objects.clears(shared)
    with pytest.raises(ValidationError, match="judged it yourself"):
        vetting.confirm(by=lena)
    for person in (oskar, olga, mark):
        with pytest.raises(PermissionDenied):
            Vetting.objects.of(shared).confirm(by=person)
    Vetting.objects.of(shared).confirm(by=petra)
    assert Vetting.objects.clears(shared)


def test_the_database_knows_that_it_takes_two(shared, lena):
    """Sabotage: drop the constraint vetting_is_confirmed_by_another."""
    vetting = Vetting(case=shared, state=Verdict.CLEARED, grounds="Spoke twice.")
    vetting.propose(by=lena)
    for first, second in ((lena, lena), (None, lena)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Vetting._base_manager.filter(pk=vetting.pk).update(first=first, second=second)


def test_another_judgement_has_to_be_confirmed_anew(cleared, lena, case):
    """Sabotage: take about_to_save() out of Vetting."""
    vetting = Vetting.objects.of(case)
    vetting.grounds = "A third person says otherwise."
    vetting.propose(by=lena)
    assert not Vetting.objects.clears(case)
    assert Vetting.objects.of(case).second is None


@pytest.mark.parametrize("state", [Verdict.NOT_CLEARED, Verdict.SUSPICIOUS, Verdict.IN_PROGRESS])
def test_other_results_open_no_route(state, shared, lena, petra, olga):
    """Sabotage: CLEARING = RESULTS."""
    vetting = Vetting(case=shared, state=state, grounds="Contradictions.")
    vetting.propose(by=lena)
    if vetting.waits:
        vetting.confirm(by=petra)
    with pytest.raises(ValidationError, match="two people"):
        opened(shared, Compartment.ROUTE, olga)


def test_the_route_opens_once_two_people_have_cleared(cleared, case, olga):
    """Sabotage: take the question to Vetting out of open()."""
    opened(case, Compartment.ROUTE, olga)


def test_limits_and_grounds_are_said(shared, lena):
    """Sabotage: take Vetting.clean() out."""
    for wrong in ({"state": Verdict.LIMITED, "grounds": "x"}, {"state": Verdict.CLEARED}):
        with pytest.raises(ValidationError):
            Vetting(case=shared, **wrong).propose(by=lena)


def test_a_coordinator_confirms_on_a_page_that_shows_no_grounds(shared, lena, petra, at_desk):
    """Sabotage: show the grounds in vetting_confirm.html."""
    vetting = Vetting(
        case=shared, state=Verdict.LIMITED, grounds="Deserted from 99 brigade.", limits="No chats."
    )
    vetting.propose(by=lena)
    desk, page = at_desk(petra), f"/desk/case/{shared.pk}/vetting/"
    head = desk.get(f"/desk/cases/case/{shared.pk}/change/").content.decode()
    assert "Cleared with limits" in head
    assert "waits for a second person" in head
    text = desk.get(page).content.decode()
    assert "No chats." in text
    assert "99 brigade" not in text
    desk.post(page, {"act": "reject", "reason": "Ask the second witness."})
    assert Vetting.objects.of(shared).state == Verdict.IN_PROGRESS
    again = Vetting.objects.of(shared)
    again.state = Verdict.CLEARED
    again.propose(by=lena)
    desk.post(page, {"act": "confirm"})
    assert Vetting.objects.clears(shared)


@pytest.mark.parametrize(("who", "status"), [("olga", 403), ("oskar", 404), ("anton", 404), ("vera", 404)])
def test_nobody_else_is_asked_to_confirm(who, status, shared, request, at_desk):
    person = request.getfixturevalue(who)
    assert at_desk(person).get(f"/desk/case/{shared.pk}/vetting/").status_code == status


def test_a_lawyer_writes_war_conduct_that_a_caseworker_never_reads(shared, lena, olga, petra, sign_in):
    """Sabotage: leave "warconduct" out of compartment.FACETS: its past shows on the case page."""
    opened(shared, Compartment.VETTING, lena, now=timezone.now())
    desk = sign_in(lena)
    page = desk.get(address(shared, "vetting"))
    sent = _typed(page, **{"conduct-service": "Driver, 2023.", "vetting-state": "in_progress"})
    assert desk.post(address(shared, "vetting"), sent).status_code == 302
    row = WarConduct.objects.get()
    assert row.service == "Driver, 2023."
    row.service = "Gunner."
    row.save(by=lena)
    for person in (olga, petra):
        text = sign_in(person).get(f"/desk/cases/case/{shared.pk}/change/?past=all").content.decode()
        assert "Driver, 2023." not in text


# -- route notes


def test_a_route_note_is_erased_for_real_two_weeks_after_use(cleared, case, olga):
    """Sabotage: `update(text=None)` instead of delete(); `>=` -> `>` in erase_used() (a day too long)."""
    note, unused = RouteNote(case=case, text="By bus to the border."), RouteNote(case=case, text="By train.")
    for row in (note, unused):
        row.save(by=olga)
    note.mark_used(TODAY, by=olga, today=TODAY)
    assert note.erased_after == TODAY + timedelta(14)
    assert RouteNote.objects.erase_used(TODAY + timedelta(14)) == 0
    assert RouteNote.objects.erase_used(TODAY + timedelta(15)) == 1
    assert [row.pk for row in RouteNote.objects.all()] == [unused.pk]
    assert not [row for row in FactHistory.objects.of(case) if row.readable_record["facet"] == "routenote"]
    gone = TrailRow.objects.get(verb=Verb.ROUTE_NOTE_ERASED)
    assert (gone.actor, gone.case, gone.details) == (None, case.pk, {"about": str(note.pk)})


def test_a_route_note_is_not_rewritten_and_not_used_tomorrow(case, olga):
    """Sabotage: take the first `if` of save() or mark_used() out."""
    note = RouteNote(case=case, text="By bus.")
    note.save(by=olga)
    note.text = "By train."
    with pytest.raises(Exception, match="not changed"):
        note.save(by=olga)
    with pytest.raises(ValidationError):
        note.mark_used(TODAY + timedelta(1), by=olga, today=TODAY)


def test_route_notes_on_the_page(cleared, case, olga, at_desk):
    """Sabotage: leave "used" out of _route()."""
    opened(case, Compartment.ROUTE, olga, now=timezone.now())
    desk = at_desk(olga)
    desk.post(address(case, "route"), {"act": "save", "text": "Over the pass on foot."})
    assert "Over the pass on foot." in desk.get(address(case, "route")).content.decode()
    note = RouteNote.objects.get()
    desk.post(address(case, "route"), {"act": "used", "key": str(note.pk), "used_on": "2026-01-01"})
    note.refresh_from_db()
    assert str(note.used_on) == "2026-01-01"
    foreign = {"act": "used", "key": str(uuid4()), "used_on": "2026-01-01"}
    assert desk.post(address(case, "route"), foreign).status_code == 404


# -- links


@pytest.fixture
def sister(olga):
    return Case.objects.open_case(by=olga, country="KZ")


def test_a_link_shows_on_both_sides(case, sister, olga):
    """Sabotage: one row instead of two in join()."""
    CaseLink.objects.join(case, sister, kind=LinkKind.PARENT, remark="met in May", by=olga)
    (here,) = CaseLink.objects.seen_by(olga, case)
    (there,) = CaseLink.objects.seen_by(olga, sister)
    assert (here.other, here.kind, here.remark) == (sister, "Parent of this person", "met in May")
    assert (there.other, there.kind) == (case, "Child of this person")
    here.row.end(by=olga)
    assert CaseLink.objects.seen_by(olga, sister) == []


def test_who_sees_one_side_alone_learns_nothing(case, sister, olga, lena, oskar, mark):
    """Sabotage: Case.objects.all() for visible_to() in seen_by()."""
    CaseLink.objects.join(case, sister, kind=LinkKind.SPOUSE, remark="", by=olga)
    case.share(to=lena, until_on=TODAY, by=olga)
    assert CaseLink.objects.seen_by(lena, case) == []
    with pytest.raises(PermissionDenied):
        CaseLink.objects.get(case=case).end(by=lena)
    assert len(CaseLink.objects.seen_by(olga, case)) == 1
    for person in (oskar, mark):
        with pytest.raises(PermissionDenied):
            CaseLink.objects.join(case, sister, kind=LinkKind.OTHER, remark="", by=person)


def test_the_link_page_does_not_tell_which_code_names_exist(case, sister, olga, oskar, at_desk):
    """Sabotage: Case.objects.filter() for visible_to() in _links()."""
    foreign = Case.objects.open_case(by=oskar, country="GE")
    opened(case, Compartment.LINKS, olga, now=timezone.now())
    desk = at_desk(olga)
    said = []
    for name in (foreign.code_name, "Unheard-of kettle 11"):
        answer = desk.post(address(case, "links"), {"act": "save", "code_name": name, "kind": "other"})
        said.append((answer.status_code, answer.context["forms"][0].errors["code_name"]))
    assert said[0] == said[1]
    sent = {"act": "save", "code_name": sister.code_name, "kind": "spouse", "remark": ""}
    assert desk.post(address(case, "links"), sent).status_code == 302
    assert sister.code_name in desk.get(address(case, "links")).content.decode()


def test_which_two_are_linked_is_not_readable(case, sister, olga):
    """Sabotage: a foreign key to the other case."""
    from django.db import connection

    CaseLink.objects.join(case, sister, kind=LinkKind.SPOUSE, remark="", by=olga)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM cases_caselink WHERE case_id = %s",
            [case.pk if connection.vendor == "postgresql" else case.pk.hex],
        )
        cells = [
            bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in cursor.fetchone()
        ]
    for text in (sister.pk.hex.encode(), str(sister.pk).encode(), b"spouse"):
        assert text not in b" ".join(cells)


def test_erasing_a_case_takes_the_other_half_along(case, sister, olga, petra):
    """Sabotage: take CaseLink.objects.forget() out of erasing.erase()."""
    CaseLink.objects.join(case, sister, kind=LinkKind.SPOUSE, remark="", by=olga)
    erasing.erase(case, by=petra, reason="Asked for.")
    assert not CaseLink.objects.filter(case=sister).exists()
