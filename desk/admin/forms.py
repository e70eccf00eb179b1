"""Forms of the case page: the case itself, and the rows of its facets."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.models.history import value_or_none
from desk.admin import lock
from desk.admin.fields import CodesField, CountryField, DayField, DayInput, KindsField
from law import countries
from staff.models import User
from staff.roles import ROLES_WITH, Permission, may
from vault.cipher import NoKey
from vault.fields import SealedDateField, SealedJSONField, SealedTextField
from vault.forms import SealedFormMixin

ROWS_ON_A_PAGE = 10

FIELD_OVERRIDES: dict[Any, dict[str, Any]] = {
    SealedDateField: {"form_class": DayField},
    SealedTextField: {"widget": forms.Textarea(attrs={"rows": 3}), "empty_value": None},
    SealedJSONField: {"form_class": CodesField},
}


COUNTRY_FIELDS = {"country", "issued_by_country"}


def choice_class(db_field: Any) -> dict[str, Any]:
    """Arguments for the form field of `db_field` where it is not a plain select."""
    return {"choices_form_class": CountryField} if db_field.name in COUNTRY_FIELDS else {}


def seers(permission: Permission = Permission.READ_CASES) -> Any:
    """Active people who may see cases at all, or do `permission`."""
    return User.objects.active().filter(role__in=ROLES_WITH[permission]).order_by("username")


def colleagues(team_id: Any, permission: Permission = Permission.READ_CASES) -> Any:
    """Those of them in one team: a task can be given to any of them, a case to those who hold cases."""
    return seers(permission).filter(team=team_id)


def offer(field: Any, people: Any) -> None:
    """Let `field` choose among `people`, asked for once and not once for each row."""
    field.queryset = people
    field.choices = [("", "–"), *people.values_list("pk", "username")]


def bare(field: Any) -> Any:
    """A field whose select offers no way into other pages. Its name is its label: every row draws one."""
    if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    return field


def tell_days(form: Any, today: datetime.date) -> None:
    """Let the day inputs of `form` say how far away their day is."""
    for field in form.fields.values():
        if isinstance(field.widget, DayInput):
            field.widget.today = today


class CaseForm(SealedFormMixin, forms.ModelForm):  # type: ignore[misc, type-arg]
    """The overview of a case. `version_seen` is what the page was made from; `lock` compares it."""

    version_seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    user: User  # these three are set by the page
    meanwhile: lock.Meanwhile | None = None
    only_asking = False

    class Meta:
        model = Case
        fields = (
            "status",
            "colour",
            "country",
            "category",
            "team",
            "caseworker",
            "summary",
            "closed_on",
            "closing_reason",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        case: Case = self.instance
        adding = case._state.adding
        self.fields["version_seen"].initial = None if adding else case.version
        if adding:
            case.team_id = self.user.team_id
            self.initial.update(team=self.user.team_id)
            self.initial.setdefault(
                "caseworker", None if may(self.user, Permission.ASSIGN_CASES) else self.user.pk
            )
        tell_days(self, countries.today_in(case.country, timezone.now()))
        self._limit_choices(
            may(self.user, Permission.ASSIGN_CASES) and case.team_id == self.user.team_id, adding
        )
        if self.is_bound and self.meanwhile is not None:
            self.data = self.data.copy()
            self.data["version_seen"] = str(case.version)
            lock.reconcile(self, self.meanwhile)
            self.add_error(None, lock.summary(self.meanwhile))

    def _limit_choices(self, assigns: bool, adding: bool) -> None:
        team, worker = self.fields["team"], self.fields["caseworker"]
        team.disabled = adding or not assigns
        worker.disabled = not assigns
        if team.disabled:
            team.queryset = team.queryset.filter(pk=self.instance.team_id)
        typed_team = self.data.get("team") if self.is_bound and not team.disabled else None
        chosen = _uuid_or_none(team, typed_team) or self.instance.team_id
        holders = colleagues(chosen, Permission.HOLD_CASES)
        worker.queryset = holders | User.objects.filter(pk=self.instance.caseworker_id)
        if adding and not assigns:
            worker.queryset = User.objects.filter(pk=self.user.pk)

    def is_valid(self) -> bool:
        """As Django's; a page that only asks "what if" comes back with what was typed and saves nothing."""
        return not self.only_asking and super().is_valid()

    def clean(self) -> dict[str, Any]:
        """Refuse to save into a case whose key is gone: nothing typed could be sealed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding and isinstance(self.instance.record_cipher(), NoKey):
            raise ValidationError(
                _("This file cannot be opened any more: nothing can be saved in it. Tell your administrator.")
            )
        if "team" in self.changed_data and "caseworker" not in self.changed_data:
            # The old team's caseworker stays behind with the old team.
            cleaned["caseworker"] = None
        return cleaned


def _uuid_or_none(field: Any, typed: Any) -> Any:
    try:
        return field.clean(typed).pk if typed else None
    except ValidationError:
        return None


class FacetForm(SealedFormMixin, forms.ModelForm):  # type: ignore[misc, type-arg]
    """One row of a facet."""


class ApplicationForm(FacetForm):
    """An application; a wrong stage can be corrected without pretending that it moved."""

    correction = forms.BooleanField(
        label=_("Correction"),
        required=False,
        help_text=_("The stage was recorded wrongly; the application did not move."),
    )

    tags = KindsField()
    kinds_of: Mapping[str, Collection[str]] = {}  # set by the page

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_before = (
            set(value_or_none(self.instance, "tags") or ()) if not self.instance._state.adding else set()
        )
        self.fields["tags"].offer(set_before | set(self.kinds_of.get(self.instance.country, ())))

    def clean(self) -> dict[str, Any]:
        """Tell the record whether this is a correction."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.instance.is_correction = bool(cleaned.get("correction"))
        return cleaned


class FacetFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The rows of one facet, newest first, ten on a page; rows of other cases are refused."""

    page = 1
    row_order: Callable[[Any], Any] | None = None

    def get_queryset(self) -> Any:
        """All rows for a form that comes back; one page of them to show. One query fetches the keys."""
        if not hasattr(self, "_queryset"):
            rows = (
                list(self.queryset.with_keys())
                if hasattr(self.queryset, "with_keys")
                else list(self.queryset)
            )
            if self.row_order is not None:
                rows.sort(key=self.row_order)
            self.rows_in_all = len(rows)
            if not self.is_bound:
                start = (self.page - 1) * ROWS_ON_A_PAGE
                rows = rows[start : start + ROWS_ON_A_PAGE]
            self._queryset = rows
        return self._queryset

    @property
    def pages(self) -> range:
        """Numbers of the pages there are."""
        self.get_queryset()
        return range(1, -(-self.rows_in_all // ROWS_ON_A_PAGE) + 1)

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        # The row's rules ask its case, and its key comes from there without a query.
        form.instance.case = self.instance
        return form

    def add_fields(self, form: Any, index: int | None) -> None:
        """As Django's; days say how far away they are in the country of the case."""
        super().add_fields(form, index)
        tell_days(form, countries.today_in(self.instance.country, timezone.now()))

    def full_clean(self) -> None:
        """As Django's, and refuse ids of rows that do not belong to this case."""
        super().full_clean()
        if not self.is_bound:
            return
        own = {str(row.pk) for row in self.get_queryset()}
        sent = [self.data.get(f"{form.prefix}-{self.model._meta.pk.name}") for form in self.initial_forms]
        if any(key not in own for key in sent):
            self._non_form_errors.append(
                _("A row of this form does not belong to this case. Load the page again.")
            )
