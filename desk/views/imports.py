"""Import from a spreadsheet: a template, a dry run with its report, then all good rows at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from desk.views import idempotency
from importing.run import TABLES, Import, Report, What
from importing.sheets import FORMULA, MOST_BYTES, MOST_ROWS, CannotRead
from importing.values import LANGUAGES
from reminders import doorbell
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from staff.sites import desk
from staff.stepup import step_up_required

KINDS = [
    (What.CASES.value, pgettext_lazy("import", "Cases")),
    (What.REQUESTS.value, pgettext_lazy("import", "Help requests")),
]
# The seal over what was checked holds as long as a form may lie open.
CHECKED_SECONDS = idempotency.GOOD_SECONDS


class SheetForm(forms.Form):
    """Which file, and what its rows are."""

    what = forms.ChoiceField(label=gettext_lazy("What the rows are"), choices=KINDS, initial=What.CASES.value)
    file = forms.FileField(
        label=gettext_lazy("Spreadsheet"),
        allow_empty_file=True,
        max_length=1000,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={"required": gettext_lazy("Choose the file first.")},
    )
    also_known = forms.BooleanField(
        label=gettext_lazy("Import the rows that are here already as well"), required=False
    )

    def __init__(self, *args: Any, again: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _("XLSX or CSV, up to %(mb)d MB and %(rows)d rows.") % {
            "mb": MOST_BYTES // 1_000_000,
            "rows": MOST_ROWS,
        }
        if not again:
            del self.fields["also_known"]

    def clean_file(self) -> Any:
        """Refuse what did not fit into memory: it comes without its bytes."""
        sent = self.cleaned_data["file"]
        if sent.size > MOST_BYTES:
            raise ValidationError(
                _("The file has more than %(most)d MB. Split it into several and import one after the other.")
                % {"most": MOST_BYTES // 1_000_000}
            )
        return sent


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@step_up_required
def show(request: HttpRequest) -> HttpResponse:
    """The form; a POST checks a file, and once it was checked imports it. Nothing of it is kept meanwhile."""
    _require_allowed(request)
    act = request.POST.get("act", "")
    again = act in ("bring", "rejects")
    posted = request.method == "POST"
    form = SheetForm(request.POST if posted else None, request.FILES if posted else None, again=again)
    report, sheet = None, None
    if posted and form.is_valid():
        try:
            sheet = _sheet(request, form)
            if again and _was_checked(request, sheet):
                return _bad_rows(sheet) if act == "rejects" else _bring(request, form, sheet)
            if again:
                other = _("This is not the file that was checked. Nothing was imported; here is its report.")
                messages.warning(request, other)
            report = sheet.look()
        except CannotRead as problem:
            form.add_error("file", str(problem))
    return _page(request, form, report, sheet)


def _require_allowed(request: HttpRequest) -> None:
    user: Any = request.user
    if not may(user, Permission.IMPORT_SHEETS) or user.team_id is None:
        raise trail.Refused(_("Only a coordinator of a team imports spreadsheets. Ask one."))


def _sheet(request: HttpRequest, form: SheetForm) -> Import:
    user: Any = request.user
    return Import(
        content=form.cleaned_data["file"].read(),
        what=What(form.cleaned_data["what"]),
        by=User.objects.get(pk=user.pk),  # the rows that are stored together want no lazy one
        now=timezone.now(),
        today=timezone.localdate(),
        language=translation.get_language() or "en",
    )


def _salt(request: HttpRequest) -> str:
    user: Any = request.user
    return f"desk.import.{user.pk}"


def _was_checked(request: HttpRequest, sheet: Import) -> bool:
    """Whether this reader saw the report on this very file."""
    try:
        checked = signing.loads(request.POST.get("checked", ""), salt=_salt(request), max_age=CHECKED_SECONDS)
    except signing.BadSignature:
        return False
    return bool(checked == sheet.fingerprint)


def _bring(request: HttpRequest, form: SheetForm, sheet: Import) -> HttpResponse:
    with transaction.atomic():
        done = sheet.bring(key=idempotency.key(request), also_known=form.cleaned_data["also_known"])
        transaction.on_commit(doorbell.ring)
    if done:
        said = ngettext("%(n)d row was imported.", "%(n)d rows were imported.", done) % {"n": done}
        then = _("Delete the file from this device if it is needed no longer.")
        messages.success(request, f"{said} {then}")
    else:
        messages.warning(request, _("Nothing was imported: every good row is here already."))
    return redirect("inbox" if sheet.what is What.REQUESTS else "admin:cases_case_changelist")


def _page(request: HttpRequest, form: SheetForm, report: Report | None, sheet: Import | None) -> HttpResponse:
    context = {
        "title": _("Import from a spreadsheet"),
        "form": form,
        "report": report,
        "kinds": KINDS,
        "languages": LANGUAGES,
    }
    if report is not None and sheet is not None:
        again = SheetForm(initial={"what": sheet.what.value}, again=True)
        context |= {
            "again": again,
            "kind": dict(KINDS)[sheet.what.value],
            "checked": signing.dumps(sheet.fingerprint, salt=_salt(request)),
            "once": idempotency.new_token(request),
        }
    status = 422 if form.errors else 200
    return render(request, "desk/import.html", desk.each_context(request) | context, status=status)


def _bad_rows(sheet: Import) -> HttpResponse:
    """The rows that were not taken with their causes, to be corrected and imported by themselves."""
    language = sheet.language
    rows = [(*cells, causes if line else _("What is wrong")) for line, cells, causes in sheet.bad_rows()]
    return _csv(rows, "corrections.csv", language)


@require_GET
def template(request: HttpRequest, what: str, language: str) -> HttpResponseBase:
    """An empty table with all headings, in English or Russian."""
    _require_allowed(request)
    if what not in [each.value for each in What] or language not in LANGUAGES:
        return redirect("import")
    headings = [column.heading(language) for column in TABLES[What(what)]]
    return _csv([headings], f"{what}-{language}.csv", language)


def _csv(rows: Iterable[Iterable[str]], name: str, language: str) -> HttpResponse:
    """A CSV that an office program of that language opens as a table; nothing in it is a formula."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";" if language == "ru" else ",")
    writer.writerows([defuse(cell) for cell in row] for row in rows)
    response = HttpResponse(written.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def defuse(cell: str) -> str:
    """`cell` so that no spreadsheet program computes it; what was defused once stays as it is."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
