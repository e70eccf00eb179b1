"""The chain: what was changed behind the desk's back is named."""

import json
import random
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from staff import append_only, chain, trail
from staff.chain import BrokenChain, Head
from staff.models import TrailLink, TrailRow
from staff.trail import Verb


@pytest.fixture
def acts(olga, petra):
    """Some acts, all linked."""
    for number in range(8):
        trail.append(olga if number % 2 else petra, Verb.CASE_OPENED, fields=[f"field{number}"])
    chain.extend()
    return TrailRow.objects.order_by("id")


def test_every_row_has_its_link_in_order(acts):
    assert TrailLink.objects.count() == acts.count()
    assert list(TrailLink.objects.order_by("position").values_list("row_id", flat=True)) == [
        r.pk for r in acts
    ]
    assert chain.verify() == chain.head()
    assert chain.extend() == 0


def test_the_worker_links_without_a_key_to_any_case(olga, settings):
    """Sabotage: hash `row.details` instead of the ciphertext."""
    from vault import keyring

    trail.append(olga, Verb.CASE_OPENED, reason="a reason")
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"root": None, "index": None, "codes": None}
    keyring.reset()
    try:
        assert chain.extend() > 0
        assert chain.verify() == chain.head()
    finally:
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {
            name: settings.VAULT_KEY_FILES["calendar"].parent / f"{name}.key"
            for name in ("root", "index", "codes")
        }
        keyring.reset()


CHANGES = [
    ("verb", "'case_closed'"),
    ("at", "(SELECT min(at) FROM staff_trailrow)"),
    ("actor_id", "NULL"),
    ("details", "(SELECT details FROM staff_trailrow ORDER BY id LIMIT 1)"),
]


@pytest.mark.parametrize(("column", "value"), CHANGES)
def test_a_changed_row_is_named(acts, behind_our_back, column, value):
    """Done when every readable and sealed column is covered. Sabotage: leave one out of chain.encode()."""
    victim = acts[5]
    behind_our_back(f"UPDATE staff_trailrow SET {column} = {value} WHERE id = %s", victim.pk)
    with pytest.raises(BrokenChain, match=f"Row {victim.pk} at link 6 was changed"):
        chain.verify()


def test_the_case_is_covered_too(acts, behind_our_back):
    victim = acts[2]
    behind_our_back('UPDATE staff_trailrow SET "case" = seal_id WHERE id = %s', victim.pk)
    with pytest.raises(BrokenChain, match=f"Row {victim.pk}"):
        chain.verify()


def test_a_removed_row_is_named(acts, behind_our_back):
    victim = acts[3]
    behind_our_back("DELETE FROM staff_traillink WHERE row_id = %s", victim.pk)
    behind_our_back("DELETE FROM staff_trailrow WHERE id = %s", victim.pk)
    with pytest.raises(BrokenChain, match="Link 4 is missing"):
        chain.verify()


def test_an_inserted_link_is_named(acts, behind_our_back):
    """A row put in between, with a link of its own."""
    behind_our_back("UPDATE staff_traillink SET position = -position WHERE position >= 4")
    behind_our_back(
        'INSERT INTO staff_trailrow (seal_id, at, actor_id, verb, "case", details) '
        "SELECT %s, at, actor_id, 'forged', \"case\", details FROM staff_trailrow WHERE id = %s",
        "0e" * 16,
        acts[3].pk,
    )
    forged = TrailRow.objects.get(verb="forged")
    behind_our_back(
        "INSERT INTO staff_traillink (position, row_id, hash) VALUES (4, %s, %s)", forged.pk, "a" * 64
    )
    behind_our_back("UPDATE staff_traillink SET position = 1 - position WHERE position < 0")
    with pytest.raises(BrokenChain, match=f"Row {forged.pk} at link 4"):
        chain.verify()


def test_swapped_rows_are_noticed(acts, behind_our_back):
    one, other = acts[1], acts[2]
    behind_our_back("UPDATE staff_traillink SET row_id = %s WHERE position = 3", -2)
    behind_our_back("UPDATE staff_traillink SET row_id = %s WHERE position = 2", other.pk)
    behind_our_back("UPDATE staff_traillink SET row_id = %s WHERE position = 3", one.pk)
    with pytest.raises(BrokenChain, match="at link 2"):
        chain.verify()


def rebuilt(behind_our_back):
    """The whole chain computed anew over changed rows, as somebody with the database can."""
    behind_our_back("DELETE FROM staff_traillink")
    chain.extend()


def test_a_checkpoint_proves_a_rewrite(acts, behind_our_back):
    """Done when an outsider's note of one line contradicts a chain that holds in itself.

    Sabotage: drop the checkpoint lines of verify().
    """
    noted = chain.head()
    behind_our_back("UPDATE staff_trailrow SET verb = 'case_closed' WHERE id = %s", acts[0].pk)
    rebuilt(behind_our_back)
    assert chain.verify() == chain.head()
    with pytest.raises(BrokenChain, match="rewritten"):
        chain.verify(checkpoint=noted)


def test_a_checkpoint_proves_a_cut(acts, behind_our_back):
    noted = chain.head()
    behind_our_back("DELETE FROM staff_traillink WHERE position > 3")
    assert chain.verify().position == 3
    with pytest.raises(BrokenChain, match="cut"):
        chain.verify(checkpoint=noted)


def test_later_rows_do_not_disturb_a_checkpoint(acts, olga):
    noted = chain.head()
    trail.append(olga, Verb.CASE_OPENED)
    chain.extend()
    assert chain.verify(checkpoint=noted).position > noted.position


def test_an_export_is_checked_without_the_database(acts):
    lines = list(chain.export())
    assert chain.verify(lines) == chain.head()
    for _try in range(20):
        broken = list(lines)
        number = random.Random(_try).randrange(len(lines))
        link = json.loads(broken[number])
        link["row"]["verb"] = "forged"
        broken[number] = json.dumps(link)
        with pytest.raises(BrokenChain):
            chain.verify(broken)
    with pytest.raises(BrokenChain):
        chain.verify(lines[1:])


def test_an_export_holds_no_plaintext(acts, olga):
    trail.append(olga, Verb.CASE_OPENED, reason="a reason with a name")
    chain.extend()
    text = "\n".join(chain.export())
    assert "reason" not in text
    assert b"reason".hex() not in text
    assert "olga" not in text


def test_a_late_commit_is_linked_after_its_neighbours(olga):
    """On Postgres a row may commit after a row with a higher number. Sabotage: LOOK_BACK = 0."""
    first = trail.append(olga, Verb.CASE_OPENED)
    second = trail.append(olga, Verb.CASE_OPENED)
    end = chain.head()
    facts = next(chain._rows(TrailRow._base_manager.filter(pk=second.pk)))
    TrailLink.objects.create(position=1, row=second, hash=chain.link_hash(end.hash, 1, facts))
    chain.extend()
    assert TrailLink.objects.get(row=first).position > 1
    assert chain.verify() == chain.head()


def test_the_chain_itself_only_grows(acts):
    for statement in ("UPDATE staff_traillink SET hash = ''", "DELETE FROM staff_traillink"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_two_workers_at_once_leave_one_chain(olga, monkeypatch):
    """The second finds the positions taken and goes on at its next run."""
    trail.append(olga, Verb.CASE_OPENED)
    stale = chain.head()
    chain.extend()
    trail.append(olga, Verb.CASE_OPENED)
    monkeypatch.setattr(chain, "head", lambda: stale)
    assert chain.extend() == 0
    monkeypatch.undo()
    assert chain.extend() == 1
    assert chain.verify() == chain.head()


def test_eight_writers_leave_one_unbroken_chain(live_database):
    """Done when eight threads that write and link at once leave every row linked once, in a chain that holds.

    Sabotage: drop the IntegrityError branch of extend(); or take the primary key from TrailLink.position.
    """
    writers, rows = 8, 6
    start = Barrier(writers)
    failed = []

    def write(number):
        try:
            start.wait()
            for row in range(rows):
                with transaction.atomic():
                    trail.append(None, Verb.CASE_OPENED, fields=[f"writer{number}.row{row}"])
                chain.extend()
        except BaseException as problem:
            failed.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    chain.extend_all()
    assert TrailRow.objects.count() == TrailLink.objects.count() == chain.verify().position == writers * rows


def test_the_head_is_one_line_to_write_down():
    assert str(Head(7, "ab")) == "7:ab"


def test_the_timetable_links_every_15_seconds(olga, settings):
    """Sabotage: take "link" out of CELERY_BEAT_SCHEDULE."""
    from staff.tasks import link

    trail.append(olga, Verb.CASE_OPENED)
    (entry,) = [e for e in settings.CELERY_BEAT_SCHEDULE.values() if e["task"] == link.name]
    assert entry["schedule"] == 15
    link()
    assert not TrailRow.objects.filter(link=None).exists()


# -- the command


def test_verify_prints_what_to_write_down(acts, capsys):
    call_command("trail", "verify")
    assert str(chain.head()) in capsys.readouterr().out
    call_command("trail", "verify", checkpoint=str(chain.head()))


def test_verify_fails_loudly(acts, behind_our_back):
    behind_our_back("UPDATE staff_trailrow SET verb = 'case_closed' WHERE id = %s", acts[0].pk)
    with pytest.raises(CommandError, match="was changed"):
        call_command("trail", "verify")
    with pytest.raises(CommandError, match="POSITION:HASH"):
        call_command("trail", "verify", checkpoint="nonsense")


def test_rows_that_wait_too_long_are_reported(olga):
    from datetime import timedelta

    from django.utils import timezone

    trail.append(olga, Verb.CASE_OPENED, at=timezone.now() - timedelta(minutes=6))
    with pytest.raises(CommandError, match="wait for their link"):
        call_command("trail", "verify")
    call_command("trail", "link")
    call_command("trail", "verify")


def test_export_and_verify_a_file(acts, tmp_path, capsys):
    file = tmp_path / "trail.jsonl"
    call_command("trail", "export", str(file))
    call_command("trail", "verify", file=file)
    assert str(chain.head()) in capsys.readouterr().out
    with pytest.raises(CommandError, match="another path"):
        call_command("trail", "export", str(file))


def test_guard_puts_triggers_back(db, behind_our_back, capsys):
    assert append_only.missing(connection)
    call_command("trail", "guard")
    assert append_only.missing(connection) == []
    assert "Find out who" in capsys.readouterr().out
