"""Where applications stand, in the few groups of tables. A travel document never stands among protection."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from law.stages import ApplicationKind, Stage


class Group(TextChoices):
    """The columns of the table."""

    PREPARED = "prepared", pgettext_lazy("applications", "In preparation")
    TRAVEL = "travel", pgettext_lazy("applications", "Travel document or visa")
    TRAVEL_REFUSED = (
        "travel_refused",
        pgettext_lazy("applications", "Travel document refused; no decision on protection"),
    )
    BEGUN = "begun", pgettext_lazy("applications", "Asked for, lodged")
    EXAMINED = "examined", pgettext_lazy("applications", "Being examined")
    GRANTED = "granted", pgettext_lazy("applications", "Granted")
    REFUSED = "refused", pgettext_lazy("applications", "Refused")
    APPEALED = "appealed", pgettext_lazy("applications", "On appeal")
    ENDED = "ended", pgettext_lazy("applications", "Withdrawn or ended")
    UNKNOWN = "unknown", pgettext_lazy("applications", "Status unknown")


S = Stage
_GROUPS: dict[str, Group] = {
    S.DRAFT: Group.PREPARED,
    S.INTENTION_DECLARED: Group.BEGUN,
    S.REGISTERED: Group.BEGUN,
    S.LODGED: Group.BEGUN,
    S.RESPONSIBILITY_CHECK: Group.EXAMINED,
    S.TRANSFER_DECISION: Group.EXAMINED,
    S.INTERVIEW_SCHEDULED: Group.EXAMINED,
    S.INTERVIEW_DONE: Group.EXAMINED,
    S.DECISION_PENDING: Group.EXAMINED,
    S.GRANTED_REFUGEE: Group.GRANTED,
    S.GRANTED_SUBSIDIARY: Group.GRANTED,
    S.GRANTED_OTHER: Group.GRANTED,
    S.REFUSED: Group.REFUSED,
    S.APPEAL_PENDING: Group.APPEALED,
    S.APPEAL_ALLOWED: Group.APPEALED,
    S.APPEAL_DISMISSED: Group.APPEALED,
    S.WITHDRAWN: Group.ENDED,
    S.CEASED: Group.ENDED,
    S.STATUS_UNKNOWN: Group.UNKNOWN,
}


def group_of(kind: str, stage: str) -> Group:
    """The column of an application."""
    if kind == ApplicationKind.TRAVEL_DOCUMENT and stage not in (S.DRAFT, S.WITHDRAWN, S.STATUS_UNKNOWN):
        return Group.TRAVEL_REFUSED if stage == S.TRAVEL_REFUSED else Group.TRAVEL
    return _GROUPS[stage]
