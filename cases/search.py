"""Find a case by what somebody knows of a person: a surname, a phone, an account, a document, a code name.

Keyed tokens choose candidates among the cases that the searcher may see, in SQL: a match elsewhere is never
read, so that it changes neither the answer nor the work behind it. Candidates are opened and compared: unlike
names share tokens. Given names have no index; they are compared once a surname has matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models import Case, ChannelOwner, ContactChannel, Identity, IdentityDocument, NameWord
from cases.models.code_name_words import LOOKS, THINGS
from cases.models.history import value_or_none
from cases.models.name_word import SURNAMES
from staff import trail
from staff.models import User
from vault.normalise import name_readings

SHOWN = 20
# The most rows of one index that are opened for one search; a surname of more cases needs another word.
CANDIDATES = 400
MOST_WORDS = 8
SHORTEST_CODE_WORD = 2
SURNAME, OTHER_NAME, GIVEN_NAME = _("surname"), _("other name"), _("given name")
GIVEN_NAMES = ("given_name", "given_name_latin", "patronymic")

# How well a kind of match tells one person from another; only the order counts.
CODE_NAME, DOCUMENT, PHONE, ACCOUNT, WHOLE_NAME = 100, 95, 90, 85, 80
PART_OF_CODE_NAME, ONE_WORD = 50, 20
FOR_A_WORD, FOR_A_GIVEN_NAME, MOST_FOR_A_PART = 10, 15, 75
MOST_WORDS_THAT_COUNT = 3  # a longer name that fits is better, but no better than an account

PHONE_OF = {
    ChannelOwner.PERSON: _("phone of the person"),
    ChannelOwner.RELATIVE: _("phone of a relative"),
    ChannelOwner.FRIEND: _("phone of a friend"),
    ChannelOwner.LAWYER: _("phone of the lawyer"),
    ChannelOwner.OTHER: _("phone of somebody else"),
}
ACCOUNT_OF = {
    ChannelOwner.PERSON: _("account or address of the person"),
    ChannelOwner.RELATIVE: _("account or address of a relative"),
    ChannelOwner.FRIEND: _("account or address of a friend"),
    ChannelOwner.LAWYER: _("account or address of the lawyer"),
    ChannelOwner.OTHER: _("account or address of somebody else"),
}


@dataclass
class Hit:
    """A case that matches; `reasons` say by what, never with the stored value."""

    score: int = 0
    reasons: list[Any] = field(default_factory=list)
    case: Case | None = None

    def add(self, score: int, reason: Any) -> None:
        """One more way in which it matches; the best one gives its place."""
        self.score = max(self.score, score)
        if reason not in self.reasons:
            self.reasons.append(reason)


@dataclass(frozen=True)
class SearchResults:
    """What a search found: the best `hits`, how many cases matched in all, and whether that count is cut."""

    hits: list[Hit]
    total: int
    cut: bool

    @property
    def hidden(self) -> int:
        """How many matching cases are not shown."""
        return self.total - len(self.hits)


class _Search:
    """One search while it runs: what is looked for, among which cases, and what was met."""

    def __init__(self, visible: Any, text: str) -> None:
        self.visible, self.text = visible, " ".join(text.split())
        self.words = name_readings(text)[:MOST_WORDS]
        self.hits: dict[UUID, Hit] = {}
        self.cut = False

    def add_hit(self, case_id: UUID, score: int, reason: Any) -> None:
        self.hits.setdefault(case_id, Hit()).add(score, reason)

    def rows(self, rows: Any, **tokens: Any) -> list[Any]:
        """Candidates with these tokens among the visible cases, each with its key; none for no token."""
        if not any(tokens.values()):
            return []
        found = list(rows.filter(case__in=self.visible, **tokens).with_keys()[: CANDIDATES + 1])
        self.cut |= len(found) > CANDIDATES
        return found[:CANDIDATES]

    def by_code_name(self) -> None:
        """By words of a code name, or their beginnings: "quiet her" is "Quiet heron 27".

        Databases log parameters: only our own list's words are asked for, never what was typed.
        """
        typed = self.text.replace("-", " ").casefold().split()
        meant = [_code_words(word) for word in typed]
        strange = [word for word, ours in zip(typed, meant, strict=True) if not ours and not word.isdecimal()]
        if strange or not any(meant):
            return
        rows = self.visible
        for ours in filter(None, meant):
            rows = rows.filter(reduce(or_, (Q(code_name__icontains=word) for word in ours)))
        found = list(rows.values_list("pk", "code_name")[: CANDIDATES + 1])
        self.cut |= len(found) > CANDIDATES
        for pk, code_name in found[:CANDIDATES]:
            parts = code_name.casefold().split()
            if all(any(part.startswith(word) for part in parts) for word in typed):
                self.add_hit(pk, CODE_NAME if parts == typed else PART_OF_CODE_NAME, _("code name"))

    def by_index(self, rows: Any, index: str, score: int, reason: Any) -> None:
        """By a blind index of a facet; `reason` is words, or words by whose contact it is."""
        column = rows.model._meta.get_field(index)
        for row in self.rows(rows, **{index: column.token(self.text)}):
            if column.matches(row, self.text):
                self.add_hit(row.case_id, score, _of(reason, row))

    def by_name(self) -> None:
        """By the words of surnames and other names; those of files that match are then compared in full."""
        column: Any = NameWord._meta.get_field("token")
        wanted = {key for word in self.words for key in word}
        rows = self.rows(NameWord.objects.all(), token__in=[column.token(key) for key in sorted(wanted)])
        met = {row.case_id for row in rows if value_or_none(row, "word") in wanted}
        for identity in Identity.objects.filter(case__in=met).with_keys():
            score, reasons = compare(self.words, identity)
            # Where a damaged name does not open, the word that stands beside it still tells.
            for reason in reasons or [SURNAME]:
                self.add_hit(identity.case_id, score or ONE_WORD, reason)


def _code_words(typed: str) -> list[str]:
    """The words of code names that `typed` may begin."""
    if len(typed) < SHORTEST_CODE_WORD:
        return []
    return [word for word in (*LOOKS, *THINGS) if word.startswith(typed)]


def _of(reason: Any, row: Any) -> Any:
    return reason.get(row.owner, "") if isinstance(reason, dict) else reason


def compare(words: Sequence[tuple[str, ...]], identity: Identity) -> tuple[int, list[Any]]:
    """How well the searched `words` (readings of each) fit an opened identity, and by what.

    Every word must fit for a whole name; a surname alone is whole. A given name alone fits nothing.
    """
    surnames, others, given = (_keys(identity, names) for names in (SURNAMES, ("aliases",), GIVEN_NAMES))
    by_surname, by_other, by_given = (_fitting(words, keys) for keys in (surnames, others, given))
    fitting = _fitting(words, surnames | others | given)
    if not by_surname and not by_other:
        return 0, []
    reasons = [
        reason
        for reason, count in ((SURNAME, by_surname), (OTHER_NAME, by_other), (GIVEN_NAME, by_given))
        if count
    ]
    if fitting == len(words):
        return WHOLE_NAME + min(fitting, MOST_WORDS_THAT_COUNT) + bool(by_surname), reasons
    part = ONE_WORD + FOR_A_WORD * max(by_surname, by_other) + FOR_A_GIVEN_NAME * by_given
    return min(part, MOST_FOR_A_PART), reasons


def _fitting(words: Sequence[tuple[str, ...]], keys: set[str]) -> int:
    return sum(bool(keys.intersection(word)) for word in words)


def _keys(identity: Identity, names: Iterable[str]) -> set[str]:
    texts = [value_or_none(identity, name) or "" for name in names]
    return {key for text in texts for word in name_readings(text) for key in word}


def cases(text: str, *, by: User, today: date) -> SearchResults:
    """Cases that `by` may see on `today` and that match `text`, best first. Writes the search on the trail.

    The text lies sealed under the house's key there, also where nothing was found.
    """
    trail.append(by, trail.Verb.CASES_SEARCHED, query=text)
    search = _Search(Case.objects.visible_to(by, today=today), text)
    search.by_code_name()
    search.by_index(IdentityDocument.objects.all(), "number_index", DOCUMENT, _("document number"))
    search.by_index(ContactChannel.objects.all(), "phone_index", PHONE, PHONE_OF)
    search.by_index(ContactChannel.objects.all(), "handle_index", ACCOUNT, ACCOUNT_OF)
    search.by_name()
    return _rank(search)


def _rank(search: _Search) -> SearchResults:
    """The best hits with their cases, by score and then by code name."""
    best = sorted(search.hits, key=lambda pk: -search.hits[pk].score)[:CANDIDATES]
    names = dict(search.visible.filter(pk__in=best).values_list("pk", "code_name"))
    best = sorted(names, key=lambda pk: (-search.hits[pk].score, names[pk]))[:SHOWN]
    rows = search.visible.filter(pk__in=best).select_related("caseworker", "team")
    for case in rows.defer("summary", "closed_on", "closing_reason"):
        search.hits[case.pk].case = case
    hits = [hit for pk in best if (hit := search.hits[pk]).case is not None]
    return SearchResults(hits, len(search.hits), search.cut)
