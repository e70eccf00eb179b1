"""One administrator, one infiltrated colleague, one stranger with a password: what they try by the pages.

Each attack succeeds today; its test is expected to fail until it is closed (`strict`).
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case, EmergencyOpening, EmergencyState
from staff.models import RoleGrant, TotpDevice
from tests.staff.flow import asks_for_a_code

pytestmark = pytest.mark.django_db
NOT_YET = pytest.mark.xfail(strict=True, raises=AssertionError, reason="not closed yet")
LONGEST_WAIT = timedelta(minutes=5)


@pytest.mark.parametrize("lookup", ["password__regex", "session_epoch__gt", "team__name__startswith"])
def test_no_filter_of_a_list_reads_what_it_does_not_offer(lookup, anton, sign_in):
    """Sabotage: leave `lookup_allowed` out of DeskModelAdmin."""
    desk = sign_in(anton)
    assert desk.get("/desk/staff/user/").status_code == 200
    assert desk.get(f"/desk/staff/user/?{lookup}=%5Ea").status_code == 400


def test_a_stranger_with_the_password_keeps_nobody_out_for_hours(petra):
    """Sabotage: leave `verify_is_allowed` out of Throttled."""
    device = TotpDevice.enrol(petra)
    for _wrong in range(14):
        device.throttling_failure_timestamp = None
        device.verify_token("000000")
    until = device.verify_is_allowed()[1]["locked_until"]
    assert until - timezone.now() <= LONGEST_WAIT
    device.throttling_failure_timestamp -= LONGEST_WAIT
    assert device.verify_is_allowed()[0]


def test_a_zone_of_ones_own_gives_no_new_day(prey, oskar, sign_in):
    """Three times in one zone, three in the next. Sabotage: `localdate()` for the day, and `tries = 0`."""
    desk = sign_in(oskar)
    for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati"):
        type(oskar).objects.filter(pk=oskar.pk).update(time_zone=zone)
        for _time in range(3):
            desk.post(
                "/desk/emergency/", {"code_name": prey.code_name, "reason": "The client is at the border."}
            )
    assert EmergencyOpening.objects.filter(state=EmergencyState.OPEN).count() <= 3


@NOT_YET
def test_one_administrator_moves_no_coordinator_to_another_team(prey, oskar, anton, sign_in, team):
    RoleGrant.objects.grant_from_console(oskar, "coordinator")
    facts = {"username": "oskar", "team": str(team.pk), "language": "en", "time_zone": "UTC", "address": ""}
    sign_in(anton).post(f"/desk/staff/user/{oskar.pk}/change/", facts)
    oskar.refresh_from_db()
    assert not Case.objects.visible_to(oskar).filter(pk=prey.pk).exists()


def test_naming_a_deputy_asks_for_a_fresh_code(paula, petra, sign_in, monkeypatch):
    """Sabotage: leave `is_fresh` out of access.show()."""
    desk = sign_in(petra)
    monkeypatch.setattr("staff.stepup.FRESH_SECONDS", 0)
    day = timezone.localdate().isoformat()
    sent = {"act": "appoint", "away": str(petra.pk), "deputy": str(paula.pk), "from_on": day, "until_on": day}
    assert asks_for_a_code(desk.post("/desk/access/", sent))


def test_openings_deleted_by_sql_count_all_the_same(prey, oskar):
    """Sabotage: `tries = 0` in EmergencyQuerySet._next()."""
    now = timezone.now()
    for _time in range(4):
        opening = EmergencyOpening.objects.break_glass(
            case=prey, by=oskar, reason="The client is at the border.", now=now, day=now.date()
        )
        EmergencyOpening.objects.filter(person=oskar).delete()
    assert opening.state == EmergencyState.WAITING
