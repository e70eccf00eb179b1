"""What SQL changed is red on the desk within a minute; an older state is told by its serial."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.utils import timezone

from cases.models import Case
from desk import chores
from reminders import health
from staff import access, trail
from staff.models import BackupSheet, RoleGrant, TotpDevice, TrailRow
from staff.models.devices import second_factor
from staff.roles import Role
from staff.trail import Verb
from tests.staff.flow import PASSWORD, password_step
from vault import bound, integrity, rotation

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def whole_rows(sql, table):
    return sql(f"SELECT * FROM {table}")  # noqa: S608 (names of this test)


def put_back(sql, table, rows):
    """What stood there before, seals and all: what somebody with an old dump can do."""
    sql(f"DELETE FROM {table}")  # noqa: S608
    for row in rows:
        sql(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", *row)  # noqa: S608


def test_nothing_is_broken_after_a_day_of_work(prey, olga, petra, lena, oskar):
    """Every verb that changes access seals what it writes, and tells the trail its serial."""
    prey.share(to=lena, until_on=TODAY, by=olga).end(by=olga)
    prey.assign(to=None, by=petra)
    BackupSheet.renew(olga)
    TotpDevice.enrol(lena)
    oskar.end_sessions()
    oskar.deactivate(by=petra)
    assert access.broken() == []


def test_the_desk_is_red_within_a_minute(sql, prey, mark, petra, client, sign_in):
    """Sabotage: leave watch_access out of CHORES."""
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    chores.Rota(timezone.now).round()
    assert [trouble.code for trouble in health.banner() if trouble.code == "changed"]
    well, words = health.report()
    assert (well, "changed from outside" in words) == (False, True)
    page = sign_in(petra).get("/desk/cases/case/").content.decode()
    assert "The database was changed from outside" in page
    assert prey.code_name in page
    assert next(c.every for c in chores.CHORES if c.do is chores.watch_access) < timedelta(minutes=1)


def test_it_stands_on_the_trail_once(sql, mark):
    """Sabotage: `fresh = found` in access.watch()."""
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    for _round in range(3):
        assert access.watch(timezone.now())
    row = TrailRow.objects.get(verb=Verb.ACCESS_BROKEN)
    assert row.details["receipt"] == {"model": "staff.User", "row": str(mark.pk)}


def test_vault_verify_names_it(sql, prey):
    """Sabotage: leave broken_rows out of integrity.verify()."""
    sql("UPDATE cases_case SET caseworker_id = NULL WHERE id = %s", prey.pk)
    found = [finding for finding in integrity.verify(integrity.Count()) if finding.column == "access_seal"]
    assert [(finding.model, finding.row) for finding in found] == [("cases.Case", str(prey.pk))]


def test_the_operator_looks_and_seals_anew(sql, prey, oskar, capsys):
    """Sabotage: leave the update out of bound.reseal()."""
    sql("UPDATE cases_case SET caseworker_id = %s WHERE id = %s", oskar.pk, prey.pk)
    with pytest.raises(CommandError, match="1 rows count for nothing"):
        call_command("access", "verify")
    with pytest.raises(CommandError, match="Say why"):
        call_command("access", "reseal", reason=" ")
    call_command("access", "reseal", reason="We moved it by hand.")
    call_command("access", "verify")
    assert Case.objects.visible_to(oskar).filter(pk=prey.pk).exists()
    row = TrailRow.objects.get(verb=Verb.ACCESS_RESEALED)
    assert row.details["reason"] == "We moved it by hand."


def test_an_older_account_with_its_old_seal_signs_nobody_in(sql, oskar, petra, client):
    """Oskar was a coordinator once; the thief has a dump of that day, and Oskar's password.

    Sabotage: `return False` in access.is_put_back().
    """
    RoleGrant.objects.grant_from_console(oskar, Role.COORDINATOR)
    before = whole_rows(sql, "staff_user")
    oskar.refresh_from_db()
    oskar.deactivate(by=petra)
    put_back(sql, "staff_user", before)
    oskar.refresh_from_db()
    assert oskar.access_holds()
    assert password_step(client, oskar).status_code == 200
    assert not client.session.get("_auth_user_id")
    assert [(one.row, one.older) for one in access.broken()] == [(str(oskar.pk), True)]


def test_an_older_case_is_told_by_its_serial(sql, prey, olga, petra):
    """Sabotage: leave `access=` out of Case.assign()."""
    before = whole_rows(sql, "cases_case")
    prey.assign(to=None, by=petra)
    put_back(sql, "cases_case", before)
    assert [(one.model, one.older) for one in access.broken()] == [("cases.Case", True)]
    call_command("access", "reseal", reason="Restored on purpose.")
    assert access.broken() == []


def test_a_used_backup_code_put_back_with_its_sheet_is_noticed(sql, petra):
    """Sabotage: leave `access=` out of BackupSheet.verify_token()."""
    code = BackupSheet.renew(petra)[0]
    sheets, codes = whole_rows(sql, "staff_backupsheet"), whole_rows(sql, "staff_backupcode")
    assert second_factor(petra, code) is not None
    put_back(sql, "staff_backupcode", [])
    put_back(sql, "staff_backupsheet", sheets)
    put_back(sql, "staff_backupcode", codes)
    assert [(one.model, one.older) for one in access.broken()] == [("staff.BackupSheet", True)]


@pytest.fixture
def own_root(own_key):
    own_key("root")


def test_seals_move_to_a_new_root_and_only_those_that_fit(own_root, sql, prey, oskar, olga):
    """Sabotage: leave move_to_first_key out of rotation.rotate()."""
    other = Case.objects.open_case(by=olga, country="KZ")
    sql("UPDATE cases_case SET caseworker_id = %s WHERE id = %s", oskar.pk, other.pk)
    rotation.add("root")
    rotation.rotate("root")
    assert bound.left_under_an_older_key() == 0
    rotation.retire("root")
    assert [pk for _model, pk in bound.broken_rows()] == [other.pk]
    olga.refresh_from_db()
    assert Case.objects.visible_to(olga).filter(pk=prey.pk).exists()


def test_a_password_set_by_sql_is_no_password(sql, petra, client):
    word = PASSWORD.format("thief")
    sql("UPDATE staff_user SET password = %s WHERE id = %s", make_password(word), petra.pk)
    client.post("/login/", {"username": "petra", "password": word})
    assert not client.session.get("_auth_user_id")


def test_a_row_of_the_trail_that_does_not_open_silences_nothing(sql, mark, olga):
    """The thief adds a row of the kind that the alarm reads, with details of nobody's.

    Sabotage: leave `except CannotOpen` out of access._details().
    """
    for verb in (Verb.ACCESS_BROKEN, Verb.ROLE_GRANTED):
        sql(
            "INSERT INTO staff_trailrow (seal_id, at, verb, details) VALUES (%s, %s, %s, %s)",
            uuid4(), timezone.now(), verb, b"\x01" + b"no seal of anybody's" * 3,
        )  # fmt: skip
    sql("UPDATE staff_user SET role = 'coordinator' WHERE id = %s", mark.pk)
    assert [one.row for one in access.watch(timezone.now())] == [str(mark.pk)]
    assert not access.is_put_back(olga)


def test_a_request_for_a_role_that_was_refused_and_put_back_is_noticed(sql, mark, anton, petra):
    """Sabotage: leave `access=` out of RoleGrant.refuse()."""
    grant = RoleGrant.objects.request(mark, Role.COORDINATOR, by=anton)
    before = whole_rows(sql, "staff_rolegrant")
    grant.refuse(by=petra)
    put_back(sql, "staff_rolegrant", before)
    assert (str(grant.pk), True) in [(one.row, one.older) for one in access.broken()]


def test_an_act_that_nobody_looks_for_tells_no_serial(olga):
    """Sabotage: leave the ValueError out of trail.append()."""
    with pytest.raises(ValueError, match="SEALING"):
        trail.append(olga, Verb.CASE_CHANGED, access=[olga])
