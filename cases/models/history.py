"""What a file said before: every facet keeps its own past, whichever door it was changed through."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff.append_only import KeptForGood
from vault.bound import SEAL
from vault.cipher import CannotOpen
from vault.fields import SealedJSONField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from staff.models import User

M = TypeVar("M", bound="models.Model")


class _Unsaid:
    """Default of `by`: nobody said who acts, which is an error; None says that the house itself acts."""

    def __repr__(self) -> str:
        return "UNSAID"


UNSAID = _Unsaid()


def require_actor(by: User | None | _Unsaid) -> User | None:
    """`by`, once somebody said it. Raises TypeError otherwise."""
    if isinstance(by, _Unsaid):
        raise TypeError("Say who changes this: by=user, or by=None for the house's own work.")
    return by


class KeptQuerySet(SealedQuerySet[M]):
    """Rows of a case file: written one by one with their history, never deleted."""

    def create(self, *, by: User | None | _Unsaid = UNSAID, **facts: Any) -> M:
        """A new row, with who wrote it. Raises ValidationError where the record refuses the facts."""
        row = self.model(**facts)
        self._for_write = True
        row.save(by=by, force_insert=True, using=self.db)
        return row

    def bulk_create(
        self, objs: Iterable[M], *args: Any, by: User | None | _Unsaid = UNSAID, **kw: Any
    ) -> list[M]:
        """As Django's, with a history row for each; the caller answers for what clean() would refuse."""
        actor = require_actor(by)
        with transaction.atomic(using=self.db, savepoint=False):
            rows = super().bulk_create(objs, *args, **kw)
            past = [FactHistory.of(row, {}, actor, added=True) for row in rows]
            FactHistory.objects.using(self.db).bulk_create(past)
        return rows

    def update(self, **kwargs: Any) -> int:
        """Refused: it would leave no history."""
        raise KeptForGood("update() leaves no history. Change the rows and save(by=user) each of them.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused: the only end of a file is erasure."""
        raise KeptForGood("Nothing in a case file is deleted. Close the case; erasure is the only end.")


KeptManager = models.Manager.from_queryset(KeptQuerySet)


class KeepsHistory(models.Model):
    """Writes one FactHistory row for every save that changed something, and saves only what changed.

    save() needs `by`: the user who acts, or None for the house's own work (a rule recomputed, an import).
    clean() holds the rules of the row; save() runs it, so that every door keeps them.
    """

    not_in_history: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Any:
        row = super().from_db(db, field_names, values)
        row._remember()
        return row

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """As Django's; what was read becomes what history compares with."""
        seen = self.__dict__.get("_readable_seen", {})
        super().refresh_from_db(using, fields, from_queryset)
        self._remember()
        if fields is not None:
            self.__dict__["_readable_seen"] |= {name: old for name, old in seen.items() if name not in fields}

    def save(self, *, by: User | None | _Unsaid = UNSAID, **options: Any) -> None:
        """Store what changed, with its history and the case's next version. Raises ValidationError."""
        actor = require_actor(by)
        adding = self._state.adding
        before = {} if adding else self.changes()
        if not adding and not before:
            return
        self.about_to_save(actor, before)
        self.clean()
        if not adding:
            before = self.changes()
            options["update_fields"] = set(before) & set(options.get("update_fields") or before)
        with transaction.atomic(using=options.get("using")):
            super().save(**options)
            FactHistory.of(self, before, actor, added=adding).save(using=self._state.db)
            if not adding or self.case_of().pk != self.pk:
                self.case_of().next_version()
        self._remember()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: the only end of a file is erasure."""
        raise KeptForGood("Nothing in a case file is deleted. Close the case; erasure is the only end.")

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """What a row fills in by itself from who acts and what changed; called by save() only."""

    def has_value(self, name: str) -> bool:
        """Whether something stands in the field, readable or not; opens nothing."""
        return self.__dict__.get(self._meta.get_field(name).attname) not in (None, "")

    def value_or_none(self, name: str) -> Any:
        """The field's value; None where it is empty or does not open."""
        return value_or_none(self, name)

    def case_of(self) -> Any:
        """The case this row belongs to."""
        return self.case  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """Name and previous value of every field that differs from what was read."""
        seen: dict[str, Any] = self.__dict__.get("_readable_seen", {})
        changed = {name: old for name, old in seen.items() if self._readable().get(name) != old}
        return changed | self.previous_values()  # type: ignore[attr-defined]

    def _readable(self) -> dict[str, Any]:
        data = self.__dict__
        return {name: data[attname] for name, attname in self._readable_names() if attname in data}

    @classmethod
    def _readable_names(cls) -> list[tuple[str, str]]:
        names: list[tuple[str, str]] | None = cls.__dict__.get("_readable_columns")
        if names is None:
            names = [
                (field.name, field.attname)
                for field in cls._meta.concrete_fields
                if not field.primary_key
                and not getattr(field, "sealed", False)
                and not getattr(field, "computed_from", ())
                and field.name not in cls.not_in_history
                and field.name not in SEAL
            ]
            cls._readable_columns = names  # type: ignore[attr-defined]
        return names

    def _remember(self) -> None:
        self.__dict__["_readable_seen"] = self._readable()


class Facet(KeepsHistory, SealedModel):
    """One kind of facts in a case file; every subclass has `case = of_case(...)`, whose key seals the row."""

    sealed_under = "case"

    objects = KeptManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        # Stored by Django in titles and headings: never a value.
        return str(self._meta.verbose_name)


def of_case(related_name: str) -> models.ForeignKey[Any, Any]:
    """The foreign key of a facet to its case."""
    return models.ForeignKey(
        "cases.Case",
        on_delete=models.PROTECT,
        related_name=related_name,
        editable=False,
        verbose_name=_("case"),
    )


def value_or_none(row: Any, name: str) -> Any:
    """The value of a sealed field; None where it is empty or does not open."""
    try:
        return getattr(row, name)
    except CannotOpen:
        return None


def plain(value: Any) -> Any:
    """`value` as sealed JSON can hold it: dates and ids as text, everything else as it is."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


class FactHistoryQuerySet(KeptQuerySet["FactHistory"]):
    """The past of cases; it is only added to."""

    def bulk_create(self, objs: Any, *args: Any, **kw: Any) -> list[FactHistory]:
        """As Django's."""
        return SealedQuerySet.bulk_create(self, objs, *args, **kw)

    def of(self, case: Any) -> list[FactHistory]:
        """All of a case's past, newest first, what does not open last. Sorted here: its time is sealed."""
        rows = list(self.filter(case=case).with_keys())
        return sorted(rows, key=lambda row: row.at or "", reverse=True)


class FactHistory(SealedModel):
    """One change of one facet: what, when, by whom and what stood there before, all sealed as one."""

    sealed_under = "case"
    sealed_label = "cases.fact_history"

    case = of_case("history")
    record = SealedJSONField(_("what changed"), editable=False)

    objects = models.Manager.from_queryset(FactHistoryQuerySet)()

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def of(cls, row: Any, before: dict[str, Any], by: User | None, *, added: bool) -> FactHistory:
        """The unsaved history row of a change of `row`; `before` names what it held."""
        record = {
            "facet": row._meta.model_name,
            "row": str(row.pk),
            "at": timezone.now().isoformat(timespec="microseconds"),
            "by": str(by.pk) if by else None,
            "added": added,
            "before": {name: plain(value) for name, value in before.items()},
        }
        if getattr(row, "is_correction", False):
            record["correction"] = True
        return cls(case=row.case_of(), record=record)

    @property
    def readable_record(self) -> dict[str, Any]:
        """The record, or an empty one where it does not open."""
        return value_or_none(self, "record") or {}

    @property
    def at(self) -> str:
        """ISO moment of the change, in UTC; empty where the row does not open."""
        return str(self.readable_record.get("at", ""))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            raise KeptForGood("History is only added to.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: the only end of a file is erasure."""
        raise KeptForGood("History is only added to; erasure is the only end.")


def refusal(field: str, message: Any) -> ValidationError:
    """A refusal that stands beside its field."""
    return ValidationError({field: message}, code="invalid")
