"""How a role comes into effect: the rules, then the constraints that keep them when code does not."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from staff.models import RoleGrant, TotpDevice, TrailRow, User
from staff.models.grants import NeedsCode
from staff.roles import Role
from staff.trail import Refused, Verb
from tests.staff.flow import approve
from tests.writes import write
from vault import keyfiles, keyring

DECIDE = {"approve": approve, "refuse": RoleGrant.refuse}


@pytest.fixture
def nina(team):
    """A new colleague without a role."""
    return User.objects.create_user("nina", "nina-long-password-1", team=team)


def stored(person):
    return User.objects.get(pk=person.pk)


def test_a_role_that_sees_cases_waits_for_a_coordinator(nina, anton):
    """Sabotage: `if True:` before `grant._take_effect` in RoleGrantQuerySet.request()."""
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    assert grant.state == RoleGrant.State.REQUESTED
    assert stored(nina).role == ""
    assert not stored(nina).is_staff


def test_a_coordinator_lets_it_take_effect(nina, anton, petra):
    approve(RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton), by=petra)
    assert stored(nina).role == Role.CASEWORKER
    assert TrailRow.objects.filter(verb=Verb.ROLE_GRANTED, actor=petra).exists()


def test_a_refused_request_changes_nothing(nina, anton, petra):
    grant = RoleGrant.objects.request(nina, Role.COORDINATOR, by=anton)
    grant.refuse(by=petra)
    assert stored(nina).role == ""
    assert RoleGrant.objects.get(pk=grant.pk).state == RoleGrant.State.REFUSED


def test_an_administrator_is_made_without_a_coordinator(nina, anton):
    """The role sees no case content."""
    RoleGrant.objects.request(nina, Role.ADMINISTRATOR, by=anton)
    assert stored(nina).role == Role.ADMINISTRATOR


@pytest.mark.parametrize("name", ["mark", "olga", "petra"])
def test_only_administrators_ask_for_roles(name, request, nina):
    """Sabotage: drop the `may` line of RoleGrantQuerySet.request()."""
    with pytest.raises(Refused):
        RoleGrant.objects.request(nina, Role.CASEWORKER, by=request.getfixturevalue(name))
    assert not RoleGrant.objects.filter(subject=nina).exists()


@pytest.mark.parametrize("name", ["mark", "olga", "anton"])
@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_only_coordinators_decide(name, decision, request, nina, anton):
    """One administrator alone must not make a coordinator. Sabotage: drop the `may` line of _decide()."""
    grant = RoleGrant.objects.request(nina, Role.COORDINATOR, by=anton)
    with pytest.raises(Refused):
        DECIDE[decision](grant, by=request.getfixturevalue(name))
    assert stored(nina).role == ""
    assert RoleGrant.objects.get(pk=grant.pk).state == RoleGrant.State.REQUESTED


@pytest.mark.parametrize("role", [Role.LAWYER, Role.AUDITOR])
def test_a_lawyer_and_an_auditor_wait_for_a_coordinator(role, nina, anton, petra):
    """Sabotage: take Permission.READ_TRAIL out of needs_approval()."""
    grant = RoleGrant.objects.request(nina, role, by=anton)
    assert stored(nina).role == ""
    approve(grant, by=petra)
    assert stored(nina).role == role


def test_nobody_decides_on_the_own_role(petra, anton):
    """Sabotage: drop the constraint role_decided_by_another_than_subject."""
    grant = RoleGrant.objects.request(petra, Role.ADMINISTRATOR, by=anton)
    assert grant.state == RoleGrant.State.APPROVED
    again = RoleGrant.objects.request(petra, Role.COORDINATOR, by=anton)
    write(petra, role=Role.COORDINATOR)
    with pytest.raises(ValidationError, match="your own role"):
        approve(again, by=stored(petra))
    assert RoleGrant.objects.get(pk=again.pk).state == RoleGrant.State.REQUESTED


def test_who_asked_does_not_decide(nina, anton):
    """An administrator who became a coordinator meanwhile.

    Sabotage: drop the constraint role_decided_by_another_than_asked.
    """
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    write(anton, role=Role.COORDINATOR)
    with pytest.raises(ValidationError, match="asked for this role yourself"):
        approve(grant, by=stored(anton))
    assert stored(nina).role == ""


def test_a_decision_stands(nina, anton, petra, paula):
    """Sabotage: drop the state check of _decide()."""
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    stale = RoleGrant.objects.get(pk=grant.pk)
    grant.refuse(by=petra)
    with pytest.raises(ValidationError, match="decided already"):
        approve(stale, by=paula)
    assert stored(nina).role == ""


def test_no_role_for_a_closed_account(nina, anton, petra):
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    write(nina, is_active=False)
    with pytest.raises(ValidationError, match="closed"):
        approve(grant, by=petra)


def test_one_request_at_a_time(nina, anton):
    RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    with pytest.raises(ValidationError, match="already asked for"):
        RoleGrant.objects.request(nina, Role.COORDINATOR, by=anton)


def refused_by_the_database(grant, **change):
    with pytest.raises(IntegrityError), transaction.atomic():
        write(grant, **change)
    return True


def test_the_database_keeps_the_rules_when_code_does_not(nina, anton, petra, django_db_setup):
    grant = RoleGrant.objects.request(nina, Role.COORDINATOR, by=anton)
    approved = RoleGrant.State.APPROVED
    assert refused_by_the_database(grant, state=approved)
    assert refused_by_the_database(grant, state=approved, decided_by=anton)
    assert refused_by_the_database(grant, state=approved, decided_by=nina)
    assert refused_by_the_database(grant, state=approved, decided_by=petra)  # for no phone
    assert refused_by_the_database(grant, decided_by=petra)
    assert refused_by_the_database(grant, requested_by=None)
    assert refused_by_the_database(grant, origin="console")
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(subject=nina, role=Role.CASEWORKER, requested_by=anton)
    with pytest.raises(IntegrityError), transaction.atomic():
        write(nina, role="superuser")


# -- the code of the phone


def test_a_coordinator_types_the_code_that_the_person_reads_to_them(nina, anton, petra):
    """Done when nothing but the code of this phone and this request approves. Sabotage: return app.pk before
    the comparison in RoleGrant._device_of_code().
    """
    phone = TotpDevice.enrol(nina)
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    right = grant.code()
    grant.refuse(by=petra)
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    for wrong in ("", right, "é", right[:-1], RoleGrant(subject=nina, role="lawyer").code()):
        with pytest.raises(NeedsCode, match="read it to you again"):
            grant.approve(by=petra, code=wrong)
    assert stored(nina).role == ""
    grant.approve(by=petra, code=grant.code().upper().replace("-", " ").replace("1", "l").replace("0", "O"))
    assert stored(nina).role == Role.CASEWORKER
    assert RoleGrant.objects.get(pk=grant.pk).device == phone.pk


def test_another_phone_has_another_code(nina, anton, petra):
    """Sabotage: leave app.pk out of RoleGrant._codes()."""
    TotpDevice.enrol(nina)
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    heard = grant.code()
    TotpDevice.enrol(nina)
    with pytest.raises(NeedsCode):
        grant.approve(by=petra, code=heard)
    assert stored(nina).role == ""


def test_nobody_is_approved_before_there_is_a_phone(nina, anton, petra):
    """Neither with nothing typed nor with a phone that is not in force yet."""
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    assert grant.code() == ""
    TotpDevice.begin(nina)
    with pytest.raises(ValidationError, match="not set up their second factor yet"):
        grant.approve(by=petra, code="")


def test_a_code_is_good_while_the_codes_key_is_changed(nina, anton, petra, keys, tmp_path, settings):
    """Read under the old key, typed under the new one. Sabotage: keyed_hash() alone in _codes()."""
    TotpDevice.enrol(nina)
    grant = RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton)
    heard = grant.code()
    both = tmp_path / "codes.key"
    keyfiles.make(both)
    keyfiles.rewrite(both, [keyfiles.new_key(), *keyring.read_secrets(keys / "codes.key")])
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"codes": both}
    keyring.reset()
    try:
        assert grant.code() != heard
        grant.approve(by=petra, code=heard)
    finally:
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"codes": keys / "codes.key"}
        keyring.reset()
    assert stored(nina).role == Role.CASEWORKER


def test_leaving_takes_the_role_and_open_requests(nina, anton, petra):
    """Coming back, the role has to be approved anew. Sabotage: drop role="" from deactivate()."""
    approve(RoleGrant.objects.request(nina, Role.CASEWORKER, by=anton), by=petra)
    pending = RoleGrant.objects.request(nina, Role.COORDINATOR, by=anton)
    stored(nina).deactivate(by=anton)
    assert (stored(nina).is_active, stored(nina).role) == (False, "")
    assert RoleGrant.objects.get(pk=pending.pk).state == RoleGrant.State.WITHDRAWN
    stored(nina).reactivate(by=anton)
    assert (stored(nina).is_active, stored(nina).role, stored(nina).is_staff) == (True, "", False)
