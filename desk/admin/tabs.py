"""The tabs of the case page: one inline for each facet."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Application, CaseShare, ContactChannel, Identity, IdentityDocument, Note, Stay, Task
from cases.models.history import value_or_none
from cases.models.sharing import check_share
from desk.admin.fields import DayField
from desk.admin.forms import (
    FIELD_OVERRIDES,
    ApplicationForm,
    FacetForm,
    FacetFormSet,
    bare,
    choice_class,
    colleagues,
    offer,
    seers,
)
from law import current
from staff.models import User
from vault.fields import SealedTextField

FIRST, LAST = date.min, date.max


class CaseInline(admin.StackedInline):  # type: ignore[type-arg]
    """Base of the tabs: nothing is deleted, no link leads to a page of its own."""

    form = FacetForm
    formset = FacetFormSet
    formfield_overrides = FIELD_OVERRIDES
    template = "admin/cases/stacked.html"
    tab = ""  # parts that name the same one share it
    can_delete = False
    show_change_link = False
    extra = 0

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """As written below; a field that no line places stands at the end, so that none is out of reach."""
        placed: Any = super().get_fieldsets(request, obj)
        if self.fieldsets is None:
            return placed
        left = [field.name for field in self.model._meta.fields if field.editable and not field.primary_key]
        left = [name for name in left if name not in flatten_fieldsets(placed)]
        return [*placed, (None, {"fields": left})] if left else placed

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """An empty row stands ready where nothing is typed yet."""
        return 1 if obj is None else self.extra

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As Django's; a country is typed by its name."""
        return super().formfield_for_choice_field(db_field, request, **kwargs, **choice_class(db_field))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As Django's, without ways into other pages."""
        return bare(super().formfield_for_dbfield(db_field, request, **kwargs))

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, told which page of rows to show and how they are sorted."""
        made = super().get_formset(request, obj, **kwargs)
        asked = request.GET.get(f"page-{self.model._meta.model_name}", "1")
        made.page = max(1, int(asked)) if asked.isdecimal() and len(asked) < 5 else 1
        made.row_order = staticmethod(self.row_order)
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        """What the rows are sorted by; ids by default, because nothing readable says when they came."""
        return str(row.pk)


class IdentityInline(CaseInline):
    """Who the person is."""

    model = Identity
    extra = 1
    max_num = 1
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("surname", "given_name", "patronymic"),
                    ("surname_latin", "given_name_latin"),
                    "aliases",
                    ("born_on", "citizenships"),
                )
            },
        ),
    )


class StayInline(CaseInline):
    """Where the person is and was; the latest entry first. Above them, what the rules make of them."""

    model = Stay
    panel = "admin/cases/stay_panel.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("country", "entered_on", "left_on"),
                    ("basis", "basis_valid_until", "entry_kind"),
                    ("last_legal_day", "last_legal_day_source"),
                    ("registered_place", "registered_place_from", "registration_done_on"),
                    "actual_place",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return -(value_or_none(row, "entered_on") or LAST).toordinal()


class DocumentInline(CaseInline):
    """Papers; those in use first, then by their end."""

    model = IdentityDocument
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind", "issued_by_country", "number"),
                    ("issued_on", "valid_until", "invalidated_on"),
                    ("custody", "authenticity", "in_use"),
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (not row.in_use, value_or_none(row, "valid_until") or LAST)


class ApplicationInline(CaseInline):
    """Applications; those that still run first, by the day of the next step."""

    model = Application
    form = ApplicationForm
    tab = "applications"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("country", "kind"),
                    ("stage", "correction", "evidence"),
                    ("authority", "file_number"),
                    ("next_check_on", "interview_on", "hearing_on"),
                    ("lodged_on", "registered_on", "risk_known_on"),
                    ("certificate_issued_on", "certificate_received_on", "referred_on"),
                    ("responsibility_accepted_on", "transfer_served_on"),
                    ("decided_on", "mailed_on", "served_on", "reasons_served_on"),
                    "tags",
                    "remark",
                )
            },
        ),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, told which kinds of procedure the rules of each country know."""
        made = super().get_formset(request, obj, **kwargs)
        made.form.kinds_of = current.kinds_by_country(timezone.localdate())
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        days = [value_or_none(row, name) for name in ("next_check_on", "interview_on", "hearing_on")]
        return (row.is_finished, min((day for day in days if day), default=LAST), row.country)


class ContactInline(CaseInline):
    """Ways to reach the person; those never to be used last."""

    model = ContactChannel
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind", "value"),
                    ("owner", "owner_remark"),
                    ("never_contact", "cleared_for_contact"),
                    ("safe_hours", "duress_word"),
                    ("known_since_on", "rotation_on"),
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.never_contact, row.kind, str(row.pk))


class TaskInline(CaseInline):
    """What is to be done; the open ones first, by their day."""

    model = Task
    fieldsets = ((None, {"fields": ("text", ("due_on", "assignee", "done"))}),)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Tasks can be given to people of the case's team."""
        made = super().get_formset(request, obj, **kwargs)
        team = obj.team_id if obj is not None else request.user.team_id  # type: ignore[union-attr]
        people = colleagues(team)
        if obj is not None:
            people |= User.objects.filter(pk__in=obj.tasks.values("assignee"))
        offer(made.form.base_fields["assignee"], people.distinct())
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.done, value_or_none(row, "due_on") or LAST)


class NoteInline(CaseInline):
    """A new note; those written before stand below it, outside the form."""

    model = Note
    fields = ("text",)
    extra = 1
    max_num = 1
    template = "admin/cases/notes_inline.html"
    formfield_overrides = {SealedTextField: {"widget": forms.Textarea(attrs={"rows": 5})}}

    def get_queryset(self, request: HttpRequest) -> Any:
        """No row is ever in the form: a note is never changed."""
        return super().get_queryset(request).none()


class ShareForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who may open the case, and until when; another person is another row."""

    end_now = forms.BooleanField(label=_("End at once"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields["end_now"].widget = forms.HiddenInput()
        else:
            user = self.fields["user"]
            user.disabled = True
            user.queryset = User.objects.filter(pk=self.instance.user_id)
            user.choices = [(self.instance.user_id, self.instance.user.username)]

    def _follows_an_old_one(self) -> bool:
        """Whether the case was shared with this person before: that row is over, and is taken up again."""
        share = self.instance
        before = CaseShare.objects.filter(case=share.case, user=share.user_id)
        return share._state.adding and not before.running(timezone.localdate()).exists()

    def validate_unique(self) -> None:
        """As Django's, but for a share that is over."""
        if not self._follows_an_old_one():
            super().validate_unique()

    def validate_constraints(self) -> None:
        """The same."""
        if not self._follows_an_old_one():
            super().validate_constraints()

    def clean(self) -> dict[str, Any]:
        """Refuse a last day that is over or far away, before anything else of the page is saved."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        wanted = "until_on" in self.changed_data and not data.get("end_now")
        if wanted and data.get("user") and data.get("until_on"):
            try:
                check_share(data["user"], data["until_on"], timezone.localdate())
            except ValidationError as problem:
                self.add_error("until_on", problem)
        return data


class ShareInline(CaseInline):
    """Colleagues who may open the case until a day."""

    model = CaseShare
    form = ShareForm
    formfield_overrides = {models.DateField: {"form_class": DayField}}
    verbose_name_plural = _("shared with")
    fields = (("user", "until_on", "end_now"),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Shares that are not over, with their people; the trail knows of the others."""
        running = super().get_queryset(request).running(timezone.localdate())
        return running.select_related("user")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """A case can be shared with whoever may see cases at all."""
        made = super().get_formset(request, obj, **kwargs)
        offer(made.form.base_fields["user"], seers())
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        return -row.until_on.toordinal()


INLINES = [
    IdentityInline,
    StayInline,
    DocumentInline,
    ApplicationInline,
    ContactInline,
    TaskInline,
    NoteInline,
    ShareInline,
]
