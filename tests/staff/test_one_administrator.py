"""One administrator, alone, with the pages of the desk: every path to a case that was found."""

import pytest
from django.utils import timezone

from cases.models import Case
from staff.models import DeviceReset, RoleGrant, TotpDevice, User

pytestmark = pytest.mark.django_db

ROLES = ("caseworker", "lawyer", "coordinator", "auditor")


@pytest.fixture
def case(olga):
    return Case.objects.open_case(by=olga, country="KZ")


@pytest.fixture
def desk(anton, sign_in):
    return sign_in(anton)


def sees_nothing(*people):
    for person in people:
        person.refresh_from_db()
        assert not Case.objects.visible_to(person).exists(), person


@pytest.mark.parametrize("role", ROLES)
def test_a_role_for_himself_waits_for_somebody_else(role, case, anton, desk):
    """Sabotage: drop the `may` line of RoleGrant._decide()."""
    desk.post(f"/desk/staff/user/{anton.pk}/role/", {"role": role})
    for grant in RoleGrant.objects.open():
        desk.post(f"/desk/staff/rolegrant/{grant.pk}/decide/", {"approve": "1"})
    anton.refresh_from_db()
    assert anton.role == "administrator"
    sees_nothing(anton)


@pytest.mark.parametrize("role", ROLES)
def test_a_second_account_of_his_own_stays_without_a_role(role, case, team, anton, desk):
    """Sabotage: needs_approval() that returns False."""
    facts = {"wanted_role": role, "team": str(team.pk), "language": "en", "time_zone": "UTC", "address": ""}
    desk.post("/desk/staff/user/add/", {"username": "shadow"} | facts)
    shadow = User.objects.get(username="shadow")
    grant = RoleGrant.objects.get(subject=shadow)
    desk.post(f"/desk/staff/rolegrant/{grant.pk}/decide/", {"approve": "1"})
    assert User.objects.get(pk=shadow.pk).role == ""
    sees_nothing(anton, shadow)


def test_resetting_a_coordinators_phone_and_password_needs_a_second_person(case, petra, anton, desk):
    """Sabotage: drop the constraint reset_decided_by_another_than_asked."""
    TotpDevice.enrol(petra)
    desk.post(f"/desk/staff/user/{petra.pk}/reset/", {"reason": "She rang me.", "also_password": "on"})
    reset = DeviceReset.objects.get()
    desk.post(f"/desk/staff/devicereset/{reset.pk}/decide/", {"approve": "1"})
    desk.post(f"/desk/staff/user/{petra.pk}/invite/")
    assert TotpDevice.in_force(User.objects.get(pk=petra.pk))
    assert User.objects.get(pk=petra.pk).check_password("petra-long-password-1")


def test_closing_and_opening_a_colleagues_account_gives_no_role_back(case, olga, anton, desk):
    """Sabotage: let reactivate() keep the role, or holds_cases() name the cases."""
    page = desk.get(f"/desk/staff/user/{olga.pk}/close/")
    assert case.code_name.encode() not in page.content
    desk.post(f"/desk/staff/user/{olga.pk}/close/", {"all_the_same": "on"})
    desk.post(f"/desk/staff/user/{olga.pk}/reopen/")
    desk.post(f"/desk/staff/user/{olga.pk}/invite/")  # she has a password: no code is made
    sees_nothing(olga, anton)


def test_moving_himself_into_the_team_shows_nothing(case, team, anton, desk):
    """Sabotage: visible_to() without sees_cases()."""
    facts = {"team": str(team.pk), "language": "en", "time_zone": "UTC", "address": ""}
    desk.post(f"/desk/staff/user/{anton.pk}/change/", facts)
    sees_nothing(anton)


def test_deputies_hand_overs_and_emergencies_are_not_his(case, olga, petra, anton, team, desk):
    """Sabotage: Act.ASSIGN_CASES for AD in roles.ALLOWED (BREAK_GLASS alone is stopped by visible_to)."""
    day = timezone.localdate().isoformat()
    tried = [
        (
            "/desk/access/",
            {"act": "appoint", "away": olga.pk, "deputy": anton.pk, "from_on": day, "until_on": day},
        ),
        (f"/desk/access/hand-over/{olga.pk}/", {"to": anton.pk, "reason": "She leaves."}),
        ("/desk/emergency/", {"code_name": case.code_name, "reason": "It burns, believe me."}),
        (f"/desk/case/{case.pk}/export/", {"reason": "The person asked."}),
        (f"/desk/case/{case.pk}/closed/identity/", {"act": "open", "reason": "The person asked."}),
        (f"/desk/case/{case.pk}/vetting/", {"act": "confirm"}),
        (f"/desk/readers/{case.pk}/", {}),
        (f"/desk/cases/case/{case.pk}/change/", {"caseworker": anton.pk}),
    ]
    for path, data in tried:
        for answer in (desk.get(path), desk.post(path, data)):
            assert answer.status_code in (302, 403, 404, 405), path
            assert case.code_name.encode() not in answer.content
    case.refresh_from_db()
    assert case.caseworker == olga
    sees_nothing(anton)
