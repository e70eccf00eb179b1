"""A lost phone: nobody resets alone, and nobody resets the own one."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import Case
from staff.models import BackupSheet, DeviceReset, Invitation, RoleGrant, TotpDevice, TrailRow, User
from staff.trail import Refused, Verb
from tests.staff.flow import approve, password_step
from tests.writes import stored, write

WHY = "called back on the number we know"


@pytest.fixture
def lost(olga, petra):
    """Olga, whose phone is gone; Petra could approve her role anew."""
    TotpDevice.enrol(olga)
    BackupSheet.renew(olga)
    return olga


def ask(subject, by, **more):
    return DeviceReset.objects.request(subject, by=by, reason=WHY, **more)


def test_two_people_take_the_second_factor_away(lost, anton, petra, client):
    """Done when a second person approved, every session ended, and the owner sets up anew."""
    password_step(client, lost)
    reset = ask(lost, by=anton)
    assert TotpDevice.in_force(stored(lost))
    reset.approve(by=petra)
    assert not TotpDevice.in_force(stored(lost))
    assert not BackupSheet.objects.filter(user=lost).exists()
    assert client.get("/second-factor/")["Location"].startswith("/login/")
    password_step(client, lost)
    assert client.get("/account/")["Location"].startswith("/second-factor/set-up/")
    assert User.objects.get(pk=lost.pk).role == ""
    approve(RoleGrant.objects.open().get(subject=lost), by=petra)
    assert User.objects.get(pk=lost.pk).role == "caseworker"
    row = TrailRow.objects.filter(verb=Verb.DEVICE_RESET).get()
    assert [name for name, *_row in row.details.pop("access")] == ["staff.User", "staff.DeviceReset"]
    assert (row.actor, row.details) == (petra, {"about": str(lost.pk), "reason": WHY})


def test_one_person_alone_changes_nothing(lost, anton):
    """Sabotage: drop the constraint reset_decided_by_another_than_asked."""
    reset = ask(lost, by=anton)
    with pytest.raises(ValidationError, match="second person"):
        reset.approve(by=anton)
    assert TotpDevice.in_force(stored(lost))
    assert DeviceReset.objects.get(pk=reset.pk).state == "requested"


def test_nobody_asks_for_the_own_one(petra):
    """Sabotage: drop the constraint reset_asked_by_another_than_subject."""
    with pytest.raises(ValidationError, match="your own second factor"):
        ask(petra, by=petra)


def test_nobody_approves_the_own_one(petra, paula, anton):
    """Sabotage: drop the constraint reset_decided_by_another_than_subject."""
    TotpDevice.enrol(petra)
    reset = ask(petra, by=anton)
    with pytest.raises(ValidationError, match="Somebody else"):
        reset.approve(by=petra)
    assert TotpDevice.in_force(stored(petra))


@pytest.mark.parametrize("name", ["mark", "oskar"])
def test_only_administrators_and_coordinators_reset(name, request, lost, anton):
    person = request.getfixturevalue(name)
    with pytest.raises(Refused):
        ask(lost, by=person)
    reset = ask(lost, by=anton)
    with pytest.raises(Refused):
        reset.approve(by=person)
    assert TotpDevice.in_force(stored(lost))


def test_a_refused_reset_changes_nothing(lost, anton, petra, paula):
    reset = ask(lost, by=anton)
    reset.refuse(by=petra)
    assert TotpDevice.in_force(stored(lost))
    with pytest.raises(ValidationError, match="decided already"):
        reset.approve(by=paula)


def test_the_database_keeps_two_people_apart(lost, anton, petra):
    reset = ask(lost, by=anton)
    for change in (
        {"state": "approved"},
        {"state": "approved", "decided_by": anton},
        {"state": "approved", "decided_by": lost},
        {"requested_by": lost},
        {"requested_by": None},
        {"origin": "console"},
        {"decided_by": petra},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write(reset, **change)


@pytest.mark.parametrize("also_password", [False, True])
def test_a_role_lapses_until_it_is_approved_for_the_new_phone(also_password, lost, anton, petra):
    """Done when two people replace a phone and nobody sees a case with it before a coordinator hears
    its code.

    Sabotage: drop the line with lapse() from DeviceReset._take_away().
    """
    case = Case.objects.open_case(by=lost, country="KZ")
    ask(lost, by=anton, also_password=also_password).approve(by=petra)
    lost.refresh_from_db()
    assert (lost.role, lost.is_staff) == ("", False)
    assert not Case.objects.visible_to(lost).exists()
    verbs = TrailRow.objects.filter(verb__in=[Verb.ROLE_LAPSED, Verb.ROLE_REQUESTED]).order_by("pk")
    assert [(row.verb, row.actor) for row in verbs] == [("role_lapsed", petra), ("role_requested", anton)]
    grant = RoleGrant.objects.open().get(subject=lost)
    with pytest.raises(ValidationError, match="not set up"):
        grant.approve(by=petra, code="")
    approve(grant, by=petra)
    lost.refresh_from_db()
    assert list(Case.objects.visible_to(lost)) == [case]


def test_an_administrator_has_nothing_to_lapse(anton, petra, paula):
    TotpDevice.enrol(anton)
    ask(anton, by=petra).approve(by=paula)
    assert User.objects.get(pk=anton.pk).role == "administrator"
    assert not RoleGrant.objects.open().exists()


@pytest.mark.parametrize(("asks", "decides", "asked_anew"), [
    ("anton", "petra", "anton"), ("petra", "anton", "anton"), ("petra", "paula", "petra"),
])  # fmt: skip
def test_somebody_is_left_who_may_approve_anew(asks, decides, asked_anew, request, lost, anton, petra, paula):
    """Who asks for a role does not decide on it. Sabotage: `asked` instead of next(…) in _asks_anew()."""
    people = {"anton": anton, "petra": petra, "paula": paula}
    ask(lost, by=people[asks]).approve(by=people[decides])
    assert RoleGrant.objects.open().get(subject=lost).requested_by == people[asked_anew]


def test_a_role_that_was_asked_for_before_waits_for_the_new_phone(lost, anton, petra):
    pending = RoleGrant.objects.request(lost, "coordinator", by=anton)
    heard = pending.code()
    ask(lost, by=anton).approve(by=petra)
    assert RoleGrant.objects.open().get(subject=lost) == pending
    TotpDevice.enrol(lost)
    with pytest.raises(ValidationError, match="not the code of their phone"):
        pending.approve(by=petra, code=heard)


def test_without_a_coordinator_who_could_approve_anew_only_the_console_resets(petra, anton):
    """Two administrators could otherwise lock the only coordinator out. Sabotage: drop approvers() from
    can_be_helped().
    """
    User.objects.create_user("second", "second-long-password-1", role="administrator")
    TotpDevice.enrol(petra)
    with pytest.raises(ValidationError, match="on the console"):
        ask(petra, by=anton)
    call_command("reset_second_factor", username="petra", reason=WHY)
    assert not TotpDevice.in_force(stored(petra))
    assert User.objects.get(pk=petra.pk).role == "coordinator"


def test_a_lost_password_goes_too_and_the_person_is_invited_again(lost, anton, petra):
    ask(lost, by=anton, also_password=True).approve(by=petra)
    now = User.objects.get(pk=lost.pk)
    assert not now.has_usable_password()
    code = Invitation.objects.issue(now, by=anton)
    assert Invitation.objects.accept(code, "a quiet harbour in winter").role == ""
    approve(RoleGrant.objects.open().get(subject=lost), by=petra)
    assert User.objects.get(pk=lost.pk).role == "caseworker"


def test_the_reason_lies_sealed(lost, anton):
    ask(lost, by=anton)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM staff_devicereset")
        assert WHY.encode() not in bytes(cursor.fetchone()[0])
    assert DeviceReset.objects.get().reason == WHY


# -- the console


def test_the_console_helps_where_two_people_are_not_left(lost, petra):
    call_command("reset_second_factor", username="olga", reason=WHY)
    assert not TotpDevice.in_force(stored(lost))
    row = TrailRow.objects.filter(verb=Verb.DEVICE_RESET).get()
    assert (row.actor, row.details["reason"]) == (None, WHY)


def test_the_console_refuses_while_two_people_could_do_it(lost, petra, anton):
    """Sabotage: `>` instead of `>=` in reset_from_console()."""
    with pytest.raises(CommandError, match="on the desk"):
        call_command("reset_second_factor", username="olga", reason=WHY)
    assert TotpDevice.in_force(stored(lost))


def test_the_console_wants_a_reason_and_a_known_name(lost):
    with pytest.raises(CommandError, match="why"):
        call_command("reset_second_factor", username="olga", reason=" ")
    with pytest.raises(CommandError, match="no such account"):
        call_command("reset_second_factor", username="nobody", reason=WHY)


# -- the pages


def test_the_pages_lead_through_it(sign_in, lost, anton, petra):
    his, hers = sign_in(anton), sign_in(petra)
    person = f"/desk/staff/user/{lost.pk}/"
    assert f"{person}reset/" in his.get(f"{person}change/").content.decode()
    assert his.post(f"{person}reset/", {"reason": WHY}).status_code == 302
    reset = DeviceReset.objects.get()
    page = hers.get(f"/desk/staff/devicereset/{reset.pk}/decide/").content.decode()
    assert WHY in page
    assert hers.get("/desk/staff/devicereset/").status_code == 200
    assert hers.get(f"/desk/staff/devicereset/{reset.pk}/change/").status_code == 200
    hers.post(f"/desk/staff/devicereset/{reset.pk}/decide/", {"approve": "1"})
    assert not TotpDevice.in_force(stored(lost))


def test_the_asking_person_cannot_decide_on_the_page(sign_in, lost, anton):
    his = sign_in(anton)
    reset = ask(lost, by=anton)
    answer = his.post(f"/desk/staff/devicereset/{reset.pk}/decide/", {"approve": "1"}, follow=True)
    assert "You asked for this reset yourself" in answer.content.decode()
    assert TotpDevice.in_force(stored(lost))


@pytest.mark.parametrize(("name", "status"), [("oskar", 403), ("mark", 302)])
def test_others_do_not_reach_the_pages(name, status, request, sign_in, lost, anton):
    reset = ask(lost, by=anton)
    client = sign_in(request.getfixturevalue(name))
    for page in (f"user/{lost.pk}/reset/", f"devicereset/{reset.pk}/decide/", "devicereset/"):
        assert client.get(f"/desk/staff/{page}").status_code == status
        assert client.post(f"/desk/staff/{page}", {"approve": "1", "reason": WHY}).status_code == 403
    assert TotpDevice.in_force(stored(lost))
    assert DeviceReset.objects.count() == 1


# -- nobody decides


def test_a_request_expires_after_48_hours(lost, anton, petra):
    """Done when an old request takes nothing away and a new one can be made. Sabotage: drop is_late()."""
    reset = ask(lost, by=anton)
    old = timezone.now() - timedelta(hours=48)
    DeviceReset.objects.filter(pk=reset.pk).update(requested_at=old)
    with pytest.raises(ValidationError, match="older than 48 hours"):
        reset.approve(by=petra)
    assert TotpDevice.in_force(stored(lost))
    again = ask(lost, by=anton)
    assert DeviceReset.objects.get(pk=reset.pk).state == "expired"
    row = TrailRow.objects.filter(verb=Verb.DEVICE_RESET_EXPIRED).get()
    assert [name for name, *_row in row.details.pop("access")] == ["staff.DeviceReset"]
    assert (row.actor, row.details) == (None, {"about": str(lost.pk)})
    again.approve(by=petra)
    assert not TotpDevice.in_force(stored(lost))


def test_a_chore_closes_old_requests_and_clears_old_sessions(lost, anton, petra, client):
    """Sabotage: take "sign-ins" out of CHORES."""
    from desk.chores import CHORES
    from staff.models import Session

    chore = {chore.name: chore for chore in CHORES}["sign-ins"]
    password_step(client, lost)
    reset = ask(lost, by=anton)
    chore.do(timezone.now() + timedelta(hours=20))
    assert (Session.objects.count(), DeviceReset.objects.open().count()) == (1, 1)
    chore.do(timezone.now() + timedelta(hours=49))
    assert (Session.objects.count(), DeviceReset.objects.open().count()) == (0, 0)
    reset.refresh_from_db()
    with pytest.raises(ValidationError, match="decided already"):
        reset.approve(by=petra)


def test_the_desk_signs_the_trail_by_itself(lost):
    """Sabotage: take "trail" out of CHORES."""
    from desk.chores import CHORES
    from staff import chain
    from staff.models import Checkpoint

    chain.extend_all()
    {chore.name: chore for chore in CHORES}["trail"].do(timezone.now())
    assert Checkpoint.objects.get().head == chain.head()
