"""Who opens which case: each role, each door."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from cases.models import Case, CaseShare, Note, Status, Stay
from staff.models import TrailRow
from staff.trail import Verb
from tests.page import form_data
from tests.writes import write

pytestmark = pytest.mark.django_db

LIST, ADD = "/desk/cases/case/", "/desk/cases/case/add/"
TODAY = timezone.localdate()


def address(pk):
    return f"{LIST}{pk}/change/"


def refusals(user):
    return TrailRow.objects.filter(actor=user, verb=Verb.REFUSED)


# -- visible_to


def test_a_caseworker_sees_their_own_case_and_no_colleagues(case, olga, oskar):
    """Sabotage: `mine = Q()` in CaseQuerySet.visible_to."""
    assert list(Case.objects.visible_to(olga)) == [case]
    assert not Case.objects.visible_to(oskar).exists()


def test_a_caseworker_of_the_same_team_does_not_see_it_either(case, oskar, team):
    """Sabotage: leave `may(user, Permission.SEE_TEAM)` out of the condition in held_by()."""
    oskar.team = team
    oskar.save()
    assert not Case.objects.visible_to(oskar).exists()


def test_a_coordinator_sees_the_teams_cases_also_those_that_nobody_has(case, petra, olga, other_team, oskar):
    """Sabotage: `Q(team=user.team_id)` -> `Q(caseworker__team=user.team_id)` in held_by()."""
    case.assign(to=None, by=petra)
    elsewhere = Case.objects.open_case(by=oskar, country="GE")
    seen = Case.objects.visible_to(petra)
    assert case in seen
    assert elsewhere not in seen


def test_administrator_auditor_and_mark_see_none_even_as_their_own(case, anton, vera, mark):
    """Sabotage: take the `if not sees_cases(user)` lines out of visible_to."""
    for person in (anton, vera, mark):
        write(case, caseworker=person)
        CaseShare.objects.create(case=case, user=person, until_on=TODAY)
        assert not Case.objects.visible_to(person).exists()


def test_a_lawyer_sees_what_is_shared_with_her_and_nothing_else(case, olga, lena):
    """Not the team's, nor one that still names her. Sabotage: drop the HOLD_CASES line of held_by()."""
    other = Case.objects.open_case(by=olga, country="KZ")
    write(other, caseworker=lena)
    assert not Case.objects.visible_to(lena).exists()
    case.share(to=lena, until_on=TODAY, by=olga)
    assert Case.objects.visible_to(lena).get() == case


def test_a_lawyer_writes_into_a_shared_case_and_opens_none(case, olga, lena, at_desk):
    """Sabotage: ("cases.case", "add") left out of staff.roles.DJANGO_PERMISSIONS."""
    case.share(to=lena, until_on=TODAY, by=olga)
    desk = at_desk(lena)
    data = form_data(desk.get(address(case.pk)), **{"notes-0-text": "Read the decision."})
    assert desk.post(address(case.pk), data).status_code == 302
    assert case.notes.get().author == lena
    assert desk.get(ADD).status_code == 403
    with pytest.raises(PermissionDenied):
        Case.objects.open_case(by=lena, country="KZ")


def test_a_lawyer_is_nobodys_caseworker(case, petra, lena, at_desk):
    """She would not see it. Sabotage: READ_CASES for HOLD_CASES in Case.clean, or in CaseForm."""
    with pytest.raises(ValidationError):
        case.assign(to=lena, by=petra)
    page = at_desk(petra).get(address(case.pk))
    assert lena not in page.context["adminform"].form.fields["caseworker"].queryset


def test_a_deactivated_caseworker_sees_none(case, olga):
    """Sabotage: the same lines."""
    CaseShare.objects.create(case=case, user=olga, until_on=TODAY)
    olga.is_active = False
    assert not Case.objects.visible_to(olga).exists()


def test_a_coordinator_without_a_team_does_not_see_all(case, petra):
    """Every case has a team: no team is none of them. Sabotage: take no team for every one in held_by()."""
    petra.team = None
    petra.save()
    assert not Case.objects.visible_to(petra).exists()


def test_a_shared_case_is_seen_up_to_and_with_the_last_day(case, olga, oskar):
    """Sabotage: `until_on__gte` -> `until_on__gt` (last day lost), or no filter by until_on (never ends)."""
    case.share(to=oskar, until_on=TODAY + timedelta(7), by=olga)
    seen = Case.objects.visible_to
    assert seen(oskar, today=TODAY + timedelta(7)).get() == case
    assert not seen(oskar, today=TODAY + timedelta(8)).exists()
    assert TrailRow.objects.get(verb=Verb.CASE_SHARED).case == case.pk


# -- verbs


@pytest.mark.parametrize("who", ["mark", "oskar", "anton", "vera", "lena"])
def test_nobody_without_the_case_closes_assigns_shares_or_reopens_it(case, who, olga, request):
    """Sabotage: take `self.require_visible_to(by)` out of any of these verbs."""
    person = request.getfixturevalue(who)
    doors = [
        lambda: case.close(on=TODAY, by=person, reason="safe"),
        lambda: case.reopen(by=person),
        lambda: case.assign(to=person, by=person),
        lambda: case.share(to=olga, until_on=TODAY, by=person),
    ]
    for door in doors:
        with pytest.raises(PermissionDenied):
            door()
    case.refresh_from_db()
    assert (case.status, case.caseworker) == (Status.NEW, olga)


@pytest.mark.parametrize("who", ["mark", "anton"])
def test_nobody_without_the_role_opens_a_case(who, request, team):
    """Sabotage: take `if not may(by, Permission.WRITE_CASES)` out of Case.open."""
    with pytest.raises(PermissionDenied):
        Case.objects.open_case(by=request.getfixturevalue(who), country="KZ", team=team)
    assert not Case.objects.exists()


def test_a_caseworker_opens_no_case_in_another_team_and_none_for_a_colleague(olga, petra, other_team):
    """Sabotage: take the second `if` out of Case.open."""
    with pytest.raises(PermissionDenied):
        Case.objects.open_case(by=olga, country="KZ", team=other_team)
    with pytest.raises(PermissionDenied):
        Case.objects.open_case(by=olga, country="KZ", caseworker=petra)


def test_a_caseworker_does_not_hand_the_case_on_by_any_door(case, olga, petra):
    """Sabotage: take the check out of Case.about_to_save."""
    with pytest.raises(PermissionDenied):
        case.assign(to=petra, by=olga)
    case.refresh_from_db()
    case.caseworker = petra
    with pytest.raises(PermissionDenied):
        case.save(by=olga)


def test_a_coordinator_assigns_within_the_team_only(case, petra, paula, oskar, mark):
    """Sabotage: take the two caseworker checks out of Case.clean."""
    case.assign(to=paula, by=petra, reason="Olga is ill")
    assert Case.objects.get().caseworker == paula
    said = TrailRow.objects.get(verb=Verb.CASE_ASSIGNED).details
    assert said == {
        "fields": ["caseworker"],
        "reason": "Olga is ill",
        "access": [["cases.Case", str(case.pk), 2]],
    }
    for outsider in (oskar, mark):
        with pytest.raises(ValidationError) as refused:
            case.assign(to=outsider, by=petra)
        assert "caseworker" in refused.value.message_dict
        case.refresh_from_db()


def test_a_case_goes_to_another_team_without_its_caseworker(case, petra, other_team, oskar):
    """The old team's people lose it. Sabotage: `self.team = team or self.team` -> `self.team = self.team`."""
    case.assign(to=None, team=other_team, by=petra)
    assert not Case.objects.visible_to(petra).exists()
    assert Case.objects.get().team == other_team


# -- pages


@pytest.mark.parametrize("who", ["oskar", "petra_of_tbilisi"])
def test_a_case_of_others_is_a_page_that_never_was_and_a_refusal_on_the_trail(
    case, who, oskar, other_team, petra, at_desk
):
    """Sabotage: `rows = Case.objects.all()` in CaseAdmin.get_queryset."""
    person = oskar
    if who == "petra_of_tbilisi":
        person = petra
        petra.team = other_team
        petra.save()
    desk = at_desk(person)
    for send in (desk.get, desk.post):
        hidden, absent = send(address(case.pk)), send(address(uuid4()))
        assert (hidden.status_code, hidden.content) == (404, absent.content)
        assert absent.status_code == 404
    assert [row.case for row in refusals(person)] == [case.pk, case.pk]
    assert case.code_name.encode() not in desk.get(LIST).content


@pytest.mark.parametrize("who", ["anton", "vera", "mark"])
def test_without_the_role_there_is_no_list_no_page_and_no_form(case, who, request, client):
    """Sabotage: ("cases", "view"): SEE_ACCOUNTS in staff.roles.DJANGO_PERMISSIONS lets Anton in."""
    from tests.staff.flow import signed_in

    person = request.getfixturevalue(who)
    signed_in(client, person)
    for path in (LIST, ADD, address(case.pk)):
        answer = client.get(path)
        assert answer.status_code in (302, 403, 404)
        assert case.code_name.encode() not in answer.content


def test_opening_a_case_is_written_on_the_trail_each_time(case, olga, at_desk):
    """Sabotage: take the trail row out of CaseAdmin.render_change_form."""
    desk = at_desk(olga)
    desk.get(address(case.pk))
    desk.get(address(case.pk))
    assert TrailRow.objects.filter(actor=olga, verb=Verb.CASE_OPENED, case=case.pk).count() == 2


def test_side_doors_of_the_admin_are_closed(case, olga, at_desk):
    """Sabotage: take the check for `doors` out of CaseAdmin.changeform_view."""
    desk = at_desk(olga)
    closed = [
        f"{LIST}{case.pk}/delete/",
        f"{LIST}{case.pk}/history/",
        f"{address(case.pk)}?_popup=1",
        f"{address(case.pk)}?_to_field=id",
        f"{ADD}?_popup=1",
        "/desk/autocomplete/?app_label=cases&model_name=stay&field_name=case&term=a",
        f"{LIST}?summary__contains=unit",
        f"{LIST}?team__name__contains=Asta",
        f"{LIST}?caseworker__password__startswith=a",
    ]
    for path in closed:
        answer = desk.get(path)
        assert answer.status_code in (302, 400, 403, 404), path
        assert case.code_name.encode() not in answer.content
    copied = desk.post(address(case.pk), {"_saveasnew": "1"})
    assert copied.status_code == 404
    assert Case.objects.count() == 1


def test_search_by_address_is_not_offered(case, olga, at_desk):
    """A name typed into a GET search would stand in logs. Sabotage: search_fields = ("code_name",)."""
    page = at_desk(olga).get(LIST)
    # The one box there is sends what is typed by POST; the admin's own would send it by GET.
    assert page.content.count(b'name="q"') == 1
    form = page.content.partition(b'name="q"')[0].rpartition(b"<form")[2]
    assert b'method="post"' in form
    assert b"changelist-search" not in page.content


def test_rows_of_another_case_cannot_be_smuggled_into_the_form(case, olga, oskar, at_desk):
    """Sabotage: take FacetFormSet.full_clean out."""
    foreign = Case.objects.open_case(by=oskar, country="GE")
    stay = Stay.objects.create(case=foreign, country="GE", by=oskar)
    Stay.objects.create(case=case, country="KZ", by=olga)
    desk = at_desk(olga)
    data = form_data(desk.get(address(case.pk)))
    data |= {"stays-0-id": str(stay.pk), "stays-0-country": "AM"}
    answer = desk.post(address(case.pk), data)
    assert answer.status_code == 200
    assert "does not belong to this case" in answer.content.decode()
    assert Stay.objects.get(pk=stay.pk).country == "GE"
    assert case.stays.count() == 1


def test_a_new_row_cannot_be_sent_into_another_case(case, olga, oskar, at_desk):
    """Sabotage: let `case` be editable and drop `row.case = form.instance` from save_formset."""
    foreign = Case.objects.open_case(by=oskar, country="GE")
    desk = at_desk(olga)
    data = form_data(
        desk.get(address(case.pk)), **{"notes-0-text": "planted", "notes-0-case": str(foreign.pk)}
    )
    desk.post(address(case.pk), data)
    assert not Note.objects.filter(case=foreign).exists()


def test_a_caseworker_cannot_choose_team_or_caseworker_on_the_page(case, olga, petra, other_team, at_desk):
    """Sabotage: `worker.disabled = False` in CaseForm (the record then refuses the whole page)."""
    desk = at_desk(olga)
    data = form_data(desk.get(address(case.pk)), caseworker=str(petra.pk), team=str(other_team.pk))
    assert desk.post(address(case.pk), data).status_code == 302
    case.refresh_from_db()
    assert (case.caseworker, case.team) == (olga, olga.team)


def test_a_coordinator_assigns_on_the_page_within_the_team(case, petra, paula, oskar, mark, at_desk):
    """Sabotage: `worker.queryset = User.objects.all()` in CaseForm."""
    desk = at_desk(petra)
    page = desk.get(address(case.pk))
    offered = {user.username for user in page.context["adminform"].form.fields["caseworker"].queryset}
    assert offered == {"olga", "petra", "paula"}
    refused = desk.post(address(case.pk), form_data(page, caseworker=str(oskar.pk)))
    assert refused.status_code == 200
    assert refused.context["adminform"].form.errors["caseworker"]
    desk.post(address(case.pk), form_data(page, caseworker=str(paula.pk)))
    case.refresh_from_db()
    assert case.caseworker == paula
    assert TrailRow.objects.filter(verb=Verb.CASE_ASSIGNED, actor=petra, case=case.pk).exists()
