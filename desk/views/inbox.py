"""The inbox: what strangers asked for, the most urgent first; one request, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import get_resolver, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from cases.models import Case
from cases.models.history import value_or_none
from desk.views import idempotency
from desk.views.request_forms import AcceptForm, AnswerForm, EndForm, MergeForm, ToldForm
from inbox import duplicates, listing, requests, safe_answers, typed, words
from inbox.listing import InboxFilter
from inbox.models import RequestOutcome
from inbox.models.outcome import case_of, request_visible_to
from inbox.typed_form import TypedForm
from intake.forms import latest_today
from intake.models import Colour, HelpRequest, Photograph
from reminders import doorbell, planning
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from staff.sites import desk
from vault.cipher import CannotOpen, Erased
from vault.keyring import KeyProblem

PAGE_LINES = 50
URGENCY_CLASS = {Colour.RED: "u3", Colour.ORANGE: "u2", Colour.YELLOW: "u1", Colour.GREEN: "u0"}
EDGE_CLASS = {Colour.RED: "d-crit", Colour.ORANGE: "d-soon", Colour.YELLOW: "d-soon", Colour.GREEN: ""}


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The requests that wait, or those of another state; the most urgent and longest waiting first."""
    user: Any = request.user
    _require_inbox(user)
    now = timezone.now()
    asked = request.GET.get("show", "")
    kept = InboxFilter(asked) if asked in InboxFilter.values else InboxFilter.WAITING
    added = listing.added_to(user)
    counted = listing.counts(user, added)
    request.waiting = counted[InboxFilter.WAITING]  # type: ignore[attr-defined]  # the main links say it again
    pages = Paginator(listing.list_requests(user, kept, now, added), PAGE_LINES)
    pages.count = counted[kept]  # type: ignore[misc]  # a second count would cost as much as the page
    page = pages.get_page(request.GET.get("page", "1"))
    shown = listing.lines(list(page.object_list), now)
    context = {
        "title": pgettext("page", "Inbox"),
        "may_import": may(user, Permission.IMPORT_SHEETS),
        "kept": kept,
        "chips": [
            {"label": each.label, "count": counted[each], "url": f"?show={each}", "chosen": each == kept}
            for each in InboxFilter
        ],
        "lines": [(line, URGENCY_CLASS[line.urgency], EDGE_CLASS[line.urgency]) for line in shown],
        "page": page,
        "section": {
            "earlier_page": f"?show={kept}&page={page.number - 1}",
            "later_page": f"?show={kept}&page={page.number + 1}",
        },
        "now": now,
    }
    return render(request, "desk/inbox.html", desk.each_context(request) | context)


def _require_inbox(user: User) -> None:
    if not may(user, Permission.WORK_INBOX):
        raise trail.Refused(_("Your account may not read help requests. Ask a coordinator."))


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """One request; opening it is on the trail. What is posted answers it or decides on it."""
    user: Any = request.user
    _require_inbox(user)
    row = request_visible_to(user, key)
    if row is None:
        return _not_found(request, key)
    forms = _forms(request, user, row)
    act = request.POST.get("act", "")
    if request.method == "POST":
        done = _act(request, row, act, forms)
        if done is not None:
            return done
    try:
        found = requests.open_request(row, by=user)
    except KeyProblem:
        context = {"title": pgettext("page", "Help request"), "no_keys": True}
        return render(request, "desk/request.html", desk.each_context(request) | context, status=503)
    context = _page(found, user, _possible_duplicates(found, user)) | {
        "title": pgettext("page", "Help request"),
        "forms": forms,
        "templates": safe_answers.choices(),
        "choosing": act,
        "once": idempotency.same_token(request),
    }
    wrong = any(form.errors for form in forms.values())
    return render(
        request, "desk/request.html", desk.each_context(request) | context, status=422 if wrong else 200
    )


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    """A request that came by telephone, messenger, a partner or in person; what is refused stays typed."""
    user: Any = request.user
    _require_inbox(user)
    posted = request.method == "POST"
    form = TypedForm(request.POST if posted else None, initial={"language": translation.get_language()})
    if posted and form.is_valid():
        now = timezone.now()
        content, plain = form.content_and_columns(at=now)
        typed.enter(content, by=user, at=now, key=idempotency.key(request), **plain)
        colour = Colour(plain["colour"]).label
        kept = _("Kept, sealed. It stands in the inbox as “%(colour)s”.")
        messages.success(request, kept % {"colour": colour})
        return redirect("inbox")
    context = {
        "title": _("New request by another way"),
        "form": form,
        "once": idempotency.same_token(request),
    }
    return render(
        request,
        "desk/request_new.html",
        desk.each_context(request) | context,
        status=422 if form.errors else 200,
    )


def _forms(request: HttpRequest, user: User, row: HelpRequest) -> dict[str, Any]:
    """The forms of the page; the one that was sent holds what was typed."""
    sent = request.POST.get("act", "") if request.method == "POST" else ""
    template = safe_answers.text(request.GET.get("answer", ""), row.language)
    latest = latest_today(timezone.now())
    return {
        "told": ToldForm(
            request.POST if sent == "told" else None, latest=latest, initial={"on": timezone.localdate()}
        ),
        "answer": AnswerForm(request.POST if sent == "answer" else None, initial={"text": template}),
        "accept": AcceptForm(
            request.POST if sent == "accept" else None, user=user, initial={"country": row.country}
        ),
        "merge": MergeForm(request.POST if sent == "merge" else None, user=user),
        "end": EndForm(request.POST if sent == "end" else None),
    }


def _possible_duplicates(found: requests.OpenedRequest, user: User) -> list[duplicates.PossibleDuplicate]:
    """Whom the request may be of; asked the same way whether anything is there or not."""
    marks = requests.marks_of(found)
    alike = duplicates.of(found.request.pk, marks, by=user, today=timezone.localdate())
    return [each for each in alike if each.case is None or each.case != found.case]


def _page(
    found: requests.OpenedRequest, user: User, alike: list[duplicates.PossibleDuplicate]
) -> dict[str, Any]:
    row, now = found.request, timezone.now()
    outcome = RequestOutcome.objects.filter(request=row.pk, case=None).first()
    left, read = requests.answers_left(row.pk)
    photographs = Photograph.objects.filter(request=row.pk).order_by("received_at", "pk")
    return {
        "row": row,
        "waits": listing.length(listing.hours_between(row.received_at, now)),
        "urgency": URGENCY_CLASS[Colour(row.colour)],
        "told": _content_context(found.content),
        "additions": [_content_context(content) for _message, content in found.additions],
        "photographs": list(photographs.values_list("pk", flat=True)),
        "case": found.case,
        "alike": [(each, ", ".join(map(str, each.reasons))) for each in alike],
        "ended": row.state in requests.ENDS,
        "why_ended": (value_or_none(outcome, "record") or {}).get("reason", "") if outcome else "",
        "answers": left,
        "answers_read": read,
        "may_file": bool(found.case and (found.additions or photographs)),
    }


def _content_context(content: Any) -> dict[str, Any]:
    """What a box holds as the page shows it; or a sentence that says why it stays closed."""
    if isinstance(content, Erased):
        return {
            "problem": _("Too old: the key of that week was destroyed, and nobody can open this any more.")
        }
    if isinstance(content, CannotOpen):
        return {
            "problem": _(
                "This does not open: it is damaged, or it was sealed to another desk. Nothing can be "
                "read here; ask the person to write again, and tell your administrator."
            )
        }
    if content is None:
        return {"moved": True}
    return {
        "answers": words.answers(content),
        "noted": words.outside_answers(content),
        "flags": [(line, URGENCY_CLASS[Colour(line.colour)]) for line in words.flags(content)],
        "sent_at": words.sent_at(content),
    }


def _act(request: HttpRequest, row: HelpRequest, act: str, forms: dict[str, Any]) -> HttpResponseBase | None:
    """Do what was posted and lead on; None shows the page again with what is wrong."""
    user: Any = request.user
    form = forms.get(act)
    if form is not None and not form.is_valid():
        return None
    try:
        if act == "accept":
            return _accept(request, row, form)
        if act == "answer":
            text, key = form.cleaned_data["text"], idempotency.key(request)
            requests.answer(row, text, by=user, at=timezone.now(), key=key)
            messages.success(request, _("The answer lies in the mailbox. Only the person can open it."))
        elif act == "told":
            typed.note_told(
                row, **form.cleaned_data, by=user, at=timezone.now(), key=idempotency.key(request)
            )
            messages.success(request, _("Noted: the person was told."))
        elif act == "merge":
            return _merge(request, row, form)
        elif act == "end":
            requests.end(row, form.cleaned_data["state"], by=user, reason=form.cleaned_data["reason"])
            messages.success(request, _("Noted, with the reason. The mailbox goes on working."))
            return redirect("inbox")
        elif act == "take_up":
            requests.take_up(row, by=user)
            messages.success(request, _("The request is open again."))
        elif act == "file":
            requests.file_additions(row, by=user)
            messages.success(request, _("What was added stands in the case now."))
    except ValidationError as problem:
        return _show_refusal(request, row, form, problem)
    return redirect("request", key=row.pk)


def _accept(request: HttpRequest, row: HelpRequest, form: AcceptForm) -> HttpResponseBase:
    def open_case() -> Case:
        return requests.make_case(
            row,
            caseworker=form.caseworker(),
            by=request.user,
            country=form.cleaned_data["country"],
            key=idempotency.key(request),
        )

    return _into_a_case(
        request,
        open_case,
        closed=_("What the person wrote does not open, so no case can be made of it. Open a case by hand."),
        done=_("The case is open: everything was moved into it, and the mailbox goes on working."),
    )


def _merge(request: HttpRequest, row: HelpRequest, form: MergeForm) -> HttpResponseBase:
    case = form.case()

    def fill_case() -> Case:
        requests.merge_into(row, case, by=request.user)  # type: ignore[arg-type]
        return case

    return _into_a_case(
        request,
        fill_case,
        closed=_("What the person wrote does not open, so it cannot be moved into the case."),
        done=_("The request is in this case now: look at the newest notes. Its mailbox goes on working."),
    )


def _into_a_case(
    request: HttpRequest, moved: Callable[[], Case], *, closed: str, done: str
) -> HttpResponseBase:
    """Let `moved` put the request into a case, and lead there; `closed` is said if it does not open."""
    try:
        with transaction.atomic():
            case = moved()
            planning.plan_case(case)
            transaction.on_commit(doorbell.ring)
    except CannotOpen:
        raise ValidationError(closed) from None
    messages.success(request, done)
    return redirect("admin:cases_case_change", case.pk)


def _show_refusal(
    request: HttpRequest, row: HelpRequest, form: Any, problem: ValidationError
) -> HttpResponseBase | None:
    if form is not None and HelpRequest.objects.filter(pk=row.pk).exists():
        form.add_error(None, problem.messages)
        return None
    messages.error(request, " ".join(problem.messages))
    return redirect("inbox")


@require_GET
def photograph(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """One photograph as a download under a neutral name; never shown in a page."""
    user: Any = request.user
    _require_inbox(user)
    row = Photograph.objects.filter(pk=key).first()
    if row is None or request_visible_to(user, row.request_id) is None:
        return _not_found(request, key)
    try:
        content = requests.read_photograph(row, by=user)
    except (CannotOpen, KeyProblem):
        messages.error(request, _("This photograph does not open. Ask the person to send it again."))
        return redirect(reverse("request", args=[row.request_id]))
    response = HttpResponse(content, content_type="image/jpeg")
    response["Content-Disposition"] = 'attachment; filename="photograph.jpg"'
    return response


def _not_found(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """The same page for a request that never was and for one of a case that is not theirs."""
    user: Any = request.user
    case = case_of(key)
    if case is not None:
        trail.append(user, trail.Verb.REFUSED, case_id=case.pk, fields=["intake.helprequest"])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]
