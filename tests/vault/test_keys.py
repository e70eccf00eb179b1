"""Key files, the ring, and processes that hold few keys or the wrong ones."""

import base64
import os
import pickle
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.vault.cells.models import File, Page, Ring
from vault import canaries, keyfiles, keyring
from vault.cipher import CannotOpen, Erased, Unreadable
from vault.keyring import Key, KeyProblem, keyed_hash, keyed_hashes
from vault.models import RecordKey
from vault.show import display_value

ROOT_KEYS = [bytes(range(32)), bytes(32)]


def root_keys():
    """What a KMS would give."""
    return ROOT_KEYS


# -- files


def test_a_key_file_is_0600_in_a_0700_folder_and_never_overwritten(tmp_path):
    path = tmp_path / "new" / "keys" / "root.key"
    assert keyfiles.make(path) is True
    first = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keyfiles.make(path) is False
    assert path.read_bytes() == first
    assert [each.name for each in path.parent.iterdir()] == ["root.key"]


def test_two_starts_at_once_make_one_key(tmp_path, monkeypatch):
    """Sabotage: let keyfiles.make replace the file."""
    path = tmp_path / "root.key"
    path.touch(mode=0o600)
    monkeypatch.setattr(type(path), "exists", lambda self: self != path)
    assert keyfiles.make(path) is False
    assert path.read_bytes() == b""
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_is_replaced_whole(tmp_path):
    path = tmp_path / "root.key"
    keyfiles.make(path)
    keyfiles.rewrite(path, ROOT_KEYS)
    assert keyring.read_secrets(path) == ROOT_KEYS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_readable_by_others_is_refused(own_keys, mode):
    """Sabotage: test for S_IRWXO only."""
    path = own_keys / "calendar.key"
    path.chmod(mode)
    with pytest.raises(KeyProblem, match=f"can be read by others. Run: chmod 600 {path}"):
        keyring.keyring().keys("calendar")


@pytest.mark.parametrize("text", ["", "\n", "not base64!", base64.b64encode(b"short").decode()])
def test_a_damaged_key_file_is_refused(own_keys, text):
    (own_keys / "root.key").write_text(text)
    with pytest.raises(KeyProblem, match="root.key is damaged"):
        keyring.keyring().keys("root")


def test_a_missing_key_file_says_how_to_get_one(own_keys):
    (own_keys / "root.key").unlink()
    with pytest.raises(KeyProblem, match="vault init"):
        keyring.keyring().keys("root")


def test_a_key_problem_stops_a_start(own_keys):
    assert issubclass(KeyProblem, ImproperlyConfigured)


# -- keys


def test_a_key_id_comes_from_the_key_and_tells_nothing_of_it(own_keys):
    secret = os.urandom(32)
    key = Key(secret)
    assert key.id == Key(secret).id != Key(os.urandom(32)).id
    assert repr(key) == f"<Key {key.id.hex()}>"
    assert key.subkey("a") != key.subkey("b")
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_the_first_key_encrypts_and_all_open(own_keys, db):
    Ring.objects.create(payload={"page": "old", "due_on": "x"})
    path = own_keys / "calendar.key"
    keyfiles.rewrite(path, [keyfiles.new_key(), *keyring.read_secrets(path)])
    keyring.reset()
    Ring.objects.create(payload={"page": "new", "due_on": "x"})
    keyfiles.rewrite(path, keyring.read_secrets(path)[:1])
    keyring.reset()
    pages = {str(display_value(ring, "payload")) for ring in Ring.objects.all()}
    assert pages == {"⚠ unreadable", "{'page': 'new', 'due_on': 'x'}"}


def test_an_index_made_under_the_old_key_is_still_found(own_keys, db):
    """Sabotage: leave `others` out of BlindIndex.token."""
    field = Page._meta.get_field("due_week")
    old = Page.objects.create(file=File.objects.create(), due_on="2026-03-31")
    path = own_keys / "calendar.key"
    keyfiles.rewrite(path, [keyfiles.new_key(), *keyring.read_secrets(path)])
    keyring.reset()
    new = Page.objects.create(file=old.file, due_on="2026-03-31")
    assert new.due_week != old.due_week
    assert set(Page.objects.filter(due_week=field.token("2026-03-31"))) == {old, new}
    assert set(Page.objects.filter(due_week__in=[field.token("2026-03-31")])) == {old, new}


def test_a_provider_stands_in_for_the_root_file(own_keys, settings, db):
    (own_keys / "root.key").unlink()
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"root": None}
    settings.VAULT_ROOT_PROVIDER = f"{__name__}.root_keys"
    keyring.reset()
    file = File.objects.create(summary="from a KMS")
    assert File.objects.get(pk=file.pk).summary == "from a KMS"
    assert bytes(RecordKey.objects.get(pk=file.pk).wrapped)[1:9] == Key(ROOT_KEYS[0]).id


# -- hashes for other rooms


def test_keyed_hashes_differ_by_key_label_and_where_parts_end(own_keys):
    made = {
        keyed_hash("codes", "a", "xy"),
        keyed_hash("codes", "b", "xy"),
        keyed_hash("address", "a", "xy"),
        keyed_hash("codes", "a", "x", "y"),
        keyed_hash("codes", "a", "", "xy"),
    }
    assert len(made) == 5
    assert {len(each) for each in made} == {32}
    assert keyed_hash("codes", "a", b"xy") == keyed_hash("codes", "a", "xy")


def test_what_was_hashed_under_the_old_key_is_still_recognised(own_keys):
    old = keyed_hash("codes", "backup", "1234")
    path = own_keys / "codes.key"
    keyfiles.rewrite(path, [keyfiles.new_key(), *keyring.read_secrets(path)])
    keyring.reset()
    assert keyed_hash("codes", "backup", "1234") != old
    assert old in keyed_hashes("codes", "backup", "1234")


# -- a worker: the calendar and the address key


@pytest.fixture
def canaries_placed(db):
    for name in keyring.NAMES:
        canaries.place(name)
    RecordKey.objects.make_house()


def test_a_worker_starts_and_does_its_job(canaries_placed, page, fresh, ring_of, settings, queries):
    """It finds what is due, reads the day, writes its ledger and saves a row whose text it cannot open."""
    settings.SITE = "worker"
    ring_of("calendar", "address")
    canaries.require()
    week = Page._meta.get_field("due_week").token("2026-03-31")
    (due,) = Page.objects.filter(due_week__in=[week]).with_keys()
    assert due.due_on.isoformat() == "2026-03-31"
    due.due_on, due.title = "2026-04-30", "moved"
    due.save()
    Ring.objects.bulk_create([Ring(payload={"page": str(due.pk), "due_on": due.due_on})])
    ring_of(*keyring.NAMES)
    assert fresh(page).text == "was in Oral"
    assert fresh(page).due_on.isoformat() == "2026-04-30"


def test_a_worker_asks_for_no_record_key(canaries_placed, page, ring_of, queries):
    ring_of("calendar", "address")
    with queries() as made:
        assert [row.due_on for row in Page.objects.with_keys()]
    assert len(made) == 1


def test_a_worker_cannot_open_a_text_and_is_told_which_key_it_lacks(page, fresh, ring_of):
    ring_of("calendar", "address")
    with pytest.raises(CannotOpen, match="this process holds no root key") as refusal:
        _ = fresh(page).text
    assert not isinstance(refusal.value, Unreadable | Erased)
    assert str(display_value(fresh(page), "text")) == "⚠ unreadable"


def test_a_worker_cannot_make_an_owner(db, ring_of):
    ring_of("calendar", "address")
    with pytest.raises(KeyProblem, match="holds no root key"):
        File.objects.create(summary="x")


def test_a_public_process_opens_nothing(canaries_placed, page, fresh, ring_of, settings):
    settings.SITE = "public"
    ring_of()
    canaries.require()
    for column in ("text", "due_on"):
        with pytest.raises(CannotOpen, match="holds no (root|calendar) key"):
            getattr(fresh(page), column)


# -- the start: canaries


@pytest.mark.parametrize("name", keyring.NAMES)
def test_a_wrong_key_refuses_to_serve_and_names_the_missing_one(canaries_placed, own_keys, keys, name):
    """Sabotage: return after the first canary in canaries.require."""
    for other in keyring.NAMES:
        if other != name:
            keyfiles.rewrite(own_keys / f"{other}.key", keyring.read_secrets(keys / f"{other}.key"))
    keyring.reset()
    missing = Key(keyring.read_secrets(keys / f"{name}.key")[0]).id.hex()
    with pytest.raises(
        KeyProblem, match=f"Refusing to serve: the {name} key {missing} is missing"
    ) as refusal:
        canaries.require()
    assert f"{name}.key" in str(refusal.value)


def test_the_right_keys_serve(canaries_placed):
    canaries.require()


def test_a_desk_without_its_root_refuses_to_serve(canaries_placed, ring_of, settings):
    settings.SITE = "desk"
    ring_of("calendar", "address", "index", "codes")
    with pytest.raises(KeyProblem, match="holds no root key"):
        canaries.require()


def test_a_database_without_canaries_says_what_to_run(db):
    from vault.models import Canary

    Canary.objects.all().delete()
    with pytest.raises(KeyProblem, match="vault init"):
        canaries.require()


def test_a_forged_canary_does_not_sing(canaries_placed):
    from vault.models import Canary

    stolen = Canary.objects.get(key_name="index").sealed
    Canary.objects.filter(key_name="calendar").update(sealed=stolen)
    with pytest.raises(KeyProblem, match="Refusing to serve: the calendar key"):
        canaries.require()
