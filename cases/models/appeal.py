"""What hangs on an application: appeals, pauses of its terms, and last days typed from the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import Facet, KeptQuerySet, of_case, refusal
from law.clocks import Term
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedCharField, SealedDateField, SealedTextField
from vault.models import SealedModel

if TYPE_CHECKING:
    from staff.models import User

OF_ANOTHER_CASE = _("This application belongs to another case. Choose one of this case.")
NEEDS_APPLICATION = _("Choose the application that this belongs to.")
SECOND_PERSON = _("Somebody else compares the day with the page: two people, four eyes. Ask a colleague.")


def of_application(related_name: str) -> models.ForeignKey[Any, Any]:
    """The foreign key to the application that a facet hangs on."""
    return models.ForeignKey(
        "cases.Application",
        on_delete=models.PROTECT,
        related_name=related_name,
        verbose_name=_("application"),
    )


def require_own_application(row: Any) -> None:
    """Refuse a facet that hangs on no application of its own case."""
    if row.application_id is None:
        raise refusal("application", NEEDS_APPLICATION)
    if row.application.case_id != row.case_id:
        raise refusal("application", OF_ANOTHER_CASE)


class Outcome(models.TextChoices):
    """How an appeal ended."""

    OPEN = "open", pgettext_lazy("appeal", "Not decided yet")
    ALLOWED = "allowed", pgettext_lazy("appeal", "Allowed")
    DISMISSED = "dismissed", pgettext_lazy("appeal", "Dismissed")
    WITHDRAWN = "withdrawn", pgettext_lazy("appeal", "Withdrawn")


class Suspensive(models.TextChoices):
    """Whether the person may stay while it is decided."""

    UNKNOWN = "unknown", pgettext_lazy("may stay", "Not known")
    YES = "yes", pgettext_lazy("may stay", "Yes, removal is suspended")
    NO = "no", pgettext_lazy("may stay", "No: ask for it in an urgent motion")


class Appeal(Facet):
    """One appeal against a decision; a further appeal is a further row."""

    sealed_label = "cases.appeal"

    case = of_case("appeals")
    application = of_application("appeals")
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, default=Outcome.OPEN)
    suspensive = models.CharField(
        _("may the person stay meanwhile"), max_length=10, choices=Suspensive, default=Suspensive.UNKNOWN
    )
    body = SealedCharField(_("court or body"), null=True, blank=True, max_length=300)
    file_number = SealedCharField(_("file number"), null=True, blank=True, max_length=80)
    legal_aid_requested_on = SealedDateField(_("legal aid asked for"), null=True, blank=True)
    filed_on = SealedDateField(_("appeal filed"), null=True, blank=True)
    hearing_on = SealedDateField(_("hearing"), null=True, blank=True)
    decided_on = SealedDateField(_("appeal decided"), null=True, blank=True)
    served_on = SealedDateField(
        _("decision on the appeal served"),
        null=True,
        blank=True,
        help_text=_("The day the person or the lawyer received it."),
    )
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            models.CheckConstraint(
                name="appeal_outcome_is_known",
                condition=Q(outcome__in=Outcome.values),
                violation_error_message=_("This outcome does not exist. Choose one from the list."),
            )
        ]

    def clean(self) -> None:
        """Refuse days that cannot be, and the application of another case."""
        require_own_application(self)
        if (
            self.value_or_none("served_on")
            and self.value_or_none("decided_on")
            and self.served_on < self.decided_on
        ):
            raise refusal("served_on", _("It was served before it was decided. Check both dates."))
        if (
            self.value_or_none("decided_on")
            and self.value_or_none("filed_on")
            and self.decided_on < self.filed_on
        ):
            raise refusal("decided_on", _("It was decided before it was filed. Check both dates."))


class Stops(models.TextChoices):
    """Which terms stand still, or which term a typed day is about."""

    APPEAL = Term.APPEAL.value, _("The window of appeal")
    STEP = Term.STEP.value, _("Another step of the person")
    AUTHORITY = Term.AUTHORITY.value, _("The authority's own term")


class ClockPause(Facet):
    """A time in which a term stood still, as typed by a person: from legal aid asked to legal aid decided."""

    sealed_label = "cases.clock_pause"

    case = of_case("pauses")
    application = of_application("pauses")
    stops = models.CharField(_("what stands still"), max_length=20, choices=Stops, default=Stops.APPEAL)
    paused_on = SealedDateField(_("stands still from"), null=True, blank=True)
    runs_on_from = SealedDateField(
        _("runs on from"),
        null=True,
        blank=True,
        help_text=_("Until it is typed, reminders keep to the day counted without the pause."),
    )
    source = SealedCharField(
        _("where this stands"), null=True, blank=True, max_length=300, help_text=_("Letter, law or lawyer.")
    )

    class Meta:
        verbose_name = _("pause of a term")
        verbose_name_plural = _("pauses of terms")
        constraints = [
            models.CheckConstraint(
                name="pause_says_what_stands_still",
                condition=Q(stops__in=Stops.values),
                violation_error_message=_("Choose what stands still."),
            ),
            models.CheckConstraint(
                name="pause_has_a_first_day",
                condition=Q(paused_on__isnull=False),
                violation_error_message=_("Type the day from which the term stands still."),
            ),
        ]

    def clean(self) -> None:
        """Refuse a pause without a beginning or a source, and one that ends before it begins."""
        require_own_application(self)
        if not self.has_value("paused_on"):
            raise refusal("paused_on", _("Type the day from which the term stands still."))
        if not self.has_value("source"):
            raise refusal("source", _("A pause lengthens a term. Say where it stands: letter, law, lawyer."))
        if (
            self.value_or_none("runs_on_from")
            and self.value_or_none("paused_on")
            and self.runs_on_from < self.paused_on
        ):
            raise refusal("runs_on_from", _("The term runs on before it stands still. Check both dates."))


class TypedDeadlineQuerySet(BoundQuerySet["TypedDeadline"], KeptQuerySet["TypedDeadline"]):
    """Days that were typed from decisions."""


class TypedDeadline(Facet, BoundModel, SealedModel):
    """A last day that stands on the decision's own page of instructions. It goes before every rule."""

    sealed_label = bound_label = "cases.typed_deadline"
    bound_columns = ("id", "case_id", "is_compared", "typed_by_id", "compared_by_id")

    case = of_case("typed_deadlines")
    application = of_application("typed_deadlines")
    term = models.CharField(_("what ends on it"), max_length=20, choices=Stops, default=Stops.APPEAL)
    last_day = SealedDateField(_("last day"), null=True, blank=True, help_text=_("Counted in."))
    page = SealedCharField(
        _("where it stands"),
        null=True,
        blank=True,
        max_length=300,
        help_text=_("The page of the decision, and where its scan is kept."),
    )
    is_compared = models.BooleanField(
        _("compared with the page"),
        default=False,
        help_text=_("Ticked by a second person. Until then the rule's own day is reminded of too."),
    )
    in_force = models.BooleanField(
        _("still counts"), default=True, help_text=_("Untick it once it no longer matters.")
    )
    typed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False,
        related_name="+", verbose_name=_("typed by"),
    )  # fmt: skip
    compared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False,
        related_name="+", verbose_name=_("compared by"),
    )  # fmt: skip

    # Set by a form before it asks clean(): who will save.
    acting: User | None = None

    objects = models.Manager.from_queryset(TypedDeadlineQuerySet)()

    class Meta:
        verbose_name = _("day typed from the decision")
        verbose_name_plural = _("days typed from decisions")
        constraints = [
            models.CheckConstraint(
                name="typed_deadline_says_what_ends",
                condition=Q(term__in=Stops.values),
                violation_error_message=_("Choose what ends on this day."),
            ),
            models.CheckConstraint(
                name="typed_deadline_has_a_day_and_a_page",
                condition=Q(last_day__isnull=False, page__isnull=False),
                violation_error_message=_("Type the last day and the page on which it stands."),
            ),
            models.CheckConstraint(
                name="typed_deadline_compared_by_a_second_person",
                condition=Q(is_compared=False)
                | (Q(compared_by__isnull=False) & (Q(typed_by__isnull=True) | ~Q(compared_by=F("typed_by")))),
                violation_error_message=SECOND_PERSON,
            ),
        ]

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Whoever types the day is its author; a day that changes must be compared again."""
        if self._state.adding or {"last_day", "page", "term", "application"} & before.keys():
            self.typed_by = by
            self.compared_by = None
            if not self._state.adding and "is_compared" not in before:
                self.is_compared = False
        if self.is_compared and self.compared_by_id is None:
            self.compared_by = by
        if not self.is_compared:
            self.compared_by = None

    def clean(self) -> None:
        """Refuse a day that nobody could check, and a comparison by the one who typed it."""
        if self.acting is not None:
            self.about_to_save(self.acting, {} if self._state.adding else self.changes())
        require_own_application(self)
        if not self.has_value("last_day"):
            raise refusal("last_day", _("Type the last day as it stands on the decision's page."))
        if not self.has_value("page"):
            raise refusal("page", _("Say on which page it stands, so that a second person can compare it."))
        if self.is_compared and (self.compared_by_id is None or self.compared_by_id == self.typed_by_id):
            raise refusal("is_compared", SECOND_PERSON)
