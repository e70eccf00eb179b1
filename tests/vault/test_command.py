"""`manage.py vault` and the system checks, as the operator meets them."""

import datetime
from io import StringIO

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import models
from django.test.utils import isolate_apps

from tests.vault.cells.models import File, Page, Ring
from vault import canaries, keyfiles, keyring
from vault.checks import canaries_sing, key_files_are_in_a_safe_place, sealed_models_hold_together
from vault.models import HOUSE, Canary, RecordKey


def vault(*arguments):
    """What `manage.py vault ARGUMENTS` prints."""
    out = StringIO()
    call_command("vault", *arguments, stdout=out)
    return out.getvalue()


# -- init


def test_init_makes_keys_house_and_canaries_and_changes_nothing_the_second_time(db, own_keys):
    Canary.objects.all().delete()
    RecordKey.objects.filter(pk=HOUSE).delete()
    for path in own_keys.iterdir():
        path.unlink()
    keyring.reset()
    assert vault("init").count("Made ") == len(keyring.NAMES)
    files = {path.name: path.read_bytes() for path in own_keys.iterdir()}
    rows = list(Canary.objects.order_by("pk").values()), list(RecordKey.objects.values())
    assert len(rows[0]) == len(keyring.NAMES)
    assert len(rows[1]) == 1
    canaries.require()
    assert "Made" not in vault("init")
    assert {path.name: path.read_bytes() for path in own_keys.iterdir()} == files
    assert (list(Canary.objects.order_by("pk").values()), list(RecordKey.objects.values())) == rows


def test_init_never_makes_new_canaries_for_wrong_keys(db, own_keys):
    vault("init")
    (own_keys / "index.key").unlink()
    with pytest.raises(CommandError, match="the index key .* is missing"):
        vault("init")


@pytest.mark.parametrize("name", ["root", "index"])
def test_init_makes_no_key_in_the_place_of_one_that_data_needs(db, own_keys, name):
    """A locked desk has no root file: a fresh one there would keep it from being unlocked.

    Sabotage: leave _refuse_to_replace() out of init.
    """
    vault("init")
    needed = keyring.keyring().keys(name)[0].id.hex()
    (own_keys / f"{name}.key").unlink()
    keyring.reset()
    with pytest.raises(CommandError, match=f"No keys were made: the {name} key {needed} is missing"):
        vault("init")
    assert not (own_keys / f"{name}.key").exists()


def test_no_command_prints_a_key(db, own_keys):
    printed = vault("init") + vault("status") + vault("verify")
    for path in own_keys.iterdir():
        assert path.read_text().strip() not in printed


# -- status


def test_status_tells_ids_and_what_each_root_key_wraps(db, own_keys, ring_of):
    vault("init")
    File.objects.create()
    path = own_keys / "root.key"
    old = keyring.keyring().keys("root")[0].id.hex()
    keyfiles.rewrite(path, [keyfiles.new_key(), *keyring.read_secrets(path)])
    keyring.reset()
    new = keyring.keyring().keys("root")[0].id.hex()
    File.objects.create()
    File.objects.create()
    told = vault("status")
    assert f"root      {new} encrypts and opens, wraps 2 record keys" in told
    assert f"root      {old} opens, wraps 2 record keys" in told  # the house and the first file
    assert told.count("its canary sings") == len(keyring.NAMES)
    keyfiles.rewrite(path, keyring.read_secrets(path)[:1])
    keyring.reset()
    assert f"root      {old} IS MISSING; 2 record keys need it" in vault("status")


def test_status_of_a_worker(db, own_keys, ring_of):
    vault("init")
    ring_of("calendar", "address")
    assert vault("status").count("not held by this process") == len(keyring.NAMES) - 2


# -- verify


@pytest.fixture
def ready(db):
    call_command("vault", "init", stdout=StringIO())


def test_verify_opens_everything(ready, page, other_file):
    Ring.objects.create(payload={"page": "p", "due_on": datetime.date(2026, 3, 31)})
    assert "everything is as it should be" in vault("verify")


def test_verify_reports_damage_staleness_replay_and_orphans(ready, file, other_file, page, cell, capsys):
    """Each kind of damage is one line with the row and the column, and never with what is sealed."""
    ring = Ring.objects.create(payload={"page": "p", "due_on": "2026-03-31"})
    earlier = cell(other_file, "phone").bytes
    other_file.phone = "+77770000000"
    other_file.save()
    cell(other_file, "phone").bytes = earlier  # replayed
    cell(page, "text").bytes = b"junk"  # damaged
    Page._base_manager.update(due_week=1)  # stale
    Ring._base_manager.update(once="0" * 64)
    lonely = RecordKey.objects.make([File().pk])
    out = StringIO()
    with pytest.raises(CommandError, match="5 not as they should be"):
        call_command("vault", "verify", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    for row, column, word in (
        (other_file, "phone_index", "old value was put back"),
        (page, "text", "damaged"),
        (page, "due_week", "stale"),
        (ring, "once", "stale"),
    ):
        assert any(str(row.pk) in line and f" {column}: " in line and word in line for line in lines)
    assert any(str(next(iter(lonely))) in line and "its owner is gone" in line for line in lines)
    assert "+7" not in out.getvalue()


def test_verify_counts_the_erased_and_finds_their_forgotten_indexes(ready, file, destroy):
    destroy(file)
    out = StringIO()
    with pytest.raises(CommandError, match="2 of them erased; 1 not as they should be"):
        call_command("vault", "verify", stdout=out)
    assert "the owner is erased, but this index is still there" in out.getvalue()


def test_verify_belongs_on_the_desk(ready, ring_of):
    ring_of("calendar", "address")
    with pytest.raises(CommandError, match="Run this on the desk"):
        vault("verify")


# -- checks


def problems(settings, **changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    return {problem.id: problem.msg for problem in key_files_are_in_a_safe_place()}


def test_keys_in_a_place_of_their_own_are_fine_for_production(own_keys, settings):
    assert problems(settings, EMBEDDED=False) == {}


def test_the_embedded_default_is_told_what_a_seized_laptop_gives(own_keys, settings):
    assert list(problems(settings, EMBEDDED=True)) == ["vault.W001"]


@pytest.mark.parametrize("place", ["ROOT", "VAR_DIR", "MEDIA_ROOT", "STATIC_ROOT"])
def test_production_keeps_keys_out_of_repository_data_and_media(own_keys, settings, place):
    """Sabotage: compare paths without resolving links."""
    link = own_keys.parent / "link"
    link.symlink_to(own_keys.parent)
    assert "vault.E021" in problems(settings, EMBEDDED=False, **{place: link})


def test_production_refuses_keys_that_others_can_read(own_keys, settings):
    (own_keys / "root.key").chmod(0o640)
    own_keys.chmod(0o755)
    found = problems(settings, EMBEDDED=False)
    assert f"chmod 600 {own_keys / 'root.key'}" in found["vault.E020"]
    assert f"chmod 700 {own_keys}" in found["vault.E022"]


def test_the_database_check_finds_a_wrong_key(ready, own_keys):
    assert {problem.id for problem in canaries_sing(databases=["default"])} == {"vault.E030"}
    assert canaries_sing() == []


def test_our_models_pass(db):
    assert [p for p in checks.run_checks() if str(p.id).startswith("vault.")] == []


@isolate_apps("tests.vault.cells")
def test_models_that_cannot_work_are_found(monkeypatch):
    """One model for each mistake; `apps` inside the check is the isolated registry."""
    from vault.fields import BlindIndex, SealedDateField, SealedTextField
    from vault.models import OwnerModel, SealedModel

    class NotSealed(models.Model):  # noqa: DJ008
        text = SealedTextField()

        class Meta:
            app_label = "cells"

    class Twin(OwnerModel):
        sealed_label = "twin"

        class Meta:
            app_label = "cells"

    class OtherTwin(OwnerModel):
        sealed_label = "twin"

        class Meta:
            app_label = "cells"

    class HalfOwner(SealedModel):
        sealed_under = "self"

        class Meta:
            app_label = "cells"

    class Keyless(SealedModel):
        text = SealedTextField()

        class Meta:
            app_label = "cells"

    class Astray(SealedModel):
        sealed_under = "title"
        title = models.TextField()

        class Meta:
            app_label = "cells"

    class Numbered(SealedModel):
        id = models.BigAutoField(primary_key=True)

        class Meta:
            app_label = "cells"

    class Unknown(SealedModel):
        due_on = SealedDateField(key="moon")
        week = BlindIndex("due", normalise="vault.normalise.moon")

        class Meta:
            app_label = "cells"

    class PlainlyListed(SealedModel):
        objects = models.Manager()

        class Meta:
            app_label = "cells"

    class Ordered(SealedModel):
        due_on = SealedDateField(key="calendar")

        class Meta:
            app_label = "cells"
            ordering = ["-due_on"]
            indexes = [models.Index(fields=["due_on"], name="due")]

    made = [NotSealed, Twin, OtherTwin, HalfOwner, Keyless, Astray, Numbered, Unknown, PlainlyListed, Ordered]
    monkeypatch.setattr("vault.checks.apps.get_models", lambda: made)
    found = {
        (problem.obj.__name__, problem.id.removeprefix("vault.")) for problem in sealed_models_hold_together()
    }
    assert found == {
        ("NotSealed", "E001"),
        ("OtherTwin", "E002"),
        ("HalfOwner", "E003"),
        ("Keyless", "E004"),
        ("Astray", "E005"),
        ("Numbered", "E006"),
        ("Unknown", "E007"),
        ("Unknown", "E011"),
        ("Unknown", "E012"),
        ("PlainlyListed", "E008"),
        ("Ordered", "E009"),
        ("Ordered", "E010"),
    }
