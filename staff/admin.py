"""Accounts, teams and role requests on the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from staff import trail
from staff.forms import AccountForm, ApprovalForm, CloseForm, InviteForm, ResetForm, RoleForm, TeamForm
from staff.models import CannotInvite, DeviceReset, Invitation, RoleGrant, Team, User
from staff.models.grants import INVITATION_HOURS, NeedsCode
from staff.roles import Permission, Role, may
from staff.sites import DeskModelAdmin, desk
from staff.stepup import step_up_required
from vault.show import display_value

fresh_code = method_decorator(step_up_required)


@admin.register(Team, site=desk)
class TeamAdmin(DeskModelAdmin):
    form = TeamForm
    list_display = ("name",)


@admin.register(User, site=desk)
class UserAdmin(DeskModelAdmin):
    """Accounts. What changes who may get in has a page of its own, behind a fresh code."""

    list_display = ("username", "role_shown", "team", "is_active", "language")
    list_filter = ("is_active", "role", "team")
    list_select_related = ("team",)
    search_fields = ()
    change_form_template = "staff/change_account.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = AccountForm if change else InviteForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["username", "wanted_role", "team", "language", "time_zone", "address"]
        facts = ["username", "role_shown", "is_active"]
        return facts + (["team", "language", "time_zone", "address"] if self._manages(request) else ["team"])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("username", "role_shown", "is_active")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grants")

    @admin.display(description=_("role"))
    def role_shown(self, user: User) -> str:
        """The role in effect, and the one asked for."""
        shown = str(user.get_role_display()) if user.role else "–"
        waiting = [g for g in user.grants.all() if g.state == RoleGrant.State.REQUESTED]
        if waiting:
            shown += " " + str(_("(%s waits for a coordinator)")) % waiting[0].get_role_display()
        return shown

    @staticmethod
    def _manages(request: HttpRequest) -> bool:
        return may(request.user, Permission.MANAGE_ACCOUNTS)

    # -- inviting

    @fresh_code
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {"title": _("Invite a person")} | (extra_context or {}))

    @fresh_code
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "manages": self._manages(request),
            "resets": may(request.user, Permission.RESET_DEVICES) and object_id != str(request.user.pk),
        } | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        by: Any = request.user
        obj.set_unusable_password()
        obj.save()
        RoleGrant.objects.request(obj, Role(form.cleaned_data["wanted_role"]), by=by)
        request.invitation_code = Invitation.objects.issue(obj, by=by)  # type: ignore[attr-defined]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The invitation and the request for a role are on the trail already."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        by: Any = request.user
        trail.append(by, trail.Verb.ACCOUNT_CHANGED, about=obj.pk, fields=message, access=[obj])

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: Any = None) -> HttpResponse:
        return self._show_code(request, obj, request.invitation_code)  # type: ignore[attr-defined]

    def _show_code(self, request: HttpRequest, user: User, code: str) -> HttpResponse:
        """The answer to the POST itself: a redirect would have to carry the code somewhere."""
        context = desk.each_context(request) | {
            "title": _("Invitation"),
            "person": user,
            "code": code,
            "hours": INVITATION_HOURS,
            "page": request.build_absolute_uri(reverse("invitation")),
            "opts": self.opts,
        }
        return render(request, "staff/invited.html", context)

    # -- what changes who may get in

    def get_urls(self) -> list[Any]:
        def page(name: str, view: Callable[..., HttpResponse]) -> Any:
            return path(f"<uuid:key>/{name}/", self.admin_site.admin_view(view), name=f"staff_user_{name}")

        own = [
            page("role", self.role_view),
            page("invite", self.invite_view),
            page("close", self.close_view),
            page("reopen", self.reopen_view),
            page("reset", self.reset_view),
        ]
        return own + super().get_urls()

    def _account(self, request: HttpRequest, key: UUID) -> User:
        if not self._manages(request):
            raise trail.Refused(_("Only an administrator manages accounts."))
        return get_object_or_404(User, pk=key)

    @fresh_code
    def role_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Ask for a role on an account."""
        user = self._account(request, key)
        form = RoleForm(request.POST or None)

        def act() -> None:
            grant = RoleGrant.objects.request(user, Role(form.cleaned_data["role"]), by=request.user)  # type: ignore[arg-type]
            if grant.state == RoleGrant.State.APPROVED:
                messages.success(request, _("The role is in effect."))
            else:
                messages.success(request, _("Asked for. A coordinator has to approve it on “Role requests”."))

        text = _("A role that sees cases or the trail takes effect only after a coordinator approves it.")
        return self._confirm(request, user, _("Ask for a role"), text, act, form)

    @fresh_code
    def invite_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """A new code for a person who never came in."""
        user = self._account(request, key)
        if request.method == "POST":
            try:
                code = Invitation.objects.issue(user, by=request.user)  # type: ignore[arg-type]
            except CannotInvite as problem:
                messages.error(request, problem.messages[0])
                return self._back(user)
            return self._show_code(request, user, code)
        text = _("Makes a new invitation code. The earlier one stops working.")
        return self._confirm(request, user, _("Invite again"), text, lambda: None)

    @fresh_code
    def close_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Close somebody's account."""
        user = self._account(request, key)
        if user == request.user:
            messages.error(
                request, _("This is your own account. Use “Close my account now” on your own page.")
            )
            return self._back(user)

        def act() -> None:
            user.deactivate(by=request.user)  # type: ignore[arg-type]
            messages.success(request, _("The account is closed; all its sessions have ended."))

        text = _("Ends all sessions of this person and takes the role away.")
        form = None
        if user.holds_cases():
            text = _("This person still holds cases. A coordinator hands them over on “Access”, in one step.")
            form = CloseForm(request.POST or None)
        return self._confirm(request, user, _("Close the account"), text, act, form)

    @fresh_code
    def reopen_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Open a closed account again, without a role."""
        user = self._account(request, key)

        def act() -> None:
            user.reactivate(by=request.user)  # type: ignore[arg-type]
            messages.success(request, _("The account is open, without a role. Ask for one now."))

        text = _("The person can sign in again, but sees nothing until a role was asked for and approved.")
        return self._confirm(request, user, _("Open the account again"), text, act)

    @fresh_code
    def reset_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Ask to take away a lost second factor."""
        if not may(request.user, Permission.RESET_DEVICES):
            raise trail.Refused(_("Only an administrator or a coordinator resets a second factor."))
        user = get_object_or_404(User, pk=key)
        form = ResetForm(request.POST or None)

        def act() -> None:
            DeviceReset.objects.request(user, by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            messages.success(request, _("Asked for. A second person has to approve it on “Resets”."))

        text = _("Speak with the person face to face or over a call you trust before you go on.")
        return self._confirm(request, user, _("Reset the second factor"), text, act, form)

    def _confirm(
        self,
        request: HttpRequest,
        user: User,
        title: Any,
        text: Any,
        act: Callable[[], None],
        form: Any = None,
    ) -> HttpResponse:
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                with transaction.atomic():
                    act()
            except ValidationError as problem:
                messages.error(request, " ".join(problem.messages))
            return self._back(user)
        context = desk.each_context(request) | {
            "title": title,
            "text": text,
            "person": user,
            "form": form,
            "opts": self.opts,
            "back": reverse("admin:staff_user_change", args=[user.pk]),
        }
        return render(request, "staff/confirm.html", context)

    @staticmethod
    def _back(user: User) -> HttpResponse:
        return redirect("admin:staff_user_change", user.pk)


class DecisionAdmin(DeskModelAdmin):
    """Requests that one person makes and another decides on; nothing about them is edited."""

    permission: Permission
    title: Any
    advice: Any
    approved: Any = _("Approved. It is in effect now.")
    # What has to be typed to approve; nothing is needed to refuse.
    approval_form: Any = None
    list_filter = ("state",)
    list_select_related = ("subject", "requested_by", "decided_by")

    def get_list_display(self, request: HttpRequest) -> Any:
        names = list(super().get_list_display(request))
        return [*names, "decide_link"] if may(request.user, self.permission) else names

    @admin.display(description=_("decide"))
    def decide_link(self, asked: Any) -> str:
        """A link to the page where a second person decides."""
        if asked.state != "requested":
            return "–"
        if isinstance(asked, DeviceReset) and asked.is_late(now=timezone.now()):
            return _("too old: ask anew")
        address = reverse(f"admin:staff_{self.opts.model_name}_decide", args=[asked.pk])
        return format_html('<a href="{}">{}</a>', address, _("Approve or refuse"))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.decide_view)
        name = f"staff_{self.opts.model_name}_decide"
        return [path("<uuid:key>/decide/", view, name=name), *super().get_urls()]

    def facts(self, asked: Any) -> list[tuple[Any, Any]]:
        """What the deciding person reads: labels and values."""
        return [
            (_("Account"), asked.subject.username),
            (_("Asked for by"), asked.requested_by.username if asked.requested_by else _("the console")),
            (_("State"), asked.get_state_display()),
        ]

    @fresh_code
    def decide_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Approve or refuse one request."""
        by: Any = request.user
        if not may(by, self.permission):
            raise trail.Refused(_("Your role does not decide on this. Ask a coordinator."))
        asked: Any = get_object_or_404(
            self.model._default_manager.select_related("subject", "requested_by"), pk=key
        )
        approving = "approve" in request.POST
        form = self.approval_form(request.POST if approving else None) if self.approval_form else None
        if request.method == "POST" and (not approving or form is None or form.is_valid()):
            try:
                self._decide(request, asked, by, form, approving=approving)
            except NeedsCode as problem:
                form.add_error("code", problem)
            else:
                return redirect(f"admin:staff_{self.opts.model_name}_changelist")
        context = desk.each_context(request) | {
            "title": self.title,
            "advice": self.advice,
            "facts": self.facts(asked),
            "form": form,
            "opts": self.opts,
            "back": reverse(f"admin:staff_{self.opts.model_name}_changelist"),
        }
        wrong = form is not None and form.is_bound
        return render(request, "staff/decide.html", context, status=422 if wrong else 200)

    def _decide(self, request: HttpRequest, asked: Any, by: User, form: Any, *, approving: bool) -> None:
        """Decide, and say how it went; NeedsCode goes on to the page that asks for the code."""
        try:
            if approving:
                asked.approve(by=by, **(form.cleaned_data if form else {}))
            else:
                asked.refuse(by=by)
        except ValidationError as problem:
            trail.append(by, trail.Verb.REFUSED, about=asked.subject_id, fields=[self.opts.model_name])
            if isinstance(problem, NeedsCode):
                raise
            messages.error(request, " ".join(problem.messages))
        else:
            messages.success(request, self.approved if approving else _("The request was refused."))


@admin.register(RoleGrant, site=desk)
class RoleGrantAdmin(DecisionAdmin):
    """Requests for roles: administrators ask, coordinators decide."""

    permission = Permission.APPROVE_ROLES
    title = _("Decide on a role")
    advice = _(
        "Call the person on a number that you know, or meet them. Approve only with the code that they read "
        "to you themselves. The administrator must not pass it on: whoever kept the invitation could be "
        "behind this account. Ask too whether they alone chose the password, set up the phone and hold the "
        "backup codes."
    )
    approval_form = ApprovalForm
    list_display = ("subject", "role", "state", "requested_by", "requested_at", "decided_by")

    def facts(self, asked: Any) -> list[tuple[Any, Any]]:
        set_up = _("already set up") if asked.code() else _("not set up yet: there is no code to read to you")
        role = (_("Role"), asked.get_role_display())
        return [role, *super().facts(asked), (_("Second factor"), set_up)]


@admin.register(DeviceReset, site=desk)
class DeviceResetAdmin(DecisionAdmin):
    """Lost second factors: one person asks, another decides."""

    permission = Permission.RESET_DEVICES
    title = _("Decide on a reset")
    advice = _(
        "Approve only after you have heard it from the person. All their sessions end at once. A role that "
        "sees cases or the trail ends too, until a coordinator approves it for the new phone."
    )
    approved = _(
        "Approved. The person signs in and sets up a new phone. A coordinator then approves the role on "
        "“Role requests”, with the code that the person reads to them."
    )
    list_display = ("subject", "also_password", "state", "requested_by", "requested_at", "decided_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            "subject",
            "also_password",
            "state",
            "requested_by",
            "requested_at",
            "decided_by",
            "decided_at",
        ]

    def facts(self, asked: Any) -> list[tuple[Any, Any]]:
        what = _("second factor and password") if asked.also_password else _("second factor")
        return [*super().facts(asked), (_("Lost"), what), (_("Reason"), display_value(asked, "reason"))]
