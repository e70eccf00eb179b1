"""The own account: language, password, backup codes, other sessions, panic."""

from __future__ import annotations

from typing import Any

import django_otp
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from staff import sessions, trail
from staff.forms import CodeForm, OwnPasswordForm, PreferencesForm
from staff.models import BackupCode, BackupSheet, RoleGrant, TotpDevice, User
from staff.sites import desk
from staff.stepup import step_up_required
from staff.views.signing import enrolment, let_in, wrong_code

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
    waiting = RoleGrant.objects.open().filter(subject=user).first()
    context = {
        "title": _("Your account"),
        "person": user,
        "form": form,
        "codes_left": left,
        "few_codes": left <= FEW_CODES,
        "sessions": len(sessions.of(user)),
        "waiting": waiting,
        "approval_code": waiting.code() if waiting else "",
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
            trail.append(user, trail.Verb.PASSWORD_CHANGED, about=user.pk, access=[user])
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password was changed. All your other sessions have ended."))
        return redirect("account")
    return page(request, "password", {"title": _("Change your password"), "form": form}, wrong=form.is_bound)


@step_up_required
def backup_codes(request: HttpRequest) -> HttpResponse:
    """Ten new backup codes, shown once; the old ones stop working."""
    user: Any = request.user
    fresh = BackupSheet.renew(user) if request.method == "POST" else []
    if fresh and isinstance(user.otp_device, BackupSheet):
        # This session came in by a code of the old sheet.
        django_otp.login(request, BackupSheet.objects.get(user=user))
    return page(request, "backup_codes", {"title": _("Backup codes"), "codes": fresh})


def end_sessions(request: HttpRequest) -> HttpResponse:
    """The sessions of this account; a POST ends the one it names, or all but the one that asks."""
    user: Any = request.user
    key = request.session.session_key
    if request.method != "POST":
        context = {"title": _("Your sessions"), "sessions": sessions.of(user, current=key)}
        return page(request, "end_sessions", context)
    if handle := request.POST.get("session"):
        return _end_one(request, handle)
    with transaction.atomic():
        user.end_sessions()
        trail.append(user, trail.Verb.SESSIONS_ENDED, about=user.pk, access=[user])
    update_session_auth_hash(request, user)
    messages.success(request, _("All your other sessions have ended."))
    return redirect("account")


def _end_one(request: HttpRequest, handle: str) -> HttpResponse:
    user: Any = request.user
    here = any(
        one.here and one.handle == handle for one in sessions.of(user, current=request.session.session_key)
    )
    with transaction.atomic():
        ended = sessions.end(user, handle)
        if ended:
            trail.append(user, trail.Verb.SESSION_ENDED, about=user.pk)
    if here:
        logout(request)
        return redirect("login")
    if ended:
        messages.success(request, _("This session has ended."))
    else:
        messages.info(request, _("This session had ended already."))
    return redirect("end_sessions")


@sensitive_post_parameters()
@step_up_required
def new_phone(request: HttpRequest) -> HttpResponse:
    """Move the second factor to another phone: the new app shows a right code, then the old one is
    worth nothing.
    """
    user: Any = request.user
    with transaction.atomic():
        device = TotpDevice.begin(user)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            device = TotpDevice.objects.select_for_update().get(pk=device.pk)
            right = device.verify_token(form.cleaned_data["code"])
            if right:
                TotpDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
                device.confirm()
                user.end_sessions()
        if right:
            update_session_auth_hash(request, user)
            let_in(request, device)
            messages.success(
                request,
                _("The new phone is in force. The old one opens nothing; your other sessions have ended."),
            )
            return redirect("account")
        form.add_error("code", wrong_code([device]))
    context = {"title": _("Move to another phone"), "form": form, "moving": True} | enrolment(device)
    return page(request, "enrol", context, wrong=form.is_bound)


@step_up_required
def void_codes(request: HttpRequest) -> HttpResponse:
    """Cross out every backup code, for a sheet of paper that was lost; new ones can be made at any time."""
    user: Any = request.user
    if request.method != "POST":
        return page(request, "void_codes", {"title": _("Cross out the backup codes")})
    BackupSheet.void(user)
    messages.success(request, _("No backup code works any more. Make new ones soon."))
    return redirect("account")


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
