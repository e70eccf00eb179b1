"""What became of help requests: the case of each, or why there is none; and whose they may be."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from intake.models import HelpRequest, State, Withdrawal
from staff.models import User
from staff.roles import Permission, may
from vault.fields import SealedJSONField
from vault.models import SealedModel


class RequestOutcome(SealedModel):
    """What became of one request: its case, or why there is none.

    No foreign key leads to the request: a person withdraws it without asking this table.
    """

    sealed_under = "house"
    sealed_label = "cases.request_outcome"

    request = models.UUIDField(unique=True, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="requests", editable=False)
    record = SealedJSONField(_("why it ended"), null=True, editable=False)

    class Meta:
        verbose_name = _("outcome of a help request")
        verbose_name_plural = _("outcomes of help requests")
        constraints = [
            models.CheckConstraint(
                name="a_request_ends_in_a_case_or_for_a_reason",
                condition=Q(case__isnull=False, record__isnull=True)
                | Q(case__isnull=True, record__isnull=False),
                violation_error_message=_("A request ends in a case, or for a reason."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


def requests_visible_to(user: User) -> models.QuerySet[HelpRequest]:
    """The requests that `user` may open: those that are no case yet, and those of cases they may open."""
    if not may(user, Permission.WORK_INBOX):
        return HelpRequest.objects.none()
    theirs = RequestOutcome.objects.filter(case__in=Case.objects.visible_to(user)).values("request")
    return HelpRequest.objects.filter(~Q(state=State.ACCEPTED) | Q(pk__in=theirs))


def request_visible_to(user: User, key: UUID) -> HelpRequest | None:
    """The request `key`, if `user` may open it, by a case that nobody changed from outside."""
    row = requests_visible_to(user).filter(pk=key).first()
    if row is None or row.state != State.ACCEPTED:
        return row
    theirs = RequestOutcome.objects.filter(request=key, case__in=Case.objects.visible_to(user))
    return row if theirs.intact("case").exists() else None


def case_of(request: UUID) -> Case | None:
    """The case that was made of a request."""
    row = RequestOutcome.objects.filter(request=request, case__isnull=False).select_related("case").first()
    return row.case if row else None


def origins(case: Case) -> tuple[list[UUID], datetime | None]:
    """The requests of `case` that are there, and the hour in which the person withdrew one, if they did."""
    keys = list(RequestOutcome.objects.filter(case=case).values_list("request", flat=True))
    if not keys:
        return [], None
    gone = dict(Withdrawal.objects.filter(request__in=keys).values_list("request", "withdrawn_at"))
    return [key for key in keys if key not in gone], max(gone.values(), default=None)
