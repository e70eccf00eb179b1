"""The mailbox: the public process seals and cannot open; a phrase opens its own answers only."""

import os
import pickle
import stat
import threading
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vault import dropbox
from vault.cipher import CannotOpen, Erased, Unreadable
from vault.keyring import KeyProblem

MONDAY = date(2026, 3, 2)
ROW, OTHER_ROW = b"row 1", b"row 2"
PHRASE = "туман берег лампа сосна ключ ветер порог"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def private(tmp_path, settings):
    """The desk's mailbox files on the desk; nothing made yet."""
    settings.DROPBOX_PRIVATE_FILE = tmp_path / "desk" / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "public" / "mailbox.pub"
    return settings.DROPBOX_PRIVATE_FILE


@pytest.fixture
def public(private, settings):
    return settings.DROPBOX_PUBLIC_FILE


@pytest.fixture
def mailbox(private):
    """Both files, made on a Monday."""
    dropbox.turn(MONDAY)


@pytest.fixture(scope="module")
def pair():
    return dropbox.KeyPair(os.urandom(32))


@pytest.fixture(scope="module")
def lookup_and_pair():
    return dropbox.phrase_keys(PHRASE)


# -- boxes


@given(plain=st.binary(max_size=3000), place=st.binary(max_size=40))
@QUICK
def test_the_desk_opens_what_was_sealed_to_it(mailbox, plain, place):
    assert dropbox.open(dropbox.seal(plain, bound_to=place), bound_to=place) == plain


def test_the_public_process_cannot_open_what_it_wrote(mailbox, settings):
    """It has the public half only. Sabotage: let `ring` fall back on the public file."""
    settings.DROPBOX_PRIVATE_FILE = None
    box = dropbox.seal(b"my name is not here")
    with pytest.raises(KeyProblem, match="This process has no mailbox key of that kind. Set DROPBOX_PRIVATE"):
        dropbox.open(box)


def test_nothing_of_it_can_be_read_and_no_two_boxes_are_alike(mailbox):
    one, two = dropbox.seal(b"where to go " * 10), dropbox.seal(b"where to go " * 10)
    assert b"where" not in one
    assert one[9:41] != two[9:41]
    assert one[:9] == two[:9]


@given(size=st.integers(0, 5000))
@QUICK
def test_the_length_shows_in_steps_only(pair, size):
    """Sabotage: drop `pad` from `seal_to`."""
    shown = len(dropbox.seal_to(pair.public, bytes(size))) - 9 - 48
    inside = 32 + size + 1
    assert inside <= shown <= max(inside + 32, inside * 1.126)
    assert shown % 32 == 0


def test_a_short_yes_and_a_short_no_look_the_same(pair):
    assert len({len(dropbox.seal_to(pair.public, b"x" * size)) for size in range(30)}) == 1


def test_a_box_moved_to_another_row_does_not_open(mailbox):
    """Sabotage: leave out the comparison of the place in `KeyPair.open`."""
    box = dropbox.seal(b"help", bound_to=ROW)
    for place in (OTHER_ROW, b"", ROW + b"\0"):
        with pytest.raises(Unreadable, match="another row"):
            dropbox.open(box, bound_to=place)


def test_a_box_for_another_key_does_not_open(pair):
    other = dropbox.KeyPair(os.urandom(32))
    box = dropbox.seal_to(pair.public, b"help")
    with pytest.raises(Unreadable):
        other.open(box)
    with pytest.raises(Unreadable):  # nor with its own id written in front
        other.open(box[:1] + other.id + box[9:])


def test_no_bit_can_be_turned(pair):
    box = dropbox.seal_to(pair.public, b"help", bound_to=ROW)
    for place in range(len(box)):
        with pytest.raises(Unreadable):
            pair.open(box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :], bound_to=ROW)


def test_a_box_as_the_database_gives_it_opens(pair):
    box = dropbox.seal_to(pair.public, b"help")
    assert pair.open(memoryview(box)) == b"help"


@given(junk=st.binary(max_size=200), cut=st.integers(0, 150))
@QUICK
def test_junk_and_cut_boxes_do_not_open(mailbox, pair, junk, cut):
    box = dropbox.seal_to(pair.public, b"help")
    for damaged in (junk, box[:cut] if cut < len(box) else b"", box + junk + b"\0", box[:9] + junk):
        with pytest.raises(Unreadable):
            pair.open(damaged)
        with pytest.raises(CannotOpen):
            dropbox.open(damaged)


def test_a_key_shows_nothing_and_is_never_pickled(pair, lookup_and_pair):
    for one in (pair, lookup_and_pair[1]):
        assert repr(one) == f"<KeyPair {one.id.hex()}>"
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(one)


# -- the phrase


def test_an_answer_is_opened_by_the_phrase_and_not_by_the_desk(mailbox, lookup_and_pair):
    """Not even with the whole ring of the desk."""
    _lookup, person = lookup_and_pair
    box = dropbox.seal_to(person.public, "Напишите в среду.".encode(), bound_to=ROW)
    assert dropbox.phrase_keys(PHRASE)[1].open(box, bound_to=ROW).decode() == "Напишите в среду."
    with pytest.raises(Unreadable, match="not in the key file"):
        dropbox.open(box, bound_to=ROW)


@pytest.mark.parametrize(
    "typed",
    [
        PHRASE.upper(),
        f"  {PHRASE}\n",
        PHRASE.replace(" ", "-"),
        PHRASE.replace(" ", ",\n"),
        PHRASE.replace(" ", "\u00a0"),
        PHRASE.title(),
    ],
)
def test_the_phrase_may_be_typed_in_many_ways(typed, lookup_and_pair):
    """Sabotage: drop `casefold` from `phrase_keys`."""
    lookup, pair = dropbox.phrase_keys(typed)
    assert (lookup, pair.public) == (lookup_and_pair[0], lookup_and_pair[1].public)


def test_yo_and_short_i_in_any_unicode_form_are_one_phrase():
    one = dropbox.phrase_keys("ёлка чайка")
    assert dropbox.phrase_keys("елка чаи\u0306ка")[0] == one[0]
    assert dropbox.phrase_keys("елка чаика")[0] != one[0]


@pytest.mark.parametrize("other", ["", PHRASE + " порог", PHRASE[:-1], " ".join(PHRASE.split()[::-1])])
def test_every_other_phrase_finds_and_opens_nothing(other, lookup_and_pair):
    lookup, pair = dropbox.phrase_keys(other)
    assert lookup != lookup_and_pair[0]
    with pytest.raises(Unreadable):
        pair.open(dropbox.seal_to(lookup_and_pair[1].public, b"answer"))


def test_the_lookup_id_gives_neither_the_phrase_nor_the_key(lookup_and_pair):
    lookup, pair = lookup_and_pair
    assert len(bytes.fromhex(lookup)) == 16
    assert lookup not in (pair.public.hex() + pair.id.hex())


def test_the_keys_of_a_phrase_never_change():
    """What people wrote down must open for years: a changed constant is found here."""
    lookup, pair = dropbox.phrase_keys("abandon ability able about above absent absorb")
    assert lookup == "4a5ca5d93cd3bec8594fae8af974e617"
    assert pair.public.hex() == "67de0241142ca857122179f86fdc4d35ba68c716ca576703930b78f8cd24185a"


def test_a_phrase_costs_one_argon2id_of_19_mib(monkeypatch):
    """A guess must cost memory, and a mailbox must open on a small server."""
    real, costs = dropbox.hash_secret_raw, []

    def watch(*arguments, **named):
        costs.append((named["memory_cost"], named["time_cost"], named["parallelism"], named["type"].name))
        return real(*arguments, **named)

    monkeypatch.setattr(dropbox, "hash_secret_raw", watch)
    dropbox.phrase_keys(PHRASE)
    assert costs == [(19 * 1024, 2, 1, "ID")]


# -- the weekly keys


def test_a_key_serves_a_week_and_older_boxes_still_open(mailbox, public):
    """Sabotage: `weeks = [new]` in `turn`."""
    first = dropbox.seal(b"first week")
    assert dropbox.turn(MONDAY + timedelta(days=6)) is False
    assert dropbox.seal(b"x")[:9] == first[:9]
    assert dropbox.turn(MONDAY + timedelta(days=7)) is True
    second = dropbox.seal(b"second week")
    assert second[:9] != first[:9]
    assert dropbox.open(first) == b"first week"
    assert dropbox.open(second) == b"second week"


def test_a_key_is_destroyed_after_its_window_and_its_boxes_are_erased(mailbox, private):
    """The window counts from the day of the replacement. Sabotage: count it from `made_on`."""
    box, first = dropbox.seal(b"an erased request in a backup"), dropbox.public_key()
    secret = private.read_text().split()[-1]
    replaced_on = MONDAY + timedelta(days=7)
    dropbox.turn(replaced_on)
    assert dropbox.destroy_old(replaced_on + timedelta(days=30), window_days=30) == 0
    assert dropbox.open(box) == b"an erased request in a backup"
    assert dropbox.destroy_old(replaced_on + timedelta(days=31), window_days=30) == 1
    assert secret not in private.read_text()
    with pytest.raises(Erased, match="the key of its week was destroyed"):
        dropbox.open(box)
    assert dropbox.public_key() != first
    assert dropbox.destroy_old(replaced_on + timedelta(days=31), window_days=30) == 0


def test_the_current_key_stays_however_old_it_is(mailbox):
    """The job did not run for a year: what came in meanwhile must still open."""
    box = dropbox.seal(b"waiting")
    assert dropbox.destroy_old(MONDAY + timedelta(days=365), window_days=0) == 0
    assert dropbox.open(box) == b"waiting"


def test_a_destroyed_key_is_written_over_on_the_disk(mailbox, private):
    """Somebody who kept the old file open, as the blocks of the disk do, finds noise in it."""
    with private.open("rb") as blocks:
        before = blocks.read()
        dropbox.turn(MONDAY + timedelta(days=7))
        blocks.seek(0)
        after = blocks.read()
    assert len(after) == len(before)
    assert after != before
    assert before.split()[-1] not in after


def test_only_the_desk_reads_the_private_file_and_all_read_the_public_one(mailbox, private, public):
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    assert private.read_text().split()[-1] not in public.read_text()


def test_a_turn_cut_short_before_publishing_is_made_good(mailbox, public):
    """The new private half is on the disk, the old public half still shown: boxes to it open."""
    stale = public.read_text()
    dropbox.turn(MONDAY + timedelta(days=7))
    public.write_text(stale)
    box = dropbox.seal(b"in between")
    assert dropbox.open(box) == b"in between"
    assert dropbox.turn(MONDAY + timedelta(days=8)) is False
    assert public.read_text() != stale


def test_the_private_half_is_on_the_disk_before_the_public_one_is_shown(private, public, monkeypatch):
    """Sabotage: publish first in `turn`."""
    written = []
    real = dropbox.keyfiles.write
    monkeypatch.setattr(
        dropbox.keyfiles,
        "write",
        lambda path, *rest, **named: (written.append(path), real(path, *rest, **named)),
    )
    dropbox.turn(MONDAY)
    assert written == [private, public]


def test_two_turns_at_once_make_one_key(private):
    """Sabotage: drop the lock in `_alone`."""
    barrier, answers = threading.Barrier(4), []

    def run():
        barrier.wait()
        answers.append(dropbox.turn(MONDAY))

    threads = [threading.Thread(target=run) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert dropbox.open(dropbox.seal(b"one key")) == b"one key"


# -- damaged and missing files


def test_missing_files_name_the_next_step(private):
    with pytest.raises(KeyProblem, match="There is no public mailbox key .* manage.py vault mailbox"):
        dropbox.seal(b"x")
    with pytest.raises(KeyProblem, match="There is no mailbox key file .* manage.py vault mailbox"):
        dropbox.open(b"x")


def test_a_mistyped_public_key_is_refused(mailbox, public):
    """Or requests would be sealed to nobody. Sabotage: leave the id out of the comparison."""
    title, named, encoded = public.read_text().split()
    swapped = encoded[1] + encoded[0] + encoded[2:] if encoded[0] != encoded[1] else "A" + encoded[1:]
    for text in ("", "junk", f"{title} {named} {swapped}", f"{title} {named} AAAA", f"{named} {encoded}"):
        public.write_text(text)
        with pytest.raises(KeyProblem, match="is damaged. Copy it from the desk again"):
            dropbox.seal(b"x")


def test_the_private_file_given_to_the_public_process_is_refused(mailbox, private, settings):
    settings.DROPBOX_PUBLIC_FILE = private
    with pytest.raises(KeyProblem, match="damaged") as refusal:
        dropbox.seal(b"x")
    assert private.read_text().split()[-1] not in str(refusal.value)


def test_a_private_file_that_others_can_read_is_refused(mailbox, private):
    private.chmod(0o640)
    with pytest.raises(KeyProblem, match="can be read by others. Run: chmod 600"):
        dropbox.open(dropbox.seal(b"x"))


def test_a_damaged_private_file_is_refused_and_not_overwritten(mailbox, private):
    whole = private.read_text()
    for text in (
        "",
        "junk\n",
        whole.replace("-private-", "-public-"),
        whole[:-5],
        whole + "x\n",
        whole.split("\n")[0],
    ):
        private.write_text(text)
        for use in (dropbox.ring, lambda: dropbox.turn(MONDAY + timedelta(days=30))):
            with pytest.raises(KeyProblem, match="Put the newest copy of it back"):
                use()
        assert private.read_text() == text


def test_a_box_of_an_unknown_week_names_its_key(mailbox):
    box = dropbox.seal(b"x")
    with pytest.raises(
        Unreadable, match="mailbox key abababababababab, which is not in the key file. Put the"
    ):
        dropbox.open(box[:1] + b"\xab" * 8 + box[9:])
