"""The old end of the trail goes by one audited path, and the rest can still be checked."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from staff import append_only, chain, checkpoints, retention, trail
from staff.chain import BrokenChain
from staff.checkpoints import Checkpoint, WrongCheckpoint
from staff.models import TrailLink, TrailRow
from staff.retention import CannotCut
from staff.trail import Verb

TODAY = date(2026, 11, 26)
OLD, NEW = datetime(2025, 3, 1, 12, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
CUT_ON = date(2025, 6, 1)
WHY = "kept for a year, as decided"


@pytest.fixture
def years(db):
    """Five rows of last year, five of this month, without the rows that accounts leave."""
    for number in range(10):
        trail.append(None, Verb.CASE_OPENED, at=(OLD if number < 5 else NEW) + timedelta(minutes=number))
    chain.extend_all()
    assert chain.head().position == 10


def cut(before=CUT_ON, **more):
    return retention.cut(before, today=TODAY, reason=WHY, now=NEW + timedelta(days=1), **more)


def test_old_rows_go_and_the_rest_still_holds(years):
    """Done when the rest verifies from the signed cut on, and the cut stands on the trail."""
    done = cut()
    assert done.rows == 5
    assert TrailRow.objects.count() == 6
    assert checkpoints.verify_all() == chain.head()
    assert chain.head().position == 11
    row = TrailRow.objects.first()
    assert (row.verb, row.actor) == (Verb.TRAIL_CUT, None)
    assert WHY in row.details["reason"]
    assert append_only.missing(connection) == []
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM staff_trailrow")


def test_the_chain_grows_on_and_is_cut_again(years):
    cut()
    trail.append(None, Verb.CASE_OPENED, at=NEW + timedelta(days=2))
    chain.extend_all()
    assert checkpoints.verify_all().position == 12
    later = retention.cut(
        date(2026, 11, 21), today=date(2027, 12, 1), reason=WHY, now=NEW + timedelta(days=370)
    )
    assert later.rows == 5
    assert checkpoints.verify_all().position == 13
    assert TrailLink.objects.order_by("position").first().position == 11


def test_a_beginning_that_is_missing_without_a_cut_is_a_fault(years):
    """Sabotage: let verify_all() start at the first link it finds."""
    for table in append_only.TABLES:
        append_only.remove(connection, table)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM staff_traillink WHERE position <= 5")
    with pytest.raises(BrokenChain, match="Link 1 is missing"):
        checkpoints.verify_all()


def test_nobody_without_the_key_signs_a_cut(years):
    """Whoever owns the database removes the beginning and writes a cut of their own."""
    head = TrailLink.objects.get(position=5)
    for table in append_only.TABLES:
        append_only.remove(connection, table)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM staff_traillink WHERE position <= 5")
    Checkpoint.objects.create(
        kind="cut", position=5, hash=head.hash, signed_at=NEW, public_key="ab" * 32, signature="cd" * 64
    )
    with pytest.raises(WrongCheckpoint):
        checkpoints.verify_all()


def test_a_checkpoint_is_not_a_cut(years):
    """A signed head from earlier must not serve as the place where a trail begins."""
    chain_at_5 = chain.Head(5, TrailLink.objects.get(position=5).hash)
    signed = checkpoints.sign(chain_at_5, now=NEW)
    assert signed.kind == "head"
    for table in append_only.TABLES:
        append_only.remove(connection, table)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM staff_traillink WHERE position <= 5")
        cursor.execute("UPDATE staff_checkpoint SET kind = 'cut'")
    with pytest.raises(WrongCheckpoint):
        checkpoints.verify_all()


def test_what_is_removed_can_be_exported_first(years, tmp_path):
    lines = []
    cut(save=lines.append)
    assert chain.verify(lines) == Checkpoint.objects.cut().head


def test_a_full_disk_stops_the_cut(years):
    def fails(line):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        cut(save=fails)
    assert TrailRow.objects.count() == 10
    assert append_only.missing(connection) == []


def test_an_older_checkpoint_points_to_the_export(years):
    noted = checkpoints.sign(chain.Head(3, TrailLink.objects.get(position=3).hash), now=OLD).as_signed
    cut()
    with pytest.raises(BrokenChain, match="since it was cut"):
        checkpoints.verify_all(noted=noted)


@pytest.mark.parametrize(
    ("before", "reason", "says"),
    [
        (date(2026, 1, 1), WHY, "365 days"),
        (CUT_ON, " ", "why"),
        (date(2020, 1, 1), WHY, "Nothing was changed"),
    ],
)
def test_what_is_not_cut_says_why(years, before, reason, says):
    with pytest.raises(CannotCut, match=says):
        retention.cut(before, today=TODAY, reason=reason, now=NEW)
    assert TrailRow.objects.count() == 10


def test_a_broken_chain_is_not_cut(years):
    """Or the cut would wash a forgery clean. Sabotage: drop the first verify_all() of _cut()."""
    append_only.remove(connection, "staff_trailrow")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE staff_trailrow SET verb = 'forged' WHERE id = (SELECT min(id) FROM staff_trailrow)"
        )
    with pytest.raises(CannotCut, match="Triggers"):
        cut()
    append_only.install(connection, "staff_trailrow")
    with pytest.raises(BrokenChain, match="was changed"):
        cut()
    assert TrailRow.objects.count() == 10


def test_a_row_of_a_later_day_stops_the_cut_before_it(years):
    """Only a beginning is removed, never a hole made: row 5 was linked after a younger one."""
    done = cut(before=date(2025, 3, 2))
    assert done.rows == 5


def test_triggers_are_lifted_in_a_transaction_only(live_database):
    with (
        pytest.raises(RuntimeError, match="transaction"),
        append_only.without_triggers(connection, retention.TABLES),
    ):
        pass
    assert append_only.missing(connection) == []


def test_the_command_cuts_and_says_what_to_keep(years, tmp_path, capsys):
    file = tmp_path / "old.jsonl"
    call_command("trail", "cut", before="2025-06-01", reason=WHY, export=file)
    said = capsys.readouterr().out
    assert "Removed 5 rows" in said
    assert "kind: cut" in said
    assert len(file.read_text().splitlines()) == 5
    assert file.stat().st_mode & 0o077 == 0
    call_command("trail", "verify")
    with pytest.raises(CommandError, match="YYYY-MM-DD"):
        call_command("trail", "cut", before="June", reason=WHY)
    other = tmp_path / "nothing.jsonl"
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("trail", "cut", before="2025-06-01", reason=WHY, export=other)
    assert not other.exists()
