"""A case: one person's file, known by its code name alone."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models import emergency, sharing
from cases.models.code_name_words import new_code_name
from cases.models.facts import apply_facts, read_facts
from cases.models.history import KeepsHistory, KeptQuerySet, refusal
from cases.models.sharing import CaseShare
from law import countries
from staff import trail
from staff.models import Team, User
from staff.roles import Permission, may, sees_cases
from vault.bound import BoundModel, BoundQuerySet
from vault.fields import SealedDateField, SealedTextField
from vault.models import OwnerModel

if TYPE_CHECKING:
    from cases.deadlines import CaseFacts

NAME_ATTEMPTS = 50


class Status(models.TextChoices):
    """Where the work on a case stands."""

    NEW = "new", pgettext_lazy("case status", "New")
    OPEN = "open", pgettext_lazy("case status", "In work")
    WAITING = "waiting", pgettext_lazy("case status", "Waiting for an authority")
    SAFE = "safe", pgettext_lazy("case status", "Safe, followed up")
    CLOSED = "closed", pgettext_lazy("case status", "Closed")


class Colour(models.TextChoices):
    """Triage colour: how soon somebody must act."""

    RED = "red", _("Red: now")
    ORANGE = "orange", _("Orange: within 24 hours")
    YELLOW = "yellow", _("Yellow: within 3 days")
    GREEN = "green", _("Green: no hurry")


class Category(models.TextChoices):
    """How the person stands towards the army."""

    OFFICER = "officer", _("Officer")
    CONTRACT_BEFORE = "contract_before", _("Contract soldier, signed before February 2022")
    CONTRACT_AFTER = "contract_after", _("Contract soldier, signed after February 2022")
    MOBILISED = "mobilised", _("Mobilised")
    CONSCRIPT = "conscript", _("Conscript")
    EVADER = "evader", _("Evades the draft")
    RELATIVE = "relative", _("Relative")
    UNKNOWN = "unknown", _("Not known yet")


class CaseQuerySet(BoundQuerySet["Case"], KeptQuerySet["Case"]):
    """Cases, in the office's language. Every door starts from visible_to(user)."""

    def visible_to(
        self,
        user: User,
        *,
        today: datetime.date | None = None,
        now: datetime.datetime | None = None,
    ) -> CaseQuerySet:
        """The cases `user` may open: those they answer for, those shared, those opened in an emergency.

        Nobody without an approved role that sees cases sees any. `today` and `now` are now by default. Rows
        are checked as they are fetched (`intact`); what is only counted is not.
        """
        day = today or timezone.localdate()
        at = now or timezone.now()
        return self._intact_for(
            user,
            lambda: sharing.held_by(user, day) | sharing.lent_to(user, day) | emergency.opened_to(user, at),
        )

    def held_by(self, user: User, *, today: datetime.date | None = None) -> CaseQuerySet:
        """Those that `user` answers for and may pass on: own, of the team, of whom they stand in for."""
        return self._intact_for(user, lambda: sharing.held_by(user, today or timezone.localdate()))

    def with_code_name(self, code_name: str) -> Case | None:
        """The case of exactly this name, whoever asks: for the one door that visible_to() must not guard."""
        return self.filter(code_name=code_name).first()

    def shared_with(self, user: User, *, today: datetime.date) -> CaseQuerySet:
        """Cases that are `user`'s only because somebody shared them."""
        return self._intact_for(user, lambda: sharing.lent_to(user, today))

    def _intact_for(self, user: User, which: Callable[[], Q]) -> CaseQuerySet:
        # `which` asks the database: not for whoever sees no case.
        if not sees_cases(user) or not user.access_holds():
            return cast(CaseQuerySet, self.none())
        return cast(CaseQuerySet, self.filter(which()).intact())

    def by_urgency(self) -> CaseQuerySet:
        """Red first (the colours' names do not sort that way), then by code name."""
        whens = [When(colour=colour, then=Value(rank)) for rank, colour in enumerate(Colour.values)]
        rank = models.Case(*whens, default=Value(len(whens)), output_field=models.IntegerField())
        return cast(CaseQuerySet, self.annotate(rank=rank).order_by("rank", "code_name"))

    def in_work(self) -> CaseQuerySet:
        """Cases that are not closed."""
        return cast(CaseQuerySet, self.exclude(status=Status.CLOSED))

    def hand_over(self, *, of: User, to: User | None, by: User, reason: str = "") -> list[Case]:
        """Hand every case in work of `of` that `by` coordinates to `to`, with its open tasks; the cases.

        All or nothing; the caller plans their reminders. Raises trail.Refused, ValidationError.
        """
        if not may(by, Permission.ASSIGN_CASES) or by.team_id is None:
            raise trail.Refused(gettext("Only a coordinator hands cases over. Ask one of the team."))
        if to == of:
            raise ValidationError(_("Choose somebody else: these cases are this person's already."))
        rows = self.filter(caseworker=of, team=by.team_id).in_work().order_by("pk")  # type: ignore[attr-defined]
        with transaction.atomic():
            cases = list(rows.select_for_update().with_keys())
            for case in cases:
                case.assign(to=to, by=by, reason=reason)
                for task in case.tasks.filter(assignee=of, done=False):
                    task.assignee = to
                    task.save(by=by)
            trail.append(by, trail.Verb.CASES_HANDED_OVER, about=of.pk, reason=reason.strip())
        return cases

    def open_case(self, *, by: User, **facts: Any) -> Case:
        """A new case, in the team of `by` and with `by` as caseworker unless told otherwise.

        Raises trail.Refused without the right to open it there, ValidationError where facts are refused.
        """
        case = self.model(**facts)
        case.open(by=by)
        return case


class Case(KeepsHistory, BoundModel, OwnerModel):
    """One person's file. Its key seals every facet; its code name is the only name outside of it."""

    sealed_label = bound_label = "cases.case"
    bound_columns = ("id", "team_id", "caseworker_id")
    not_in_history = frozenset({"version"})

    code_name = models.CharField(_("code name"), max_length=60, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.NEW)
    colour = models.CharField(_("urgency"), max_length=10, choices=Colour, default=Colour.GREEN)
    country = countries.CountryField(_("country of stay"))
    category = models.CharField(_("category"), max_length=20, choices=Category, default=Category.UNKNOWN)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="cases", verbose_name=_("team"))
    caseworker = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("caseworker"),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    erased = models.BooleanField(_("erased for good"), default=False, editable=False)
    demo = models.BooleanField(_("invented, for the demonstration"), default=False, editable=False)
    summary = SealedTextField(_("summary"), null=True, blank=True)
    # Under the key that lists of dates are opened with: statistics read it of every case at once.
    opened_on = SealedDateField(
        pgettext_lazy("case file", "opened on"), key="calendar", null=True, editable=False
    )
    closed_on = SealedDateField(_("closed on"), null=True, blank=True)
    closing_reason = SealedTextField(_("why it was closed"), null=True, blank=True)

    objects = models.Manager.from_queryset(CaseQuerySet)()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        indexes = [models.Index(fields=["team", "status"]), models.Index(fields=["caseworker", "status"])]
        constraints = [
            models.CheckConstraint(
                name="case_has_a_code_name",
                condition=~Q(code_name=""),
                violation_error_message=_("A case needs a code name. Open it again; the desk makes one."),
            ),
            models.CheckConstraint(
                name="case_status_is_known",
                condition=Q(status__in=Status.values),
                violation_error_message=_("This status does not exist. Choose one from the list."),
            ),
            models.CheckConstraint(
                name="case_colour_is_known",
                condition=Q(colour__in=Colour.values),
                violation_error_message=_("This urgency does not exist. Choose one from the list."),
            ),
            models.CheckConstraint(
                name="case_country_is_given",
                condition=~Q(country=""),
                violation_error_message=_("Choose the country of stay: the desk counts days by its date."),
            ),
            models.CheckConstraint(
                name="closed_case_says_when_and_why",
                condition=~Q(status=Status.CLOSED) | Q(closed_on__isnull=False, closing_reason__isnull=False),
                violation_error_message=_("A closed case says on which day and why it was closed."),
            ),
        ]

    def __str__(self) -> str:
        return self.code_name

    # -- rules

    def clean(self) -> None:
        """Refuse a closed case without day and reason, and a caseworker who could not open it."""
        if self.status == Status.CLOSED:
            for name in ("closed_on", "closing_reason"):
                if not self.has_value(name):
                    raise refusal(name, _("A closed case says on which day and why it was closed."))
        if not self._state.adding and "caseworker" not in self.changes() and "team" not in self.changes():
            return
        worker = self.caseworker
        if worker is not None and not may(worker, Permission.HOLD_CASES):
            raise refusal(
                "caseworker", _("This account may not hold cases. Choose a caseworker or coordinator.")
            )
        if worker is not None and worker.team_id != self.team_id:
            raise refusal(
                "caseworker", _("The caseworker must belong to the team of the case. Choose the team first.")
            )

    def about_to_save(self, by: User | None, before: dict[str, Any]) -> None:
        """Only a coordinator of the team it stands in hands a case to somebody else."""
        if by is None or self._state.adding or not {"caseworker", "team"} & before.keys():
            return
        if not (may(by, Permission.ASSIGN_CASES) and by.team_id == self._was("team")):
            raise trail.Refused(
                gettext("Only a coordinator of the team hands a case to somebody. Ask one."), case_id=self.pk
            )

    def case_of(self) -> Case:
        """Itself: a case is the owner of its own history."""
        return self

    def next_version(self) -> None:
        """Count one change for the optimistic lock."""
        type(self)._base_manager.filter(pk=self.pk).update(version=F("version") + 1)
        self.version += 1

    # -- verbs: each writes the trail

    def open(self, *, by: User) -> None:
        """Store a new case under a fresh code name. Raises trail.Refused, ValidationError."""
        if not may(by, Permission.HOLD_CASES):
            raise trail.Refused(gettext("Your account may not open cases. Ask a coordinator."))
        if self.team_id is None and by.team_id is None:
            raise ValidationError(
                _("Your account belongs to no team. Ask an administrator to put you into one.")
            )
        self.opened_on = self.opened_on or self.today()
        self.id = self.id or uuid4()  # a form for a new case takes it away
        self.team_id = self.team_id or by.team_id
        if not may(by, Permission.ASSIGN_CASES):
            self.caseworker_id = self.caseworker_id or by.pk
        if self.team_id != by.team_id or (
            self.caseworker_id != by.pk and not may(by, Permission.ASSIGN_CASES)
        ):
            raise trail.Refused(
                gettext("You open cases in your own team and for yourself. Ask a coordinator.")
            )
        with transaction.atomic():
            self._save_under_a_new_name(by)
            trail.append(by, trail.Verb.CASE_CREATED, case_id=self.pk)

    def _save_under_a_new_name(self, by: User) -> None:
        for _attempt in range(NAME_ATTEMPTS):
            self.code_name = new_code_name()
            try:
                with transaction.atomic():
                    self.save(by=by)
            except IntegrityError:
                if not Case._base_manager.filter(code_name=self.code_name).exists():
                    raise
                self._state.adding = True
            else:
                return
        raise IntegrityError(f"No free code name in {NAME_ATTEMPTS} attempts. Make the word lists longer.")

    def close(self, *, on: datetime.date, by: User, reason: str) -> None:
        """Close the case as of `on`; its deadlines are cancelled. Raises trail.Refused, ValidationError."""
        self.require_visible_to(by)
        if not self._state.adding and self._was("status") == Status.CLOSED:
            raise refusal("status", _("This case is closed already."))
        self.status, self.closed_on, self.closing_reason = Status.CLOSED, on, reason.strip()
        with transaction.atomic():
            self.save(by=by)
            trail.append(by, trail.Verb.CASE_CLOSED, case_id=self.pk, reason=self.closing_reason)
            self.refresh_deadlines(today=on)

    def reopen(self, *, by: User, status: str = Status.OPEN, reason: str = "") -> None:
        """Take a closed case up again; the earlier closing stays in its history. Raises as close()."""
        self.require_visible_to(by)
        if self._was("status") != Status.CLOSED:
            raise refusal("status", _("This case is not closed."))
        self.status, self.closed_on, self.closing_reason = status, None, None
        with transaction.atomic():
            self.save(by=by)
            trail.append(by, trail.Verb.CASE_REOPENED, case_id=self.pk, reason=reason.strip())
            self.refresh_deadlines(today=self.today())

    def assign(self, *, to: User | None, by: User, team: Team | None = None, reason: str = "") -> None:
        """Hand the case to `to`, or to nobody for now; with `team`, into another team.

        Raises trail.Refused unless `by` coordinates its team, ValidationError where `to` may not hold it.
        """
        self.require_visible_to(by)
        self.caseworker = to
        self.team = team or self.team
        with transaction.atomic():
            fields = {"caseworker", "team"} & self.changes().keys()
            self.save(by=by)
            trail.append(
                by, trail.Verb.CASE_ASSIGNED, case_id=self.pk, fields=fields, reason=reason, access=[self]
            )

    def share(
        self,
        *,
        to: User,
        until_on: datetime.date,
        by: User,
        reason: str = "",
        today: datetime.date | None = None,
    ) -> CaseShare:
        """Let `to` open the case up to and with `until_on`. Raises trail.Refused, ValidationError.

        Only who answers for the case passes it on: nobody to whom it was lent.
        """
        self.require_held_by(by, today=today)
        sharing.check_share(to, until_on, today or timezone.localdate())
        with transaction.atomic():
            share, _new = CaseShare.objects.update_or_create(
                case=self, user=to, defaults={"until_on": until_on, "ended": False}
            )
            trail.append(
                by, trail.Verb.CASE_SHARED, case_id=self.pk, about=to.pk, reason=reason, access=[share]
            )
        return share

    def shows_readers_to(self, user: User) -> bool:
        """Whether `user` may ask who has seen the case: coordinators of its own team."""
        return may(user, Permission.SEE_READERS) and self.team_id == user.team_id

    def require_held_by(self, user: User, *, today: datetime.date | None = None) -> None:
        """Raise trail.Refused unless `user` answers for the case."""
        if not Case.objects.held_by(user, today=today).filter(pk=self.pk).exists():
            raise trail.Refused(
                gettext("Only the caseworker or a coordinator of the team passes a case on. Ask one."),
                case_id=self.pk,
            )

    def require_visible_to(self, user: User) -> None:
        """Raise trail.Refused (a PermissionDenied) unless `user` may open the case."""
        if not Case.objects.visible_to(user).filter(pk=self.pk).exists():
            raise trail.Refused(
                gettext("You may not open this case. Ask a coordinator of its team."), case_id=self.pk
            )

    def _was(self, name: str) -> Any:
        return self.__dict__.get("_readable_seen", {}).get(name, getattr(self, name))

    # -- deadlines

    @property
    def is_closed(self) -> bool:
        """Whether the work on it has ended; then nothing is due."""
        return self.status == Status.CLOSED

    def today(self) -> datetime.date:
        """The date in the country of stay now."""
        return countries.today_in(self.country, timezone.now())

    def facts(self, *, today: datetime.date) -> CaseFacts:
        """The dated facts of the file as `cases.deadlines.derive` takes them, as on `today`."""
        return read_facts(self, today=today)[0]

    def refresh_deadlines(self, *, today: datetime.date) -> set[str]:
        """Make the deadlines what the facts say on `today`, the date in the country of stay.

        What a damaged row said before stays due. Gives the sources ("stay:<id>") that do not open.
        """
        return apply_facts(self, today=today)
