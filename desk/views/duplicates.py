"""Cases that may be one person, for coordinators: look, compare, or say that they are two people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import get_resolver
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import duplicates
from cases.models import Case, NotSamePerson
from desk import board
from desk.views.forms import JudgementForm
from law import countries
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from staff.sites import desk

PAGE_PAIRS = 30


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, key: UUID | None = None) -> HttpResponseBase:
    """All pairs of the cases that the reader answers for, or those of the case `key`; a POST judges one."""
    user: Any = request.user
    if not may(user, Permission.SEE_DUPLICATES):
        return _not_found(request, key)
    case = None
    if key is not None:
        case = Case.objects.held_by(user).filter(pk=key).first()
        if case is None:
            return _not_found(request, key)
    found = duplicates.of(user, today=timezone.localdate(), case=case)
    form = JudgementForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _act(request, found, form):
        return redirect(request.path)
    if request.method == "GET":
        trail.append(user, trail.Verb.DUPLICATES_LISTED, case_id=case.pk if case else None)
    page = Paginator(found.open, PAGE_PAIRS).get_page(request.GET.get("page", "1"))
    context = {
        "title": _("Possible duplicates"),
        "subtitle": case.code_name if case else None,
        "case": case,
        "found": found,
        "page": page,
        "section": _links(page),
        "pairs": [_pair_context(pair, form) for pair in page.object_list],
        "judged": [_pair_context(pair, form) for pair in _with_judges(found.judged[:PAGE_PAIRS])],
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "desk/duplicates.html", desk.each_context(request) | context, status=status)


def _not_found(request: HttpRequest, key: UUID | None) -> HttpResponseBase:
    """The same page for a case that never was and for one that is not theirs; the trail knows."""
    user: Any = request.user
    hidden = key if key is not None and Case.objects.filter(pk=key).exists() else None
    trail.append(user, trail.Verb.REFUSED, case_id=hidden, fields=["cases.duplicates"])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]


def _links(page: Any) -> dict[str, str]:
    """Where the neighbouring pages are, for the list of pages."""
    return {"earlier_page": f"?page={page.number - 1}", "later_page": f"?page={page.number + 1}"}


def _pair_context(pair: duplicates.Pair, form: JudgementForm) -> dict[str, Any]:
    """What the page shows of a pair."""
    typed = form.data.get("reason", "") if form.is_bound and form.data.get("pair") == pair.key else ""
    return {
        "pair": pair,
        "sides": [_side(pair.mine)] + ([] if pair.foreign else [_side(pair.other)]),
        "reasons": ", ".join(str(reason.label) for reason in pair.reasons),
        "coordinators": ", ".join(pair.coordinators),
        "typed": typed,
        "judge": pair.judge,
        "reason": pair.judged.readable_record.get("reason", "") if pair.judged and pair.reason_shown else "",
    }


def _side(case: Case) -> dict[str, Any]:
    return {
        "case": case,
        "urgency": board.URGENCY_CLASS.get(case.colour, ""),  # type: ignore[call-overload]
        "country": countries.name(case.country),
    }


def _with_judges(pairs: list[duplicates.Pair]) -> list[duplicates.Pair]:
    """Put the username of whoever judged on each pair."""
    ids = {pair.judged.readable_record.get("by") for pair in pairs if pair.judged} - {None}
    names = {str(pk): name for pk, name in User.objects.filter(pk__in=ids).values_list("pk", "username")}
    for pair in pairs:
        pair.judge = names.get(pair.judged.readable_record.get("by"), "") if pair.judged else ""
    return pairs


def _act(request: HttpRequest, found: duplicates.PossibleDuplicates, form: JudgementForm) -> bool:
    """Judge a pair, or take a judgement back; False puts the reason on the form."""
    user: Any = request.user
    pair = next((each for each in found.pairs if each.key == form.cleaned_data["pair"]), None)
    try:
        if pair is None:
            raise ValidationError(_("This pair is no longer alike. Load the page again."))
        if form.cleaned_data["act"] == "judge":
            NotSamePerson.judge(pair.mine, pair.other.pk, by=user, reason=form.cleaned_data["reason"])
            messages.success(request, _("Noted: two people. The pair stands at the end of this page now."))
        elif pair.judged is not None:
            pair.judged.withdraw(pair.mine, pair.other.pk, by=user)
            messages.success(request, _("Taken back: the pair is shown again."))
    except ValidationError as problem:
        form.add_error(None, problem)
        return False
    return True
