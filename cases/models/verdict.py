"""What a coordinator decided about two cases that look like one person: they are not. Nothing is merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.history import of_case, value_or_none
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from vault.fields import KeyedTokenField, SealedJSONField
from vault.models import SealedModel


def pair_of(one: UUID, other: UUID) -> str:
    """The name of a pair of cases, whichever comes first."""
    return " ".join(sorted((str(one), str(other))))


class NotSamePerson(SealedModel):
    """A pair that was judged, with its reason under the key of the case the coordinator answers for.

    Which case is the other one is sealed too; a dump tells only that something was judged about this one.
    """

    sealed_under = "case"
    sealed_label = "cases.not_same_person"

    case = of_case("judged_pairs")
    record = SealedJSONField(_("judgement"), editable=False)
    pair = KeyedTokenField("record", names=("pair",), key="index", unique=True)

    class Meta:
        verbose_name = _("pair of different people")
        verbose_name_plural = _("pairs of different people")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def judge(cls, case: Case, other_id: UUID, *, by: User, reason: str) -> NotSamePerson:
        """Say that `case` and case `other_id` are different people. Raises trail.Refused, ValidationError."""
        require_coordinator(case, by)
        if not reason.strip():
            raise ValidationError(_("Say how you know that they are two people: others rely on it."))
        pair = pair_of(case.pk, other_id)
        row = cls.for_pairs([pair], withdrawn=True).get(pair)
        if row is not None and not row.is_withdrawn:
            raise ValidationError(_("Somebody judged this pair already. Load the page again."))
        said = {
            "pair": pair,
            "reason": reason.strip(),
            "by": str(by.pk),
            "at": timezone.now().isoformat(timespec="seconds"),
        }
        row = row or cls(case=case)
        row.record = said
        try:
            with transaction.atomic():
                row.save()
                trail.append(
                    by, trail.Verb.DUPLICATE_DISMISSED, case_id=case.pk, about=other_id, reason=reason.strip()
                )
        except IntegrityError:
            raise ValidationError(_("Somebody judged this pair already. Load the page again.")) from None
        return row

    def withdraw(self, case: Case, other_id: UUID, *, by: User) -> None:
        """Take it back: the pair is shown again. Raises trail.Refused."""
        require_coordinator(case, by)
        self.record = {**self.record, "withdrawn_by": str(by.pk)}
        with transaction.atomic():
            self.save(update_fields=["record"])
            trail.append(by, trail.Verb.DUPLICATE_RESTORED, case_id=case.pk, about=other_id)

    @classmethod
    def token_of(cls, pair: str) -> str:
        """What stands for a pair in forms and in the database."""
        field: Any = cls._meta.get_field("pair")
        return str(field.token({"pair": pair}))

    @property
    def readable_record(self) -> dict[str, Any]:
        """The record, or an empty one where it does not open."""
        return value_or_none(self, "record") or {}

    @property
    def is_withdrawn(self) -> bool:
        """Whether somebody took it back, or it does not open: then the pair is shown rather than hidden."""
        return not self.readable_record or "withdrawn_by" in self.readable_record

    @classmethod
    def for_pairs(cls, pairs: Iterable[str], *, withdrawn: bool = False) -> dict[str, NotSamePerson]:
        """The judgements of these pairs, by pair; those taken back only if asked for."""
        field: Any = cls._meta.get_field("pair")
        tokens = {token: pair for pair in pairs for token in field.possible({"pair": pair})}
        found: dict[str, NotSamePerson] = {}
        names = sorted(tokens)
        for start in range(0, len(names), 500):
            for row in cls.objects.filter(pair__in=names[start : start + 500]).with_keys():
                if withdrawn or not row.is_withdrawn:
                    found[tokens[row.pair]] = row
        return found


def require_coordinator(case: Case, user: User) -> None:
    """Raise trail.Refused unless `user` learns of duplicates and answers for `case`."""
    if not (may(user, Permission.SEE_DUPLICATES) and Case.objects.held_by(user).filter(pk=case.pk).exists()):
        raise trail.Refused(
            gettext("Only a coordinator of the team judges whether two cases are one person."),
            case_id=case.pk,
        )
