"""After a rule changed: the dates of every open case concerned are derived again, a few cases at a time.

It may be killed anywhere and go on: each batch is one transaction that also moves the cursor. Two at once are
harmless: who works holds a lease, and a batch whose lease is somebody else's by now is rolled back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.application import Application
from cases.models.case import Case
from cases.models.deadline import Deadline, DeadlineState
from cases.models.stay import Stay
from law import countries
from law.models.legal_rule import LegalRule, RuleTable
from vault.cipher import CannotOpen
from vault.fields import SealedJSONField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from staff.models import User

log = logging.getLogger(__name__)

BATCH = 50
# Longer than a batch ever takes: who was killed is followed by another after this time.
LEASE = timedelta(minutes=2)
EVERYWHERE = ("*", "")


class Cause(models.TextChoices):
    """Why dates are derived again."""

    CHANGED = "changed", _("a new version was made")
    CONFIRMED = "confirmed", _("a lawyer confirmed the rule")
    IN_FORCE = "in_force", _("the rule has come into force")
    ENDED = "ended", _("the rule has ended")
    BY_HAND = "by_hand", _("asked for by hand")


class LeaseLost(Exception):
    """Somebody else works on this recomputation now; what was done in this batch is rolled back."""


@dataclass(frozen=True)
class Batch:
    """What one batch did. `last`: there was nothing left, and the recomputation is finished."""

    cases: int = 0
    moved: int = 0
    damaged: int = 0
    last: bool = False


class RecomputationQuerySet(models.QuerySet["Recomputation"]):
    """What is to be derived again."""

    def request(self, rule: LegalRule | None, cause: Cause, *, by: User | None = None) -> Recomputation:
        """Ask for the cases that `rule` and its older versions concern; None: for every open case."""
        concerned = None if rule is None else countries_of(rule)
        return self.create(
            rule=rule,
            cause=cause,
            countries=None if concerned is None else sorted(concerned),
            requested_by=by,
        )

    def request_due(self, now: datetime) -> int:
        """Ask for every version whose first day has come, or whose last has passed, since it was made.

        A day has come when it has come in every country concerned. Asked again, it adds nothing.
        """
        done = set(self.filter(cause__in=(Cause.IN_FORCE, Cause.ENDED)).values_list("rule__ref", "cause"))
        wanted = [(ref, cause) for ref, cause in due_turns(now) if (ref, cause.value) not in done]
        for ref, cause in wanted:
            self.request(LegalRule.objects.version(ref), cause)
        return len(wanted)

    def unfinished(self) -> RecomputationQuerySet:
        """Those that still have cases before them, the oldest first."""
        return self.filter(finished_at=None).order_by("requested_at", "pk")

    def claim(self, now: datetime, *, take_over: bool = False) -> Recomputation | None:
        """Take the oldest that nobody works on, under a lease; `take_over`: also one that somebody holds."""
        free = Q() if take_over else Q(lease_until=None) | Q(lease_until__lte=now)
        for row in self.unfinished().filter(free):
            lease = uuid4()
            mine = self.filter(pk=row.pk, lease=row.lease, finished_at=None)
            if mine.update(lease=lease, lease_until=now + LEASE):
                row.lease, row.lease_until = lease, now + LEASE
                return row
        return None


class Recomputation(models.Model):
    """One pass over the open cases that a rule concerns. `countries` None: over all of them.

    `cursor` is the last case that is done; cases are taken in the order of their ids, which say nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    rule = models.ForeignKey(
        LegalRule, models.PROTECT, null=True, related_name="recomputations", editable=False
    )
    cause = models.CharField(_("cause"), max_length=10, choices=Cause, editable=False)
    countries = models.JSONField(_("countries"), null=True, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )
    requested_at = models.DateTimeField(_("asked for at"), default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)
    total = models.PositiveIntegerField(_("cases concerned"), null=True, editable=False)
    done = models.PositiveIntegerField(_("cases done"), default=0, editable=False)
    cursor = models.UUIDField(null=True, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    objects = models.Manager.from_queryset(RecomputationQuerySet)()

    class Meta:
        verbose_name = _("recomputation")
        verbose_name_plural = _("recomputations")
        constraints = [
            models.UniqueConstraint(
                name="rule_comes_into_force_once",
                fields=["rule", "cause"],
                condition=Q(cause__in=[Cause.IN_FORCE.value, Cause.ENDED.value]),
                violation_error_message=_("The dates have been asked for on this day already."),
            ),
            models.CheckConstraint(
                name="recomputation_cause_is_known",
                condition=Q(cause__in=Cause.values),
                violation_error_message=_("Say why the dates are derived again."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @property
    def percent(self) -> int:
        """How much is done, in percent; 100 once it is finished."""
        if self.finished_at:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0

    def cases(self) -> Any:
        """The open cases concerned: by country of stay, by a stay or by an application there."""
        found: Any = Case.objects.in_work()
        if self.countries is None:
            return found
        here = {"case": OuterRef("pk"), "country__in": self.countries}
        return found.filter(
            Q(country__in=self.countries)
            | Exists(Stay.objects.filter(**here))
            | Exists(Application.objects.filter(**here))
        )

    def step(self, now: datetime, *, size: int = BATCH) -> Batch:
        """Derive the next `size` cases again, in one transaction with the cursor. Raises LeaseLost."""
        with transaction.atomic():
            held = Recomputation.objects.select_for_update().filter(pk=self.pk, lease=self.lease).first()
            if held is None or held.finished_at:
                raise LeaseLost
            if held.total is None:
                held.total = held.cases().count()
            rows = held.cases() if held.cursor is None else held.cases().filter(pk__gt=held.cursor)
            batch = list(rows.order_by("pk").with_keys()[:size])
            kept = [row for row in (_recompute_case(held, case, now) for case in batch) if row]
            RecomputedCase.objects.bulk_create(kept)
            if batch:
                held.cursor, held.done = batch[-1].pk, held.done + len(batch)
            else:
                held.finished_at, held.lease, held.lease_until = now, None, None
            held.save()
        damaged = sum(row.damaged for row in kept)
        return Batch(len(batch), len(kept) - damaged, damaged, last=not batch)

    def release(self) -> None:
        """Let others go on at once."""
        mine = Recomputation.objects.filter(pk=self.pk, lease=self.lease)
        mine.update(lease=None, lease_until=None)


class RecomputedCase(SealedModel):
    """A case whose dates moved, or that could not be derived again. Which dates, and where to, is sealed."""

    sealed_under = "case"
    sealed_label = "cases.recomputed"

    recomputation = models.ForeignKey(Recomputation, models.PROTECT, related_name="kept", editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", editable=False)
    damaged = models.BooleanField(default=False, editable=False)
    moves = SealedJSONField(null=True, editable=False)

    objects = models.Manager.from_queryset(SealedQuerySet)()

    class Meta:
        verbose_name = _("case with moved dates")
        verbose_name_plural = _("cases with moved dates")
        constraints = [
            models.UniqueConstraint(
                name="case_recomputed_once",
                fields=["recomputation", "case"],
                violation_error_message=_("This case has been done already."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


def _recompute_case(recomputation: Recomputation, case: Case, now: datetime) -> RecomputedCase | None:
    """Derive the dates of one case; what is worth keeping of it, None where nothing moved.

    A case that fails is rolled back alone: it must not keep the others from their new dates.
    """
    today = countries.today_in(case.country, now)
    try:
        with transaction.atomic():
            before = _dates(case)
            damaged = bool(case.refresh_deadlines(today=today))
            moves = _moves(before, _dates(case))
            row = RecomputedCase(recomputation=recomputation, case=case, damaged=damaged)
            row.moves = moves or None
    except DatabaseError:
        raise
    except Exception as problem:  # whatever is wrong with it, it is this one case's
        log.error("A case could not be derived again (%s).", type(problem).__name__)
        return RecomputedCase(recomputation=recomputation, case=case, damaged=True)
    return row if moves or damaged else None


def _dates(case: Case) -> dict[UUID, Deadline]:
    return {row.pk: row for row in Deadline.objects.filter(case=case)}


def _moves(before: dict[UUID, Deadline], after: dict[UUID, Deadline]) -> list[dict[str, str]]:
    """Old and new day of every date that moved; "" where there is none. What did not change is not opened."""
    moves = []
    for key, row in after.items():
        old = before.get(key)
        if old is not None and (old.state, old.__dict__["due_on"]) == (row.state, row.__dict__["due_on"]):
            continue
        was, now_is = _day(old), _day(row)
        if was != now_is:
            moves.append({"deadline": str(key), "kind": row.kind, "old": was, "new": now_is})
    return sorted(moves, key=lambda move: (move["new"] or move["old"], move["kind"]))


def _day(row: Deadline | None) -> str:
    """The day of a date that somebody still waits for, as text; "" if there is none or it does not open."""
    if row is None or row.state == DeadlineState.CANCELLED:
        return ""
    try:
        return row.due_on.isoformat()
    except CannotOpen:
        return ""


# -- which cases a rule concerns, and when its day has come


def countries_of(rule: LegalRule) -> frozenset[str] | None:
    """The countries whose cases a rule concerns, those of its older versions too; None: all of them."""
    if rule.table in (RuleTable.DOCUMENT, RuleTable.GROUP):
        return None
    found: set[str] = set()
    for row in LegalRule.objects.filter(code=rule.code).values_list("row", flat=True):
        country = row.get("country", "")
        if country in EVERYWHERE:
            return None
        found.update(row.get("members") or ())
        found.update(_members_ever(country) if country == "EU" else [country])
    return frozenset(found)


def _members_ever(group: str) -> Iterable[str]:
    rows = LegalRule.objects.filter(table=RuleTable.GROUP, code=group).values_list("row", flat=True)
    return {member for row in rows for member in row["members"]}


def due_turns(now: datetime) -> list[tuple[str, Cause]]:
    """The versions that were made ahead of their first day or their last, and whose day has come by `now`."""
    made: dict[str, datetime] = dict(LegalRule.objects.values_list("ref", "made_at"))
    found = []
    own_end = {version.ref: version.valid_to for version in LegalRule.objects.versions()}
    for version in LegalRule.objects.effective():
        made_on = made[version.ref].date()
        today = _latest_today(version.row, now)
        if version.valid_from and made_on < version.valid_from <= today:
            found.append((version.ref, Cause.IN_FORCE))
        ends = version.valid_to
        if ends and ends == own_end[version.ref] and made_on <= ends < today:
            found.append((version.ref, Cause.ENDED))
    return found


def _latest_today(row: Any, now: datetime) -> date:
    """The date in that country concerned where the day begins last."""
    codes = {row.get("country", ""), *(row.get("members") or ())} & countries.COUNTRIES.keys()
    return min(countries.today_in(code, now) for code in codes or countries.COUNTRIES)
