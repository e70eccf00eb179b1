"""The case page and the list of cases. The admin lists, the record acts."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import get_resolver
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import duplicates
from cases.models import Case, CaseShare, IdentityDocument, Purpose, Status, Verdict, Vetting
from cases.models.compartment import offered_to
from desk import files, stay_page
from desk.admin import earlier_versions, lock, what_if
from desk.admin.forms import FIELD_OVERRIDES, CaseForm, bare, choice_class
from desk.admin.listing import (
    CaseChangeList,
    CountryFilter,
    MineFilter,
    StatusFilter,
    days_left_column,
    deadline_badge,
    open_deadlines,
)
from desk.admin.procedure_tabs import ADDED, INLINES
from desk.admin.tabs import IdentityInline, ShareInline
from desk.admin.terms import accusations, blocker_chains, blocker_in, consents, freed_words, terms_of
from desk.board import URGENCY_CLASS
from desk.erasing import may_erase
from inbox.models.outcome import origins
from law import countries
from reminders import doorbell, planning
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from staff.sites import DeskModelAdmin, desk
from vault.cipher import CannotOpen
from vault.show import ERASED, marker

NEXT_DEADLINES = 3
# The button beside a blocker: saves what was typed, and the blocker is removed.
REMOVED = "_removed"


def _person(request: HttpRequest) -> User:
    """Who is signed in: nobody else gets as far as a page of the desk."""
    return cast(User, request.user)


@admin.register(Case, site=desk)
class CaseAdmin(DeskModelAdmin):
    """List and page of the cases that the reader may open."""

    form = CaseForm
    formfield_overrides = FIELD_OVERRIDES
    inlines = INLINES
    actions = None
    list_display = (
        "code",
        "urgency",
        "next_deadline",
        "status_badge",
        "country_name",
        "category_name",
        "worker",
    )
    list_display_links = ("code",)
    list_filter = (StatusFilter, "colour", CountryFilter, "category", MineFilter)
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ()
    save_on_top = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("status", "colour"),
                    ("country", "category"),
                    ("team", "caseworker"),
                    "summary",
                    "version_seen",
                )
            },
        ),
        (_("Closing"), {"classes": ("tab",), "fields": ("closed_on", "closing_reason")}),
    )

    # -- who sees what

    def get_queryset(self, request: HttpRequest) -> Any:
        """Only cases this person may open; every page and list starts here."""
        rows = Case.objects.visible_to(_person(request))
        return rows.by_urgency().select_related("caseworker", "team")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """As the desk's; a file that is being saved is locked until the end of the transaction."""
        case = super().get_object(request, object_id, from_field)
        if case is not None and request.method == "POST" and connection.features.has_select_for_update:
            Case.objects.select_for_update().only("pk").get(pk=case.pk)
            case.refresh_from_db()
        return case

    def trail_case_id(self, obj: Any) -> Any:
        """A case is written on the trail under itself."""
        return obj.pk

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: Any
    ) -> HttpResponse:
        # A response, not an exception: that would take the refusal on the trail back with the transaction.
        page = get_resolver().resolve_error_handler(404)
        return page(request, exception=Http404())  # type: ignore[no-any-return]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """As Django's, without its side doors: pop-ups, other key fields, copies of a record."""
        doors = {IS_POPUP_VAR, TO_FIELD_VAR, "_saveasnew"}
        if doors & {*request.GET, *request.POST}:
            raise Http404
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        """The tabs. Who the person is, the opener types at once; afterwards it lies in its compartment.

        A case that was only lent to somebody is not passed on by them.
        """
        if obj is None or obj.pk is None or obj._state.adding:
            # A new case begins with what a first talk gives; the rest is added once it is there.
            return [part for part in INLINES if part not in ADDED.values()]
        kept = getattr(request, "holds", None)
        if kept is None:
            kept = request.holds = Case.objects.held_by(_person(request)).filter(pk=obj.pk).exists()  # type: ignore[attr-defined]
        without = {IdentityInline} if kept else {IdentityInline, ShareInline}
        return [part for part in INLINES if part not in without]

    # -- the list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The list that fetches deadlines by the page."""
        return CaseChangeList

    @admin.display(description=_("code name"), ordering="code_name")
    def code(self, case: Case) -> str:
        return case.code_name

    @admin.display(description=_("urgency"), ordering="rank")
    def urgency(self, case: Case) -> str:
        return format_html(
            '<span class="badge {}">{}</span>', URGENCY_CLASS.get(case.colour, ""), case.get_colour_display()
        )

    @admin.display(description=_("next deadline"))
    def next_deadline(self, case: Case) -> Any:
        return days_left_column(case)

    @admin.display(description=_("status"), ordering="status")
    def status_badge(self, case: Case) -> str:
        return format_html(
            '<span class="badge">{}</span>', ERASED if case.erased else case.get_status_display()
        )

    @admin.display(description=_("country of stay"), ordering="country")
    def country_name(self, case: Case) -> str:
        return countries.name(case.country)

    @admin.display(description=_("category"), ordering="category")
    def category_name(self, case: Case) -> str:
        return str(case.get_category_display())

    @admin.display(description=_("caseworker"), ordering="caseworker__username")
    def worker(self, case: Case) -> str:
        return case.caseworker.username if case.caseworker else "–"

    # -- the page

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form class, told who is typing and what others saved since the page was made."""
        made = super().get_form(request, obj, change=change, **kwargs)
        made.user = request.user
        made.only_asking = what_if.BUTTON in request.POST
        if request.method == "POST" and obj is not None:
            typed = request.POST.get("version_seen", "")
            version_seen = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
            request.meanwhile = made.meanwhile = lock.changed_meanwhile(obj, version_seen)
        return made

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new case is not closed in the same breath."""
        return self.fieldsets if obj is not None else self.fieldsets[:1]

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As Django's; a country is typed by its name."""
        return super().formfield_for_choice_field(db_field, request, **kwargs, **choice_class(db_field))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As Django's, without ways into other pages."""
        return bare(super().formfield_for_dbfield(db_field, request, **kwargs))

    def _create_formsets(self, request: HttpRequest, obj: Any, change: bool) -> Any:
        formsets, inlines = super()._create_formsets(request, obj, change)
        meanwhile = getattr(request, "meanwhile", None)
        if meanwhile is not None:
            for formset in formsets:
                for row in formset.initial_forms:
                    lock.reconcile(row, meanwhile)
        return formsets, inlines

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """As Django's, with what stands beside the form. Showing a file is written on the trail."""
        case = kwargs.get("obj")
        context["countries"] = [name for _code, name in countries.choices()]
        if case is not None:
            limit = None if request.GET.get("past") == "all" else earlier_versions.NEWEST
            context |= {
                "show_save_and_add_another": False,
                "head": case_head(case)
                | {"blocked": blocker_chains(case)}
                | closed_parts(case, _person(request))
                | {"exports": may(_person(request), Permission.EXPORT_CASES) and request.holds},  # type: ignore[attr-defined]
                "alike": len(duplicates.of(_person(request), today=timezone.localdate(), case=case).open),
                "terms": terms_of(case),
                "accused": accusations(case),
                "consents": consents(case),
                "files": files.lines(case),
                "may_erase": may_erase(_person(request), case),
                "notes": earlier_versions.notes(case, limit),
                "history": earlier_versions.history(case, limit),
                "trail": earlier_versions.trail_rows(case, limit),
                "sees_readers": case.shows_readers_to(_person(request)),
                "stay_panel": stay_page.panel(case, today=case.today(), form=what_if.form_of(request.POST)),
            }
            for inline in context["inline_admin_formsets"]:
                if inline.opts.model is IdentityDocument:
                    stay_page.put_document_notes(inline.formset.initial_forms, context["stay_panel"].found)
            if request.method == "GET" or what_if.BUTTON in request.POST:
                trail.append(_person(request), trail.Verb.CASE_OPENED, case_id=case.pk)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """As Django's; or back to the page with an empty row, for whoever asked for one."""
        wanted = request.POST.get("_add", "")
        if wanted in ADDED:
            messages.success(request, gettext("Saved. Type the new row."))
            return redirect(f"{request.path}?add={wanted}#{wanted}-group")
        if REMOVED in request.POST:
            messages.success(request, freed_words(request.freed))  # type: ignore[attr-defined]
            return redirect(request.path)
        return super().response_change(request, obj)

    # -- saving: the record's verbs, then its deadlines and reminders, all in the view's transaction

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Open, close, take up again, hand over or just save: whichever verb the typed fields call for."""
        by = _person(request)
        if not change:
            obj.open(by=by)
            return
        before = obj.changes()
        if "status" in before and obj.status == Status.CLOSED:
            obj.close(on=obj.closed_on, by=by, reason=obj.closing_reason)
        elif before.get("status") == Status.CLOSED:
            obj.reopen(by=by, status=obj.status)
        elif {"caseworker", "team"} & before.keys():
            obj.assign(to=obj.caseworker, by=by)
        else:
            obj.save(by=by)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """As Django's; then the blocker whose button was pressed is out of the way."""
        super().save_related(request, form, formsets, change)
        if REMOVED in request.POST:
            row = blocker_in(form.instance, request.POST[REMOVED])
            request.freed = row.remove(by=_person(request)) if row else []  # type: ignore[attr-defined]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the rows that changed, each with its history."""
        if formset.model is CaseShare:
            self._save_shares(request, form.instance, formset)
            return
        for row in formset.save(commit=False):
            row.case = form.instance
            row.save(by=_person(request))

    def _save_shares(self, request: HttpRequest, case: Case, formset: Any) -> None:
        formset.save(commit=False)  # Django asks afterwards what it would have done
        for form in formset.forms:
            if not form.has_changed() or form.instance.user_id is None:
                continue
            if form.cleaned_data.get("end_now"):
                form.instance.end(by=_person(request))
            else:
                case.share(to=form.instance.user, until_on=form.instance.until_on, by=_person(request))
        _warn_of_shares(request, case)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The record wrote that it was opened; here, what was typed into it at once."""
        self.log_change(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Everything is saved: bring deadlines and reminders up to date, and write the trail."""
        if not message:
            return
        obj.refresh_deadlines(today=obj.today())
        planning.plan_case(obj)
        trail.append(_person(request), trail.Verb.CASE_CHANGED, case_id=obj.pk, fields=message)
        transaction.on_commit(doorbell.ring)


def _warn_of_shares(request: HttpRequest, case: Case) -> None:
    """Say at once where the person has not agreed that somebody outside the team reads the file."""
    for line in consents(case):
        if line.purpose == Purpose.SHARING:
            for warning in line.warnings:
                messages.warning(request, warning)


def closed_parts(case: Case, user: User) -> dict[str, Any]:
    """The vetting in words, and the compartments that the reader's role may open."""
    vetting = Vetting.objects.of(case)
    return {
        "vetting": str(vetting.get_state_display() if vetting else Verdict.NOT_STARTED.label),
        "vetting_class": "" if vetting and vetting.clears else "d-soon",
        "vetting_waits": vetting is not None and vetting.waits,
        "confirms": may(user, Permission.CONFIRM_VETTING)
        and vetting is not None
        and vetting.first_id != user.pk,
        "compartments": [(which.value, which.label) for which in offered_to(user)],
    }


def case_head(case: Case) -> dict[str, Any]:
    """Urgency, country and the next deadlines, for the head of the page."""
    dated, damaged = [], []
    for row in open_deadlines([case]):
        try:
            dated.append((row.due_on, row))
        except CannotOpen as problem:
            damaged.append(marker(problem))
    dated.sort(key=lambda pair: pair[0])
    now = timezone.now()
    requests, withdrawn = origins(case)
    return {
        "case": case,
        "origins": requests,
        "withdrawn": withdrawn,
        "urgency_class": URGENCY_CLASS.get(case.colour, ""),
        "country": countries.name(case.country),
        "damaged": damaged,
        "more": max(0, len(dated) - NEXT_DEADLINES),
        "deadlines": [
            (
                row.get_kind_display(),
                deadline_badge(due_on, countries.today_in(row.country or case.country, now)),
            )
            for due_on, row in dated[:NEXT_DEADLINES]
        ],
    }
