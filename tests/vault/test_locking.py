"""The root under a passphrase: what a switched-off machine gives, and what it takes to start it again."""

import base64
import json
import os
import stat
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vault import keyfiles, locking
from vault.keyring import KeyProblem, encode, read_secrets
from vault.locking import Cost, LockProblem, WrongPassphrase

PASSPHRASE = "туман берег лампа сосна ключ"
QUICK = Cost(memory_kib=8, passes=1)


@pytest.fixture
def memory(tmp_path):
    """A folder that this test takes for a tmpfs; everything else of it is a disk."""
    folder = tmp_path / "memory" / "desk"
    folder.mkdir(parents=True, mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def machine(memory, monkeypatch):
    monkeypatch.setattr(
        locking,
        "file_system",
        lambda folder: "tmpfs" if folder.is_relative_to(memory.parent) else "ext4",
    )


@pytest.fixture
def root(tmp_path):
    """The clear root key file, on the disk as `vault init` made it."""
    path = tmp_path / "keys" / "root.key"
    keyfiles.make(path)
    return path


@pytest.fixture
def secrets(root):
    return read_secrets(root)


@pytest.fixture
def locked(tmp_path, root, secrets):
    """The locked file; the clear one is gone."""
    path = tmp_path / "keys" / "root.locked"
    locking.lock(root, path, PASSPHRASE, cost=QUICK)
    return path


# -- there and back


def test_a_locked_root_is_unlocked_into_memory(root, secrets, locked, memory):
    assert not root.exists()
    locking.unlock(locked, memory / "root.key", PASSPHRASE)
    assert read_secrets(memory / "root.key") == secrets
    assert stat.S_IMODE((memory / "root.key").stat().st_mode) == 0o600
    assert [path.name for path in memory.iterdir()] == ["root.key"]


@given(
    keys=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=3, unique=True),
    passphrase=st.text(min_size=16, max_size=60).filter(lambda text: len(set(text)) > 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_key_and_every_passphrase_comes_back(tmp_path, keys, passphrase):
    root, locked = tmp_path / "root.key", tmp_path / "root.locked"
    locked.unlink(missing_ok=True)
    keyfiles.rewrite(root, keys)
    try:
        passphrase.encode()
    except UnicodeEncodeError:
        return
    locking.lock(root, locked, passphrase, cost=QUICK)
    assert locking.open_locked(locked, passphrase) == keys


def test_the_locked_file_shows_nothing_and_only_its_owner_reads_it(secrets, locked):
    text = locked.read_text()
    assert encode(secrets).strip() not in text
    assert PASSPHRASE not in text
    assert stat.S_IMODE(locked.stat().st_mode) == 0o600
    assert set(json.loads(text)) == {"format", "memory_kib", "passes", "lanes", "salt", "sealed"}


def test_two_locks_of_one_root_have_nothing_in_common(secrets):
    one, two = (json.loads(locking._seal(secrets, PASSPHRASE, QUICK)) for _n in range(2))
    assert one["salt"] != two["salt"]
    assert one["sealed"][:40] != two["sealed"][:40]


def test_a_guess_costs_memory_and_the_costs_are_stored():
    """Sabotage: a default of 19 MiB, as the mailbox has."""
    assert Cost().memory_kib * Cost().passes >= 1024 * 1024
    parts = json.loads(locking._seal([bytes(32)], PASSPHRASE, Cost(64, 2, 1)))
    assert (parts["memory_kib"], parts["passes"], parts["lanes"]) == (64, 2, 1)


def test_the_clear_key_is_written_over_on_the_disk(tmp_path, root, secrets):
    """Who kept the file open, as the blocks of the disk do, finds noise. Sabotage: `path.unlink()` only."""
    with root.open("rb") as blocks:
        locking.lock(root, tmp_path / "root.locked", PASSPHRASE, cost=QUICK)
        assert encode(secrets).encode().strip() not in blocks.read()
        assert blocks.tell() == len(encode(secrets))


# -- passphrases


@pytest.mark.parametrize("other", ["", PASSPHRASE + " ", PASSPHRASE.upper(), PASSPHRASE[:-1], "x" * 40])
def test_a_wrong_passphrase_is_told_and_nothing_is_written(locked, memory, other):
    with pytest.raises(WrongPassphrase, match="The passphrase does not open .*root.locked. Try again") as no:
        locking.unlock(locked, memory / "root.key", other)
    assert not other or other not in str(no.value)
    assert no.value.__cause__ is None
    assert list(memory.iterdir()) == []


def test_a_passphrase_typed_on_another_keyboard_opens(tmp_path, root, secrets):
    """й and ё as one character or as two. Sabotage: leave `normalize` out of `_cipher`."""
    words = "чайка ёлка йод район"
    locking.lock(root, tmp_path / "root.locked", words, cost=QUICK)
    assert locking.open_locked(tmp_path / "root.locked", unicodedata.normalize("NFD", words)) == secrets


@pytest.mark.parametrize("short", ["", "fifteen letters", "a" * 40, "abcde" * 8])
def test_a_short_passphrase_is_refused_and_the_root_stays(root, tmp_path, short):
    with pytest.raises(LockProblem, match="too short: at least 16 characters. Take six words"):
        locking.lock(root, tmp_path / "root.locked", short, cost=QUICK)
    assert root.exists()
    assert not (tmp_path / "root.locked").exists()


# -- nothing is lost while locking


def test_the_clear_root_stays_until_the_locked_file_was_proved_to_open(root, tmp_path, monkeypatch):
    """Sabotage: destroy the root before `open_locked` is asked."""
    monkeypatch.setattr(locking, "open_locked", lambda *_arguments: [])
    with pytest.raises(LockProblem, match="does not give the keys back"):
        locking.lock(root, tmp_path / "root.locked", PASSPHRASE, cost=QUICK)
    assert root.exists()


def test_a_disk_that_cannot_be_written_leaves_the_root(root, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vault.keyfiles.os.fsync", full)
    with pytest.raises(KeyProblem, match="No space left"):
        locking.lock(root, tmp_path / "root.locked", PASSPHRASE, cost=QUICK)
    assert root.exists()
    assert not (tmp_path / "root.locked").exists()


def test_locking_again_only_destroys_the_clear_root(locked, memory, secrets):
    """The desk must close at once: the file on the disk stays byte for byte."""
    before = locked.read_bytes()
    locking.unlock(locked, memory / "root.key", PASSPHRASE)
    locking.lock(memory / "root.key", locked, PASSPHRASE, cost=QUICK)
    assert locked.read_bytes() == before
    assert list(memory.iterdir()) == []


def test_locking_again_with_another_passphrase_changes_nothing(locked, memory):
    before = locked.read_bytes()
    locking.unlock(locked, memory / "root.key", PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        locking.lock(memory / "root.key", locked, "a mistyped passphrase", cost=QUICK)
    assert locked.read_bytes() == before
    assert (memory / "root.key").exists()


def test_a_root_changed_since_is_locked_anew_and_the_old_file_written_over(locked, memory, secrets):
    """After a rotation. Sabotage: skip the writing whenever the file is there."""
    locking.unlock(locked, memory / "root.key", PASSPHRASE)
    keyfiles.rewrite(memory / "root.key", [bytes(32), *secrets])
    with locked.open("rb") as blocks:
        before = locked.read_bytes()
        locking.lock(memory / "root.key", locked, PASSPHRASE, cost=QUICK)
        assert blocks.read() != before
    assert locking.open_locked(locked, PASSPHRASE) == [bytes(32), *secrets]


def test_the_locked_file_follows_a_rotation_while_the_desk_runs(locked, memory, secrets):
    """A new root key that lies in memory only would be lost with the power. Sabotage: ignore `keep`."""
    target = memory / "root.key"
    locking.unlock(locked, target, PASSPHRASE)
    keyfiles.rewrite(target, [*secrets, bytes(32)])
    locking.lock(target, locked, PASSPHRASE, keep=True, cost=QUICK)
    assert locking.open_locked(locked, PASSPHRASE) == read_secrets(target) == [*secrets, bytes(32)]


def test_a_fresh_root_never_replaces_the_locked_one(locked, memory):
    """After a restart somebody ran `vault init`. Sabotage: drop the comparison of the keys from `lock`."""
    before = locked.read_bytes()
    keyfiles.make(memory / "root.key")
    with pytest.raises(LockProblem, match="holds quite other keys than"):
        locking.lock(memory / "root.key", locked, PASSPHRASE, cost=QUICK)
    assert locked.read_bytes() == before
    assert (memory / "root.key").exists()


def test_a_locked_file_in_memory_is_refused(root, memory):
    """It would be gone with the power, and the root with it."""
    with pytest.raises(LockProblem, match="would lie in memory and be lost at the next start"):
        locking.lock(root, memory / "root.locked", PASSPHRASE, cost=QUICK)
    assert root.exists()


def test_a_root_that_cannot_be_destroyed_is_told(root, tmp_path, monkeypatch):
    def busy(_path):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(locking, "destroy", busy)
    with pytest.raises(
        LockProblem, match="could not be destroyed: Device or resource busy. Remove it by hand"
    ):
        locking.lock(root, tmp_path / "root.locked", PASSPHRASE, cost=QUICK)


# -- memory only


def test_the_root_is_never_unlocked_onto_a_disk(locked, tmp_path):
    """Sabotage: drop the check from `prepared_folder`."""
    with pytest.raises(
        LockProblem, match="is not in memory: the clear root would stay on the disk. Set ROOT_"
    ):
        locking.unlock(locked, tmp_path / "keys" / "root.key", PASSPHRASE)
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["root.locked"]


def test_a_link_from_memory_to_a_disk_is_followed_before_the_question(locked, memory, tmp_path):
    """Sabotage: leave out `resolve` in `prepared_folder`."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    (memory / "link").symlink_to(disk)
    with pytest.raises(LockProblem, match="is not in memory"):
        locking.unlock(locked, memory / "link" / "root.key", PASSPHRASE)
    assert list(disk.iterdir()) == []


def test_the_folder_in_memory_is_made_for_its_owner_only(locked, memory, secrets):
    locking.unlock(locked, memory / "new" / "root.key", PASSPHRASE)
    assert stat.S_IMODE((memory / "new").stat().st_mode) == 0o700
    assert read_secrets(memory / "new" / "root.key") == secrets


def test_a_folder_that_others_can_enter_is_refused(locked, memory):
    """/dev/shm itself, where anybody may lie in wait."""
    memory.chmod(0o1777)
    with pytest.raises(LockProblem, match="can be entered by others. Give the root a folder of its own"):
        locking.unlock(locked, memory / "root.key", PASSPHRASE)


def test_a_folder_of_somebody_else_is_refused(locked, memory, monkeypatch):
    """Another user of the machine made it first. Sabotage: compare the mode only in `prepared_folder`."""
    monkeypatch.setattr(locking.os, "geteuid", lambda: memory.stat().st_uid + 1)
    with pytest.raises(LockProblem, match="can be entered by others"):
        locking.unlock(locked, memory / "root.key", PASSPHRASE)


def test_unlocking_twice_is_no_mistake_but_other_keys_are_never_replaced(locked, memory, secrets):
    target = memory / "root.key"
    locking.unlock(locked, target, PASSPHRASE)
    locking.unlock(locked, target, PASSPHRASE)
    assert read_secrets(target) == secrets
    keyfiles.rewrite(target, [bytes(32)])
    with pytest.raises(LockProblem, match="There is already a key file .* with other keys"):
        locking.unlock(locked, target, PASSPHRASE)
    assert read_secrets(target) == [bytes(32)]


# -- damaged files


def test_a_missing_locked_file_is_told(tmp_path, memory):
    with pytest.raises(LockProblem, match="There is no locked key file"):
        locking.unlock(tmp_path / "nothing", memory / "root.key", PASSPHRASE)


def test_the_clear_file_given_by_mistake_is_told_and_not_repeated(root, memory):
    with pytest.raises(LockProblem, match="it is no locked key file") as refusal:
        locking.unlock(root, memory / "root.key", PASSPHRASE)
    assert root.read_text().strip() not in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "desk-locked-root-v2"},
        {"salt": "AAAA"},
        {"salt": "?"},
        {"sealed": 5},
        {"memory_kib": 2**30},
        {"memory_kib": 0},
        {"passes": 10**9},
        {"passes": "many"},
        {"lanes": 0},
    ],
)
def test_a_locked_file_with_impossible_parts_is_refused_before_any_work(locked, change):
    """A changed file must not take the memory of the machine. Sabotage: let `bearable` return True."""
    locked.write_text(json.dumps(json.loads(locked.read_text()) | change))
    with pytest.raises(LockProblem, match="is damaged, or it is no locked key file"):
        locking.open_locked(locked, PASSPHRASE)


@pytest.mark.parametrize("change", [{"memory_kib": 16}, {"passes": 2}, {"lanes": 2}, {"sealed": ""}])
def test_a_changed_locked_file_does_not_open(locked, change):
    locked.write_text(json.dumps(json.loads(locked.read_text()) | change))
    with pytest.raises(LockProblem):
        locking.open_locked(locked, PASSPHRASE)


def test_no_bit_of_the_sealed_keys_can_be_turned(locked):
    parts = json.loads(locked.read_text())
    blob = base64.b64decode(parts["sealed"])
    for place in range(0, len(blob), 5):
        turned = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        locked.write_text(json.dumps(parts | {"sealed": base64.b64encode(turned).decode()}))
        with pytest.raises(WrongPassphrase):
            locking.open_locked(locked, PASSPHRASE)


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"format":'])
def test_junk_is_refused(locked, junk):
    locked.write_bytes(junk)
    with pytest.raises(LockProblem, match="is damaged"):
        locking.open_locked(locked, PASSPHRASE)


def test_too_little_memory_is_told(locked, monkeypatch):
    from argon2.exceptions import HashingError

    def exhausted(*_arguments, **_named):
        raise HashingError("Memory allocation error")

    monkeypatch.setattr(locking, "hash_secret_raw", exhausted)
    with pytest.raises(LockProblem, match="too little free memory"):
        locking.open_locked(locked, PASSPHRASE)


# -- what the machine says about its file systems


@pytest.fixture
def mounts(monkeypatch, tmp_path):
    """mounts("tmpfs", "rw,size=1g"): what /proc says about the file system of tmp_path."""
    monkeypatch.undo()
    device = tmp_path.stat().st_dev

    def say(kind, options="rw", swaps=""):
        (tmp_path / "mountinfo").write_text(
            "22 1 0:1 / / rw - ext4 /dev/vda rw\n"
            f"30 22 {os.major(device)}:{os.minor(device)} / /mnt rw,nosuid shared:4 - {kind} none {options}\n"
        )
        (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n" + swaps)
        monkeypatch.setattr(locking, "_MOUNTS", tmp_path / "mountinfo")
        monkeypatch.setattr(locking, "_SWAPS", tmp_path / "swaps")

    return say


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs", "ext4", "fuse.sshfs"])
def test_the_type_of_a_file_system_is_read_from_the_kernel(mounts, tmp_path, kind):
    mounts(kind)
    assert locking.file_system(tmp_path) == kind


def test_the_real_machine_answers(mounts):
    """Also where /proc is the only thing to ask."""
    assert locking.file_system(Path("/proc")) == "proc"
    assert locking.file_system(Path("/nowhere")) == ""


def test_what_cannot_be_told_is_no_memory(mounts, tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "_MOUNTS", tmp_path / "nothing")
    with pytest.raises(LockProblem, match="is not in memory"):
        locking.prepared_folder(tmp_path / "root.key")


DISK_SWAP = "/dev/vda2 partition 1048572 0 -2\n"


@pytest.mark.parametrize(
    ("kind", "options", "swaps", "answer"),
    [
        ("tmpfs", "rw", "", False),
        ("tmpfs", "rw", DISK_SWAP, True),
        ("tmpfs", "rw,noswap", DISK_SWAP, False),
        ("ramfs", "rw", DISK_SWAP, False),
        ("tmpfs", "rw", "/dev/zram0 partition 1048572 0 100\n", False),
    ],
)
def test_memory_that_is_swapped_to_a_disk_is_known(mounts, tmp_path, kind, options, swaps, answer):
    mounts(kind, options, swaps)
    assert locking.may_be_swapped(tmp_path) is answer
