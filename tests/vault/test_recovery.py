"""After a fire: any two of three people bring the root back, and nobody alone does."""

import base64
import io
import itertools
import os
import random
import tarfile

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from vault import keyfiles, recovery
from vault.keyring import KeyProblem, keyring, read_secrets
from vault.recovery import WrongLists, WrongRecipient, join

ROOT = bytes(range(32))
PAIRS = list(itertools.permutations(range(3), 2))


@pytest.fixture(scope="module")
def lists():
    return recovery.split([ROOT])


@pytest.fixture(scope="module")
def other_lists():
    return recovery.split([ROOT])


def refused(*lists, match):
    """`join` refuses, and its sentence repeats no part of a list."""
    with pytest.raises(WrongLists, match=match) as refusal:
        join(lists)
    said = str(refusal.value).lower()
    for words in map(str.split, lists):
        assert not any(f"{one} {two}" in said for one, two in itertools.pairwise(words))
    assert refusal.value.__cause__ is None
    return str(refusal.value)


# -- two of three


@pytest.mark.parametrize("pair", PAIRS)
def test_any_two_lists_in_any_order_bring_the_root_back(lists, pair):
    assert join([lists[n] for n in pair]) == [ROOT]


def test_all_three_lists_do_too(lists):
    assert join(lists) == [ROOT]


@given(secrets=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=3), data=st.data())
@settings(max_examples=20, deadline=None)
def test_every_key_of_the_root_file_comes_back_in_its_order(secrets, data):
    """The root has several keys while it is being changed. Sabotage: split the first one only."""
    made = recovery.split(secrets)
    assert join([made[n] for n in data.draw(st.sampled_from(PAIRS))]) == secrets


def test_a_list_is_words_on_paper(lists):
    for text in lists:
        assert len(text.split()) == 33
        assert set(text.split()) <= set(WORDLIST)


def test_two_splits_of_one_root_are_different(lists, other_lists):
    assert not set(lists) & set(other_lists)


def test_one_list_alone_is_refused_and_says_how_many_are_needed(lists):
    """Sabotage: make the threshold 1 in `split`."""
    for text in lists:
        refused(text, match="1 of 2 word lists given. Ask one more holder")
    with pytest.raises(WrongLists, match="0 of 2"):
        join([])


def test_lists_are_tried_before_they_are_given_out(monkeypatch):
    """Sabotage: drop the loop over the pairs from `split`."""
    monkeypatch.setattr(recovery, "combine_mnemonics", lambda _pair: b"another root")
    with pytest.raises(KeyProblem, match="do not give the root back. Do not use them"):
        recovery.split([ROOT])


@pytest.mark.parametrize("secrets", [[], [b"short"], [ROOT, b""]])
def test_only_whole_keys_are_split(secrets):
    with pytest.raises(KeyProblem):
        recovery.split(secrets)


# -- typed from paper


def test_it_may_be_typed_as_people_type(lists):
    """Capitals, numbers, line breaks, four letters."""
    numbered = "\n".join(f"{n}. {word.upper()}" for n, word in enumerate(lists[0].split(), 1))
    short = ", ".join(word[:4] for word in lists[1].split())
    assert join([numbered, short]) == [ROOT]


def test_a_word_that_does_not_exist_is_named_by_its_place(lists):
    words = lists[1].split()
    words[6] = "novosibirsk"
    assert "novosibirsk" not in refused(lists[0], " ".join(words), match="List 2: word 7 is not one of")


def test_a_word_with_a_wrong_ending_is_not_guessed(lists):
    words = lists[0].split()
    words[2] = words[2][:4] + "xyz"
    refused(" ".join(words), lists[1], match="List 1: word 3 is not one of")


@pytest.mark.parametrize("place", [0, 3, 4, 15, 30, 32])
def test_a_wrong_word_is_found_in_its_list(lists, place):
    words = lists[1].split()
    words[place] = next(word for word in WORDLIST if word != words[place])
    refused(lists[0], " ".join(words), match="List 2 has a mistake")


def test_swapped_doubled_and_missing_words_are_found(lists):
    words = lists[0].split()
    swap = next(n for n in range(10, 30) if words[n] != words[n + 1])
    swapped = [*words[:swap], words[swap + 1], words[swap], *words[swap + 2 :]]
    refused(" ".join(swapped), lists[1], match="List 1 has a mistake")
    refused(" ".join([*words, words[-1]]), lists[1], match="List 1 has a mistake")
    refused(" ".join(words[:-1]), lists[1], match="List 1 has 32 words; at least 33")
    refused("", lists[1], match="List 1 has 0 words")


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_wrong_list_ever_gives_another_root(data):
    """Up to three wrong words are always found; a root that opens nothing is never returned."""
    made = recovery.split([ROOT])
    words = made[0].split()
    for _n in range(data.draw(st.integers(1, 3))):
        words[data.draw(st.integers(0, 32))] = data.draw(st.sampled_from(WORDLIST))
    try:
        assert join([" ".join(words), made[1]]) == [ROOT]
        assert words == made[0].split()
    except WrongLists:
        assert words != made[0].split()


# -- mixed lists


def test_the_same_list_twice_is_refused(lists):
    refused(lists[0], lists[0], match="List 2 is list 1 again")
    refused(lists[0], lists[1], lists[0], match="List 3 is list 1 again")


def test_lists_of_two_splits_are_refused(lists, other_lists):
    refused(lists[0], other_lists[1], match="Lists 1, 2 are from different splits")


def test_of_three_lists_the_odd_one_is_named(lists, other_lists):
    refused(lists[0], other_lists[1], lists[2], match="List 2 is from another split than the others")


def test_a_list_of_another_kind_of_split_is_named(lists):
    [three_of_five] = generate_mnemonics(1, [(3, 5)], os.urandom(32))
    refused(three_of_five[0], three_of_five[1], match="List 1 is not from this desk")
    [[wallet]] = generate_mnemonics(1, [(1, 1)], os.urandom(32))
    refused(lists[0], wallet, match="List 2 is not from this desk")


def test_forged_lists_that_look_alike_do_not_fit_together(lists, monkeypatch):
    """The same marks in front, another secret behind: the digest inside the split finds it."""
    from shamir_mnemonic import shamir

    mark = shamir.Share.from_mnemonic(lists[0]).identifier
    monkeypatch.setattr(shamir, "_random_identifier", lambda: mark)
    forged = recovery.split([os.urandom(32)])
    refused(lists[0], forged[1], match="do not fit together")
    refused(lists[0], lists[1], forged[2], match="do not fit together")


def test_a_joined_root_can_be_compared_by_its_id():
    from vault.keyring import Key

    assert recovery.key_ids([ROOT]) == [Key(ROOT).id.hex()]


# -- the age file


@pytest.fixture
def identity():
    return pyrage.x25519.Identity.generate()


def unpacked(sealed, identity):
    """What `age --decrypt | tar x` would write: names, modes, contents."""
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(sealed.encode(), [identity]))) as archive:
        return {e.name: (e.mode, archive.extractfile(e).read()) for e in archive.getmembers()}


def test_the_age_file_gives_every_key_file_back(own_keys, identity):
    sealed, names = recovery.export(keyring(), [str(identity.to_public())])
    assert sealed.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert unpacked(sealed, identity) == {
        path.name: (0o600, path.read_bytes()) for path in own_keys.iterdir()
    }
    assert sorted(names) == [
        *("address.key", "calendar.key", "codes.key", "index.key", "root.key", "signing.key")
    ]


def test_every_key_of_a_file_is_in_it(own_keys, identity):
    path = own_keys / "root.key"
    keyfiles.rewrite(path, [keyfiles.new_key(), *read_secrets(path)])
    sealed, _names = recovery.export(keyring(), [str(identity.to_public())])
    assert unpacked(sealed, identity)["root.key"][1] == path.read_bytes()


def test_each_recipient_alone_opens_it_and_nobody_else(own_keys, identity):
    other, stranger = (pyrage.x25519.Identity.generate() for _n in range(2))
    sealed, _names = recovery.export(keyring(), [str(identity.to_public()), f" {other.to_public()}\n"])
    assert unpacked(sealed, identity) == unpacked(sealed, other)
    with pytest.raises(pyrage.DecryptError):
        unpacked(sealed, stranger)


def test_nothing_of_a_key_can_be_read_in_it(own_keys, identity):
    sealed, _names = recovery.export(keyring(), [str(identity.to_public())])
    for path in own_keys.iterdir():
        assert path.read_text().strip() not in sealed
        assert read_secrets(path)[0] not in base64.b64decode("".join(sealed.splitlines()[1:-1]))


def test_without_a_recipient_nothing_is_made(own_keys):
    """Sabotage: drop the check for no keys from `export`."""
    with pytest.raises(WrongRecipient, match="Name at least one age recipient"):
        recovery.export(keyring(), [])


PRIVATE_SSH = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXk"


def test_a_private_key_given_by_mistake_is_refused_and_not_repeated(own_keys, identity):
    """Sabotage: leave the check for AGE-SECRET-KEY out of `recipient`."""
    for private in (str(identity), str(identity).lower(), f" {identity}\n", PRIVATE_SSH):
        with pytest.raises(WrongRecipient, match="Recipient 2 is a private key.* throw it away") as refusal:
            recovery.export(keyring(), [str(identity.to_public()), private])
        assert private.strip()[-20:] not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "age1", "lena@example.invalid", "ssh-ed25519 AAAA", "age1" + "q" * 58])
def test_what_is_no_recipient_is_refused_by_its_number(own_keys, text):
    with pytest.raises(WrongRecipient, match="Recipient 1 is not an age public key"):
        recovery.export(keyring(), [text])


def test_a_mistyped_recipient_is_refused(own_keys, identity):
    """Or the file would be sealed to nobody: the checksum of the address finds it."""
    text = list(str(identity.to_public()))
    place = random.Random(1).randrange(5, len(text))
    text[place] = "q" if text[place] != "q" else "p"
    with pytest.raises(WrongRecipient, match="Copy it again, whole"):
        recovery.export(keyring(), ["".join(text)])


def test_a_process_without_keys_makes_no_recovery_file(own_keys, ring_of, identity):
    ring_of()
    with pytest.raises(KeyProblem, match="holds no key file. Run this on the desk"):
        recovery.export(keyring(), [str(identity.to_public())])


def test_a_damaged_key_file_is_never_exported_in_silence(own_keys, identity):
    (own_keys / "index.key").write_text("junk")
    with pytest.raises(KeyProblem, match="index.key is damaged"):
        recovery.export(keyring(), [str(identity.to_public())])
