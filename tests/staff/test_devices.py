"""The second factor: codes work once, wrong ones make people wait, secrets do not lie about."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from staff import codes
from staff.models import BackupCode, BackupSheet, TotpDevice, TrailRow
from staff.models.devices import BACKUP_BITS, second_factor
from staff.trail import Verb
from tests.writes import write


@pytest.fixture
def app(olga):
    """Olga's authenticator app."""
    return TotpDevice.enrol(olga)


def wait_out(*devices):
    """As if the wait after a wrong code were over."""
    for device in devices:
        write(device, throttling_failure_timestamp=timezone.now() - timedelta(days=1))


def test_the_code_of_this_moment_is_right(olga, app, clock):
    assert second_factor(olga, app.code_at(clock.now)) == app


def test_spaces_do_not_matter(olga, app, clock):
    code = app.code_at(clock.now)
    assert second_factor(olga, f" {code[:3]} {code[3:]} ")


def test_a_code_works_once(olga, app, clock):
    """Sabotage: `self.last_step` instead of `self.last_step + 1` in verify_token()."""
    code = app.code_at(clock.now)
    assert second_factor(olga, code)
    assert second_factor(olga, code) is None


def test_an_older_code_does_not_work_after_a_newer_one(olga, app, clock):
    earlier = app.code_at(clock.now)
    clock.forward(seconds=30)
    assert second_factor(olga, app.code_at(clock.now))
    assert second_factor(olga, earlier) is None


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(olga, app, clock, steps, right):
    assert bool(second_factor(olga, app.code_at(clock.now + 30 * steps))) is right


def test_a_phone_that_drifts_is_followed(olga, app, clock):
    assert second_factor(olga, app.code_at(clock.now + 30))
    clock.forward(minutes=5)
    assert second_factor(olga, app.code_at(clock.now + 60))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "1e4567"])
def test_what_is_no_code_is_wrong(olga, app, typed):
    assert second_factor(olga, typed) is None


def test_wrong_codes_make_the_right_one_wait(olga, app, clock):
    """Sabotage: drop the verify_is_allowed() line of TotpDevice.verify_token()."""
    wrong = f"{(int(app.code_at(clock.now)) + 1) % 10**6:06d}"
    for _try in range(4):
        second_factor(olga, wrong)
        wait_out(app)
    second_factor(olga, wrong)
    assert second_factor(olga, app.code_at(clock.now)) is None
    wait_out(app)
    assert second_factor(olga, app.code_at(clock.now))


def test_a_device_that_is_not_confirmed_opens_nothing(olga, clock):
    device = TotpDevice.begin(olga)
    assert second_factor(olga, device.code_at(clock.now)) is None


def test_somebody_elses_code_opens_nothing(mark, olga, app, clock):
    assert second_factor(mark, app.code_at(clock.now)) is None


def test_the_secret_lies_sealed(olga, app):
    """Sabotage: models.CharField instead of SealedCharField for `secret`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM staff_totpdevice")
        stored = bytes(cursor.fetchone()[0])
    assert app.secret_b32.encode() not in stored
    assert len(app.secret_b32) == 32


def test_what_a_searched_phone_shows_is_neutral(app, settings):
    settings.SITE_NAME = "Desk & Co"
    assert app.uri.startswith("otpauth://totp/Desk%20%26%20Co%3Aolga?")
    assert "issuer=Desk+%26+Co" in app.uri


# -- backup codes


def test_ten_codes_of_80_bits(olga):
    fresh = BackupSheet.renew(olga)
    assert len(set(fresh)) == 10
    for code in fresh:
        assert re.fullmatch(r"([0-9a-hj-km-np-tv-z]{4}-){3}[0-9a-hj-km-np-tv-z]{4}", code)
    assert BACKUP_BITS == 80


def test_a_backup_code_works_once(olga):
    """Sabotage: `.exists()` instead of `.delete()[0]` in BackupSheet.verify_token()."""
    code = BackupSheet.renew(olga)[3]
    sheet = second_factor(olga, code.upper())
    assert isinstance(sheet, BackupSheet)
    assert second_factor(olga, code) is None
    assert BackupCode.objects.filter(sheet__user=olga).count() == 9
    assert TrailRow.objects.filter(verb=Verb.BACKUP_CODE_USED, actor=olga).count() == 1


def test_new_codes_end_the_old_ones(olga):
    old = BackupSheet.renew(olga)
    BackupSheet.renew(olga)
    assert second_factor(olga, old[0]) is None
    assert BackupCode.objects.count() == 10


def test_somebody_elses_backup_code_opens_nothing(olga, mark):
    code = BackupSheet.renew(olga)[0]
    BackupSheet.renew(mark)
    assert second_factor(mark, code) is None
    assert second_factor(olga, code)


def test_wrong_backup_codes_make_people_wait(olga):
    fresh = BackupSheet.renew(olga)
    sheet = BackupSheet.objects.get()
    for _try in range(3):
        second_factor(olga, "0000-0000-0000-0000")
        wait_out(sheet)
    second_factor(olga, "0000-0000-0000-0000")
    assert second_factor(olga, fresh[0]) is None
    wait_out(sheet)
    assert second_factor(olga, fresh[0])


def test_only_hmacs_of_backup_codes_are_kept(olga):
    """Sabotage: hashlib.sha256 in codes.digest(): 80 bits would still hold, but the key must be needed."""
    code = codes.normalise(BackupSheet.renew(olga)[0])
    kept = set(BackupCode.objects.values_list("digest", flat=True))
    assert codes.digest("backup", str(olga.pk), code) in kept
    assert not any(code in digest for digest in kept)


def test_digests_need_the_codes_key(olga, keys, tmp_path, settings):
    from vault import keyring

    before = codes.digest("backup", "somebody", "code")
    other = tmp_path / "codes.key"
    other.write_bytes((keys / "index.key").read_bytes())
    other.chmod(0o600)
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"codes": other}
    keyring.reset()
    try:
        assert codes.digest("backup", "somebody", "code") != before
    finally:
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"codes": keys / "codes.key"}
        keyring.reset()
