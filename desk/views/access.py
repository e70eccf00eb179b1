"""Who sees what: shares, deputies, emergencies and leavers, on one page; and the forms that change them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.models import Case, CaseShare, Deputy, EmergencyOpening, EmergencyState, Status
from cases.models.sharing import LONGEST_DEPUTY_DAYS
from reminders import doorbell, planning
from staff import trail
from staff.models import User
from staff.roles import ROLES_WITH, Permission, may, sees_cases
from staff.sites import desk
from staff.stepup import is_fresh, step_up_required
from vault.show import display_value

SHOWN_DAYS = 7
ROWS = 100


def day_input() -> forms.DateInput:
    """A day that is picked or typed."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DeputyForm(forms.Form):
    """Who is away, who stands in, from when until when."""

    away = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Who is away"))
    deputy = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Who stands in"))
    from_on = forms.DateField(label=gettext_lazy("From"), input_formats=["%Y-%m-%d"], widget=day_input())
    until_on = forms.DateField(
        label=gettext_lazy("Until, this day counted in"), input_formats=["%Y-%m-%d"], widget=day_input()
    )

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        team: Any = User.objects.active().filter(
            team=user.team_id, role__in=ROLES_WITH[Permission.READ_CASES]
        )
        team = team.order_by("username") if user.team_id else team.none()
        self.fields["away"].queryset = team if may(user, Permission.ASSIGN_CASES) else team.filter(pk=user.pk)  # type: ignore[attr-defined]
        self.fields["deputy"].queryset = team.exclude(pk=user.pk)  # type: ignore[attr-defined]
        self.initial |= {"away": user.pk, "from_on": today, "until_on": today + timedelta(13)}


class HandOverForm(forms.Form):
    """To whom, and why."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("To whom"),
        required=False,
        empty_label=gettext_lazy("Nobody yet"),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def __init__(self, *args: Any, user: User, leaver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.active().filter(team=user.team_id, role__in=ROLES_WITH[Permission.HOLD_CASES])
        self.fields["to"].queryset = people.exclude(pk=leaver.pk).order_by("username")  # type: ignore[attr-defined]


class EmergencyForm(forms.Form):
    """The code name, typed exactly, and what happened."""

    code_name = forms.CharField(
        label=gettext_lazy("Code name, exactly as it is written"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("What happened, and why it cannot wait"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


def _reader(request: HttpRequest) -> Any:
    if not sees_cases(request.user):  # type: ignore[arg-type]
        raise trail.Refused(_("Your account may not see cases. Ask a coordinator."))
    return request.user


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The page; what is posted names or ends a deputy, gives a case back, decides on an emergency."""
    if _act(request) == "appoint" and not is_fresh(request):
        # It opens all that a colleague sees: a browser left open must not be enough.
        return step_up_required(show)(request)
    user, today = _reader(request), timezone.localdate()
    form = DeputyForm(request.POST if _act(request) == "appoint" else None, user=user, today=today)
    if request.method == "POST" and _post(request, user, form, today):
        return redirect("access")
    now = timezone.now()
    context = {
        "title": _("Access"),
        "shares": _shares(user, today),
        "mine": EmergencyOpening.objects.running(now).filter(person=user).select_related("case"),
        "standing_in": Deputy.objects.not_over(today).filter(deputy=user).select_related("away"),
        "deputies": _deputies(user, today),
        "form": form,
        "months": LONGEST_DEPUTY_DAYS // 30,
        "coordinates": may(user, Permission.ASSIGN_CASES),
        "emergencies": _emergencies(user, today, now),
        "people": _people(user),
    }
    return render(
        request, "desk/access.html", desk.each_context(request) | context, status=422 if form.errors else 200
    )


def _act(request: HttpRequest) -> str:
    return request.POST.get("act", "") if request.method == "POST" else ""


def _shares(user: User, today: date) -> Any:
    mine = CaseShare.objects.running(today).filter(user=user).select_related("case", "case__caseworker")
    return mine.exclude(case__status=Status.CLOSED).order_by("until_on", "case__code_name")[:ROWS]


def _deputies(user: User, today: date) -> Any:
    mine = Q(away=user)
    if may(user, Permission.ASSIGN_CASES) and user.team_id:
        mine |= Q(away__team=user.team_id)
    return Deputy.objects.not_over(today).filter(mine).select_related("away", "deputy")


def _emergencies(user: User, today: date, now: Any) -> list[dict[str, Any]]:
    """What happened in the last days, for coordinators; a case they may not open stays without a name."""
    if not may(user, Permission.ASSIGN_CASES):
        return []
    rows = EmergencyOpening.objects.concerning(user).since(today - timedelta(SHOWN_DAYS))
    found = list(rows.select_related("person", "case", "decided_by").with_keys()[:ROWS])
    concerned = [row.case_id for row in found if row.case_id]
    seen = Case.objects.visible_to(user).filter(pk__in=concerned).pks()
    return [
        {
            "row": row,
            "reason": display_value(row, "reason"),
            "case": row.case if row.case_id in seen else None,
            "hidden": row.case_id is not None and row.case_id not in seen,
            "running": row.until_at > now and row.state in (EmergencyState.OPEN, EmergencyState.APPROVED),
            "waits": row.state == EmergencyState.WAITING and row.person_id != user.pk,
        }
        for row in found
    ]


def _people(user: User) -> list[User]:
    """Colleagues of the team with cases in work, closed accounts first: theirs have to be handed over."""
    if not may(user, Permission.ASSIGN_CASES) or not user.team_id:
        return []
    in_work = Q(cases__team=user.team_id) & ~Q(cases__status=Status.CLOSED)
    rows = User.objects.annotate(holds=Count("cases", filter=in_work)).filter(holds__gt=0)
    return list(rows.order_by("is_active", "username")[:ROWS])


def _post(request: HttpRequest, user: User, form: DeputyForm, today: date) -> bool:
    """Do what was asked; False where the form has to be shown again."""
    act, key = _act(request), _key(request.POST.get("key", ""))
    try:
        if act == "appoint":
            if not form.is_valid():
                return False
            Deputy.objects.appoint(**form.cleaned_data, by=user, today=today)
            messages.success(request, _("Named. The deputy sees these cases on the days you gave."))
        elif act == "end_deputy":
            _one(Deputy.objects.filter(pk=key)).end(by=user)
            messages.success(request, _("The deputyship has ended."))
        elif act == "give_back":
            _one(CaseShare.objects.filter(case=key, user=user)).end(by=user, today=today)
            messages.success(request, _("The case is no longer shared with you."))
        elif act in ("approve", "refuse"):
            rows = EmergencyOpening.objects.concerning(user)
            _one(rows.filter(pk=key)).decide(approve=act == "approve", by=user, now=timezone.now())
            messages.success(request, _("Decided."))
        elif act == "close_emergency":
            _one(EmergencyOpening.objects.filter(pk=key)).end(by=user, now=timezone.now())
            messages.success(request, _("Closed."))
    except ValidationError as problem:
        if act == "appoint":
            form.add_error(None, ValidationError(problem.messages))
            return False
        messages.error(request, " ".join(problem.messages))
    return True


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _one(rows: Any) -> Any:
    row = rows.first()
    if row is None:
        raise ValidationError(_("This is over already. Look at the page again."))
    return row


@step_up_required
@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest, key: UUID) -> HttpResponse:
    """Hand everything that a colleague has in work in the own team to somebody else, in one step."""
    user = _reader(request)
    if not may(user, Permission.ASSIGN_CASES):
        raise trail.Refused(_("Only a coordinator hands cases over. Ask one of the team."))
    leaver = next((person for person in _people(user) if person.pk == key), None)
    if leaver is None:
        raise Http404
    form = HandOverForm(request.POST or None, user=user, leaver=leaver)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                done = Case.objects.hand_over(
                    of=leaver, to=form.cleaned_data["to"], by=user, reason=form.cleaned_data["reason"]
                )
                for case in done:
                    planning.plan_case(case)
                transaction.on_commit(doorbell.ring)
        except ValidationError as problem:
            form.add_error(None, ValidationError(problem.messages))
        else:
            messages.success(request, _("Handed over. The new caseworker is reminded from now on."))
            return redirect("access")
    context = {
        "title": _("Hand over cases"),
        "text": _("All cases in work and open tasks of this person in your team go over at once."),
        "person": leaver,
        "form": form,
        "back": reverse("access"),
    }
    return render(
        request,
        "staff/confirm.html",
        desk.each_context(request) | context,
        status=422 if form.errors else 200,
    )


@step_up_required
@require_http_methods(["GET", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Open a case outside one's own. The answer is the same whether there is such a case or not."""
    user = _reader(request)
    if not may(user, Permission.BREAK_GLASS):
        raise trail.Refused(_("Your role does not open cases in an emergency. Ask a coordinator."))
    form = EmergencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                opened = EmergencyOpening.objects.break_glass(
                    case=Case.objects.with_code_name(form.cleaned_data["code_name"]),
                    reason=form.cleaned_data["reason"],
                    by=user,
                    now=timezone.now(),
                    day=timezone.now().date(),
                )
                planning.tell_coordinators(
                    opened.pk, opened.case and opened.case.team_id, user, timezone.now()
                )
                transaction.on_commit(doorbell.ring)
        except ValidationError as problem:
            form.add_error(None, ValidationError(problem.messages))
        else:
            messages.success(request, _message_for(opened.state))
            return redirect("access")
    context = {"title": _("Open a case in an emergency"), "form": form, "back": reverse("access")}
    return render(
        request,
        "desk/emergency.html",
        desk.each_context(request) | context,
        status=422 if form.errors else 200,
    )


def _message_for(state: str) -> str:
    if state == EmergencyState.WAITING:
        return _("Asked for. From the fourth time in a day a coordinator has to approve; they were told.")
    return _(
        "If there is a case of exactly this name, it is open to you for four hours. Coordinators were told."
    )
