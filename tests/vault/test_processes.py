"""Rotation and start-up as real processes: killed without a warning, started with the wrong key."""

import signal
import subprocess
import sys
import time
import uuid

import pytest

from tests.databases import ROOT
from vault import keyfiles, keyring
from vault.cipher import NoKey
from vault.models import RecordKey

pytestmark = pytest.mark.processes
MANY = 12_000


@pytest.fixture
def changed(live_database, own_keys, keys):
    """A database of one's own with copies of the keys it was made with, free to be changed."""
    for path in own_keys.iterdir():
        keyfiles.rewrite(path, keyring.read_secrets(keys / path.name))
    keyring.reset()
    return {f"{path.stem.upper()}_KEY_FILE": str(path) for path in own_keys.iterdir()}


def test_a_rotation_killed_without_warning_is_continued(live_database, changed):
    """Sabotage: put the whole of _rewrap into one transaction and skip what an earlier run began."""
    owners = [uuid.uuid4() for _ in range(MANY)]
    RecordKey.objects.make(owners)
    assert live_database.manage("vault", "rotate", "root", "--add", **changed).returncode == 0
    keyring.reset()
    new = keyring.keyring().keys("root")[-1].id

    def moved():
        blobs = RecordKey.objects.values_list("wrapped", flat=True)
        return sum(bytes(blob)[1:9] == new for blob in blobs)

    command = [sys.executable, str(ROOT / "manage.py"), "vault", "rotate", "root"]
    process = subprocess.Popen(command, env=live_database.env | changed, cwd=ROOT, stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while not moved() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert 0 < moved() < MANY
    keyring.reset()
    assert not any(isinstance(key, NoKey) for key in RecordKey.objects.ciphers(owners).values())

    again = live_database.manage("vault", "rotate", "root", **changed)
    assert again.returncode == 0, again.stderr
    assert moved() == MANY + 1  # and the house
    keyring.reset()
    assert not any(isinstance(key, NoKey) for key in RecordKey.objects.ciphers(owners).values())
    assert live_database.manage("vault", "rotate", "root", "--retire", **changed).returncode == 0


def test_a_start_with_the_wrong_key_ends_with_the_missing_key_id(own_database, changed, own_keys):
    """Sabotage: leave canaries.require() out of config.startup."""
    missing = keyring.keyring().keys("index")[0].id.hex()
    keyfiles.rewrite(own_keys / "index.key", [keyfiles.new_key()])
    program = "import config.wsgi"
    started = subprocess.run(
        [sys.executable, "-c", program],
        env=own_database.env | changed,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert started.returncode != 0
    assert f"the index key {missing} is missing" in started.stderr
    assert "Traceback" not in started.stderr
