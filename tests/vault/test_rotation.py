"""Changing a key while the desk works: nothing is lost, doubled or forgotten, even if killed half way."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from tests.vault.cells.models import File, Ledger, Page, Ring
from vault import canaries, keyfiles, keyring, rotation
from vault.erasure import erase
from vault.fields import find
from vault.integrity import Count, verify
from vault.keyring import Key, KeyProblem
from vault.models import RecordKey


class Killed(Exception):
    """Stands for the process being killed between two batches."""


@pytest.fixture
def desk(db, own_keys, monkeypatch):
    """A desk with its own keys and seven cases, worked on in batches of two."""
    monkeypatch.setattr(rotation, "CHUNK", 2)
    call_command("vault", "init", stdout=StringIO())
    for n in range(7):
        file = File.objects.create(summary=f"summary {n}", phone=f"+7701000000{n}")
        Page.objects.create(file=file, text=f"text {n}", due_on=f"2026-03-{10 + n}")
        Ring.objects.create(payload={"page": str(n), "due_on": "2026-03-31"})
        Ledger.objects.create(file=file, payload={"step": n})
    return own_keys


def ids(name):
    return [key.id.hex() for key in keyring.keyring().keys(name)]


def everything_works():
    assert sorted(file.summary for file in File.objects.with_keys()) == [f"summary {n}" for n in range(7)]
    assert sorted(page.text for page in Page.objects.with_keys()) == [f"text {n}" for n in range(7)]
    assert sorted(page.due_on.day for page in Page.objects.all()) == list(range(10, 17))
    assert [file.summary for file in find(File.objects.all(), "phone_index", "+77010000003")] == ["summary 3"]
    week = Page._meta.get_field("due_week").token("2026-03-11")
    assert Page.objects.filter(due_week=week).count() == 6
    with pytest.raises(IntegrityError), transaction.atomic():
        Ring.objects.create(payload={"page": "3", "due_on": "2026-03-31"})
    canaries.require()
    assert list(verify(Count())) == []


def stored_under(name):
    """The key ids that stored blobs under a key file name."""
    if name == "root":
        return {bytes(blob)[1:9].hex() for blob in RecordKey.objects.values_list("wrapped", flat=True)}
    if name == "calendar":
        return {page.__dict__["due_on"][1:9].hex() for page in Page._base_manager.all()}
    return set()


@pytest.mark.parametrize("name", rotation.ROTATED)
def test_a_key_is_changed_in_three_steps_and_the_desk_works_at_each(desk, name):
    old = ids(name)
    new = rotation.add(name)
    assert ids(name) == [*old, new]
    everything_works()
    moved = rotation.rotate(name)
    assert ids(name) == [new, *old]
    assert moved.unreadable == []
    assert stored_under(name) <= {new}
    everything_works()
    assert rotation.retire(name) == old
    assert ids(name) == [new]
    everything_works()


@pytest.mark.parametrize("name", rotation.ROTATED)
@pytest.mark.parametrize("batches", [1, 3])
def test_a_rotation_that_was_killed_is_continued(desk, name, batches):
    """Sabotage: let _promote promote the last key whenever there are two."""
    new = rotation.add(name)
    left = [batches]

    def kill(_rows):
        left[0] -= 1
        if not left[0]:
            raise Killed

    if name != "address":  # the test models have nothing under it
        with pytest.raises(Killed):
            rotation.rotate(name, kill)
        assert ids(name)[0] == new
        assert canaries.Canary.objects.get(pk=name).sealed[1:9] != bytes.fromhex(new)
        if name != "calendar":
            everything_works()
    rotation.rotate(name)
    assert ids(name)[0] == new
    assert stored_under(name) <= {new}
    everything_works()
    rotation.retire(name)
    everything_works()


def test_the_calendar_moves_at_once_or_not_at_all(desk):
    """Sabotage: drop the transaction around _move."""
    old = ids("calendar")
    tokens = set(Ring.objects.values_list("once", flat=True))
    rotation.add("calendar")

    def kill(_rows):
        raise Killed

    with pytest.raises(Killed):
        rotation.rotate("calendar", kill)
    assert stored_under("calendar") == set(old)
    assert set(Ring.objects.values_list("once", flat=True)) == tokens


def test_after_the_calendar_moved_no_ledger_row_is_taken_twice(desk):
    """Sabotage: leave ComputedField out of _changes."""
    rotation.add("calendar")
    rotation.rotate("calendar")
    rings = [Ring(payload={"page": str(n), "due_on": "2026-03-31"}) for n in range(8)]
    Ring.objects.bulk_create(rings, ignore_conflicts=True)
    assert Ring.objects.count() == 8


def stale(desk, name):
    """This process as one that was not restarted: it knows both keys, the old one first."""
    path = desk / f"{name}.key"
    *others, last = keyring.read_secrets(path)
    keyfiles.rewrite(path, [last, *others])
    keyring.reset()


def test_a_process_that_missed_the_rotation_reads_but_plans_nothing(desk):
    """Sabotage: return at once from KeyedTokenField.require_current_key."""
    rotation.add("calendar")
    rotation.rotate("calendar")
    stale(desk, "calendar")
    assert Page.objects.filter(due_week=Page._meta.get_field("due_week").token("2026-03-11")).count() == 6
    with pytest.raises(KeyProblem, match="nothing can be planned now"):
        Ring.objects.create(payload={"page": "3", "due_on": "2026-03-31"})
    with pytest.raises(KeyProblem, match="nothing can be planned now"), transaction.atomic():
        Ring.objects.bulk_create([Ring(payload={"page": "9", "due_on": "2026-03-31"})])
    ring = Ring.objects.first()
    ring.payload = {"page": "9", "due_on": "2026-03-31"}
    with pytest.raises(KeyProblem, match="nothing can be planned now"):
        ring.save()


def test_a_running_process_takes_up_a_changed_key_file_when_it_plans(desk):
    rotation.add("calendar")
    before = keyring.keyring().keys("calendar")
    rotation.rotate("calendar")
    keyring.keyring()._keys["calendar"] = before  # read before the file was changed
    with pytest.raises(IntegrityError), transaction.atomic():
        Ring.objects.create(payload={"page": "3", "due_on": "2026-03-31"})
    assert Ring.objects.create(payload={"page": "9", "due_on": "2026-03-31"})


def test_what_does_not_open_is_reported_and_left_as_it_is(desk, cell):
    """Sabotage: let _changes re-raise CannotOpen."""
    page, other = Page.objects.order_by("pk")[:2]
    cell(page, "due_on").bytes = cell(other, "due_on").bytes
    damaged = cell(page, "due_on").bytes
    week = page.due_week
    rotation.add("calendar")
    moved = rotation.rotate("calendar")
    assert {(finding.row, finding.column) for finding in moved.unreadable} == {
        (str(page.pk), "due_on"),
        (str(page.pk), "due_week"),
    }
    assert cell(page, "due_on").bytes == damaged
    assert cell(page, "due_week").table.values_list("due_week", flat=True).get() == week
    rotation.retire("calendar")


def test_a_damaged_record_key_is_reported_and_the_rest_moves(desk, fresh):
    broken, other = File.objects.all()[:2]
    RecordKey.objects.filter(pk=broken.pk).update(wrapped=RecordKey.objects.get(pk=other.pk).wrapped)
    rotation.add("root")
    moved = rotation.rotate("root")
    assert [finding.row for finding in moved.unreadable] == [str(broken.pk)]
    assert fresh(other).summary.startswith("summary")


def test_an_erasure_in_between_stays_an_erasure(desk, monkeypatch):
    """Sabotage: leave the tests out of the WHERE in _write."""
    victim = File.objects.order_by("pk").last()
    unwrap = RecordKey.unwrap

    def erased_meanwhile(wrapped, owner):
        secret = unwrap(wrapped, owner)
        if owner == victim.pk:
            erase(owner)
        return secret

    rotation.add("root")
    monkeypatch.setattr(RecordKey, "unwrap", staticmethod(erased_meanwhile))
    rotation.rotate("root")
    assert RecordKey.objects.get(pk=victim.pk).wrapped is None


def test_a_phone_changed_in_between_keeps_its_new_index(desk, monkeypatch):
    """Sabotage: leave the tests out of the WHERE in _write."""
    file = File.objects.order_by("pk").first()
    rotation.add("index")
    write = rotation._write

    def changed_meanwhile(model, changes):
        if model is File and any(pk == file.pk for pk, _change in changes):
            row = File.objects.get(pk=file.pk)
            row.phone = "+77779999999"
            row.save()
        write(model, changes)

    monkeypatch.setattr(rotation, "_write", changed_meanwhile)
    rotation.rotate("index")
    assert find(File.objects.all(), "phone_index", "+77779999999") == [file]
    assert list(verify(Count())) == []


def test_what_a_late_process_sealed_under_the_old_key_is_not_lost(desk, fresh):
    """It opens, retiring is refused, and rotating once more moves it."""
    rotation.add("calendar")
    rotation.rotate("calendar")
    stale(desk, "calendar")
    page = Page.objects.create(file=File.objects.first(), text="late", due_on="2026-05-01")
    stale(desk, "calendar")
    with pytest.raises(KeyProblem, match="2 things still need the old calendar key"):
        rotation.retire("calendar")
    rotation.rotate("calendar")
    rotation.retire("calendar")
    assert fresh(page).due_on.isoformat() == "2026-05-01"


@pytest.mark.parametrize("name", rotation.ROTATED)
def test_steps_out_of_order_are_refused(desk, name):
    with pytest.raises(KeyProblem, match="--add"):
        rotation.rotate(name)
    rotation.add(name)
    with pytest.raises(KeyProblem, match="holds 2 keys already"):
        rotation.add(name)
    stale(desk, name)
    with pytest.raises(KeyProblem, match=f"vault rotate {name}"):
        rotation.retire(name)


def test_a_retired_key_opens_nothing_and_is_missed_by_name(desk):
    old = ids("root")[0]
    kept = keyring.read_secrets(desk / "root.key")
    rotation.add("root")
    rotation.rotate("root")
    rotation.retire("root")
    assert keyring.read_secrets(desk / "root.key")[0] != kept[0]
    assert Key(kept[0]).id.hex() == old
    keyfiles.rewrite(desk / "root.key", kept)
    keyring.reset()
    with pytest.raises(KeyProblem, match="Refusing to serve: the root key"):
        canaries.require()


def test_the_command_says_what_to_do_next_and_prints_no_key(desk):
    printed = StringIO()
    for arguments in (["--add"], [], ["--retire"]):
        call_command("vault", "rotate", "calendar", *arguments, stdout=printed)
        for path in desk.iterdir():
            for line in path.read_text().split():
                assert line not in printed.getvalue()
    told = printed.getvalue()
    assert "Then run: manage.py vault rotate calendar" in told
    assert "Moved 21 sealed values and 21 indexes" in told
    assert "--retire" in told
    assert told.count("restart them all") == 3
    with pytest.raises(CommandError, match="--add"):
        call_command("vault", "rotate", "calendar", stdout=printed)


def test_rotation_belongs_on_the_desk(desk, ring_of):
    ring_of("calendar", "address")
    with pytest.raises(CommandError, match="Run this on the desk"):
        call_command("vault", "rotate", "calendar", stdout=StringIO())
