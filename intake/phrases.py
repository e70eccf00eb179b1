"""The return phrase: seven words that only the person keeps, and the keys that come of them.

Seven of 2,048 words drawn by chance are 77 bits (of the 2,047 whole Russian ones a hair less): too many to
guess, so nobody has to be locked out by address. The lists are those of the package `mnemonic`, English and
Russian; in both the first four letters tell a word.
"""

import re
import secrets
import unicodedata
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from mnemonic import Mnemonic

WORDS: Final = 7
_LISTS: Final = {"en": "english", "ru": "russian"}
_TELLING_LETTERS: Final = 4
# Seven of the longest words; more is not a phrase with typing errors but something else.
LONGEST: Final = 400


class NotAPhrase(ValueError):
    """What was typed cannot be a phrase. The text says where, without repeating it."""


@lru_cache
def words(language: str) -> tuple[str, ...]:
    """The words of a language, in lower case; English for a language that has no list."""
    wordlist = Mnemonic(_LISTS.get(language, _LISTS["en"])).wordlist
    # One Russian word of the package is damaged (two letters are U+FFFD): nobody could type it.
    return tuple(word for raw in wordlist if (word := unicodedata.normalize("NFC", raw)).isalpha())


def new(language: str) -> str:
    """A fresh phrase in words of `language`."""
    return " ".join(secrets.choice(words(language)) for _word in range(WORDS))


def parse_phrase(typed: str) -> str:
    """The phrase that was meant by `typed`, as `new` gave it. Raises NotAPhrase.

    Case, ё or е, numbers, commas, line breaks and blanks do not matter, and of each word the first four
    letters are enough. That it is a phrase does not mean that anybody has it.
    """
    if len(typed) > LONGEST:
        raise NotAPhrase(_("This is longer than a phrase. A phrase has %(words)s words.") % {"words": WORDS})
    text = unicodedata.normalize("NFKC", typed).casefold().replace("ё", "е")
    parts = re.findall(r"[^\W\d_]+", text)
    if len(parts) != WORDS:
        raise NotAPhrase(
            ngettext(
                "A phrase has %(words)s words; %(count)s was read. Write them all, in their order.",
                "A phrase has %(words)s words; %(count)s were read. Write them all, in their order.",
                len(parts),
            )
            % {"words": WORDS, "count": len(parts)}
        )
    for language in _LISTS:
        if all(part[:_TELLING_LETTERS] in _telling(language) for part in parts):
            return " ".join(_telling(language)[part[:_TELLING_LETTERS]] for part in parts)
    raise NotAPhrase(_unknown(parts))


@lru_cache
def _telling(language: str) -> dict[str, str]:
    """Each word by its first four letters."""
    return {word[:_TELLING_LETTERS].replace("ё", "е"): word for word in words(language)}


def _unknown(parts: list[str]) -> str:
    """Which words are in no list; all of them are in the one that most of the others are in."""
    telling = max(
        (_telling(language) for language in _LISTS),
        key=lambda known: sum(part[:_TELLING_LETTERS] in known for part in parts),
    )
    strange = [
        str(number) for number, part in enumerate(parts, start=1) if part[:_TELLING_LETTERS] not in telling
    ]
    return ngettext(
        "Word number %(numbers)s is not one of ours. Compare it with what you kept.",
        "Words number %(numbers)s are not ours. Compare them with what you kept.",
        len(strange),
    ) % {"numbers": ", ".join(strange)}
