"""Cases that may be one person: they share a phone, an account, a document, or a surname and more.

For coordinators only. Each pair has a case that the reader answers for; of a case of another team its code
name, its team and whom to ask are shown and nothing else, not even why. Keyed tokens propose, opened values
decide. Nothing is merged. While the index key is being changed, a value under either key may miss the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, combinations
from typing import Any
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from cases.models import (
    Case,
    ChannelOwner,
    ContactChannel,
    Identity,
    IdentityDocument,
    NameWord,
    NotSamePerson,
)
from cases.models.history import value_or_none
from cases.models.verdict import pair_of
from staff.models import User
from staff.roles import Permission, Role, may
from vault.normalise import name_readings

# A value that more cases share is a shelter's phone or a slip, not one person.
CROWD = 12
# SQLite and Postgres take many more parameters; beyond this, reading the whole column is as quick.
FEW = 500

Groups = dict[Hashable, set[UUID]]


class Likeness(TextChoices):
    """By what two cases may be one person, the weakest first."""

    GIVEN_NAME = "given_name", _("the same surname and given name")
    BIRTH_DATE = "birth_date", _("the same surname and date of birth")
    ACCOUNT = "account", _("the same account or address")
    PHONE = "phone", _("the same phone")
    DOCUMENT = "document", _("the same document number")


STRENGTH = {reason: place for place, reason in enumerate(Likeness)}


@dataclass
class Pair:
    """Two cases. `other` may be of another team: then `foreign` holds and `reasons` is empty."""

    mine: Case
    other: Case
    foreign: bool
    reasons: list[Likeness]
    coordinators: list[str] = field(default_factory=list)
    judged: NotSamePerson | None = None
    judge: str = ""

    @property
    def key(self) -> str:
        """What forms call the pair: its token, because the id of a foreign case is nobody's."""
        return NotSamePerson.token_of(pair_of(self.mine.pk, self.other.pk))

    @property
    def reason_shown(self) -> bool:
        """Whether the reader may read why it was judged: it lies in a file that they answer for."""
        return self.judged is not None and (not self.foreign or self.judged.case_id == self.mine.pk)


@dataclass
class PossibleDuplicates:
    """All pairs, the likeliest first, and how many values are shared by a crowd of cases."""

    pairs: list[Pair]
    crowds: int = 0

    @property
    def open(self) -> list[Pair]:
        """Those that nobody judged."""
        return [pair for pair in self.pairs if pair.judged is None]

    @property
    def judged(self) -> list[Pair]:
        """Those that are known to be two people."""
        return [pair for pair in self.pairs if pair.judged is not None]


def of(user: User, *, today: date, case: Case | None = None) -> PossibleDuplicates:
    """The pairs that `user` may learn of, of all cases they answer for on `today`, or of one of these.

    Nothing is read for whoever is no coordinator.
    """
    if not may(user, Permission.SEE_DUPLICATES):
        return PossibleDuplicates([])
    held = Case.objects.held_by(user, today=today)
    mine = (held.filter(pk=case.pk) if case else held).pks()
    if not mine:
        return PossibleDuplicates([])
    alike: dict[tuple[UUID, UUID], set[Likeness]] = defaultdict(set)
    crowds = 0
    for reason, groups in chain(_same_values(mine), _same_people(mine)):
        for cases in groups.values():
            if len(cases) > CROWD:
                crowds += 1
                continue
            for pair in _pairs(cases, mine):
                alike[pair].add(reason)
    return PossibleDuplicates(_pairs_of(alike, held, mine), crowds)


def _pairs(cases: Iterable[UUID], mine: set[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Each two of `cases` of which one is mine, that one first."""
    for one, other in combinations(sorted(cases), 2):
        if one in mine:
            yield one, other
        elif other in mine:
            yield other, one


def _candidates(rows: Any, index: str, mine: set[UUID]) -> list[UUID]:
    """The rows whose token a case of `mine` and another case share."""
    filled = rows.exclude(**{f"{index}__isnull": True})
    wanted = None
    if len(mine) <= FEW:
        wanted = set(filled.filter(case__in=mine).values_list(index, flat=True))
        if not wanted:
            return []
        if len(wanted) <= FEW:
            filled = filled.filter(**{f"{index}__in": sorted(wanted)})
    found: dict[int, list[tuple[UUID, UUID]]] = defaultdict(list)
    for pk, case_id, token in filled.values_list("pk", "case_id", index):
        found[token].append((pk, case_id))
    shared = []
    for group in found.values():
        cases = {case_id for _pk, case_id in group}
        if len(cases) > 1 and not cases.isdisjoint(mine):
            shared += [pk for pk, _case_id in group]
    return shared


def _group_by(rows: Any, pks: list[UUID], key: Callable[[Any], Hashable]) -> Groups:
    """The cases of these rows by what `key` reads from each opened row; "" and None belong to no group."""
    groups: Groups = defaultdict(set)
    for start in range(0, len(pks), 5000):
        for row in rows.filter(pk__in=pks[start : start + 5000]).with_keys():
            value = key(row)
            if value:
                groups[value].add(row.case_id)
    return {value: cases for value, cases in groups.items() if len(cases) > 1}


def _same_values(mine: set[UUID]) -> Iterator[tuple[Likeness, Groups]]:
    """Cases that share a phone, an account or a document. A lawyer's phone stands in many files by right."""
    contacts = ContactChannel.objects.exclude(owner=ChannelOwner.LAWYER)
    for rows, index, reason in (
        (contacts, "phone_index", Likeness.PHONE),
        (contacts, "handle_index", Likeness.ACCOUNT),
        (IdentityDocument.objects.all(), "number_index", Likeness.DOCUMENT),
    ):
        column: Any = rows.model._meta.get_field(index)

        def value(row: Any, column: Any = column) -> str:
            return str(column.normal_form(value_or_none(row, column.source)))

        yield reason, _group_by(rows, _candidates(rows, index, mine), value)


def _same_people(mine: set[UUID]) -> Iterator[tuple[Likeness, Groups]]:
    """Cases that share a word of a surname or another name, and besides it a given name or the birth date.

    Sorted into heaps rather than compared two by two: a common surname has thousands of pairs.
    """
    words = NameWord.objects.all()
    groups = _group_by(words, _candidates(words, "token", mine), lambda row: value_or_none(row, "word"))
    groups = {word: cases for word, cases in groups.items() if not cases.isdisjoint(mine)}
    people = _people({case_id for cases in groups.values() for case_id in cases})
    named: Groups = defaultdict(set)
    born: Groups = defaultdict(set)
    for word, cases in groups.items():
        for case_id in cases:
            given, born_on = people.get(case_id, (set(), None))
            for key in given:
                named[word, key].add(case_id)
            if born_on is not None:
                born[word, born_on].add(case_id)
    for reason, heaps in ((Likeness.GIVEN_NAME, named), (Likeness.BIRTH_DATE, born)):
        yield reason, {what: cases for what, cases in heaps.items() if not cases.isdisjoint(mine)}


def _people(case_ids: set[UUID]) -> dict[UUID, tuple[set[str], date | None]]:
    found = {}
    ids = sorted(case_ids)
    for start in range(0, len(ids), 5000):
        for identity in Identity.objects.filter(case__in=ids[start : start + 5000]).with_keys():
            texts = [value_or_none(identity, name) or "" for name in ("given_name", "given_name_latin")]
            keys = {key for text in texts for word in name_readings(text) for key in word}
            found[identity.case_id] = keys, value_or_none(identity, "born_on")
    return found


def _pairs_of(alike: dict[tuple[UUID, UUID], set[Likeness]], held: Any, mine: set[UUID]) -> list[Pair]:
    """The pairs with their cases, coordinators and judgements, the likeliest first."""
    wanted = {pk for pair in alike for pk in pair}
    rows = Case.objects.filter(pk__in=wanted).select_related("team", "caseworker")
    cases = {case.pk: case for case in rows.defer("summary", "closed_on", "closing_reason")}
    ours = mine | set(held.filter(pk__in=wanted).values_list("pk", flat=True))
    judged = NotSamePerson.for_pairs(pair_of(*pair) for pair in alike)
    asked: dict[UUID, list[str]] = defaultdict(list)
    teams = {cases[pk].team_id for pk in wanted if pk in cases and pk not in ours}
    for name, team in (
        User.objects.filter(team__in=teams, role=Role.COORDINATOR, is_active=True)
        .order_by("username")
        .values_list("username", "team")
    ):
        asked[team].append(name)
    pairs = []
    for (one, other), reasons in alike.items():
        foreign = other not in ours
        shown = [] if foreign else sorted(reasons, key=lambda reason: -STRENGTH[reason])
        pair = Pair(cases[one], cases[other], foreign, shown, asked[cases[other].team_id] if foreign else [])
        pair.judged = judged.get(pair_of(one, other))
        pairs.append((-max(STRENGTH[reason] for reason in reasons), pair))
    pairs.sort(key=lambda row: (row[0] if not row[1].foreign else 0, str(row[1].mine), str(row[1].other)))
    return [pair for _strength, pair in pairs]
