"""What a coordinator must look at today: composed live from the cases, never from the reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.deadlines import Kind
from cases.models import (
    Application,
    Care,
    Case,
    Deadline,
    DeadlineKind,
    DigestSignature,
    EmergencyOpening,
    EmergencyState,
    Status,
)
from cases.models.questions import Asking, asking
from cases.models.sharing import one_look
from inbox import listing
from law.stages import Stage
from reminders import health
from reminders.models import Reminder, Trouble
from reminders.models.reminder import is_of_a_deadline
from staff import trail
from staff.models import User
from staff.roles import ROLES_WITH, Permission, may
from vault.bulk import read_columns
from vault.cipher import CannotOpen

SOON_DAYS = 7
LATER_DAYS = 30


@dataclass(frozen=True)
class Line:
    """An open deadline of a case; `days_left` is negative once it is overdue."""

    deadline_id: UUID
    case_id: UUID
    code_name: str
    kind: str
    kind_label: str
    country: str
    due_on: date
    days_left: int
    caseworker: str
    seen: bool
    snoozed_until: date | None
    application_id: UUID | None = None


@dataclass(frozen=True)
class CaseLine:
    """A case that nobody works on."""

    case_id: UUID
    code_name: str
    country: str
    colour: str
    status: str


@dataclass(frozen=True)
class Waiting:
    """A help request that waits too long: past its clock, or near the day on which it is erased."""

    request_id: UUID
    colour: int
    colour_label: str
    country: str
    waits: str
    why: str


@dataclass(frozen=True)
class Emergency:
    """Somebody opened a case in an emergency, or asks to; no name where the reader may not open it."""

    opening_id: UUID
    who: str
    state: str
    state_label: str
    day: date
    case_id: UUID | None
    code_name: str


@dataclass(frozen=True)
class UndeliveredReminder:
    """A reminder that reached nobody; `case_id` is None for a mail that is about no deadline."""

    reminder_id: UUID
    recipient: str
    why: str
    case_id: UUID | None
    code_name: str


@dataclass(frozen=True)
class Digest:
    """The day's digest of one coordinator. Sections may share lines: unseen ones are due as well."""

    day: date
    requests: Sequence[Waiting]
    overdue: Sequence[Line]
    next_7_days: Sequence[Line]
    next_30_days: Sequence[Line]
    unseen: Sequence[Line]
    emergencies: Sequence[Emergency]
    without_caseworker: Sequence[CaseLine]
    status_unknown: Sequence[Line]
    questions: Sequence[Asking]
    undelivered: Sequence[UndeliveredReminder]
    troubles: Sequence[health.Trouble]

    def sections(self) -> dict[str, Sequence[Any]]:
        """Every section by its name, in the order of urgency."""
        return {name: value for name, value in vars(self).items() if name != "day"}

    def open_count(self) -> int:
        """How many lines want somebody's attention; a line in two sections counts once."""
        lines = {line for section in self.sections().values() for line in section}
        return len(lines)


class AlreadySigned(Exception):
    """This coordinator has signed this day's digest; the text says when. `signature` is that row."""

    def __init__(self, signature: DigestSignature, viewer: User) -> None:
        self.signature = signature
        at = signature.signed_at.astimezone(_zone(viewer))
        super().__init__(
            _("%(who)s signed this digest on %(when)s.")
            % {"who": signature.coordinator.username, "when": date_format(at, "Y-m-d H:i")}
        )


def compose(user: User, today: date, now: datetime | None = None) -> Digest:
    """The digest of `user` for `today`, the date in the user's zone. Raises trail.Refused for other roles."""
    if not may(user, Permission.SIGN_DIGEST):
        raise trail.Refused(_("The digest is for coordinators. Ask one of your team."))
    with one_look(user):
        return _compose(user, today, now)


def _compose(user: User, today: date, now: datetime | None) -> Digest:
    lines, applications = _lines(user, today)
    return Digest(
        day=today,
        requests=_requests(user, now or timezone.now()),
        overdue=[line for line in lines if line.days_left < 0],
        next_7_days=[line for line in lines if 0 <= line.days_left <= SOON_DAYS],
        next_30_days=[line for line in lines if line.days_left > SOON_DAYS],
        unseen=[line for line in lines if not line.seen],
        emergencies=_emergencies(user, today),
        without_caseworker=_without_caseworker(user),
        status_unknown=_status_unknown(applications),
        questions=asking(Case.objects.visible_to(user).in_work()),
        undelivered=_undelivered_reminders(user),
        troubles=health.banner(now),
    )


COLUMNS = (
    "pk",
    "case",
    "case__code_name",
    "kind",
    "country",
    "due_on",
    "care",
    "source",
    "case__caseworker__username",
)


def _lines(user: User, today: date) -> tuple[list[Line], dict[UUID, Line]]:
    """The lines until the last day of the digest, by date; and those about an application, by its id."""
    last = today + timedelta(days=LATER_DAYS)
    rows = (
        Deadline.objects.open()
        .of(Case.objects.visible_to(user))
        .exclude(case__status=Status.CLOSED)
        .in_weeks_until(last)
    )
    labels = {value: str(label) for value, label in DeadlineKind.choices}
    lines, applications = [], {}
    for pk, case, code_name, kind, country, due_on, care, source, worker in read_columns(rows, *COLUMNS):
        if isinstance(due_on, CannotOpen) or due_on > last:
            continue  # the banner speaks of those that do not open
        taken = Care() if isinstance(care, CannotOpen) else Care.from_json(care)
        line = Line(
            deadline_id=UUID(bytes=pk),
            case_id=UUID(bytes=case),
            code_name=code_name,
            kind=kind,
            kind_label=labels[kind],
            country=country,
            due_on=due_on,
            days_left=(due_on - today).days,
            caseworker=worker or "",
            seen=taken.seen_at is not None,
            snoozed_until=taken.snoozed_until,
            application_id=_application(source),
        )
        lines.append(line)
        if kind == Kind.APPLICATION_CHECK and line.days_left <= 0 and line.application_id:
            applications[line.application_id] = line
    # Columns were read, not rows: their cases are looked at here.
    intact = Case.objects.filter(pk__in={line.case_id for line in lines}).intact().pks()
    lines = [line for line in lines if line.case_id in intact]
    lines.sort(key=lambda line: (line.due_on, line.code_name, line.kind))
    return lines, {key: line for key, line in applications.items() if line.case_id in intact}


def _requests(user: User, now: datetime) -> list[Waiting]:
    """Red and orange requests past their clock, then those that are erased soon because nobody answered."""
    late = {line.key: (line, line.clock) for line in listing.late(user, now)}
    soon = _("erased within a week unless somebody answers")
    for line in listing.erased_soon(user, now):
        late.setdefault(line.key, (line, soon))
    return [
        Waiting(line.key, int(line.urgency), str(line.urgency.label), line.country, line.waits, str(why))
        for line, why in late.values()
    ]


def _emergencies(user: User, today: date) -> list[Emergency]:
    """What concerns `user` since yesterday, and what waits for a decision."""
    recent = Q(day__gte=today - timedelta(days=1)) | Q(state=EmergencyState.WAITING)
    rows = EmergencyOpening.objects.concerning(user).filter(recent).select_related("person")
    found = list(rows.defer("reason").order_by("-day", "-number"))
    names = Case.objects.visible_to(user).filter(pk__in=[row.case_id for row in found if row.case_id])
    seen = {case.pk: case.code_name for case in names}
    return [
        Emergency(
            row.pk,
            row.person.username,
            row.state,
            str(row.get_state_display()),
            row.day,
            row.case_id if row.case_id in seen else None,
            seen.get(row.case_id, ""),  # type: ignore[arg-type]
        )
        for row in found
    ]


def _application(source: Any) -> UUID | None:
    """The application that a date is about ("application:<uuid>…"), None for any other fact."""
    if isinstance(source, CannotOpen) or not source.startswith("application:"):
        return None
    return UUID(source.split(":")[1])


def _without_caseworker(user: User) -> list[CaseLine]:
    """Cases in work that have no caseworker, or one who left or lost the role."""
    nobody = (
        Q(caseworker=None)
        | Q(caseworker__is_active=False)
        | ~Q(caseworker__role__in=ROLES_WITH[Permission.HOLD_CASES])
    )
    cases = Case.objects.visible_to(user).in_work().filter(nobody).distinct().order_by("code_name")
    return [
        CaseLine(*values) for values in cases.values_list("pk", "code_name", "country", "colour", "status")
    ]


def _status_unknown(due: dict[UUID, Line]) -> list[Line]:
    """Checks that are due on applications whose status nobody knows."""
    asked = Application.objects.filter(
        case__in={line.case_id for line in due.values()}, stage=Stage.STATUS_UNKNOWN
    )
    unknown = set(asked.values_list("pk", flat=True))
    return [line for pk, line in due.items() if pk in unknown]


def _undelivered_reminders(user: User) -> list[UndeliveredReminder]:
    """Reminders that reached nobody: about cases that `user` may open, and mails to coordinators."""
    names = {str(person.pk): person.username for person in User.objects.all()}
    rows: dict[Reminder, dict[str, Any]] = {}
    for row in Reminder.objects.dead():
        try:
            rows[row] = row.payload
        except CannotOpen:
            rows[row] = {"deadline": "", "recipient": ""}
    ids = {UUID(about["deadline"]) for about in rows.values() if is_of_a_deadline(about["deadline"])}
    seen = Deadline.objects.of(Case.objects.visible_to(user)).filter(pk__in=ids)
    cases = {
        str(pk): (case, code_name)
        for pk, case, code_name in seen.values_list("pk", "case", "case__code_name")
    }
    return [
        UndeliveredReminder(
            row.pk,
            names.get(about["recipient"], "?"),
            str(Trouble(row.trouble).label),
            *cases.get(about["deadline"], (None, "")),
        )
        for row, about in rows.items()
        if not is_of_a_deadline(about["deadline"]) or about["deadline"] in cases
    ]


def sign(user: User, digest: Digest, at: datetime | None = None) -> DigestSignature:
    """`user` looked through `digest`. Raises AlreadySigned the second time, trail.Refused for other roles."""
    if not may(user, Permission.SIGN_DIGEST):
        raise trail.Refused(_("Only a coordinator signs the digest."))
    try:
        with transaction.atomic():
            signature = DigestSignature.objects.create(
                coordinator=user, day=digest.day, signed_at=at or timezone.now(), shown=_plain(digest)
            )
            trail.append(user, trail.Verb.DIGEST_SIGNED, about=signature.pk, at=at)
    except IntegrityError:
        raise AlreadySigned(signature_of(user, digest.day), user) from None  # type: ignore[arg-type]
    return signature


def _zone(user: User) -> ZoneInfo:
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def signature_of(user: User, day: date) -> DigestSignature | None:
    """The signature of `user` under the digest of `day`."""
    return DigestSignature.objects.filter(coordinator=user, day=day).select_related("coordinator").first()


def signatures(day: date) -> list[DigestSignature]:
    """Who signed the digest of `day`, in the order of signing; at the same moment by name."""
    rows = DigestSignature.objects.filter(day=day).select_related("coordinator")
    return list(rows.order_by("signed_at", "coordinator__username"))


def _plain(digest: Digest) -> dict[str, Any]:
    return asdict(replace(digest, troubles=[trouble.code for trouble in digest.troubles]))  # type: ignore[list-item]
