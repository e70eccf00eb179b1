"""Coming in: invitation, password, second factor; and going out."""

from __future__ import annotations

import io
from typing import Any

import django_otp
import segno
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.models import Device

from staff import again, interrupted_form, stepup, trail
from staff.forms import CodeForm, InvitationForm, SignInForm
from staff.models import BackupSheet, CannotInvite, Invitation, TotpDevice, User
from staff.models.devices import locked_until, second_factor

BACKEND = "staff.backend.AccountBackend"


def way_on(request: HttpRequest) -> str:
    """Where the person wanted to go: `next`, if it is an address of ours, else the desk."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("admin:index")


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, wrong: bool = False
) -> HttpResponse:
    """A page of the sign-in; one that refuses what was typed says so in its status."""
    shared = {"site_header": settings.SITE_NAME, "site_title": settings.SITE_NAME, "next": way_on(request)}
    return render(request, f"staff/{template}.html", shared | context, status=422 if wrong else 200)


class SignIn(LoginView):
    """The password step. It opens nothing but the second one."""

    template_name = "staff/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            title=_("Sign in"),
            site_header=settings.SITE_NAME,
            site_title=settings.SITE_NAME,
            kept=interrupted_form.sealed_form(self.request),
            **kwargs,
        )

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if (sealed := interrupted_form.sealed_form(request)) and request.user.is_authenticated:
            return again.go_on(request, sealed)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def form_valid(self, form: Any) -> HttpResponse:
        done = super().form_valid(form)
        sealed = interrupted_form.sealed_form(self.request)
        return again.go_on(self.request, sealed) if sealed else done

    def form_invalid(self, form: Any) -> HttpResponse:
        typed = User.normalize_username(form.data.get("username", ""))
        tried = User.objects.filter(username=typed).first()
        # A name that nobody has concerns nobody; writing those down would let a stranger fill the trail.
        if tried is not None and not getattr(self.request, "axes_locked_out", False):
            trail.append(tried, trail.Verb.SIGN_IN_FAILED, about=tried.pk)
        return super().form_invalid(form)


sign_in = sensitive_post_parameters()(SignIn.as_view())


@sensitive_post_parameters()
def invitation(request: HttpRequest) -> HttpResponse:
    """The invited person types the code and chooses a password. The code is never part of an address."""
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        try:
            user = Invitation.objects.accept(form.cleaned_data["code"], form.cleaned_data["password1"])
        except CannotInvite as problem:
            form.add_error("code", problem)
        except ValidationError as problem:
            form.add_error("password1", problem)
        else:
            login(request, user, backend=BACKEND)
            return redirect("enrol")
    context = {"form": form, "title": _("Your invitation")}
    return page(request, "invitation", context, wrong=form.is_bound)


def enrol(request: HttpRequest) -> HttpResponse:
    """Set up the authenticator app, then show the backup codes, once."""
    user: Any = request.user
    if TotpDevice.in_force(user):
        return redirect("verify")
    with transaction.atomic():
        device = TotpDevice.begin(user)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            device = TotpDevice.objects.select_for_update().get(pk=device.pk)
            right = device.verify_token(form.cleaned_data["code"])
            fresh_codes = _put_in_force(request, device) if right else []
        if right:
            context = {"codes": fresh_codes, "title": _("Backup codes"), "first_time": True}
            return page(request, "backup_codes", context)
        form.add_error("code", wrong_code([device]))
    context = {"form": form, "title": _("Second factor")} | enrolment(device)
    return page(request, "enrol", context, wrong=form.is_bound)


def enrolment(device: TotpDevice) -> dict[str, Any]:
    """What the app is to be told, for the page: as a picture and to type."""
    secret = device.secret_b32
    return {
        "username": device.user.username,
        "qr": qr_code(device.uri),
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }


def _put_in_force(request: HttpRequest, device: TotpDevice) -> list[str]:
    device.confirm()
    fresh_codes = BackupSheet.renew(device.user)
    let_in(request, device)
    return fresh_codes


def verify(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor: at sign-in, and again before what could do lasting harm."""
    user: Any = request.user
    if not TotpDevice.in_force(user):
        return redirect("enrol")
    once_more = user.is_verified()
    sealed = interrupted_form.sealed_form(request)
    paper = "paper" in request.GET or bool(sealed)
    form = CodeForm(request.POST or None, paper=paper)
    if form.is_valid():
        device = second_factor(user, form.cleaned_data["code"])
        if device is not None:
            let_in(request, device)
            return again.go_on(request, sealed) if sealed else redirect(way_on(request))
        trail.append(user, trail.Verb.SECOND_FACTOR_FAILED, about=user.pk)
        sheets: list[Device] = [*TotpDevice.objects.filter(user=user, confirmed=True)]
        sheets += BackupSheet.objects.filter(user=user)
        form.add_error("code", wrong_code(sheets))
    context = {
        "form": form,
        "title": _("Confirm that it is you") if once_more else _("Second step"),
        "again": once_more,
        "kept": sealed,
    }
    return page(request, "verify", context, wrong=form.is_bound)


def let_in(request: HttpRequest, device: Device) -> None:
    """The code was right: a new session key, so that one seen before this moment is worth nothing."""
    first = not request.user.is_verified()  # type: ignore[union-attr]
    request.session.cycle_key()
    django_otp.login(request, device)
    stepup.mark(request)
    if first:
        trail.append(device.user, trail.Verb.SIGNED_IN)


def wrong_code(devices: list[Device]) -> str:
    """What to say to a code that is not right, and how long to wait."""
    until = locked_until(devices)
    sentence = _(
        "This code is wrong or was used already. Wait for the next one; the phone's clock must be right."
    )
    if until is None:
        return sentence
    seconds = max(1, round((until - timezone.now()).total_seconds()))
    wait = ngettext("Wait %d second before the next try.", "Wait %d seconds before the next try.", seconds)
    return f"{sentence} {wait % seconds}"


def qr_code(text: str) -> SafeString:
    """`text` as an inline SVG without style attributes, which the content policy would refuse."""
    drawing = io.BytesIO()
    segno.make(text, error="m").save(
        drawing,
        kind="svg",
        scale=5,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=False,
        nl=False,
        title=_("QR code for the authenticator app"),
    )
    # segno writes plain shapes and the title given above; nothing in it comes from a visitor.
    return mark_safe(drawing.getvalue().decode())  # noqa: S308 (plain shapes of segno)
