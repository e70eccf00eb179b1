"""The drills: what was backed up comes back whole elsewhere, and who was erased does not."""

import contextlib
import io
import os
import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pyrage
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from desk import erasing
from tests.databases import empty_database, use_in_this_process
from tests.desk.test_erasing import PDF, fill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NAMES = ("database.age", "files.age", "manifest.json", "record-keys.age")


class Office:
    """One installation: its database, keys and files, and the place where its backups lie."""

    def __init__(self, tmp_path, settings, database):
        self.database, self.settings, self.tmp = database, settings, tmp_path
        self.keys, self.backups = tmp_path / "keys", tmp_path / "backups"
        self.identity = tmp_path / "identity.txt"
        made = pyrage.x25519.Identity.generate()
        self.identity.write_text(f"# made for a test\n{made}\n")
        self.recipient = str(made.to_public())

    def backup(self, *arguments):
        """The newest backup's folder."""
        call_command("backup", str(self.backups), "--to", self.recipient, *arguments, stdout=io.StringIO())
        return max(self.backups.glob("desk-*"), key=lambda path: path.name)

    @contextlib.contextmanager
    def elsewhere(self):
        """Another machine: an empty database and an empty folder, with the same key files."""
        from vault import keyring

        before = self.settings.FILES_DIR
        with empty_database(self.tmp / f"other{len(list(self.tmp.iterdir()))}", self.keys) as other:
            self.settings.FILES_DIR = other.var / "files"
            with use_in_this_process(other):
                keyring.reset()
                yield other
        self.settings.FILES_DIR = before

    def restore(self, folder, *arguments):
        """What the command says."""
        said = io.StringIO()
        call_command("restore", str(folder), "--identity", str(self.identity), *arguments, stdout=said)
        return said.getvalue()


@pytest.fixture
def office(own_database, django_db_blocker, tmp_path, settings, keys):
    """Three cases with everything in them; the keys are copies, which a test may change."""
    from cases.models import Case
    from staff import chain
    from staff.models import Team, User
    from vault import keyring

    shutil.copytree(keys, tmp_path / "keys")
    settings.VAULT_KEY_FILES = {name: tmp_path / "keys" / f"{name}.key" for name in settings.VAULT_KEY_FILES}
    settings.FILES_DIR = tmp_path / "files"
    keyring.reset()
    with django_db_blocker.unblock(), use_in_this_process(own_database):
        team = Team.objects.create(name="Astana")
        for name, role in (("olga", "caseworker"), ("petra", "coordinator")):
            User.objects.create_user(
                name, f"{name}-long-password-1", role=role, team=team, address=f"{name}@staff.invalid"
            )
        olga = User.objects.get(username="olga")
        for _number in range(3):
            fill(Case.objects.open_case(by=olga, country="KZ", summary="Left in spring."), olga)
        chain.extend()
        yield Office(tmp_path, settings, own_database)
    keyring.reset()


def cells(*, but=()):
    """Every cell of every sealed row by its place, opened; rows of the owners `but` are left out."""
    from vault.integrity import sealed_models
    from vault.show import display_value

    found = {}
    for model in sealed_models():
        for row in model._base_manager.all():
            if row.seal_identity()[1] in but:
                continue
            for field in row.sealed_fields():
                found[model.__name__, str(row.pk), field.name] = str(display_value(row, field.name))
    return found


def rows():
    """How many rows each table holds."""
    left_out = {"staff_session"}
    return {
        model._meta.db_table: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.db_table not in left_out
    }


def test_the_plain_drill(office):
    """Data, backup, destroy, restore: every cell, every file, the trail, triggers and sequences.

    Sabotage: leave the files, the record keys or _verify out of restore(); pass --data-only to pg_restore.
    """
    from cases.models import Attachment
    from staff import append_only, trail

    before, counted = cells(), rows()
    folder = office.backup()
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    shutil.rmtree(office.settings.FILES_DIR)
    with office.elsewhere():
        said = office.restore(folder)
        assert "3 files" in said
        assert "Everything opens" in said
        assert cells() == before
        assert rows() == counted
        assert [b"".join(row.pieces()) for row in Attachment.objects.all()] == [PDF] * 3
        assert append_only.missing(connection) == []
        assert trail.append(None, trail.Verb.SIGNED_OUT).pk == counted["staff_trailrow"] + 1
        call_command("vault", "verify", stdout=io.StringIO())


def test_the_drill_with_an_erased_person(office):
    """Data, backup, erase one, retire the old root, restore the old backup: that one stays closed.

    The old database comes back with the record keys of a newer backup. Without them nothing opens: their
    root is gone. Sabotage: drop _erase_again() (dates come back), or take the old backup's record keys.
    """
    from cases.models import Case, Deadline
    from reminders.models import Reminder
    from vault import keyring
    from vault.show import display_value

    gone, *staying = Case.objects.order_by("code_name")
    before = cells(but={gone.pk})
    old = office.backup()
    erasing.erase(gone, by=None, reason="asked for it")
    for step in (("--add",), (), ("--retire",)):
        call_command("vault", "rotate", "root", *step, stdout=io.StringIO())
    rename = old.with_name("desk-20000101T000000Z")
    old.rename(rename)
    new = office.backup("--keep-days", "9999")
    with office.elsewhere():
        with pytest.raises(CommandError, match="wrapped under the root"):
            office.restore(rename)
        said = office.restore(rename, "--record-keys", str(new))
        assert "1 erased cases were erased again" in said
        assert "sealed under a root that is gone" in said
        call_command("access", "reseal", reason="Restored from our own disk.", stdout=io.StringIO())
        again = cells(but={gone.pk})
        stays = {place: value for place, value in before.items() if place[0] != "Reminder"}
        assert {place: again[place] for place in stays} == stays
        back = Case.objects.get(pk=gone.pk)
        assert (back.erased, display_value(back, "summary")) == (True, "[erased]")
        assert {display_value(row, "due_on") for row in Deadline.objects.filter(case=back)} == {"[erased]"}
        about = {str(key) for key in Deadline.objects.filter(case=back).values_list("pk", flat=True)}
        assert not any(row.payload["deadline"] in about for row in Reminder.objects.all())
        assert len(list(Path(office.settings.FILES_DIR).iterdir())) == len(staying)
        call_command("vault", "verify", stdout=io.StringIO())
        call_command("trail", "link", stdout=io.StringIO())
        call_command("trail", "verify", stdout=io.StringIO())
    keyring.reset()


# -- what lies in a backup


def test_a_backup_gives_a_thief_nothing_and_holds_no_key(office):
    """Sabotage: write a part without age.seal."""
    folder = office.backup()
    root = (office.keys / "root.key").read_bytes().strip()
    for path in folder.iterdir():
        data = path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
        assert root not in data
        assert path.name == "manifest.json" or data.startswith(b"age-encryption.org/v1")
        for word in (b"SQLite format", b"PGDMP", b'wrapped"', b"cases_", b"Petrov", "Петров".encode()):
            assert word not in data.split(b'"parts"')[0] or path.name == "manifest.json"


def test_the_database_part_holds_no_record_key_and_no_session(office):
    """Also not in a free page. Sabotage: drop the DELETE or the VACUUM, or --exclude-table-data."""
    from staff.models import Session
    from vault import age
    from vault.models import RecordKey

    row = Session(session_key="5e55" * 10, expire_date=timezone.now() + timedelta(1))
    row.seal({})
    row.save()
    folder = office.backup()
    wrapped = [bytes(row.wrapped) for row in RecordKey.objects.all()]
    keys = age.identities(office.identity)
    with age.open_sealed(folder / "database.age", keys) as stream:
        clear = stream.read()
    if connection.vendor == "postgresql":
        clear = plain_text(clear)
    assert b"cases_case" in clear
    assert row.session_key.encode() not in clear
    for blob in wrapped:
        assert blob not in clear
        assert blob.hex().encode() not in clear
    with age.open_sealed(folder / "record-keys.age", keys) as stream:
        assert stream.read().count(b'"owner"') == len(wrapped)


def plain_text(archive):
    """What pg_dump's archive holds, in the clear."""
    import subprocess

    done = subprocess.run(["pg_restore", "--file=-"], input=archive, capture_output=True, check=True)
    return done.stdout


def test_no_clear_byte_and_no_half_of_a_backup_lies_on_the_disk(office, monkeypatch):
    """The disk fills up in the middle. Sabotage: write straight into the final folder."""
    import tempfile

    from config import backup

    def refuse(*_args, **_kwargs):
        raise AssertionError("a temporary file")

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    office.backup()
    before = sorted(office.backups.iterdir())

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_tar", full)
    later = timezone.now() + timedelta(seconds=2)
    monkeypatch.setattr("config.management.commands.backup.timezone.now", lambda: later)
    with pytest.raises(CommandError, match="No space left on device. Nothing of it is left"):
        office.backup()
    assert sorted(office.backups.iterdir()) == before


def test_record_keys_have_a_short_life_of_their_own(office, monkeypatch):
    """Sabotage: drop expire()."""
    first = office.backup()
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr("config.management.commands.backup.timezone.now", lambda: later)
    second = office.backup()
    assert sorted(path.name for path in first.iterdir()) == sorted(set(NAMES) - {"record-keys.age"})
    assert sorted(path.name for path in second.iterdir()) == sorted(NAMES)
    with office.elsewhere():
        with pytest.raises(CommandError, match="record-keys.age is missing .* --record-keys FOLDER"):
            office.restore(first)
        assert "Everything opens" in office.restore(first, "--record-keys", str(second))


# -- what is refused, before anything is written


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("harm", ["cut", "change", "remove"])
def test_a_damaged_backup_is_refused_before_anything_is_written(office, name, harm):
    """Sabotage: leave _look_through out."""
    folder = office.backup()
    path, data = folder / name, bytearray((folder / name).read_bytes())
    path.unlink()
    if harm != "remove":
        data[len(data) // 2] ^= 1
        path.write_bytes(data if harm == "change" else data[: len(data) // 2])
    with office.elsewhere() as other:
        with pytest.raises(CommandError):
            office.restore(folder)
        assert connection.introspection.table_names() == []
        assert not (other.var / "files").exists()


def test_an_identity_that_does_not_fit_is_told(office):
    folder = office.backup()
    office.identity.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with office.elsewhere():
        with pytest.raises(CommandError, match="does not open: it is damaged, or sealed for somebody else"):
            office.restore(folder)
        office.identity.write_text("not a key\n")
        with pytest.raises(CommandError, match="holds no age identity"):
            office.restore(folder)
        office.identity.unlink()
        with pytest.raises(CommandError, match="cannot be read"):
            office.restore(folder)


def test_it_goes_into_an_empty_installation_only(office):
    """Sabotage: drop _require_empty()."""
    folder = office.backup()
    before = rows()
    with pytest.raises(CommandError, match="This database is not empty"):
        office.restore(folder)
    assert rows() == before
    with office.elsewhere() as other:
        (other.var / "files").mkdir()
        (other.var / "files" / "something").write_bytes(b"")
        with pytest.raises(CommandError, match="files is not empty"):
            office.restore(folder)


def test_a_missing_key_file_is_named_first(office):
    folder = office.backup()
    (office.keys / "calendar.key").unlink()
    with office.elsewhere():
        with pytest.raises(CommandError, match="There is no key file .*calendar.key"):
            office.restore(folder)
        assert connection.introspection.table_names() == []


def test_a_backup_of_the_other_kind_of_database_is_refused(office, monkeypatch):
    folder = office.backup()
    monkeypatch.setattr("config.restore.connection", SimpleNamespace(vendor="oracle"))
    monkeypatch.setattr("config.restore._require_empty", lambda: None)
    with office.elsewhere(), pytest.raises(CommandError, match="and this installation has oracle"):
        office.restore(folder)


def test_a_backup_needs_somebody_to_open_it(office):
    with pytest.raises(CommandError, match="at least one age recipient"):
        call_command("backup", str(office.backups))
    with pytest.raises(CommandError, match="is not an age public key"):
        call_command("backup", str(office.backups), "--to", "age1somebody")
    assert not office.backups.exists()


@pytest.mark.only_on("postgresql")
def test_without_the_tools_of_postgres_it_says_so(office, monkeypatch):
    monkeypatch.setattr("config.dumps.shutil.which", lambda _name: None)
    with pytest.raises(CommandError, match="pg_dump is not on this machine. Install"):
        office.backup()
    assert list(office.backups.iterdir()) == []


def test_a_file_that_is_lost_is_named_and_the_rest_comes_back(office):
    """Sabotage: leave the attachments out of _verify()."""
    lost = next(Path(office.settings.FILES_DIR).iterdir())
    lost.unlink()
    folder = office.backup()
    with office.elsewhere(), pytest.raises(CommandError, match="1 things are not as they should be"):
        office.restore(folder)


def test_sessions_do_not_come_back(office):
    from staff.models import Session

    Session.objects.create(session_key="a" * 32, session_data="x", expire_date=timezone.now() + timedelta(1))
    folder = office.backup()
    with office.elsewhere():
        office.restore(folder)
        assert not Session.objects.exists()


def test_people_go_on_working_while_a_backup_is_made(office):
    """One moment is kept: what is written meanwhile is in it whole or not at all."""
    import threading

    from django.db import connections

    from cases.models import Case, Note
    from staff.models import User

    olga, stop, written = User.objects.get(username="olga"), threading.Event(), []

    def work():
        while not stop.is_set():
            Note.objects.create(case=Case.objects.first(), by=olga, text="meanwhile")
            written.append(1)
        connections["default"].close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        folder = office.backup()
    finally:
        stop.set()
        thread.join()
    assert written
    with office.elsewhere():
        assert "Everything opens" in office.restore(folder)


@pytest.mark.processes
def test_the_commands_work_by_themselves(office, tmp_path):
    """As an operator runs them, each in a process of its own."""
    env = {f"{name.upper()}_KEY_FILE": str(path) for name, path in office.settings.VAULT_KEY_FILES.items()}
    env["FILES_DIR"] = str(office.settings.FILES_DIR)
    made = office.database.manage("backup", str(office.backups), "--to", office.recipient, **env)
    assert made.returncode == 0, made.stderr
    assert "The key files are not in it" in made.stdout
    [folder] = office.backups.iterdir()
    with empty_database(tmp_path / "elsewhere", office.keys) as other:
        for command in (
            ("restore", str(folder), "--identity", str(office.identity)),
            ("vault", "verify"),
            ("trail", "verify"),
        ):
            done = other.manage(*command, **env | {"FILES_DIR": str(other.var / "files")})
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert len(os.listdir(other.var / "files")) == 3
