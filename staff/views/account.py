"""The own account: language, password, backup codes, other sessions, panic."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from staff import trail
from staff.forms import OwnPasswordForm, PreferencesForm
from staff.models import BackupCode, BackupSheet, RoleGrant, User
from staff.sites import desk
from staff.stepup import step_up_required

FEW_CODES = 3


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, wrong: bool = False
) -> HttpResponse:
    """A page with the desk's head around it."""
    context = desk.each_context(request) | context
    return render(request, f"staff/{template}.html", context, status=422 if wrong else 200)


def account(request: HttpRequest) -> HttpResponse:
    """What a person can see and change about the own account."""
    user = User.objects.select_related("team").get(pk=request.user.pk)
    form = PreferencesForm(request.POST or None, instance=user)
    if form.is_valid():
        with transaction.atomic():
            form.save()
            names = [f"user.{name}" for name in form.changed_data]
            trail.append(user, trail.Verb.ACCOUNT_CHANGED, about=user.pk, fields=names)
        translation.activate(user.language)
        messages.success(request, _("Saved."))
        return redirect("account")
    left = BackupCode.objects.filter(sheet__user=user).count()
    context = {
        "title": _("Your account"),
        "person": user,
        "form": form,
        "codes_left": left,
        "few_codes": left <= FEW_CODES,
        "waiting": RoleGrant.objects.open().filter(subject=user).first(),
    }
    return page(request, "account", context, wrong=form.is_bound)


@sensitive_post_parameters()
@step_up_required
def password(request: HttpRequest) -> HttpResponse:
    """Choose a new password; all other sessions end with the old one."""
    user: Any = request.user
    form = OwnPasswordForm(user, request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            form.save()
            trail.append(user, trail.Verb.PASSWORD_CHANGED, about=user.pk)
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password was changed. All your other sessions have ended."))
        return redirect("account")
    return page(request, "password", {"title": _("Change your password"), "form": form}, wrong=form.is_bound)


@step_up_required
def backup_codes(request: HttpRequest) -> HttpResponse:
    """Ten new backup codes, shown once; the old ones stop working."""
    user: Any = request.user
    fresh = BackupSheet.renew(user) if request.method == "POST" else []
    return page(request, "backup_codes", {"title": _("Backup codes"), "codes": fresh})


def end_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions of this account but the one that asks."""
    user: Any = request.user
    if request.method == "POST":
        with transaction.atomic():
            user.end_sessions()
            trail.append(user, trail.Verb.SESSIONS_ENDED, about=user.pk)
        update_session_auth_hash(request, user)
        messages.success(request, _("All your other sessions have ended."))
        return redirect("account")
    return page(request, "end_sessions", {"title": _("End other sessions")})


def panic(request: HttpRequest) -> HttpResponse:
    """Close the own account at once, everywhere. No code is asked for: there may be no time."""
    user: Any = request.user
    if request.method != "POST":
        return page(request, "panic", {"title": _("Panic")})
    user.panic()
    logout(request)
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
