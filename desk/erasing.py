"""The end of a case: its key is destroyed, and what lies outside of that key's reach goes with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.attachment import folder
from cases.models.case import Case, CaseShare, Category, Colour, Status
from cases.models.compartment import CompartmentOpening
from cases.models.deadline import Deadline, DeadlineState
from cases.models.link import CaseLink
from inbox import requests
from inbox.models import RequestOutcome
from reminders.models.reminder import Reminder
from staff import trail
from staff.roles import Permission, may
from vault import bound, erasure, files

if TYPE_CHECKING:
    from staff.models import User

log = logging.getLogger(__name__)


def may_erase(user: User, case: Case) -> bool:
    """Whether `user` may erase `case`: a coordinator of its team."""
    return may(user, Permission.ERASE_CASES) and user.team_id is not None and user.team_id == case.team_id


def erase(case: Case, *, by: User | None, reason: str) -> erasure.Receipt:
    """Erase `case` for good: key, files, indexes, dates, reminders, shares. `by` is None on the console.

    The row stays, closed and empty, so that the trail and old lists have something to point at. May be
    repeated: what an older backup brought back goes again. Raises trail.Refused, ValidationError.
    """
    if by is not None:
        case.require_visible_to(by)
        if not may_erase(by, case):
            raise trail.Refused(
                gettext("Only a coordinator of its team erases a case. Ask one."), case_id=case.pk
            )
    if not reason.strip():
        raise ValidationError({"reason": _("Say why the case is erased; write no name.")})
    with transaction.atomic():
        Case._base_manager.select_for_update().filter(pk=case.pk).values_list("pk").first()
        stored = list(case.attachments.values_list("stored", flat=True))
        deadlines = Deadline.objects.filter(case=case)
        told = Reminder.objects.forget(deadlines.values_list("pk", flat=True))
        deadlines.update(state=DeadlineState.CANCELLED)
        CaseShare.objects.filter(case=case).delete()
        CompartmentOpening.objects.filter(case=case).delete()
        CaseLink.objects.forget(case)
        requests.forget(list(RequestOutcome.objects.filter(case=case).values_list("request", flat=True)))
        receipt = erasure.erase(case.pk)
        _leave_an_empty_row(case.pk)
        trail.append(
            by,
            trail.Verb.CASE_ERASED,
            case_id=case.pk,
            reason=reason.strip(),
            receipt=receipt.details() | {"files": len(stored), "reminders": told},
        )
        transaction.on_commit(lambda: remove_files(stored))
    case.refresh_from_db()
    return receipt


def _leave_an_empty_row(case_id: UUID) -> None:
    """Closed, nobody's, and without the readable words that a list would show."""
    intact = Case._base_manager.get(pk=case_id).access_holds()
    Case._base_manager.filter(pk=case_id).update(
        status=Status.CLOSED,
        colour=Colour.GREEN,
        category=Category.UNKNOWN,
        caseworker=None,
        erased=True,
        opened_on=None,
        closed_on=erasure.empty_cell(),
        closing_reason=erasure.empty_cell(),
    )
    if intact:  # what was changed from outside stays so, also without its content
        bound.reseal(Case, case_id)


def remove_files(stored: list[str]) -> None:
    """Delete stored files; one that resists is logged and left to the next sweep (its key is gone)."""
    for name in stored:
        try:
            files.abandon(folder(), name)
            files.remove(folder(), name)
        except OSError as problem:
            log.error("A file of an erased case could not be removed: %s", problem.strerror)
