"""The legal rules on the desk: everybody who reads cases reads them, a lawyer changes and confirms them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cases.models import Case, Cause, DeadlineKind, Recomputation, RecomputedCase
from desk import law_book
from desk.law_book import STALE_AFTER_DAYS, VersionInWords, Waiting
from desk.views.rule_fields import VersionForm
from desk.views.rule_forms import FORMS, TABLES_TO_ADD, ConfirmForm, FilterForm, fits
from law.models import LegalRule, RuleTable
from staff import trail
from staff.roles import Permission, may
from staff.sites import desk
from vault.cipher import CannotOpen

PAGE_LINES = 40
RECENT = 5


def _reader(request: HttpRequest) -> Any:
    if not may(request.user, Permission.READ_RULES):  # type: ignore[arg-type]
        raise trail.Refused(_("Your account may not see the legal rules. Ask a coordinator."))
    return request.user


def _lawyer(request: HttpRequest) -> Any:
    user = _reader(request)
    if not may(user, Permission.MANAGE_RULES):
        raise trail.Refused(_("Only a lawyer changes and confirms legal rules. Ask one."))
    return user


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    may_manage = may(request.user, Permission.MANAGE_RULES)  # type: ignore[arg-type]
    common = {"may_manage": may_manage, "stale_days": STALE_AFTER_DAYS}
    return render(
        request, f"desk/{template}.html", desk.each_context(request) | common | context, status=status
    )


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list, and above it what waits for a lawyer."""
    _reader(request)
    today = timezone.localdate()
    form = FilterForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    every = law_book.entries(today)
    found = [
        entry
        for entry in every
        if chosen.get("country") in (None, "", entry.country)
        and chosen.get("table") in (None, "", entry.table)
        and (not chosen.get("state") or chosen["state"] in entry.waiting)
    ]
    page = Paginator(found, PAGE_LINES).get_page(request.GET.get("page"))
    chips = [
        (why, sum(why in entry.waiting for entry in every), f"{reverse('rules')}?state={why.value}")
        for why in Waiting
    ]
    context = {
        "title": _("Legal rules"),
        "form": form,
        "filtered": any(chosen.values()),
        "chips": chips,
        "chosen_state": chosen.get("state", ""),
        "page": page,
        "total": len(found),
        "section": _turns(request, page),
        "tables": [(table, RuleTable(table).label) for table in TABLES_TO_ADD],
        "working": Recomputation.objects.unfinished().count(),
    }
    return _page(request, "rules", context)


def _turns(request: HttpRequest, page: Any) -> dict[str, str]:
    """Addresses of the pages before and after, with the same filters."""

    def at(number: int) -> str:
        query = request.GET.copy()
        query["page"] = str(number)
        return f"{reverse('rules')}?{query.urlencode()}"

    return {"earlier_page": at(page.number - 1), "later_page": at(page.number + 1)}


def _family(code: str) -> list[VersionInWords]:
    versions = law_book.family(code, timezone.localdate())
    if not versions:
        raise Http404
    return versions


@require_GET
def one(request: HttpRequest, code: str) -> HttpResponse:
    """One rule: the version that counts, all others, who confirmed them, what it moved."""
    user = _reader(request)
    versions = _family(code)
    main = law_book.main_version(versions)
    row = main.version.row
    made = {
        rule.ref: rule for rule in LegalRule.objects.filter(code=code).select_related("made_by", "replaces")
    }
    context = {
        "title": _("Rule %(code)s") % {"code": code},
        "code": code,
        "place": law_book.place(row.get("country") or code),
        "table": RuleTable(main.version.table).label,
        "main": main,
        "versions": [(told, made[told.ref], list(_confirmations(made[told.ref]))) for told in versions],
        "fed": law_book.fed_deadlines(user, code),
        "recomputations": Recomputation.objects.filter(rule__code=code).order_by("-requested_at")[:RECENT],
        "form_fits": fits(FORMS[main.version.table], main.version),
    }
    return _page(request, "rule", context)


def _confirmations(rule: LegalRule) -> Any:
    return rule.confirmations.select_related("by").order_by("-pk")


@require_http_methods(["GET", "POST"])
def new_version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """A version that replaces version `number` of a rule."""
    user = _lawyer(request)
    versions = _family(code)
    before = next((told for told in versions if told.version.number == number), None)
    if before is None or not fits(FORMS[before.version.table], before.version):
        raise Http404
    newest = versions[0].ref
    form = FORMS[before.version.table](
        request.POST or None, before=before.left or before.version, initial={"seen": newest}
    )

    def make() -> LegalRule:
        draft = form.draft(code, versions[0].version.number + 1)
        return LegalRule.objects.make(draft, by=user, seen=form.cleaned_data["seen"])

    title = _("New version of %(ref)s") % {"ref": before.ref}
    return _make_version(request, form, make, title, reverse("rule", args=[code]))


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, table: str) -> HttpResponse:
    """A new rule, for example for a country that has none."""
    user = _lawyer(request)
    if table not in TABLES_TO_ADD:
        raise Http404
    form = FORMS[table](request.POST or None)

    def make() -> LegalRule:
        return LegalRule.objects.make(form.draft(form.cleaned_data["code"], 1), by=user, seen="")

    title = _("New rule: %(table)s") % {"table": RuleTable(table).label}
    return _make_version(request, form, make, title, reverse("rules"))


def _make_version(
    request: HttpRequest, form: VersionForm, make: Callable[[], LegalRule], title: str, back: str
) -> HttpResponse:
    """Make what was typed, or show the form with what is wrong beside its field."""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                rule = make()
                Recomputation.objects.request(rule, Cause.CHANGED, by=_lawyer(request))
        except ValidationError as problem:
            _show(form, problem)
        else:
            messages.success(
                request, _("In the book: %(ref)s. Dates of the cases concerned follow.") % {"ref": rule.ref}
            )
            return redirect("rule", code=rule.code)
    context = {"title": title, "form": form, "back": back, "submit": _("Save as a new version")}
    return _page(request, "rule_form", context, 422 if form.errors else 200)


def _show(form: Any, problem: ValidationError) -> None:
    """What the record refuses, beside its field where the form has one."""
    if not hasattr(problem, "error_dict"):
        form.add_error(None, problem)
        return
    for name, errors in problem.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """A lawyer has read the source of version `number` and signs that it says the same."""
    user = _lawyer(request)
    versions = _family(code)
    told = next((each for each in versions if each.version.number == number), None)
    if told is None:
        raise Http404
    today = timezone.localdate()
    form = ConfirmForm(request.POST or None, initial={"seen": versions[0].ref, "on": today})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with transaction.atomic():
                rule = LegalRule.objects.version(told.ref)
                rule.confirm(
                    on=data["on"], source_seen=data["source_seen"], by=user, today=today, seen=data["seen"]
                )
                Recomputation.objects.request(rule, Cause.CONFIRMED, by=user)
        except ValidationError as problem:
            _show(form, problem)
        else:
            messages.success(request, _("Confirmed: %(ref)s.") % {"ref": told.ref})
            return redirect("rule", code=code)
    context = {
        "title": _("Confirm %(ref)s") % {"ref": told.ref},
        "form": form,
        "told": told,
        "back": reverse("rule", args=[code]),
        "submit": _("It says what the law says: confirm"),
    }
    return _page(request, "rule_form", context, 422 if form.errors else 200)


@require_GET
def recomputation(request: HttpRequest, key: UUID) -> HttpResponse:
    """How far it is, and which dates moved: by name only in cases that the reader may open."""
    user = _reader(request)
    row = Recomputation.objects.select_related("rule", "requested_by").filter(pk=key).first()
    if row is None:
        raise Http404
    visible = Case.objects.visible_to(user)
    seen = row.kept.filter(case__in=visible).select_related("case").order_by("case__code_name")
    page = Paginator(seen, PAGE_LINES).get_page(request.GET.get("page"))
    page.object_list = [_moves_in_words(kept) for kept in page.object_list.with_keys()]
    every, own = row.kept.filter(damaged=False).count(), seen.filter(damaged=False).count()
    address = reverse("recomputation", args=[key])
    context = {
        "title": _("Dates after a change of the rules"),
        "row": row,
        "page": page,
        "hidden": every - own,
        "damaged": row.kept.filter(damaged=True).count(),
        "moved": every,
        "section": {
            "earlier_page": f"{address}?page={page.number - 1}",
            "later_page": f"{address}?page={page.number + 1}",
        },
        "back": reverse("rule", args=[row.rule.code]) if row.rule else reverse("rules"),
    }
    return _page(request, "recomputation", context)


def _moves_in_words(kept: RecomputedCase) -> dict[str, Any]:
    """A case with its moves in words; what does not open says so."""
    try:
        moves = kept.moves or []
    except CannotOpen:
        return {"case": kept.case, "moves": [], "damaged": True}
    told = [
        {
            "kind": DeadlineKind(move["kind"]).label if move["kind"] in DeadlineKind.values else move["kind"],
            "old": move["old"],
            "new": move["new"],
        }
        for move in moves
    ]
    return {"case": kept.case, "moves": told, "damaged": kept.damaged}
