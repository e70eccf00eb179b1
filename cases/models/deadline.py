"""Dates that must not be missed. No readable column beside a date places it in time: docs/THREAT_MODEL.md."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, cast

from django.core.exceptions import ValidationError
from django.db import connections, models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.deadlines import DerivedDeadline, Kind, fact_of, with_questions
from cases.models.care import Care, new_care
from cases.models.history import value_or_none
from law import countries
from law.clocks import Term
from law.words.terms import DUTY, TERMS
from staff import trail
from vault.cipher import CannotOpen
from vault.fields import BlindIndex, SealedCharField, SealedDateField, SealedJSONField, SealedTextField
from vault.keyring import keyring
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.case import Case
    from staff.models import User

SNOOZE_DAYS = 30
# A reason shorter than this does not show by the length of its ciphertext (bytes of UTF-8).
REASON_BYTES = 240
PAST_WEEKS = 52 * 20
FUTURE_WEEKS = 52 * 40


class DeadlineKind(models.TextChoices):
    """What happens on the day."""

    STAY_END = Kind.STAY_END.value, _("Legal stay ends")
    STAY_QUESTION = Kind.STAY_QUESTION.value, _("Last legal day not known: type it")
    DOCUMENT_END = Kind.DOCUMENT_END.value, _("Document expires")
    APPLICATION_CHECK = Kind.APPLICATION_CHECK.value, _("Ask about the application")
    INTERVIEW = Kind.INTERVIEW.value, _("Interview")
    HEARING = Kind.HEARING.value, _("Hearing")
    TASK = Kind.TASK.value, _("Task")
    APPLY_BY = Kind.APPLY_BY.value, TERMS[Term.APPLY]
    APPEAL_END = Kind.APPEAL_END.value, TERMS[Term.APPEAL]
    PROCEDURE_STEP = Kind.PROCEDURE_STEP.value, TERMS[Term.STEP]
    AUTHORITY_DUE = Kind.AUTHORITY_DUE.value, TERMS[Term.AUTHORITY]
    OBLIGATION = Kind.OBLIGATION.value, DUTY
    TERM_PASSED = Kind.TERM_PASSED.value, _("Term already over: was it kept?")
    HOME_HEARING = Kind.HOME_HEARING.value, _("Hearing at home")
    WANTED_CHECK = Kind.WANTED_CHECK.value, _("Look into the wanted list again")
    CONSENT_END = Kind.CONSENT_END.value, _("Consent ends: ask the person again")


class DeadlineState(models.TextChoices):
    """Whether anybody still has to act."""

    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("No longer applies")


def _pad_reason(reason: str) -> str:
    return reason + " " * max(0, REASON_BYTES - len(reason.encode()))


def _weeks(first: date, last: date) -> Iterable[date]:
    """One day of each ISO week that touches the days from `first` to `last`."""
    monday = first - timedelta(days=first.weekday())
    return (monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1))


@dataclass(frozen=True)
class AppliedChanges:
    """What apply() changed."""

    added: int = 0
    rearmed: int = 0
    cancelled: int = 0


class DeadlineQuerySet(SealedQuerySet["Deadline"]):
    """Questions about dates. Weeks are asked of the database, days are cut and sorted here."""

    def open(self) -> Self:
        """Dates that somebody still has to act on."""
        return self.filter(state=DeadlineState.OPEN)

    def of(self, cases: QuerySet[Case]) -> Self:
        """Dates of `cases`, such as those that a person may open; only of cases that are intact."""
        return self.filter(case__in=cases).intact("case")

    def due_between(self, first: date, last: date) -> list[Deadline]:
        """Those due from `first` to `last`, both counted in, by date. What does not open is left out."""
        tokens = [_week_field().token(day) for day in _weeks(first, last)]
        return _due_between(self.filter(due_week__in=tokens), first, last)

    def due_until(self, last: date) -> list[Deadline]:
        """Those due on `last` or any day before, by date. What does not open is left out."""
        return _due_between(self.in_weeks_until(last), date.min, last)

    def weeks_until(self, last: date) -> list[int | None]:
        """Every week that is stored, without those that are known to lie after `last`.

        The past has no first week, so the weeks to come are taken away instead: a token that is nobody's
        (an old week, an old key, none at all) is opened rather than overlooked.
        """
        stored = _stored_weeks(self.db)
        keys = tuple(key.id for key in keyring().keys(_week_field().key))
        return list(stored - _weeks_ahead(last - timedelta(days=last.weekday()), keys))

    def in_weeks_until(self, last: date) -> Self:
        """Those of these rows that lie in weeks_until(last)."""
        weeks = self.weeks_until(last)
        rows = Q(due_week__in=[week for week in weeks if week is not None])
        return self.filter(rows | Q(due_week__isnull=True) if None in weeks else rows)

    def apply(
        self,
        case: Case,
        dues: Sequence[DerivedDeadline],
        *,
        unreadable: Collection[str],
        today: date | None,
    ) -> AppliedChanges:
        """Make the deadlines of `case` exactly `dues`.

        Terms that were over on `today` before they were ever watched are stored as questions; None: as they
        are.

        A date that moved is armed afresh; one that did not keeps who saw it, until when it sleeps and whether
        it is done, and is not written. What is true no longer is cancelled, except where its fact (`source`
        in `unreadable`) does not open: a damaged cell must not silence a date.
        """
        with transaction.atomic(using=self.db):
            # Two people saving one case at the same moment must not both add its deadlines.
            type(case)._base_manager.select_for_update().filter(pk=case.pk).values_list("pk").first()
            stored = _by_source(case, self.filter(case=case))
            if today is not None:
                watched = {key for key, row in stored.items() if row.state != DeadlineState.CANCELLED}
                dues = with_questions(dues, watched=watched, today=today)
            wanted = {(due.kind, due.source): due for due in dues}
            new = [Deadline.of(case, due) for key, due in wanted.items() if key not in stored]
            secrets.SystemRandom().shuffle(new)  # the order of insertion is readable
            self.bulk_create(new)
            rearmed = sum(stored[key].follow(due) for key, due in wanted.items() if key in stored)
            gone = [
                row
                for key, row in stored.items()
                if key not in wanted and fact_of(key[1]) not in unreadable and row.state == DeadlineState.OPEN
            ]
            for row in gone:
                row.cancel(gettext("The facts no longer call for it."))
        return AppliedChanges(len(new), rearmed, len(gone))


def _by_source(case: Case, rows: Iterable[Deadline]) -> dict[tuple[str, str], Deadline]:
    """The rows of a case by kind and source; those whose source does not open are left alone."""
    found: dict[tuple[str, str], Deadline] = {}
    for row in rows:
        row.case = case
        try:
            found[row.kind, row.source] = row
        except CannotOpen:
            continue
    return found


# One look into the index for every week: DISTINCT would read every row (24 ms at 300,000 instead of 1 ms).
_WEEKS = """
WITH RECURSIVE weeks(week) AS (
    SELECT min(due_week) FROM cases_deadline WHERE state = %(state)s
    UNION ALL
    SELECT (SELECT min(due_week) FROM cases_deadline WHERE state = %(state)s AND due_week > week)
    FROM weeks WHERE week IS NOT NULL
) SELECT week FROM weeks WHERE week IS NOT NULL
"""


def _stored_weeks(using: str) -> set[int | None]:
    found: set[int | None] = set()
    with connections[using].cursor() as cursor:
        for state in DeadlineState.values:
            cursor.execute(_WEEKS, {"state": state})
            found.update(week for (week,) in cursor.fetchall())
    if Deadline.objects.using(using).filter(due_week=None).exists():
        found.add(None)
    return found


def _week_field() -> BlindIndex:
    return cast(BlindIndex, Deadline._meta.get_field("due_week"))


@lru_cache(maxsize=16)
def _weeks_ahead(monday: date, keys: tuple[bytes, ...]) -> frozenset[int]:
    """The tokens, under the `keys` of those ids, of the weeks after that of `monday` that no earlier one has.

    Every page with dates asks, and making 3,100 tokens takes longer than its queries.
    """
    ahead = _tokens(monday + timedelta(weeks=n) for n in range(1, FUTURE_WEEKS))
    behind = _tokens(monday - timedelta(weeks=n) for n in range(PAST_WEEKS))
    return frozenset(ahead - behind)


def _tokens(days: Iterable[date]) -> set[int]:
    field = _week_field()
    found: set[int] = set()
    for day in days:
        token = field.token(day)
        if token is not None:
            found.update((int(token), *token.others))
    return found


def _due_between(rows: Iterable[Deadline], first: date, last: date) -> list[Deadline]:
    found = [(row.due_on, row.pk, row) for row in rows if row.opens() and first <= row.due_on <= last]
    return [row for _on, _pk, row in sorted(found, key=lambda item: item[:2])]


class Deadline(SealedModel):
    """A date of a case. Who saw it and until when it sleeps is `care`; the worker opens both, and no name."""

    sealed_under = "case"
    sealed_label = "cases.deadline"

    case = models.ForeignKey(
        "cases.Case", models.PROTECT, related_name="deadlines", editable=False, verbose_name=_("case")
    )
    kind = models.CharField(_("what"), max_length=20, choices=DeadlineKind, editable=False)
    country = models.CharField(
        _("country"), max_length=2, editable=False, help_text=_("Where the day begins and ends.")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=DeadlineState, default=DeadlineState.OPEN, editable=False
    )
    due_on = SealedDateField(_("due on"), key="calendar", editable=False)
    due_week = BlindIndex("due_on", normalise="vault.normalise.iso_week", key="calendar", db_index=False)
    source = SealedCharField(_("derived from"), key="calendar", max_length=80, editable=False)
    rule = SealedCharField(
        _("by which rule"), key="calendar", max_length=80, null=True, blank=True, editable=False
    )
    care = SealedJSONField(key="calendar", default=new_care, editable=False)
    reason_padded = SealedTextField(_("reason"), default=_pad_reason(""), editable=False)

    objects = models.Manager.from_queryset(DeadlineQuerySet)()

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        indexes = [models.Index(fields=["state", "due_week"], name="deadline_state_week")]
        constraints = [
            models.CheckConstraint(
                name="deadline_kind_is_known",
                condition=Q(kind__in=DeadlineKind.values),
                violation_error_message=_("This kind of deadline does not exist. Choose one from the list."),
            ),
            models.CheckConstraint(
                name="deadline_state_is_known",
                condition=Q(state__in=DeadlineState.values),
                violation_error_message=_("A deadline is open, done or cancelled."),
            ),
            models.CheckConstraint(
                name="deadline_has_a_country",
                condition=~Q(country=""),
                violation_error_message=_("A deadline needs a country: it says when the day is over."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def of(cls, case: Case, due: DerivedDeadline) -> Deadline:
        """A new deadline of `case`, not stored yet."""
        return cls(
            case=case,
            kind=due.kind,
            source=due.source,
            due_on=due.due_on,
            country=due.country,
            rule=due.rule,
        )

    # -- reading

    @property
    def readable_care(self) -> Care:
        """Who has taken notice of the date, and until when it sleeps; nobody where that does not open."""
        try:
            return Care.from_json(self.care)
        except CannotOpen:
            return Care()

    @property
    def reason(self) -> str:
        """Why it is done, put off or cancelled; "" where nobody said."""
        return str(self.reason_padded).rstrip()

    @property
    def is_seen(self) -> bool:
        """Whether a person has taken notice of the date since it was set."""
        return self.readable_care.seen_at is not None

    def sleeps_on(self, today: date) -> bool:
        """Whether reminders rest on `today`; they come back on the day it sleeps until."""
        until = self.readable_care.snoozed_until
        return until is not None and today < until

    def opens(self) -> bool:
        """Whether the date can be read here."""
        try:
            return self.due_on is not None
        except CannotOpen:
            return False

    def today(self, now: datetime | None = None) -> date:
        """The date where the deadline counts, at `now`."""
        return countries.today_in(self.country, now or timezone.now())

    # -- following the facts

    def follow(self, due: DerivedDeadline) -> bool:
        """Take over what the facts say now; True where the date is armed afresh. Writes only what changed."""
        moved = not self.opens() or (self.due_on != due.due_on and not due.question)
        if moved or self.state == DeadlineState.CANCELLED:
            self.due_on, self.country, self.state = due.due_on, due.country, DeadlineState.OPEN
            self.rule, self.care, self.reason_padded = due.rule, new_care(), _pad_reason("")
            self.save(update_fields=["due_on", "country", "state", "rule", "care", "reason_padded"])
            return True
        # Another rule that gives the same day is no reason to remind afresh, but the page must name it.
        if self.country != due.country or value_or_none(self, "rule") != due.rule:
            self.country, self.rule = due.country, due.rule
            self.save(update_fields=["country", "rule"])
        return False

    def cancel(self, reason: str) -> None:
        """It applies no longer; `reason` is kept sealed."""
        self.state, self.reason_padded = DeadlineState.CANCELLED, _pad_reason(reason)
        self.save(update_fields=["state", "reason_padded"])

    # -- what people do; each is on the trail

    def mark_seen(self, *, by: User, at: datetime | None = None) -> None:
        """`by` has taken notice: coordinators need not be told that nobody did. Raises trail.Refused."""
        moment = at or timezone.now()
        self._act(by, trail.Verb.DEADLINE_SEEN, moment, care=self._care_seen_by(by, moment).as_json())

    def mark_done(self, *, by: User, at: datetime | None = None, reason: str = "") -> None:
        """Nobody has to act any more. Raises trail.Refused."""
        moment = at or timezone.now()
        care = self._care_seen_by(by, moment).as_json()
        self._act(by, trail.Verb.DEADLINE_DONE, moment, reason, state=DeadlineState.DONE, care=care)

    def reopen(self, *, by: User, reason: str, at: datetime | None = None) -> None:
        """It was marked done by mistake: reminders start again. Raises trail.Refused, ValidationError."""
        self._need(reason, _("Say why this deadline is open again."))
        self._act(by, trail.Verb.DEADLINE_REOPENED, at, reason, state=DeadlineState.OPEN, care=new_care())

    def snooze(self, *, until: date, by: User, reason: str, at: datetime | None = None) -> None:
        """No reminders before `until`. Raises trail.Refused, ValidationError with what to do instead."""
        moment = at or timezone.now()
        today = self.today(moment)
        self._need(reason, _("Say why this can wait: colleagues will read it."))
        if until <= today:
            raise ValidationError(_("Choose a day after today."))
        if until > today + timedelta(days=SNOOZE_DAYS):
            raise ValidationError(_("Choose a day within the next %(days)d days.") % {"days": SNOOZE_DAYS})
        if today <= self.due_on < until:
            raise ValidationError(_("Choose a day that is not after the date itself."))
        care = replace(self._care_seen_by(by, moment), snoozed_until=until).as_json()
        self._act(by, trail.Verb.DEADLINE_SNOOZED, moment, reason, care=care)

    def _care_seen_by(self, by: User, at: datetime) -> Care:
        return replace(self.readable_care, seen_at=at, seen_by=by.pk)

    @staticmethod
    def _need(reason: str, message: Any) -> None:
        if not reason.strip():
            raise ValidationError(message)

    def _act(self, by: User, verb: trail.Verb, at: datetime | None, reason: str = "", **changed: Any) -> None:
        self.case.require_visible_to(by)
        if reason.strip():
            changed["reason_padded"] = _pad_reason(reason.strip())
        for name, value in changed.items():
            setattr(self, name, value)
        with transaction.atomic():
            self.save(update_fields=list(changed))
            trail.append(by, verb, case_id=self.case_id, reason=reason.strip(), at=at)
