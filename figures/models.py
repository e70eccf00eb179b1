"""Published statistics: a table of a period that is over, once and for good. docs/STATISTICS.md says why."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from figures.disclosure import PublishedTable
from figures.periods import Period, over, parse
from staff import trail
from staff.append_only import KeptForGood
from staff.models import User
from staff.roles import Permission, may


class StatisticsKind(models.TextChoices):
    """What is counted. Each kind has periods of one length, which never overlap."""

    REQUESTS = "requests", pgettext_lazy("statistics", "Requests for help")
    CASES = "cases", pgettext_lazy("statistics", "People whose case we opened")
    APPLICATIONS = "applications", pgettext_lazy("statistics", "How far their applications got")


# Which numbers stand in the tables, and how people and requests are told apart; written beside each of them.
DEFINITION = 1
YEARLY = frozenset({StatisticsKind.APPLICATIONS})
# Whole days after the last one of a period, before it may be published.
HOLD_DAYS = {StatisticsKind.REQUESTS: 30, StatisticsKind.CASES: 30, StatisticsKind.APPLICATIONS: 180}
OFFERED = {False: 8, True: 4}


def is_ready(kind: StatisticsKind, period: Period, today: date) -> bool:
    """Whether the figures of `period` may be published on `today`: the right length, and over long enough."""
    return (not period.quarter) == (kind in YEARLY) and period.ready_on(HOLD_DAYS[kind]) <= today


def publishable_periods(kind: StatisticsKind, today: date) -> list[Period]:
    """Periods of `kind` that may be published on `today` and are not yet, the newest first."""
    yearly = kind in YEARLY
    done = set(Publication.objects.filter(kind=kind).values_list("period", flat=True))
    found = over(today, yearly=yearly, hold_days=HOLD_DAYS[kind], count=OFFERED[yearly])
    return [period for period in found if period.code not in done]


class PublicationQuerySet(models.QuerySet["Publication"]):
    """What was published; it is only added to."""

    def publish(
        self,
        kind: StatisticsKind,
        period: Period,
        tables: Mapping[str, PublishedTable],
        *,
        by: User,
        at: datetime,
        today: date,
    ) -> Publication:
        """Keep `tables` (from `disclosure.publish`) as the figures of `period`, for good.

        Raises trail.Refused, and ValidationError where the period is not over long enough, was published
        before or holds too few: figures that came out twice could be subtracted.
        """
        if not may(by, Permission.SEE_STATISTICS):
            raise trail.Refused(_("Your account may not publish statistics. Ask a coordinator."))
        if not is_ready(kind, period, today):
            raise ValidationError(_("This period is not over long enough. Choose one that is offered."))
        if not tables:
            raise ValidationError(_("There are fewer than five in this period. It is not published."))
        content = {name: _plain(table) for name, table in tables.items()}
        row = self.model(place=f"{kind}:{period.code}", kind=kind, period=period.code, definition=DEFINITION)
        row.content, row.published_at, row.published_by = content, at, by
        try:
            with transaction.atomic():
                row.save(force_insert=True)
                trail.append(by, trail.Verb.STATISTICS_PUBLISHED, about=row.pk, at=at)
        except IntegrityError:
            if not Publication.objects.filter(place=row.place).exists():
                raise
            raise ValidationError(
                _("The figures of this period were published already. They stay as they are.")
            ) from None
        return row  # type: ignore[no-any-return]

    def update(self, **kwargs: Any) -> NoReturn:
        raise KeptForGood("What was published stays as it is.")

    def delete(self) -> NoReturn:
        raise KeptForGood("What was published stays as it is.")


class Publication(models.Model):
    """The tables of one kind and one period as they went out. Nothing in it is below five."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Kind and period in one column: a table that only grows is guarded by single columns.
    place = models.CharField(max_length=30, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=StatisticsKind)
    period = models.CharField(_("period"), max_length=6)
    definition = models.PositiveSmallIntegerField(_("version of the definitions"))
    content = models.JSONField()
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("published by"))

    objects = PublicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("published statistics")
        verbose_name_plural = _("published statistics")
        ordering = ["-period", "kind"]
        constraints = [
            models.CheckConstraint(
                name="published_kind_is_known",
                condition=Q(kind__in=StatisticsKind.values),
                violation_error_message=_("Choose which figures to publish."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            raise KeptForGood("What was published stays as it is.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise KeptForGood("What was published stays as it is.")

    @property
    def when(self) -> Period:
        """The period that it is about."""
        found = parse(self.period)
        if found is None:
            raise ValueError(f"{self.period} is no period.")
        return found

    @property
    def tables(self) -> dict[str, PublishedTable]:
        """The tables, by the property that they show beside the country."""
        return {
            name: PublishedTable(
                tuple(each["rows"]),
                tuple(each["columns"]),
                tuple(tuple(line) for line in each["cells"]),
                tuple(each["row_totals"]),
                tuple(each["column_totals"]),
            )
            for name, each in self.content.items()
        }

    @property
    def total(self) -> int:
        """How many were counted in all."""
        return next(table.total for table in self.tables.values())


def _plain(table: PublishedTable) -> dict[str, Any]:
    names = ("rows", "columns", "cells", "row_totals", "column_totals")
    return {name: getattr(table, name) for name in names}
