"""Checkpoints: what the desk signs, and what an outsider can prove with it."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from staff import chain, checkpoints, trail
from staff.chain import BrokenChain
from staff.checkpoints import Checkpoint, WrongCheckpoint
from staff.models import TrailRow
from staff.trail import Verb
from tests.machine import need
from vault import signing
from vault.keyring import reset

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def acts(olga, petra):
    """Some acts, all linked."""
    for number in range(8):
        trail.append(olga if number % 2 else petra, Verb.CASE_OPENED, fields=[f"field{number}"])
    chain.extend_all()
    return TrailRow.objects.order_by("id")


@pytest.fixture
def without_the_key(settings, keys):
    """A process that holds no signing key."""
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": None}
    reset()
    yield
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": keys / "signing.key"}
    reset()


def rewritten(behind_our_back, row):
    """The row changed and the whole chain computed anew: it holds in itself."""
    behind_our_back("UPDATE staff_trailrow SET verb = 'case_closed' WHERE id = %s", row.pk)
    behind_our_back("DELETE FROM staff_traillink")
    chain.extend_all()
    assert chain.verify() == chain.head()


def test_the_desk_signs_where_the_chain_ends(acts):
    row = checkpoints.sign_new(now=NOON)
    assert row.head == chain.head()
    assert checkpoints.read(str(row.as_signed)) == row.as_signed
    row.as_signed.require_signature(signing.public_keys(checkpoints.PURPOSE))
    assert checkpoints.verify_all(noted=row.as_signed) == chain.head()


def test_a_checkpoint_names_nobody(acts):
    """It leaves the house."""
    text = str(checkpoints.sign_new(now=NOON).as_signed)
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert names == [
        "desk trail checkpoint 1",
        "kind",
        "position",
        "hash",
        "signed at",
        "public key",
        "signature",
    ]


def test_signed_once_an_hour_and_only_what_is_new(acts, olga):
    """Sabotage: drop the comparison of positions in sign_new()."""
    assert checkpoints.sign_new(now=NOON)
    assert checkpoints.sign_new(now=NOON + timedelta(hours=2)) is None
    trail.append(olga, Verb.CASE_OPENED)
    chain.extend_all()
    assert checkpoints.sign_new(now=NOON + timedelta(minutes=59)) is None
    assert checkpoints.sign_new(now=NOON + timedelta(hours=2)).head == chain.head()
    assert Checkpoint.objects.count() == 2


def test_nothing_is_signed_before_there_is_anything(db):
    assert checkpoints.sign_new(now=NOON) is None


def test_the_desk_does_not_sign_a_chain_that_does_not_hold(acts, olga, behind_our_back):
    """Sabotage: sign chain.head() in sign_new() without walking."""
    checkpoints.sign_new(now=NOON)
    trail.append(olga, Verb.CASE_OPENED)
    chain.extend_all()
    last = "(SELECT max(id) FROM staff_trailrow)"
    behind_our_back(f"UPDATE staff_trailrow SET verb = 'forged' WHERE id = {last}")
    with pytest.raises(BrokenChain, match="was changed"):
        checkpoints.sign_new(now=NOON + timedelta(hours=2))
    assert Checkpoint.objects.count() == 1


def test_the_next_signature_continues_the_last_one(acts, behind_our_back):
    """A rewrite of what was signed already is not signed again."""
    checkpoints.sign_new(now=NOON)
    rewritten(behind_our_back, acts[0])
    trail.append(None, Verb.CASE_OPENED)
    chain.extend_all()
    with pytest.raises(BrokenChain, match="was changed"):
        checkpoints.sign_new(now=NOON + timedelta(hours=2))


def test_a_kept_checkpoint_proves_a_rewrite(acts, behind_our_back):
    """Done when a chain that holds in itself is contradicted. Sabotage: pass no `checkpoints` to
    chain.verify().
    """
    checkpoints.sign_new(now=NOON)
    rewritten(behind_our_back, acts[0])
    with pytest.raises(BrokenChain, match="rewritten"):
        checkpoints.verify_all()


def test_an_outside_checkpoint_proves_it_where_the_kept_ones_are_gone(acts, behind_our_back):
    noted = checkpoints.read(str(checkpoints.sign_new(now=NOON).as_signed))
    behind_our_back("DELETE FROM staff_checkpoint")
    rewritten(behind_our_back, acts[0])
    assert checkpoints.verify_all()
    with pytest.raises(BrokenChain, match="rewritten"):
        checkpoints.verify_all(noted=noted)


def test_an_outside_checkpoint_proves_a_shortened_trail(acts, behind_our_back):
    noted = checkpoints.sign_new(now=NOON).as_signed
    behind_our_back("DELETE FROM staff_checkpoint")
    behind_our_back("DELETE FROM staff_traillink WHERE position > 3")
    with pytest.raises(BrokenChain, match="cut"):
        checkpoints.verify_all(noted=noted)


def test_a_forged_checkpoint_is_found(acts, behind_our_back):
    """Whoever owns the database rewrites the kept checkpoint too. Sabotage: drop require_signature()."""
    checkpoints.sign_new(now=NOON)
    rewritten(behind_our_back, acts[0])
    behind_our_back("UPDATE staff_checkpoint SET hash = %s", chain.head().hash)
    with pytest.raises(WrongCheckpoint, match="not signed by a key that is trusted"):
        checkpoints.verify_all()


@pytest.mark.parametrize(
    "change", ["kind: cut", "position: 7", "hash: " + "0" * 64, "signed at: 2026-11-25T12:00:00+00:00"]
)
def test_every_line_is_signed(acts, change):
    """Sabotage: leave a line out of _text()."""
    text = str(checkpoints.sign_new(now=NOON).as_signed)
    name = change.partition(":")[0]
    lines = [change if line.startswith(f"{name}:") else line for line in text.splitlines()]
    with pytest.raises(WrongCheckpoint):
        checkpoints.read("\n".join(lines)).require_signature(checkpoints.trusted_keys())


@pytest.mark.parametrize("text", ["", "nonsense", checkpoints.TITLE, f"{checkpoints.TITLE}\nkind: other\n"])
def test_what_is_no_checkpoint_is_explained(text):
    with pytest.raises(WrongCheckpoint):
        checkpoints.read(text)


def test_checkpoints_only_grow(acts):
    """Sabotage: take staff_checkpoint out of append_only.TABLES."""
    checkpoints.sign_new(now=NOON)
    for statement in ("UPDATE staff_checkpoint SET hash = ''", "DELETE FROM staff_checkpoint"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_row_that_was_put_in_later_is_found(acts, behind_our_back):
    """Done when a row with a forged time is named, although the worker linked it. Sabotage: drop
    _in_time().
    """
    last = acts.last()
    behind_our_back(
        'INSERT INTO staff_trailrow (seal_id, at, actor_id, verb, "case", details) '
        "SELECT %s, %s, actor_id, 'forged', \"case\", details FROM staff_trailrow WHERE id = %s",
        "0f" * 16, str(timezone.now() - timedelta(days=3))[:19], last.pk,
    )  # fmt: skip
    chain.extend_all()
    forged = TrailRow.objects.get(verb="forged")
    with pytest.raises(BrokenChain, match=f"Row {forged.pk} at link {acts.count()} says .* inserted later"):
        chain.verify()


def test_openssl_checks_a_checkpoint_without_us(acts, tmp_path, capsys):
    """As RUNBOOK.md tells an outsider to."""
    call_command("trail", "checkpoint", into=tmp_path / "checkpoint.txt")
    call_command("trail", "public-key")
    pem = capsys.readouterr().out.partition("-----BEGIN")
    (tmp_path / "key.pem").write_text("-----BEGIN" + pem[2])

    def check():
        *lines, signature = (tmp_path / "checkpoint.txt").read_text().splitlines(keepends=True)
        (tmp_path / "text").write_text("".join(lines))
        (tmp_path / "signature").write_bytes(bytes.fromhex(signature.partition(": ")[2]))
        command = [need("openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
        command += ["-in", "text", "-sigfile", "signature"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode

    assert check() == 0
    changed = (tmp_path / "checkpoint.txt").read_text().replace("position: ", "position: 1")
    (tmp_path / "checkpoint.txt").write_text(changed)
    assert check() != 0


# -- the command


def test_an_export_is_checked_outside_with_the_public_key(
    acts, tmp_path, without_the_key, settings, keys, capsys
):
    """Done when somebody without a key of ours finds all faults. Sabotage: drop `extra` in trusted_keys()."""
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": keys / "signing.key"}
    reset()
    public = signing.public_keys(checkpoints.PURPOSE)[0].hex()
    checkpoints.sign_new(now=NOON)
    file, noted = tmp_path / "trail.jsonl", tmp_path / "checkpoint.txt"
    call_command("trail", "export", str(file))
    call_command("trail", "checkpoint", into=noted)
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": None}
    reset()
    call_command("trail", "verify", file=file, checkpoint=str(noted), public_key=public)
    with pytest.raises(CommandError, match="not signed by a key that is trusted"):
        call_command("trail", "verify", file=file, checkpoint=str(noted), public_key="ab" * 32)
    with pytest.raises(CommandError, match="not signed by a key that is trusted"):
        call_command("trail", "verify", file=file, checkpoint=str(noted))
    capsys.readouterr()
    call_command("trail", "verify", file=file)
    assert "Signatures were not checked" in capsys.readouterr().out
    lines = file.read_text().splitlines()
    link = json.loads(lines[-1])
    link["row"]["verb"] = "forged"
    file.write_text("\n".join([*lines[:-1], json.dumps(link)]))
    with pytest.raises(CommandError, match="was changed"):
        call_command("trail", "verify", file=file, public_key=public)


def test_the_command_signs_afresh(acts, olga, capsys):
    call_command("trail", "checkpoint")
    first = checkpoints.read(capsys.readouterr().out)
    trail.append(olga, Verb.CASE_OPENED)
    call_command("trail", "checkpoint")
    second = checkpoints.read(capsys.readouterr().out)
    assert second.head.position > first.head.position
    call_command("trail", "checkpoint")
    assert checkpoints.read(capsys.readouterr().out) == second


def test_an_empty_trail_and_wrong_arguments_are_explained(db, tmp_path):
    with pytest.raises(CommandError, match="empty"):
        call_command("trail", "checkpoint")
    with pytest.raises(CommandError, match="64 hex digits"):
        call_command("trail", "verify", public_key="xyz")
    with pytest.raises(CommandError, match="POSITION:HASH"):
        call_command("trail", "verify", checkpoint=str(tmp_path / "nowhere"))
