"""`manage.py vault export-recovery | split | join | lock | unlock | mailbox`, as the operator meets them."""

import getpass
import io
import shutil
import stat
import tarfile
import tempfile
import warnings
from pathlib import Path

import pyrage
import pytest
from django.core.management import CommandError, call_command

from vault import dropbox, keyfiles, keyring, locking
from vault.keyring import read_secrets

PASSPHRASE = "six words drawn by dice here"


class Operator:
    """What the operator typed and what the terminal showed."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch
        self.shown = ""
        self.passphrases = []
        self.prompts = []
        monkeypatch.setattr(getpass, "getpass", self._hidden)

    def _hidden(self, prompt):
        self.prompts.append(prompt)
        return self.passphrases.pop(0)

    def vault(self, *arguments, lines=()):
        self.monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        out = io.StringIO()
        try:
            call_command("vault", *map(str, arguments), stdout=out, stderr=out)
        finally:
            self.shown += out.getvalue()
        return out.getvalue()


@pytest.fixture
def operator(own_keys, monkeypatch):
    return Operator(monkeypatch)


@pytest.fixture
def root(own_keys):
    return own_keys / "root.key"


@pytest.fixture
def quick(monkeypatch):
    """A guess costs its real price in production only."""
    monkeypatch.setattr(locking, "Cost", lambda *costs: COST(*(costs or (8, 1, 1))))


COST = locking.Cost


@pytest.fixture
def memory(tmp_path, monkeypatch, settings):
    """ROOT_KEY_FILE lies in memory from now on; the folder is not made yet."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(
        locking, "file_system", lambda place: "tmpfs" if place.is_relative_to(folder) else "ext4"
    )

    def move():
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"root": folder / "desk" / "root.key"}
        keyring.reset()
        return folder / "desk" / "root.key"

    return move


# -- export-recovery


def test_the_recovery_file_is_written_for_its_owner_and_opens_with_plain_age(operator, own_keys, tmp_path):
    identity = pyrage.x25519.Identity.generate()
    place = tmp_path / "recovery.age"
    said = operator.vault("export-recovery", place, "--to", identity.to_public())
    assert "root.key, index.key" in said
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    packed = pyrage.decrypt(place.read_bytes(), [identity])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for path in own_keys.iterdir():
            assert archive.extractfile(path.name).read() == path.read_bytes()


def test_no_recovery_file_without_a_recipient_or_over_another_file(operator, tmp_path):
    identity = pyrage.x25519.Identity.generate()
    place = tmp_path / "recovery.age"
    with pytest.raises(CommandError, match="Name at least one age recipient"):
        operator.vault("export-recovery", place)
    with pytest.raises(CommandError, match="Recipient 1 is a private key"):
        operator.vault("export-recovery", place, "--to", identity)
    assert not place.exists()
    place.write_text("kept")
    with pytest.raises(CommandError, match="There is already a file"):
        operator.vault("export-recovery", place, "--to", identity.to_public())
    assert place.read_text() == "kept"


# -- split and join


def printed_lists(said):
    """The lists as somebody copies them from the terminal: numbered, in rows."""
    blocks = said.split("List ")[1:]
    return [[line for line in block.splitlines()[1:] if line.strip()[:1].isdigit()] for block in blocks]


def test_two_printed_lists_typed_in_bring_the_root_back(operator, root):
    """Sabotage: print the words without their last row."""
    secrets = read_secrets(root)
    lists = printed_lists(operator.vault("split"))
    assert len(lists) == 3
    root.unlink()
    said = operator.vault("join", lines=[*lists[2], "", *lists[0], "", ""])
    assert read_secrets(root) == secrets
    assert keyring.keyring().keys("root")[0].id.hex() in said


def test_join_never_replaces_a_root(operator, root):
    before = root.read_bytes()
    lists = printed_lists(operator.vault("split"))
    with pytest.raises(CommandError, match="There is already a key file .*Move it away first"):
        operator.vault("join", lines=[*lists[0], "", *lists[1], "", ""])
    assert root.read_bytes() == before


def test_join_names_the_wrong_list_and_writes_nothing(operator, root):
    lists = printed_lists(operator.vault("split"))
    root.unlink()
    lists[1][0] = lists[1][0].replace(lists[1][0].split()[1], "zzzz", 1)
    with pytest.raises(CommandError, match="List 2: word 1 is not one of the words"):
        operator.vault("join", lines=[*lists[0], "", *lists[1], "", ""])
    with pytest.raises(CommandError, match="1 of 2 word lists given"):
        operator.vault("join", lines=[*lists[0], "", ""])
    assert not root.exists()


# -- lock and unlock


def test_the_desk_is_locked_and_unlocked_into_memory(operator, root, tmp_path, memory, quick):
    """The whole way: lock, a restart, unlock, and the key ring works again."""
    secrets = read_secrets(root)
    locked = tmp_path / "root.locked"
    operator.passphrases = [PASSPHRASE] * 3
    assert "Stop the desk now" in operator.vault("lock", locked)
    assert not root.exists()
    target = memory()
    with pytest.raises(keyring.KeyProblem):
        keyring.keyring().keys("root")
    assert "until this machine is switched off" in operator.vault("unlock", locked)
    assert read_secrets(target) == secrets
    assert keyring.keyring().keys("root")
    assert operator.prompts == ["Passphrase: ", "Once more: ", "Passphrase: "]
    assert PASSPHRASE not in operator.shown


def test_unlock_refuses_a_disk_before_it_asks(operator, root, tmp_path, memory, quick):
    """Nobody types the passphrase in vain. Sabotage: drop `prepared_folder` from `unlock` of the command."""
    operator.passphrases = [PASSPHRASE] * 2
    operator.vault("lock", tmp_path / "root.locked")
    operator.prompts.clear()
    with pytest.raises(CommandError, match="is not in memory"):
        operator.vault("unlock", tmp_path / "root.locked")
    assert operator.prompts == []
    assert not root.exists()


def test_a_wrong_passphrase_ends_with_one_sentence(operator, tmp_path, memory, quick):
    operator.passphrases = [PASSPHRASE, PASSPHRASE, "another passphrase of some length"]
    operator.vault("lock", tmp_path / "root.locked")
    target = memory()
    with pytest.raises(CommandError, match="The passphrase does not open .* Try again"):
        operator.vault("unlock", tmp_path / "root.locked")
    assert not target.exists()


def test_two_different_passphrases_lock_nothing(operator, root, tmp_path):
    operator.passphrases = [PASSPHRASE, PASSPHRASE + "!"]
    with pytest.raises(CommandError, match="The two passphrases differ"):
        operator.vault("lock", tmp_path / "root.locked")
    assert root.exists()
    assert not (tmp_path / "root.locked").exists()


def test_a_terminal_that_would_show_the_passphrase_is_refused(operator, root, tmp_path, monkeypatch):
    """Sabotage: drop the filter for GetPassWarning."""

    def showing(_prompt):
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return PASSPHRASE

    monkeypatch.setattr(getpass, "getpass", showing)
    with pytest.raises(CommandError, match="would show the passphrase"):
        operator.vault("lock", tmp_path / "root.locked")
    assert root.exists()


def test_locking_with_keep_follows_a_rotation(operator, root, tmp_path, quick):
    operator.passphrases = [PASSPHRASE] * 3
    operator.vault("lock", tmp_path / "root.locked", "--keep")
    keyfiles.rewrite(root, [*read_secrets(root), keyfiles.new_key()])
    operator.vault("lock", tmp_path / "root.locked", "--keep")
    assert locking.open_locked(tmp_path / "root.locked", PASSPHRASE) == read_secrets(root)


def test_swap_is_warned_of(operator, tmp_path, memory, quick, monkeypatch):
    monkeypatch.setattr(locking, "may_be_swapped", lambda _folder: True)
    operator.passphrases = [PASSPHRASE] * 3
    operator.vault("lock", tmp_path / "root.locked")
    memory()
    assert "swapoff -a" in operator.vault("unlock", tmp_path / "root.locked")


@pytest.mark.skipif(locking.file_system(Path("/dev/shm")) != "tmpfs", reason="no tmpfs at /dev/shm")
def test_a_real_tmpfs_is_taken(operator, root, tmp_path, settings, quick, monkeypatch):
    secrets = read_secrets(root)
    monkeypatch.setattr(locking, "_IN_MEMORY", ("tmpfs",))
    real, shm = locking.file_system, Path(tempfile.mkdtemp(dir="/dev/shm"))
    # The test's own folder may lie in memory too, where a locked file must not be.
    monkeypatch.setattr(locking, "file_system", lambda p: "disk" if p.is_relative_to(tmp_path) else real(p))
    operator.passphrases = [PASSPHRASE] * 3
    try:
        operator.vault("lock", tmp_path / "root.locked")
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"root": shm / "root.key"}
        keyring.reset()
        operator.vault("unlock", tmp_path / "root.locked")
        assert read_secrets(shm / "root.key") == secrets
    finally:
        shutil.rmtree(shm)


def test_a_process_without_a_root_has_nothing_to_lock(operator, ring_of, tmp_path):
    ring_of("calendar", "address")
    for command in (["split"], ["join"], ["lock", tmp_path / "x"], ["unlock", tmp_path / "x"]):
        with pytest.raises(CommandError, match="This process has no root key file"):
            operator.vault(*command)


def test_no_command_but_split_shows_a_key(operator, own_keys, tmp_path, quick):
    keys = [path.read_text().strip() for path in own_keys.iterdir()]
    identity = pyrage.x25519.Identity.generate()
    operator.passphrases = [PASSPHRASE] * 2
    operator.vault("export-recovery", tmp_path / "recovery.age", "--to", identity.to_public())
    operator.vault("split")
    operator.vault("lock", tmp_path / "root.locked")
    assert not any(key in operator.shown for key in keys)


# -- mailbox


def test_the_mailbox_command_makes_keys_and_destroys_old_ones(operator, tmp_path, settings, monkeypatch):
    import datetime

    settings.DROPBOX_PRIVATE_FILE = tmp_path / "desk" / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "public" / "mailbox.pub"
    now = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
    monkeypatch.setattr("vault.management.by_hand.timezone.now", lambda: now)
    assert "A new mailbox key is in service; 0 old ones" in operator.vault("mailbox")
    assert "The mailbox key stays in service" in operator.vault("mailbox")
    box = dropbox.seal(b"first week")
    now += datetime.timedelta(days=7)
    assert "A new mailbox key" in operator.vault("mailbox")
    now += datetime.timedelta(days=45)
    assert "0 old ones destroyed" in operator.vault("mailbox")
    assert dropbox.open(box) == b"first week"
    now += datetime.timedelta(days=1)
    assert "1 old ones destroyed" in operator.vault("mailbox")
    with pytest.raises(CommandError, match="at least 0 days"):
        operator.vault("mailbox", "--window-days", "-1")


def test_the_trial_installation_has_a_mailbox(settings):
    """Without a setting the desk has both halves, the private one among its keys."""
    assert settings.DROPBOX_PRIVATE_FILE.parent == settings.VAR_DIR / "keys"
    assert settings.DROPBOX_PUBLIC_FILE.is_relative_to(settings.VAR_DIR)
