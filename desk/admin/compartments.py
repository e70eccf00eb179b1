"""The closed parts of a file as pages: the door with reason and fresh code, and the room behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.models import Case, CaseLink, Compartment, CompartmentOpening, Identity, LinkKind, RouteNote
from cases.models.compartment import ACTS, FACETS, LATE_MINUTES, MINUTES
from cases.models.route import KEPT_DAYS
from cases.models.vetting import Vetting, WarConduct
from desk.admin import earlier_versions, lock
from desk.admin.fields import DayField
from desk.admin.forms import FIELD_OVERRIDES, FacetForm, tell_days
from law import countries
from reminders import doorbell, planning
from staff import trail
from staff.roles import Permission, may
from staff.sites import changed_names, desk
from staff.stepup import step_up_required
from vault.show import display_value

Room = tuple[dict[str, Any], Callable[[], bool]]


class ReasonForm(forms.Form):
    """Why the compartment is opened."""

    reason = forms.CharField(
        label=gettext_lazy("What you need it for"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Write no name: the reason stands on the trail, sealed."),
    )


class RouteForm(forms.Form):
    """A new route note."""

    text = forms.CharField(
        label=gettext_lazy("New route note"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )


class LinkForm(forms.Form):
    """Another case that the reader may open, and how the two people know each other."""

    code_name = forms.CharField(
        label=gettext_lazy("Code name of the other case"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=gettext_lazy("How they know each other"), choices=LinkKind)
    remark = forms.CharField(label=gettext_lazy("Remark"), max_length=300, required=False)


def _facet_form(model: Any, names: tuple[str, ...]) -> Any:
    def field(db_field: Any, **kwargs: Any) -> Any:
        for kind, wanted in FIELD_OVERRIDES.items():
            if isinstance(db_field, kind):
                kwargs = {**wanted, **kwargs}
        return db_field.formfield(**kwargs)

    return forms.modelform_factory(model, form=FacetForm, fields=names, formfield_callback=field)


IdentityForm = _facet_form(
    Identity,
    (
        "surname",
        "given_name",
        "patronymic",
        "surname_latin",
        "given_name_latin",
        "aliases",
        "born_on",
        "citizenships",
    ),
)
VettingForm = _facet_form(Vetting, ("state", "limits", "grounds"))
ConductForm = _facet_form(WarConduct, ("service", "conduct", "exclusion"))


def case_or_404(request: HttpRequest, key: UUID, what: str) -> Any:
    """The case; else the same page for one that never was and one of somebody else, and the trail knows."""
    user: Any = request.user
    case = Case.objects.visible_to(user).filter(pk=key).with_keys().first()
    if case is not None:
        return case
    if Case._base_manager.filter(pk=key).exists():
        trail.append(user, trail.Verb.REFUSED, case_id=key, fields=[what])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, key: UUID, which: str) -> HttpResponse:
    """One compartment: its door while it is closed, its content while it stands open to the reader."""
    if which not in Compartment.values:
        raise Http404
    case = case_or_404(request, key, "cases.compartment")
    if isinstance(case, HttpResponse):
        return case
    user: Any = request.user
    part, now = Compartment(which), timezone.now()
    if not may(user, ACTS[part]):
        raise trail.Refused(
            _("Your role does not open this part of the file. Ask a coordinator who does."), case_id=case.pk
        )
    until = CompartmentOpening.objects.until(case, part, user, now=now)
    act = request.POST.get("act", "") if request.method == "POST" else ""
    late = act == "save" and CompartmentOpening.objects.until(
        case, part, user, now=now, late_minutes=LATE_MINUTES
    )
    if until is None and not late:
        return _door(request, case, part)
    if act == "close":
        CompartmentOpening.objects.close(case, part, by=user)
        messages.success(request, _("The compartment is closed."))
        return redirect("admin:cases_case_change", case.pk)
    return _room(request, case, part, until, now)


@step_up_required
def _door(request: HttpRequest, case: Case, which: Compartment) -> HttpResponse:
    user: Any = request.user
    form = ReasonForm(request.POST if request.POST.get("act") == "open" else None)
    if form.is_bound and form.is_valid():
        try:
            CompartmentOpening.objects.open(
                case, which, by=user, reason=form.cleaned_data["reason"], now=timezone.now()
            )
        except ValidationError as problem:
            form.add_error(None, ValidationError(problem.messages))
        else:
            return redirect("compartment", case.pk, which.value)
    context = _frame(case, which) | {"form": form, "minutes": MINUTES}
    status = 422 if form.errors else 200
    return render(request, "desk/compartment_door.html", desk.each_context(request) | context, status=status)


def _frame(case: Case, which: Compartment) -> dict[str, Any]:
    return {"title": which.label, "case": case, "which": which.value}


def _room(
    request: HttpRequest, case: Case, which: Compartment, until: datetime | None, now: datetime
) -> HttpResponse:
    """The content, or what a POST does to it. Where it closed meanwhile, what was typed is only saved."""
    with transaction.atomic():
        if request.method == "POST" and connection.features.has_select_for_update:
            Case.objects.select_for_update().only("pk").get(pk=case.pk)
            case.refresh_from_db()
        context, save = ROOMS[which](request, case, now)
        if request.method == "POST" and save():
            return redirect("compartment", case.pk, which.value)
    left = int((until - now).total_seconds()) if until else 0
    context |= _frame(case, which) | {
        "until": until,
        "closes_in": left,
        "history": _history_of(case, which) if until else None,
        "countries": [name for _code, name in countries.choices()],
    }
    wrong = any(form.errors for form in context["forms"])
    return render(
        request,
        f"desk/compartment_{which.value}.html",
        desk.each_context(request) | context,
        status=422 if wrong else 200,
    )


def _history_of(case: Case, which: Compartment) -> Any:
    return earlier_versions.history(case, only=FACETS[which]) if FACETS[which] else None


def _after_change(request: HttpRequest, case: Case, changed: list[str]) -> bool:
    """Deadlines, reminders and the trail after a change of facets."""
    user: Any = request.user
    if changed:
        case.refresh_deadlines(today=case.today())
        planning.plan_case(case)
        trail.append(user, trail.Verb.CASE_CHANGED, case_id=case.pk, fields=changed)
        transaction.on_commit(doorbell.ring)
        messages.success(request, _("Saved."))
    return True


def _bind_form(
    request: HttpRequest, form_class: Any, row: Any, case: Case, prefix: str, which: Compartment
) -> Any:
    """The form of one facet; what a colleague changed meanwhile is kept, or shown beside what was typed."""
    data = request.POST.copy() if request.POST.get("act") == "save" else None
    row.case = case
    form = form_class(data, instance=row, prefix=prefix)
    tell_days(form, countries.today_in(case.country, timezone.now()))
    if data is not None:
        typed = data.get("version_seen", "")
        seen = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
        meanwhile = lock.changed_meanwhile(case, seen, inside=FACETS[which])
        if meanwhile is not None and str(row.pk) in meanwhile.seen:
            lock.reconcile(form, meanwhile)
    return form


def _save_facets(request: HttpRequest, case: Case, which: Compartment, wanted: list[Any]) -> Room:
    user: Any = request.user
    built = [_bind_form(request, *each, case, prefix, which) for prefix, *each in wanted]

    def save() -> bool:
        # Every form is asked, so that all errors show at once.
        if [form for form in built if not form.is_valid()]:
            return False
        try:
            with transaction.atomic():
                for form in built:
                    if isinstance(form.instance, Vetting) and form.has_changed():
                        form.instance.propose(by=user)
                    elif form.has_changed():
                        form.instance.save(by=user)
        except ValidationError as problem:
            built[0].add_error(None, ValidationError(problem.messages))
            return False
        return _after_change(request, case, sorted({name for form in built for name in changed_names(form)}))

    return {"forms": built, "version": case.version}, save


def _identity(request: HttpRequest, case: Case, now: datetime) -> Room:
    row = Identity.objects.filter(case=case).first() or Identity(case=case)
    return _save_facets(request, case, Compartment.IDENTITY, [("identity", IdentityForm, row)])


def _vetting(request: HttpRequest, case: Case, now: datetime) -> Room:
    vetting = Vetting.objects.of(case) or Vetting(case=case)
    conduct = WarConduct.objects.filter(case=case).first() or WarConduct(case=case)
    wanted = [("vetting", VettingForm, vetting), ("conduct", ConductForm, conduct)]
    context, save = _save_facets(request, case, Compartment.VETTING, wanted)
    return context | {"vetting": vetting}, save


def _route(request: HttpRequest, case: Case, now: datetime) -> Room:
    user: Any = request.user
    act = request.POST.get("act", "")
    form = RouteForm(request.POST if act == "save" else None)
    today = countries.today_in(case.country, now)

    def save() -> bool:
        if act == "used":
            return _mark_used(request, case, today)
        if not form.is_valid():
            return False
        RouteNote(case=case, text=form.cleaned_data["text"]).save(by=user)
        messages.success(request, _("Saved."))
        return True

    rows = [] if request.method == "POST" and act == "save" else RouteNote.objects.of(case)
    notes = [
        {
            "row": row,
            "text": display_value(row, "text"),
            "at": display_value(row, "at"),
            "used_on": display_value(row, "used_on"),
        }
        for row in rows
    ]
    return {"forms": [form], "notes": notes, "kept": KEPT_DAYS, "today": today}, save


def _mark_used(request: HttpRequest, case: Case, today: date) -> bool:
    user: Any = request.user
    row = _own(RouteNote.objects.filter(case=case), request)
    try:
        on = DayField().clean(request.POST.get("used_on", ""))
        row.mark_used(on, by=user, today=today)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        messages.success(request, _("Marked. The note is erased two weeks after that day."))
    return True


def _links(request: HttpRequest, case: Case, now: datetime) -> Room:
    user: Any = request.user
    act = request.POST.get("act", "")
    form = LinkForm(request.POST if act == "save" else None)

    def save() -> bool:
        if act == "unlink":
            _own(CaseLink.objects.filter(case=case), request).end(by=user)
            messages.success(request, _("The link has ended on both sides."))
            return True
        if not form.is_valid():
            return False
        typed = form.cleaned_data
        other = Case.objects.visible_to(user).filter(code_name__iexact=typed["code_name"].strip()).first()
        if other is None:
            form.add_error("code_name", _("You may open no case of this name. Check how it is written."))
            return False
        try:
            CaseLink.objects.join(
                case, other, kind=LinkKind(typed["kind"]), remark=typed["remark"].strip(), by=user
            )
        except ValidationError as problem:
            form.add_error(None, ValidationError(problem.messages))
            return False
        messages.success(request, _("Linked on both sides."))
        return True

    return {"forms": [form], "links": CaseLink.objects.seen_by(user, case)}, save


def _own(rows: Any, request: HttpRequest) -> Any:
    """The row of this case that was posted; anything else was never there."""
    try:
        row = rows.filter(pk=UUID(request.POST.get("key", ""))).first()
    except ValueError:
        row = None
    if row is None:
        raise Http404
    return row


ROOMS: dict[Compartment, Callable[[HttpRequest, Case, datetime], Room]] = {
    Compartment.IDENTITY: _identity,
    Compartment.ROUTE: _route,
    Compartment.VETTING: _vetting,
    Compartment.LINKS: _links,
}


@step_up_required
@require_http_methods(["GET", "POST"])
def confirm_vetting(request: HttpRequest, key: UUID) -> HttpResponse:
    """The second person confirms the result, or sends it back; grounds stay in the compartment."""
    case = case_or_404(request, key, "cases.vetting")
    if isinstance(case, HttpResponse):
        return case
    user: Any = request.user
    if not may(user, Permission.CONFIRM_VETTING):
        raise trail.Refused(_("Only a lawyer or a coordinator is the second person."), case_id=case.pk)
    vetting = Vetting.objects.of(case)
    if vetting is None or not vetting.waits:
        messages.info(request, _("Nothing waits for a second person here."))
        return redirect("admin:cases_case_change", case.pk)
    if request.method == "POST":
        try:
            if request.POST.get("act") == "confirm":
                vetting.confirm(by=user)
                messages.success(request, _("Confirmed."))
            else:
                vetting.reject(by=user, reason=request.POST.get("reason", ""))
                messages.success(request, _("Sent back to the first person."))
        except ValidationError as problem:
            messages.error(request, " ".join(problem.messages))
            return redirect("vetting_confirm", case.pk)
        return redirect("admin:cases_case_change", case.pk)
    context = {
        "title": _("Second person for the vetting"),
        "case": case,
        "vetting": vetting,
        "result": vetting.get_state_display(),
        "limits": display_value(vetting, "limits"),
        "back": reverse("admin:cases_case_change", args=[case.pk]),
    }
    return render(request, "desk/vetting_confirm.html", desk.each_context(request) | context)
