"""What statistics keep of requests that were erased when their time was over: numbers by month, no rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from intake.models import HelpRequest, State


class RequestTallyQuerySet(models.QuerySet["RequestTally"]):
    """Numbers of erased requests."""

    def take(self, requests: Iterable[UUID]) -> None:
        """Count `requests`, about to be erased; spam was never one. Call it in a transaction."""
        rows = HelpRequest.objects.filter(pk__in=list(requests)).exclude(state=State.SPAM)
        found = Counter(
            (at.strftime("%Y-%m"), country, category, colour, state)
            for at, country, category, colour, state in rows.values_list(
                "received_at", "country", "category", "colour", "state"
            )
        )
        # Always in one order: two chores at once must not wait for each other.
        for key, number in sorted(found.items()):
            row, _new = self.get_or_create(
                **dict(zip(("month", "country", "category", "colour", "state"), key, strict=True)),
                defaults={"number": 0},
            )
            self.filter(pk=row.pk).update(number=F("number") + number)


class RequestTally(models.Model):
    """How many erased requests came in one month from one country, of one kind and with one end."""

    month = models.CharField(_("month"), max_length=7)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    category = models.CharField(_("category"), max_length=12)
    colour = models.PositiveSmallIntegerField(_("urgency"))
    state = models.CharField(_("state"), max_length=10)
    number = models.PositiveIntegerField(_("number"))

    objects = RequestTallyQuerySet.as_manager()

    class Meta:
        verbose_name = _("number of erased requests")
        verbose_name_plural = _("numbers of erased requests")
        constraints = [
            models.UniqueConstraint(
                fields=["month", "country", "category", "colour", "state"],
                name="erased_requests_are_counted_once",
                violation_error_message=_("These requests have a number already. Add to it."),
            ),
            models.CheckConstraint(
                name="spam_is_no_request",
                condition=~Q(state=State.SPAM),
                violation_error_message=_("Spam is not counted among the requests."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
