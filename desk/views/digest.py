"""The digest: what a coordinator looks through every day, assigns from, and signs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.models import Case, Colour, DigestSignature, EmergencyState
from cases.models.questions import Asking, headlines
from desk import board, digest, law_book
from desk.digest import CaseLine, Digest, Emergency, Line, UndeliveredReminder, Waiting
from law import countries
from reminders import doorbell, planning
from reminders.models import Reminder
from staff import trail
from staff.models import Checkpoint, User
from staff.roles import ROLES_WITH, Permission
from staff.sites import desk

FIRST_LINES, PAGE_LINES = 12, 40
PAST_SIGNATURES = 60

LABELS: dict[str, Any] = {
    "requests": gettext_lazy("Help requests that wait too long"),
    "overdue": gettext_lazy("Overdue"),
    "next_7_days": gettext_lazy("Due within 7 days"),
    "next_30_days": gettext_lazy("Due in 8 to 30 days"),
    "unseen": gettext_lazy("Not seen by anybody"),
    "emergencies": gettext_lazy("Opened in an emergency"),
    "without_caseworker": gettext_lazy("No caseworker"),
    "status_unknown": gettext_lazy("Status unknown, check is due"),
    "questions": gettext_lazy("To find out before a term can be counted"),
    "undelivered": gettext_lazy("Undelivered reminders"),
}


@dataclass(frozen=True)
class Row:
    """One line of the digest as shown; `case_id` is None where it is about no case."""

    style: str
    words: str
    title: str
    case_id: UUID | None
    code_name: str
    about: str
    due_on: date | None = None
    worker: str = ""
    seen: bool | None = None
    put_off_until: date | None = None
    request_id: UUID | None = None


@dataclass(frozen=True)
class Section:
    """A section as shown: its rows on this page, how many there are in all."""

    key: str
    label: str
    total: int
    rows: Sequence[Row]
    page: Page | None = None
    more: str = ""
    earlier_page: str = ""
    later_page: str = ""

    @property
    def hidden(self) -> int:
        """How many rows are not on this page."""
        return self.total - len(self.rows)


@dataclass
class Colleagues:
    """To whom a coordinator may hand a case, and which cases those are."""

    names: list[str] = field(default_factory=list)
    cases: set[UUID] = field(default_factory=set)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The digest of today; what is posted assigns a case, signs, or sends undelivered reminders again."""
    user: Any = request.user
    today = timezone.localdate()
    composed = digest.compose(user, today)
    if request.method == "POST":
        acts: dict[str, Callable[[HttpRequest, Digest], None]] = {
            "assign": _assign,
            "sign": _sign,
            "retry": _retry,
        }
        act = acts.get(request.POST.get("act", ""))
        if act is not None:
            act(request, composed)
        return redirect(_way_back(request))
    printing = "print" in request.GET
    sections = _sections(composed, request.GET, printing)
    context = {
        "title": _("Digest"),
        "digest": composed,
        "rules_waiting": law_book.waiting(today),
        "sections": sections,
        "printing": printing,
        "whole": reverse("digest"),
        "one": request.GET.get("section", "") in LABELS,
        "here": request.GET.urlencode(),
        "colleagues": _colleagues(user, sections),
        "signatures": digest.signatures(today),
        "signed": digest.signature_of(user, today),
        "past": _earlier_days(today),
        "checkpoint": Checkpoint.objects.newest(),
        "shown": fingerprint(composed),
        "now": timezone.now(),
    }
    return render(request, "desk/digest.html", desk.each_context(request) | context)


# -- what is shown


def _sections(composed: Digest, asked: Any, printing: bool) -> list[Section]:
    """Every section with its first rows; the one that is asked for page by page; printed, all of it."""
    found = composed.sections()
    wanted = asked.get("section", "")
    if wanted in LABELS and not printing:
        return [_page_of(wanted, found[wanted], composed, asked.get("page", "1"))]
    cut = None if printing else FIRST_LINES
    words = _words_for(line for key in LABELS for line in found[key][:cut])
    return [
        Section(
            key,
            str(label),
            len(found[key]),
            [_row(line, composed, words) for line in found[key][:cut]],
            more=_address(key),
        )
        for key, label in LABELS.items()
    ]


def _page_of(key: str, found: Sequence[Any], composed: Digest, number: str) -> Section:
    page = Paginator(found, PAGE_LINES).get_page(number)
    return Section(
        key,
        str(LABELS[key]),
        len(found),
        [_row(line, composed, _words_for(page.object_list)) for line in page.object_list],
        page=page,
        earlier_page=_address(key, page.number - 1),
        later_page=_address(key, page.number + 1),
    )


def _address(key: str, number: int = 1) -> str:
    return f"{reverse('digest')}?section={key}" + (f"&page={number}" if number > 1 else "")


def _words_for(lines: Iterable[Any]) -> dict[UUID | None, str]:
    """Where the applications stand that the shown lines are about, by one question to the database."""
    return headlines({line.application_id for line in lines if isinstance(line, Line)} - {None})


def _row(line: Any, composed: Digest, words: dict[UUID | None, str]) -> Row:
    if isinstance(line, Line):
        return Row(
            style=board.nearness(line.days_left),
            words=board.days_left_words(line.days_left),
            title=line.kind_label,
            case_id=line.case_id,
            code_name=line.code_name,
            about=words.get(line.application_id, "") or countries.name(line.country),
            due_on=line.due_on,
            worker=line.caseworker,
            seen=line.seen,
            put_off_until=line.snoozed_until if (line.snoozed_until or date.min) > composed.day else None,
        )
    if isinstance(line, CaseLine):
        colour = Colour(line.colour)
        return Row(
            board.URGENCY_CLASS[colour],
            str(colour.label),
            _("Nobody works on it"),
            line.case_id,
            line.code_name,
            countries.name(line.country),
        )
    if isinstance(line, Asking):
        return Row(
            "d-soon",
            _("not known"),
            line.question,
            line.case_id,
            line.code_name,
            line.headline,
            worker=line.caseworker,
        )
    if isinstance(line, Waiting):
        return _waiting_row(line)
    return _emergency_row(line) if isinstance(line, Emergency) else _undelivered_row(line)


def _waiting_row(line: Waiting) -> Row:
    return Row(
        f"u{line.colour}",
        line.colour_label,
        _("Help request, %(country)s") % {"country": line.country},
        None,
        "",
        _("waits %(time)s") % {"time": line.waits} + f" · {line.why}",
        request_id=line.request_id,
    )


def _emergency_row(line: Emergency) -> Row:
    waits = line.state == EmergencyState.WAITING
    title = _("%(who)s: decide on “Access”") if waits else _("%(who)s: see “Access”")
    return Row(
        "d-over" if waits else "d-crit",
        line.state_label,
        title % {"who": line.who},
        line.case_id,
        line.code_name,
        line.day.isoformat(),
    )


def _undelivered_row(line: UndeliveredReminder) -> Row:
    title = _("To %(who)s: %(why)s") % {"who": line.recipient, "why": line.why}
    about = "" if line.case_id else _("a mail to coordinators")
    return Row("d-over", _("not delivered"), title, line.case_id, line.code_name, about)


def _colleagues(user: User, sections: Iterable[Section]) -> Colleagues:
    """Who may take a case of the user's team; only the coordinator's own team can be handed over."""
    if user.team_id is None:
        return Colleagues()
    ids = {row.case_id for section in sections for row in section.rows if row.case_id}
    people = User.objects.active().filter(team=user.team_id, role__in=ROLES_WITH[Permission.HOLD_CASES])
    return Colleagues(
        list(people.order_by("username").values_list("username", flat=True)),
        set(Case.objects.filter(pk__in=ids, team=user.team_id).values_list("pk", flat=True)),
    )


def _earlier_days(today: date) -> list[tuple[date, list[DigestSignature]]]:
    """Earlier days that somebody signed, the latest first."""
    rows = DigestSignature.objects.filter(day__lt=today).select_related("coordinator").defer("shown")
    days: dict[date, list[DigestSignature]] = {}
    for row in rows.order_by("-day", "signed_at")[:PAST_SIGNATURES]:
        days.setdefault(row.day, []).append(row)
    return list(days.items())


def fingerprint(composed: Digest) -> str:
    """Stands for what a coordinator had on the screen, so that nobody signs a line that came since."""
    dated = (composed.overdue, composed.next_7_days, composed.next_30_days)
    lines = sorted(f"{line.deadline_id} {line.due_on}" for section in dated for line in section)
    lines += sorted(str(line.case_id) for line in composed.without_caseworker)
    lines += sorted(f"{line.application_id} {line.question}" for line in composed.questions)
    lines += sorted(str(line.request_id) for line in composed.requests)
    lines += sorted(str(line.reminder_id) for line in composed.undelivered)
    return salted_hmac("cases.digest", f"{composed.day} {lines}", algorithm="sha256").hexdigest()


# -- what is done


def _way_back(request: HttpRequest) -> str:
    """The section the person was looking at, if it is one of ours."""
    key, number = request.POST.get("section", ""), request.POST.get("page", "")
    if key not in LABELS:
        return reverse("digest")
    return _address(key, int(number) if number.isdecimal() and len(number) < 5 else 1)


def _assign(request: HttpRequest, composed: Digest) -> None:
    """Hand a case to the colleague that was chosen."""
    user: Any = request.user
    try:
        case = Case.objects.visible_to(user).get(pk=UUID(request.POST.get("case", "")))
        to = User.objects.active().get(username=request.POST.get("to", ""), team=case.team_id)
    except (ValueError, Case.DoesNotExist):
        raise trail.Refused(_("You may not open this case. Ask a coordinator of its team.")) from None
    except User.DoesNotExist:
        messages.error(request, _("Choose a colleague from the list, then press “Assign”."))
        return
    try:
        with transaction.atomic():
            case.assign(to=to, by=user)
            planning.plan_case(case)
            transaction.on_commit(doorbell.ring)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
        return
    messages.success(request, _("Assigned to %(who)s.") % {"who": to.username})


def _sign(request: HttpRequest, composed: Digest) -> None:
    """Put the signature under what was on the screen."""
    user: Any = request.user
    if not constant_time_compare(request.POST.get("shown", ""), fingerprint(composed)):
        messages.warning(
            request, _("The digest has changed since you opened it. Look through it again, then sign.")
        )
        return
    try:
        digest.sign(user, composed)
    except digest.AlreadySigned as problem:
        messages.info(request, str(problem))
        return
    messages.success(request, _("Signed. The signature and what was open are kept."))


def _retry(request: HttpRequest, composed: Digest) -> None:
    """Send the reminders again that reached nobody; their cause must have been put right."""
    rows = Reminder.objects.filter(pk__in=[line.reminder_id for line in composed.undelivered])
    with transaction.atomic():
        rows.retry(timezone.now())
        transaction.on_commit(doorbell.ring)
    messages.success(request, _("They go out again now. If they fail again, the mark comes back."))
