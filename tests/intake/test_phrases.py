"""The return phrase: long enough, forgiving to type, and never repeated in an error."""

import contextlib
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake import phrases
from intake.phrases import NotAPhrase, parse_phrase

LANGUAGES = ("en", "ru")
indexes = st.lists(st.integers(0, 2046), min_size=phrases.WORDS, max_size=phrases.WORDS)


def phrase_of(language, numbers):
    return " ".join(phrases.words(language)[number] for number in numbers)


def test_a_phrase_cannot_be_guessed():
    """At least 64 bits; seven words of about 2,048. Sabotage: `WORDS = 5`."""
    for language in LANGUAGES:
        assert phrases.WORDS * math.log2(len(set(phrases.words(language)))) > 76.9
        assert len(phrases.new(language).split()) == phrases.WORDS


def test_every_word_can_be_typed_and_told_by_four_letters():
    """One Russian word of the package holds two U+FFFD. Sabotage: drop `isalpha` from `words`."""
    for language in LANGUAGES:
        known = phrases.words(language)
        assert all(word.isalpha() and word == word.casefold() for word in known)
        assert len({word[:4].replace("ё", "е") for word in known}) == len(known) >= 2047


def test_no_two_phrases_are_alike():
    assert len({phrases.new("ru") for _ in range(200)}) == 200


@given(
    st.sampled_from(LANGUAGES),
    indexes,
    st.randoms(),
    st.sampled_from([" ", "  ", ", ", "\n", " - ", ".", "\t"]),
)
def test_however_it_is_typed_it_is_the_same_phrase(language, numbers, chance, between):
    """Case, numbers, blanks, decomposed letters, shortened and misspelt ends. Sabotage: `part in words`."""
    phrase = phrase_of(language, numbers)
    typed = []
    for number, word in enumerate(phrase.split(), start=1):
        ways = [
            word,
            word.upper(),
            word.capitalize(),
            unicodedata.normalize("NFD", word),
            f"{number}. {word}",
        ]
        if len(word) > 4:
            ways += [word[:4], word[:-1] + word[-1] * 2]
        typed.append(chance.choice(ways))
    assert parse_phrase(between.join(typed)) == phrase


@given(st.lists(st.text(alphabet="qxzйщъ", min_size=5, max_size=12), max_size=12))
def test_anything_else_is_refused_and_not_repeated(strange):
    """An error may be seen by others. Sabotage: put the words into the message."""
    with pytest.raises(NotAPhrase) as refused:
        parse_phrase(" ".join(strange))
    assert not any(word in str(refused.value) for word in strange)


@given(st.text(max_size=600))
def test_whatever_is_typed_is_a_phrase_or_a_clear_refusal(typed):
    with contextlib.suppress(NotAPhrase):
        parse_phrase(typed)


@pytest.mark.parametrize(("place", "said"), [(2, "Word number 3 is"), (0, "Word number 1 is")])
def test_it_says_which_word_is_strange(place, said):
    words = phrases.new("en").split()
    words[place] = "zzzz"
    with pytest.raises(NotAPhrase, match=said):
        parse_phrase(" ".join(words))


def test_it_counts_the_words():
    with pytest.raises(NotAPhrase, match="6 were read"):
        parse_phrase("one two three four five six")


def test_two_languages_are_no_phrase():
    mixed = phrases.new("en").split()[:4] + phrases.new("ru").split()[:3]
    with pytest.raises(NotAPhrase, match="Words number 5, 6, 7"):
        parse_phrase(" ".join(mixed))


def test_the_keys_are_those_of_the_words_however_typed():
    from vault import dropbox

    phrase = phrases.new("ru")
    short = " ".join(word[:4].upper() for word in phrase.split())
    assert dropbox.phrase_keys(parse_phrase(short))[0] == dropbox.phrase_keys(phrase)[0]
