"""The demo's people get new passwords when they are asked for, and a second factor only for programs."""

import pytest

from config import demo
from staff.models import TotpDevice, User


@pytest.fixture
def people(olga, petra):
    """Two of the demo, and Anton, who is not."""
    User.objects.filter(pk__in=[olga.pk, petra.pk]).update(demo=True)
    return olga, petra


def signs_in(account):
    return User.objects.get(username=account["username"]).check_password(account["password"])


def test_every_renewal_ends_the_password_before(people, anton):
    """Sabotage: renew() without save()."""
    first, second = demo.renew(enrolled=False), demo.renew(enrolled=False)
    assert {account["username"] for account in first} == {"olga", "petra"}
    assert not any(signs_in(account) for account in first)
    assert all(signs_in(account) for account in second)
    assert all(set(account) == {"username", "password", "role"} for account in second)
    anton.refresh_from_db()
    assert anton.check_password("anton-long-password-1")


def test_a_second_factor_of_ones_own_is_kept(people):
    """Whoever has tried the demo by hand keeps the app they set up."""
    olga, _petra = people
    device = TotpDevice.enrol(olga)
    demo.renew(enrolled=False)
    assert TotpDevice.objects.filter(pk=device.pk, confirmed=True).exists()


def test_a_program_is_given_secrets_that_are_new_each_time(people):
    first, second = demo.renew(enrolled=True), demo.renew(enrolled=True)
    assert {a["totp_secret"] for a in first}.isdisjoint({a["totp_secret"] for a in second})
    for account in second:
        device = TotpDevice.objects.get(user__username=account["username"])
        assert device.confirmed
        assert device.secret_b32 == account["totp_secret"]


def test_the_demo_is_loaded_only_where_nobody_is(people):
    assert demo.load() is False
