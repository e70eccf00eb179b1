"""The words of a person's surnames and other names, each as a keyed token, so that a misspelt name is found.

One row a word, because "Щербаков" must find "Щербаков-Юрьев". Given names and patronymics have no rows: a few
of them are so common that a dump would show them by their number. THREAT_MODEL.md says what a dump tells.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.models.history import of_case, value_or_none
from vault.cipher import CannotOpen, Erased
from vault.fields import BlindIndex, SealedCharField
from vault.models import SealedModel
from vault.normalise import name_readings
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.identity import Identity

SURNAMES = ("surname", "surname_latin")
INDEXED = (*SURNAMES, "aliases")


class NameWord(SealedModel):
    """One word of an indexed name in its one spelling; the identity of the case says which there must be."""

    sealed_under = "case"
    sealed_label = "cases.name_word"

    case = of_case("name_words")
    word = SealedCharField(_("word"), editable=False)
    token = BlindIndex("word", normalise="vault.normalise.name", bits=14)

    class Meta:
        verbose_name = _("word of a name")
        verbose_name_plural = _("words of names")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def renew(cls, rows: SealedQuerySet[Identity]) -> int:
        """Make the words of these identities those of their names as stored; how many came or went.

        New rows are inserted in random order. Words stay where part of an identity does not open.
        """
        with transaction.atomic():
            identities = list(rows.select_for_update().with_keys())
            stored = cls._stored_words(identities)
            new: list[NameWord] = []
            gone: list[UUID] = []
            for identity in identities:
                words, complete = words_of(identity)
                kept = set()
                for row in stored.get(identity.case_id, ()):
                    word = value_or_none(row, "word")
                    if complete and (word not in words or word in kept):
                        gone.append(row.pk)
                    kept.add(word)
                new += [cls(case_id=identity.case_id, word=word) for word in words - kept]
            cls.objects.filter(pk__in=gone).delete()
            secrets.SystemRandom().shuffle(new)
            cls.objects.bulk_create(new)
        return len(new) + len(gone)

    @classmethod
    def missing(cls, identities: Sequence[Identity]) -> Iterator[tuple[Identity, str]]:
        """Each identity whose words are not those that are stored, with what is wrong; for `vault verify`."""
        stored = cls._stored_words(identities)
        for identity in identities:
            words, complete = words_of(identity)
            there = [value_or_none(row, "word") for row in stored.get(identity.case_id, ())]
            if complete and sorted(words) != sorted(filter(None, there)):
                yield identity, "the words of its names are not indexed as they stand. Run: vault reindex"

    @classmethod
    def _stored_words(cls, identities: Sequence[Identity]) -> dict[UUID, list[NameWord]]:
        found: dict[UUID, list[NameWord]] = {}
        for row in cls.objects.filter(case__in=[each.case_id for each in identities]).with_keys():
            found.setdefault(row.case_id, []).append(row)
        return found


def words_of(identity: Any) -> tuple[set[str], bool]:
    """The words to index for an identity, and whether every name in it opens."""
    texts, complete = [], True
    for field in INDEXED:
        try:
            texts.append(getattr(identity, field) or "")
        except Erased:
            return set(), False
        except CannotOpen:
            complete = False
    return index_words(texts), complete


def index_words(texts: Iterable[str]) -> set[str]:
    """One key for each word; all readings of a doubtful word, unless another word says which is meant."""
    readings = [word for text in texts for word in name_readings(text)]
    certain = {keys[0] for keys in readings if len(keys) == 1}
    doubtful = [keys for keys in readings if len(keys) > 1 and not certain & set(keys)]
    return certain | {key for keys in doubtful for key in keys}
