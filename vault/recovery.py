"""Getting the keys back after a fire: three word lists of which any two rebuild the root, and an age file.

The lists are SLIP-39 (2 of 3, no passphrase, all root keys of the file one after the other), so that any
program for SLIP-39 can join them too. The age file is a tar of the key files, opened without our software by
`age --decrypt -i IDENTITY FILE | tar x`. One list alone tells nothing of the root but how many keys it has.
The mailbox's weekly keys are in neither: they exist to be destroyed.
"""

import io
import itertools
import tarfile
from collections.abc import Sequence
from typing import Final

import pyrage
from django.utils.translation import gettext as _
from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from vault.keyring import KEY_BYTES, NAMES, Key, KeyProblem, Keyring, encode, read_secrets

LISTS: Final = 3
NEEDED_LISTS: Final = 2
# The first four letters tell every word of SLIP-39 from every other.
_BY_START: Final = {word[:4]: word for word in WORDLIST}
_SHORTEST: Final = 33  # words for one key of 32 bytes


class WrongLists(ValueError):
    """The word lists do not give a root. The text says which list is wrong and what to do."""


class WrongRecipient(ValueError):
    """The recovery file cannot be made for these recipients. The text says which one is wrong."""


# -- word lists


def split(secrets: Sequence[bytes]) -> list[str]:
    """Three word lists, any two of which give `secrets` back: the keys of the root file, in order.

    33 words for one key, some 26 more for every further one. All pairs are tried before lists are given out.
    """
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
        raise KeyProblem(f"Only whole keys of {KEY_BYTES} bytes can be split.")
    whole = b"".join(secrets)
    lists: list[str]
    [lists] = generate_mnemonics(1, [(NEEDED_LISTS, LISTS)], whole)
    for pair in itertools.combinations(lists, NEEDED_LISTS):
        if combine_mnemonics(pair) != whole:
            raise KeyProblem("The word lists made do not give the root back. Do not use them; try again.")
    return lists


def join(lists: Sequence[str]) -> list[bytes]:
    """The root keys from two or three word lists, in any order. Raises WrongLists, naming the list.

    Case, line breaks, numbering and the order of lists do not matter; the first four letters of a word do.
    """
    shares = [_share(number, words) for number, words in enumerate(lists, 1)]
    if len(shares) < NEEDED_LISTS:
        raise WrongLists(
            _("%(count)s of %(needed)s word lists given. Ask one more holder for theirs.")
            % {"count": len(shares), "needed": NEEDED_LISTS}
        )
    _require_one_split(shares)
    for (number, one), (other_number, other) in itertools.combinations(enumerate(shares, 1), 2):
        if one.index == other.index:
            raise WrongLists(
                _("List %(other)s is list %(number)s again. Each holder has a different list.")
                % {"number": number, "other": other_number}
            )
    try:
        found = {combine_mnemonics([s.mnemonic() for s in p]) for p in itertools.combinations(shares, 2)}
    except MnemonicError:
        found = set()
    whole = found.pop() if len(found) == 1 else b""
    if not whole or len(whole) % KEY_BYTES:
        raise WrongLists(_("The lists do not fit together, though each is whole. Ask another holder."))
    return [whole[at : at + KEY_BYTES] for at in range(0, len(whole), KEY_BYTES)]


def _share(number: int, text: str) -> Share:
    """The share in the word list `number`. Raises WrongLists; no message repeats a word."""
    words = [word.strip(".,;:)") for word in text.lower().split()]
    words = [word for word in words if word and not word.isdecimal()]
    whole = [_BY_START.get(word[:4], "") for word in words]
    for place, (typed, word) in enumerate(zip(words, whole, strict=True), 1):
        if not word or not (typed == word or typed == word[:4]):
            raise WrongLists(
                _("List %(number)s: word %(place)s is not one of the words. Check its spelling.")
                % {"number": number, "place": place}
            )
    if len(whole) < _SHORTEST:
        raise WrongLists(
            _("List %(number)s has %(count)s words; at least %(needed)s are needed. Look for the rest.")
            % {"number": number, "count": len(whole), "needed": _SHORTEST}
        )
    try:
        share: Share = Share.from_mnemonic(" ".join(whole))
    except MnemonicError:
        raise WrongLists(
            _(
                "List %(number)s has a mistake: a word is wrong, missing, doubled or in the wrong place. "
                "Compare it with the paper, word by word."
            )
            % {"number": number}
        ) from None
    if (share.group_threshold, share.group_count, share.member_threshold) != (1, 1, NEEDED_LISTS):
        raise WrongLists(
            _("List %(number)s is not from this desk: it was made by another kind of split.")
            % {"number": number}
        )
    return share


def _require_one_split(shares: Sequence[Share]) -> None:
    """Every list is from the same split; with three, the odd one out is named."""
    marks = [(share.common_parameters(), len(share.value)) for share in shares]
    if len(set(marks)) == 1:
        return
    odd = [number for number, mark in enumerate(marks, 1) if marks.count(mark) == 1]
    if len(odd) == 1:
        raise WrongLists(
            _("List %(number)s is from another split than the others. Leave it out, or find the right one.")
            % {"number": odd[0]}
        )
    raise WrongLists(
        _("Lists %(numbers)s are from different splits. Use lists that were printed on the same day.")
        % {"numbers": ", ".join(map(str, odd))}
    )


def key_ids(secrets: Sequence[bytes]) -> list[str]:
    """The ids of keys, to compare with `vault status` without showing a key."""
    return [Key(secret).id.hex() for secret in secrets]


# -- age


def export(ring: Keyring, recipients: Sequence[str]) -> tuple[str, list[str]]:
    """The key files of `ring` as one armoured age file for `recipients`, and the names of the files in it.

    A recipient is an age public key ("age1...") or an SSH public key; each of them alone opens the file. Keys
    from a provider have no file and are left out. Raises WrongRecipient, or KeyProblem if a file is damaged.
    """
    keys = [recipient(number, text) for number, text in enumerate(recipients, 1)]
    if not keys:
        raise WrongRecipient(
            _("Name at least one age recipient (age1...): without one, nobody could open it.")
        )
    packed, names = io.BytesIO(), []
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in NAMES:
            path = ring.path(name)
            if path is None:
                continue
            content = encode(read_secrets(path)).encode()
            entry = tarfile.TarInfo(f"{name}.key")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
            names.append(entry.name)
    if not names:
        raise KeyProblem("This process holds no key file. Run this on the desk.")
    return pyrage.encrypt(packed.getvalue(), keys, armored=True).decode(), names


def recipient(number: int, text: str) -> object:
    """The public key in `text`. Raises WrongRecipient without repeating the text: it may be a private key."""
    text = text.strip()
    if text.upper().startswith("AGE-SECRET-KEY-") or "PRIVATE KEY" in text.upper():
        raise WrongRecipient(
            _(
                "Recipient %(number)s is a private key. It may now stand in the history of this shell: throw "
                "it away, make a new one (age-keygen), and give its public half (age1...)."
            )
            % {"number": number}
        )
    kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        return kind.from_str(text)
    except pyrage.RecipientError:
        raise WrongRecipient(
            _("Recipient %(number)s is not an age public key (age1...) or an SSH one. Copy it again, whole.")
            % {"number": number}
        ) from None
