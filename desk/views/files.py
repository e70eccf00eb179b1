"""The files of a case: list and upload, download, and the erasure of the whole case."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import get_resolver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from cases.models import Attachment, AttachmentKind, Case, Deadline
from cases.models.attachment import ENDINGS, MOST_PDF_BYTES, MOST_PICTURE_BYTES
from cases.models.history import value_or_none
from desk import erasing, files
from desk.erasing import may_erase
from staff import trail
from staff.roles import Permission, may
from staff.sites import desk
from staff.stepup import step_up_required
from vault.cipher import CannotOpen
from vault.files import CannotStore
from vault.images import ImageRefused

LONGEST_REASON = 1000


class FileForm(forms.Form):
    """What is sent with a file. What the bytes are, the record says."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,  # the record says it in words of its own
        max_length=1000,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("What it shows"), choices=[("", "–"), *AttachmentKind.choices]
    )
    remark = forms.CharField(label=gettext_lazy("Remark"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _(
            "A photograph (JPEG, PNG, WebP; up to %(picture)d MB) or a PDF (up to %(pdf)d MB)."
        ) % {"picture": MOST_PICTURE_BYTES // 1_000_000, "pdf": MOST_PDF_BYTES // 1_000_000}

    def clean_file(self) -> Any:
        """Refuse what did not fit into memory: it comes without its bytes."""
        sent = self.cleaned_data["file"]
        if sent.size > MOST_PDF_BYTES:
            raise ValidationError(
                _("The file has %(size)s MB; at most %(limit)d MB can be taken. Send it in parts.")
                % {"size": f"{sent.size / 1e6:.1f}", "limit": MOST_PDF_BYTES // 1_000_000}
            )
        return sent


class EraseForm(forms.Form):
    """The last question before a case is erased."""

    code_name = forms.CharField(
        label=gettext_lazy("Type the code name of the case"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why it is erased (write no name)"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def clean_code_name(self) -> str:
        """Refuse another name than that of the case."""
        typed = str(self.cleaned_data["code_name"])
        if typed.strip().casefold() != self.case.code_name.casefold():
            raise ValidationError(_("This is not the code name of this case. Nothing was erased."))
        return typed


@require_http_methods(["GET", "POST"])
def of_case(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """The files of one case; a POST adds one."""
    case = _case(request, key)
    if case is None:
        return not_found(request, Case, key)
    user: Any = request.user
    writes = may(user, Permission.WRITE_CASES) and not case.erased
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _add_file(request, case, form):
        return redirect("case_files", key=case.pk)
    context = {
        "title": _("Files"),
        "subtitle": case.code_name,
        "case": case,
        "form": form if writes else None,
        "files": files.lines(case),
    }
    status = 422 if form.errors else 200
    return render(request, "desk/files.html", desk.each_context(request) | context, status=status)


def _add_file(request: HttpRequest, case: Case, form: FileForm) -> bool:
    """Keep the file; False puts the reason on the form."""
    user: Any = request.user
    sent, data = form.cleaned_data["file"], form.cleaned_data
    try:
        Attachment.objects.keep(
            case, sent.read(), name=sent.name, kind=data["kind"], remark=data["remark"], by=user
        )
    except (ImageRefused, CannotStore) as problem:
        form.add_error("file", str(problem))
        return False
    except CannotOpen:
        form.add_error(
            None,
            _("This file cannot be opened any more: nothing can be saved in it. Tell your administrator."),
        )
        return False
    messages.success(request, _("The file is kept, sealed. You may now delete it from this device."))
    return True


@require_GET
def download(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """One file, streamed and never shown in place. All of it was checked before its first byte is sent."""
    user: Any = request.user
    row = Attachment.objects.visible_to(user).filter(pk=key).select_related("case").first()
    if row is None:
        return not_found(request, Attachment, key)
    try:
        pieces = row.read_by(user)
    except CannotOpen:
        context = {"title": _("This file does not open"), "case": row.case, "erased": row.case.erased}
        page = desk.each_context(request) | context
        return render(request, "desk/file_closed.html", page, status=410 if row.case.erased else 409)
    media = value_or_none(row, "media")
    response = StreamingHttpResponse(
        pieces, content_type=media if media in ENDINGS else "application/octet-stream"
    )
    response["Content-Disposition"] = f'attachment; filename="{row.neutral_name()}"'
    if isinstance(size := value_or_none(row, "size"), int):
        response["Content-Length"] = str(size)
    return response


@require_http_methods(["GET", "POST"])
@step_up_required
def erase(request: HttpRequest, key: UUID) -> HttpResponse:
    """Say plainly what erasure does, ask for the code name and a reason, and do it."""
    case = _case(request, key)
    if case is None:
        return not_found(request, Case, key)
    user: Any = request.user
    if not may_erase(user, case):
        raise trail.Refused(_("Only a coordinator of its team erases a case. Ask one."), case_id=case.pk)
    form = EraseForm(request.POST or None, case=case)
    if request.method == "POST" and form.is_valid():
        erasing.erase(case, by=user, reason=form.cleaned_data["reason"])
        messages.success(request, _("The case is erased. Nothing in it can be opened again."))
        return redirect("admin:cases_case_changelist")
    context = {
        "title": _("Erase the case for good"),
        "subtitle": case.code_name,
        "case": case,
        "form": form,
        "open_deadlines": Deadline.objects.open().filter(case=case).count(),
        "files": case.attachments.count(),
    }
    status = 422 if form.errors else 200
    return render(request, "desk/erase.html", desk.each_context(request) | context, status=status)


def _case(request: HttpRequest, key: UUID) -> Case | None:
    user: Any = request.user
    return Case.objects.visible_to(user).filter(pk=key).first()


def not_found(request: HttpRequest, model: Any, key: UUID) -> HttpResponse:
    """The same page for what never was and for what belongs to a hidden case; the trail knows."""
    column = "pk" if model is Case else "case_id"
    hidden = model._base_manager.filter(pk=key).values_list(column, flat=True).first()
    if hidden is not None:
        user: Any = request.user
        trail.append(user, trail.Verb.REFUSED, case_id=hidden, fields=[model._meta.label_lower])
    page: Any = get_resolver().resolve_error_handler(404)
    return page(request, exception=Http404())  # type: ignore[no-any-return]
