"""Whoever writes into the database without a key may destroy; never open, grant, sign in or see a case.

Each attack was seen to succeed before the rows that decide carried a seal (`vault/bound.py`). Every test
names the line without which it succeeds again; `tests/mutations/controls.py` removes them in turn.
"""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from cases.models import Case, CompartmentOpening
from staff.models import BackupSheet, DeviceReset, RoleGrant, Session, TotpDevice
from staff.models.devices import second_factor
from tests.staff.flow import PASSWORD, code_of
from vault.bound import ChangedFromOutside

pytestmark = pytest.mark.django_db
FORGED = b"\x07" * 32
TODAY = timezone.localdate()


def sees(person, case):
    person.refresh_from_db()
    return Case.objects.visible_to(person).filter(pk=case.pk).exists()


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


def test_a_new_password_and_a_lost_phone_make_nobody_a_coordinator(sql, prey, petra, foreign_client):
    """Sabotage: `user_can_authenticate` as Django's."""
    TotpDevice.enrol(petra)
    word = "a-word-of-the-thief-1"
    sql("UPDATE staff_user SET password = %s WHERE id = %s", make_password(word), petra.pk)
    sql("DELETE FROM staff_totpdevice WHERE user_id = %s", petra.pk)
    foreign_client.post("/login/", {"username": "petra", "password": word})
    foreign_client.get("/second-factor/set-up/")
    foreign_client.post("/second-factor/set-up/", {"code": code_of(TotpDevice.begin(petra))})
    assert foreign_client.get(address(prey)).status_code != 200


def test_a_role_by_sql_counts_for_nothing(sql, prey, mark):
    """Sabotage: leave `access_holds` of the user out of visible_to()."""
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    assert not sees(mark, prey)


def test_a_team_by_sql_counts_for_nothing(sql, prey, oskar):
    """Sabotage: leave "team_id" out of the bound columns of User."""
    RoleGrant.objects.grant_from_console(oskar, "coordinator")
    sql("UPDATE staff_user SET team_id = %s WHERE id = %s", prey.team_id, oskar.pk)
    assert not sees(oskar, prey)


@pytest.mark.parametrize("column", ["caseworker_id", "team_id"])
def test_a_case_moved_by_sql_is_nobodys(column, sql, prey, oskar):
    """Sabotage: leave `intact` out of Case visible_to()."""
    if column == "team_id":
        RoleGrant.objects.grant_from_console(oskar, "coordinator")
    value = oskar.pk if column == "caseworker_id" else oskar.team_id
    sql(f"UPDATE cases_case SET {column} = %s WHERE id = %s", value, prey.pk)  # noqa: S608 (names of this test)
    assert not sees(oskar, prey)


def test_a_share_by_sql_opens_nothing(sql, prey, oskar):
    """Sabotage: leave `intact` out of lent_to()."""
    sql(
        "INSERT INTO cases_caseshare (case_id, user_id, until_on, ended, access_serial, access_seal)"
        " VALUES (%s, %s, %s, %s, 1, %s)",
        prey.pk, oskar.pk, TODAY, False, FORGED,
    )  # fmt: skip
    assert not sees(oskar, prey)


def test_an_ended_share_does_not_come_back(sql, prey, olga, oskar):
    """Sabotage: leave "ended" out of the bound columns of CaseShare."""
    prey.share(to=oskar, until_on=TODAY, by=olga).end(by=olga)
    sql("UPDATE cases_caseshare SET ended = %s", False)
    assert not sees(oskar, prey)


def test_a_deputy_by_sql_stands_in_for_nobody(sql, prey, olga, oskar, petra):
    """Sabotage: leave `intact` out of away_for()."""
    sql(
        "INSERT INTO cases_deputy (id, away_id, deputy_id, from_on, until_on, named_by_id, ended,"
        " access_serial, access_seal) VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s)",
        uuid.uuid4(), olga.pk, oskar.pk, TODAY, TODAY, petra.pk, False, FORGED,
    )  # fmt: skip
    assert not sees(oskar, prey)


def test_an_emergency_by_sql_opens_nothing(sql, prey, oskar):
    """Sabotage: leave `intact` out of opened_to()."""
    sql(
        "INSERT INTO cases_emergencyopening (id, person_id, case_id, day, number, state, until_at, reason,"
        " access_serial, access_seal) VALUES (%s, %s, %s, %s, 1, 'open', %s, %s, 1, %s)",
        uuid.uuid4(), oskar.pk, prey.pk, TODAY, timezone.now() + timedelta(hours=4), b"\x01no seal", FORGED,
    )  # fmt: skip
    assert not sees(oskar, prey)


def test_a_compartment_that_one_opened_stands_open_to_nobody_else(sql, prey, olga, lena):
    """Sabotage: leave `intact` out of OpeningQuerySet.until()."""
    prey.share(to=lena, until_on=TODAY, by=olga)
    now = timezone.now()
    CompartmentOpening.objects.open(prey, "identity", by=olga, reason="The court asks for it.", now=now)
    sql("UPDATE cases_compartmentopening SET person_id = %s", lena.pk)
    assert CompartmentOpening.objects.until(prey, "identity", lena, now=now) is None


def test_a_session_copied_to_a_cookie_of_ones_own_is_no_session(sql, prey, petra, sign_in, foreign_client):
    """The thief has a cookie of the sign-in page; he puts a coordinator's data into its row.

    Sabotage: `_bound_to` that forgets the key.
    """
    sign_in(petra)
    foreign_client.get("/login/")
    foreign_client.post("/login/", {"username": "nobody", "password": "x"})
    session = foreign_client.session
    session["x"] = 1
    session.save()
    own = Session.objects.of_cookie(session.session_key).get()
    data = Session.objects.get(account=petra.pk).session_data
    sql("UPDATE staff_session SET session_data = %s WHERE session_key = %s", data, own.session_key)
    assert foreign_client.get(address(prey)).status_code != 200


def test_a_closed_account_does_not_come_back(sql, prey, olga, petra, foreign_client):
    """Sabotage: leave "is_active" out of the bound columns of User."""
    olga.deactivate(by=petra)
    sql("UPDATE staff_user SET is_active = %s WHERE id = %s", True, olga.pk)
    foreign_client.post("/login/", {"username": "olga", "password": PASSWORD.format("olga")})
    assert not foreign_client.session.get("_auth_user_id")
    sql("UPDATE staff_user SET role = 'caseworker' WHERE id = %s", olga.pk)
    assert not sees(olga, prey)


def test_an_invitation_moved_to_somebody_else_lets_nobody_in(sql, prey, petra, anton, foreign_client):
    """Sabotage: leave `intact` out of open_for()."""
    from staff.models import Invitation, User

    guest = User.objects.create_user("guest")
    code = Invitation.objects.issue(guest, by=anton)
    sql("UPDATE staff_user SET password = '!' WHERE id = %s", petra.pk)
    sql("UPDATE staff_invitation SET user_id = %s WHERE user_id = %s", petra.pk, guest.pk)
    word = PASSWORD.format("thief")
    foreign_client.post("/invitation/", {"code": code, "password1": word, "password2": word})
    foreign_client.get("/second-factor/set-up/")
    foreign_client.post("/second-factor/set-up/", {"code": code_of(TotpDevice.begin(petra))})
    assert foreign_client.get(address(prey)).status_code != 200


def test_a_used_backup_code_put_back_is_used_up(sql, petra):
    """Sabotage: leave `unused` out of BackupSheet.verify_token()."""
    code = BackupSheet.renew(petra)[0]
    before = sql("SELECT id, sheet_id, digest FROM staff_backupcode")
    assert second_factor(petra, code) is not None
    sql("DELETE FROM staff_backupcode")
    for row in before:
        sql("INSERT INTO staff_backupcode (id, sheet_id, digest) VALUES (%s, %s, %s)", *row)
    assert second_factor(petra, code) is None


def test_the_key_of_a_session_in_a_dump_is_no_cookie(sql, prey, petra, sign_in):
    """A dump reader writes nothing: he takes what stands there to a browser.

    Sabotage: `return cookie` in sessions.stored_key().
    """
    sign_in(petra)
    browser = Client()
    browser.cookies["session"] = Session.objects.get(account=petra.pk).session_key
    assert browser.get(address(prey)).status_code != 200


def test_a_phone_moved_to_another_account_opens_nothing(sql, prey, mark, petra):
    """Sealed under the account's own key. Sabotage: `sealed_under = None` on TotpDevice."""
    from vault.cipher import CannotOpen

    device = TotpDevice.enrol(mark)
    sql("UPDATE staff_totpdevice SET user_id = %s WHERE id = %s", petra.pk, device.pk)
    with pytest.raises(CannotOpen):
        TotpDevice.objects.get(pk=device.pk).verify_token("123456")


def test_a_seal_of_another_share_seals_no_share(sql, prey, olga, lena, oskar):
    """Sabotage: leave "user_id" out of the bound columns of CaseShare."""
    prey.share(to=lena, until_on=TODAY, by=olga)
    sql("UPDATE cases_caseshare SET user_id = %s", oskar.pk)
    assert not sees(oskar, prey)


def test_a_deleted_phone_is_not_one_that_was_never_set_up(sql, petra, foreign_client):
    """The thief learned the password: without the phone's row he would set up his own.

    Sabotage: `in_force` that looks for the row.
    """
    TotpDevice.enrol(petra)
    sql("DELETE FROM staff_totpdevice WHERE user_id = %s", petra.pk)
    foreign_client.post("/login/", {"username": "petra", "password": PASSWORD.format("petra")})
    assert foreign_client.get("/second-factor/set-up/")["Location"].startswith("/second-factor/")


def test_a_count_of_wrong_codes_set_back_lets_nobody_try_on(sql, petra):
    """Sabotage: leave `intact` out of second_factor()."""
    device = TotpDevice.enrol(petra)
    petra.refresh_from_db()
    assert second_factor(petra, "000000") is None
    sql("UPDATE staff_totpdevice SET throttling_failure_count = 0, throttling_failure_timestamp = NULL")
    assert second_factor(petra, code_of(device)) is None


def test_a_request_for_a_reset_by_sql_takes_nobodys_phone(sql, petra, paula, anton):
    """Paula asked for one of Mark's; the thief lets it be of Petra's, and asked for by Anton.

    Sabotage: leave `access_holds` out of BoundModel._seal_changes().
    """
    TotpDevice.enrol(petra)
    reset = DeviceReset.objects.request(petra, by=anton, reason="Her phone fell into a lake.")
    sql("UPDATE staff_devicereset SET requested_by_id = %s", paula.pk)
    with pytest.raises(ChangedFromOutside):
        DeviceReset.objects.get(pk=reset.pk).approve(by=anton)
    assert TotpDevice.objects.filter(user=petra).exists()


def test_saving_heals_no_row(sql, prey, oskar, mark):
    """Who changes the language, or is handed a case, does not put a seal on what SQL wrote.

    Sabotage: leave `access_holds` out of BoundModel._seal_changes().
    """
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    mark.refresh_from_db()
    mark.language = "ru"
    mark.save()
    assert not sees(mark, prey)
    with pytest.raises(ChangedFromOutside):
        mark.end_sessions()
    sql("UPDATE cases_case SET caseworker_id = %s WHERE id = %s", oskar.pk, prey.pk)
    moved = Case.objects.get(pk=prey.pk)
    moved.status = "open"
    moved.save(by=None)
    assert not sees(oskar, prey)


def test_a_list_leaves_out_what_was_changed_and_stays_up(sql, prey, olga, petra, sign_in):
    """Sabotage: leave `_intact_rows` out of CheckedQuerySet._fetch_all()."""
    other = Case.objects.open_case(by=olga, country="KZ")
    desk = sign_in(petra)
    sql("UPDATE cases_case SET caseworker_id = NULL WHERE id = %s", prey.pk)
    page = desk.get("/desk/cases/case/")
    assert page.status_code == 200
    assert other.code_name in page.content.decode()
    assert prey.code_name not in page.content.decode()
    assert desk.get(address(prey)).status_code != 200


def test_the_board_shows_no_date_of_a_case_that_was_moved(sql, prey, oskar, sign_in):
    """Sabotage: leave `intact` out of DeadlineQuerySet.of()."""
    from cases.models import Deadline

    Deadline.objects.create(case=prey, kind="stay_end", country="KZ", due_on=TODAY, source="stay:x")
    sql("UPDATE cases_case SET caseworker_id = %s WHERE id = %s", oskar.pk, prey.pk)
    oskar.refresh_from_db()
    assert not list(Deadline.objects.of(Case.objects.visible_to(oskar)))


def test_a_vetting_confirmed_by_sql_opens_no_route(sql, prey, olga, lena, petra):
    """Sabotage: leave `access_holds` out of Vetting.clears."""
    from cases.models import Vetting

    prey.share(to=lena, until_on=TODAY, by=olga)
    Vetting(case=prey, state="cleared", grounds="Her papers are in order.").propose(by=lena)
    sql("UPDATE cases_vetting SET second_id = %s", petra.pk)
    assert not Vetting.objects.clears(prey)
    sql("UPDATE cases_vetting SET second_id = NULL")
    Vetting.objects.of(prey).confirm(by=petra)
    assert Vetting.objects.clears(prey)


def test_the_digest_names_no_case_that_was_moved(sql, prey, oskar, other_team):
    """Sabotage: `intact` that holds every case in digest._lines()."""
    from cases.models import Deadline
    from desk import digest

    RoleGrant.objects.grant_from_console(oskar, "coordinator")
    Deadline.objects.create(case=prey, kind="stay_end", country="KZ", due_on=TODAY, source="stay:x")
    sql("UPDATE cases_case SET team_id = %s, caseworker_id = NULL WHERE id = %s", other_team.pk, prey.pk)
    oskar.refresh_from_db()
    found = digest.compose(oskar, TODAY, timezone.now())
    assert not [*found.overdue, *found.next_7_days]


@pytest.mark.parametrize("forge", ["UPDATE staff_rolegrant SET role = 'auditor'", None])
def test_nothing_written_by_sql_keeps_an_account_open(forge, sql, petra, olga, mark, sign_in):
    """A mole would stay who cannot be put out: by a request for a role that nobody can withdraw any more.

    Sabotage: leave `intact` out of User.deactivate().
    """
    RoleGrant(subject=mark, role="coordinator", requested_by=petra).save()
    if forge:
        sql(forge)
    mark.deactivate(by=petra)
    mark.refresh_from_db()
    assert not mark.is_active


def test_a_changed_account_keeps_nobody_elses_session_alive(sql, olga, mark, sign_in):
    """Sabotage: leave `intact` out of UserQuerySet.end_sessions()."""
    desk = sign_in(olga)
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    type(olga).objects.end_sessions()
    assert desk.get("/desk/cases/case/").status_code == 302
