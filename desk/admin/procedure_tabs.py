"""The inlines of the case page in their order: which facets there are, and which share a tab."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cases.models import (
    Appeal,
    Blocker,
    ClockPause,
    Consent,
    ExtraditionNote,
    Hearing,
    Proceeding,
    TypedDeadline,
    WantedCheck,
)
from cases.models.history import value_or_none
from desk.admin import tabs
from desk.admin.forms import FacetForm
from desk.admin.tabs import FIRST, LAST, CaseInline
from desk.admin.terms import article_words
from vault.show import display_value


class AddedInline(CaseInline):
    """A facet that most files have no row of: its empty row is made only when somebody asks for one.

    The button that asks saves what is typed, and comes back with the row; it works without JavaScript.
    """

    template = "admin/cases/added.html"

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """One empty row where the address asks for it, or where one comes back with something typed."""
        return int(request.GET.get("add") == self.prefix())

    @classmethod
    def prefix(cls) -> str:
        """The name of the inline on the page and in its forms."""
        field: Any = cls.model._meta.get_field("case")
        return str(field.remote_field.related_name)


def _choose(made: Any, name: str, rows: Any, words: Any) -> None:
    """Let the select `name` offer these rows of the case, drawn once and not once for each row."""
    field = made.form.base_fields[name]
    field.choices = [("", "–"), *((row.pk, words(row)) for row in rows)]


class ApplicationFacetInline(AddedInline):
    """A facet of an application: which one it is, is chosen among those of the case."""

    tab = "applications"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, offering the applications of this case alone."""
        made = super().get_formset(request, obj, **kwargs)
        rows = obj.applications.all() if obj is not None else ()
        made.form.base_fields["application"].queryset = rows
        _choose(made, "application", rows, lambda row: row.headline)
        return made


class AppealInline(ApplicationFacetInline):
    """Appeals; those that are not decided first."""

    model = Appeal
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("application", "outcome"),
                    ("filed_on", "legal_aid_requested_on", "hearing_on"),
                    ("decided_on", "served_on", "suspensive"),
                    ("body", "file_number"),
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.outcome != "open", -(value_or_none(row, "filed_on") or FIRST).toordinal())


class TypedDeadlineForm(FacetForm):
    """A day typed from the decision; who types and who compares is who sends the form."""

    user: Any = None

    def _post_clean(self) -> None:
        self.instance.acting = self.user
        super()._post_clean()


class TypedDeadlineInline(ApplicationFacetInline):
    """Days typed from decisions; those that still count first."""

    model = TypedDeadline
    form = TypedDeadlineForm
    fieldsets = (
        (
            None,
            {"fields": (("application", "term", "last_day"), "page", ("is_compared", "in_force"))},
        ),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, told who is typing."""
        made = super().get_formset(request, obj, **kwargs)
        made.form.user = request.user
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        return (not row.in_force, value_or_none(row, "last_day") or LAST)


class PauseInline(ApplicationFacetInline):
    """Pauses of terms; those that go on first."""

    model = ClockPause
    fieldsets = (
        (
            None,
            {"fields": (("application", "stops"), ("paused_on", "runs_on_from"), "source")},
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.has_value("runs_on_from"), -(value_or_none(row, "paused_on") or FIRST).toordinal())


class ProceedingInline(AddedInline):
    """What the person is accused of at home."""

    tab = "proceedings"
    model = Proceeding
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("country", "article", "part"),
                    ("stage", "opened_on"),
                    ("maximum_term", "maximum_term_source"),
                    ("body", "file_number"),
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (
            value_or_none(row, "stage") == "closed",
            -(value_or_none(row, "opened_on") or FIRST).toordinal(),
        )


class HearingInline(AddedInline):
    """Hearings at home; those ahead first."""

    tab = "proceedings"
    model = Hearing
    fieldsets = ((None, {"fields": (("proceeding", "held_on", "is_over"), "place", "outcome")}),)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, offering the proceedings of this case alone."""
        made = super().get_formset(request, obj, **kwargs)
        rows = obj.proceedings.with_keys() if obj is not None else ()
        made.form.base_fields["proceeding"].queryset = rows
        _choose(made, "proceeding", rows, article_words)
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.is_over, value_or_none(row, "held_on") or LAST)


class WantedInline(AddedInline):
    """Wanted lists, one row for each; the next check first."""

    tab = "proceedings"
    model = WantedCheck
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("wanted_list", "finding"),
                    ("checked_on", "recheck_on"),
                    "source",
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (value_or_none(row, "recheck_on") or LAST, row.wanted_list)


class ExtraditionInline(AddedInline):
    """What is known about a hand-over: risks with a source."""

    tab = "proceedings"
    model = ExtraditionNote
    fieldsets = ((None, {"fields": ("country", "text", "source")}),)


class BlockerInline(AddedInline):
    """Blockers; the open ones first."""

    model = Blocker
    fieldsets = (
        (
            None,
            {"fields": (("what", "by_what"), ("remover", "waits_for", "is_removed"), "remark")},
        ),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The formset class, offering the blockers of this case alone."""
        made = super().get_formset(request, obj, **kwargs)
        rows = obj.blockers.with_keys() if obj is not None else ()
        made.form.base_fields["waits_for"].queryset = rows
        _choose(
            made,
            "waits_for",
            rows,
            lambda row: f"{display_value(row, 'what')}: {display_value(row, 'by_what')}",
        )
        return made

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.is_removed, row.waits_for_id is not None, str(row.pk))


class ConsentInline(AddedInline):
    """What the person agreed to; what counts first, the newest first."""

    tab = "consents"
    model = Consent
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("purpose", "given_on", "given_how"),
                    ("language", "valid_until"),
                    ("withdrawn_on", "withdrawn_how"),
                    "remark",
                )
            },
        ),
    )

    @staticmethod
    def row_order(row: Any) -> Any:
        return (row.is_withdrawn, -(value_or_none(row, "given_on") or FIRST).toordinal())


AFTER = {
    tabs.ApplicationInline: [AppealInline, TypedDeadlineInline, PauseInline],
    tabs.ContactInline: [
        ProceedingInline,
        HearingInline,
        WantedInline,
        ExtraditionInline,
        BlockerInline,
        ConsentInline,
    ],
}
INLINES = [part for first in tabs.INLINES for part in (first, *AFTER.get(first, ()))]
ADDED = {part.prefix(): part for part in INLINES if issubclass(part, AddedInline)}
