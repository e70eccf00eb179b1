"""Who else may open a case, and until when: a share of one case, a deputy for all of a colleague's."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from staff import trail
from staff.models import User
from staff.roles import Permission, may, sees_cases
from vault.bound import BoundModel, BoundQuerySet

LONGEST_SHARE_DAYS = 366
LONGEST_DEPUTY_DAYS = 92


@contextmanager
def one_look(user: User) -> Iterator[None]:
    """Inside, what others let `user` see is asked for once: for a page or a digest that only reads."""
    outer = getattr(user, "_lent_now", None)
    user._lent_now = {} if outer is None else outer  # type: ignore[attr-defined]
    try:
        yield
    finally:
        user._lent_now = outer  # type: ignore[attr-defined]


def asked_once(user: User, what: str, ask: Callable[[], list[Any]]) -> list[Any]:
    """What `ask` gives; inside one_look() the same list again."""
    known: dict[str, list[Any]] | None = getattr(user, "_lent_now", None)
    if known is None:
        return ask()
    if what not in known:
        known[what] = ask()
    return known[what]


def held_by(user: User, day: datetime.date) -> Q:
    """Cases that `user` answers for: own, of the team (coordinators), of whom they stand in for on `day`."""
    found = Q(pk__in=[])
    if may(user, Permission.HOLD_CASES):
        away = [one for one in _away(user, day) if may(one, Permission.HOLD_CASES)]
        found |= Q(caseworker__in=[user.pk, *(one.pk for one in away)])
        if teams := [one.team_id for one in away if may(one, Permission.SEE_TEAM) and one.team_id]:
            found |= Q(team__in=teams)
    if may(user, Permission.SEE_TEAM) and user.team_id:
        found |= Q(team=user.team_id)
    return found


def lent_to(user: User, day: datetime.date) -> Q:
    """Cases shared with `user`, or with whom they stand in for, up to and with `day` or later."""
    people = [user.pk, *(one.pk for one in _away(user, day) if sees_cases(one))]
    # Fetched and checked here: a share that SQL made opens nothing.
    shares = CaseShare.objects.running(day).intact().filter(user__in=people)
    return Q(pk__in=asked_once(user, f"shared {day}", lambda: [share.case_id for share in shares]))


def _away(user: User, day: datetime.date) -> list[User]:
    return asked_once(user, f"away {day}", lambda: Deputy.objects.away_for(user, day))


class CaseShareQuerySet(BoundQuerySet["CaseShare"]):
    """Shares, in the office's language."""

    def running(self, day: datetime.date) -> CaseShareQuerySet:
        """Shares that count on `day`: not ended, their last day not over."""
        return self.filter(until_on__gte=day, ended=False)


class CaseShare(BoundModel):
    """A colleague who may open a case that is not theirs, up to and with a day."""

    case = models.ForeignKey(
        "cases.Case", on_delete=models.PROTECT, related_name="shares", verbose_name=_("case")
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("shared with"))
    until_on = models.DateField(_("until"))
    ended = models.BooleanField(_("ended"), default=False, editable=False)

    bound_label = "cases.share"
    # Unique together, in place of a key that the database gives: see BoundModel.
    bound_columns = ("case_id", "user_id", "until_on", "ended")

    objects = CaseShareQuerySet.as_manager()

    class Meta:
        verbose_name = _("shared case")
        verbose_name_plural = _("shared cases")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "user"],
                name="case_shared_once",
                violation_error_message=_(
                    "This case is shared with this person already. Change the day instead."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.case.code_name

    def end(self, *, by: User, today: datetime.date | None = None) -> None:
        """Close the case to this colleague at once; they may also give it back. Raises trail.Refused."""
        if by != self.user:
            self.case.require_held_by(by, today=today)
        with transaction.atomic():
            self.ended = True
            self.save(update_fields=["ended"])
            trail.append(
                by, trail.Verb.CASE_SHARE_ENDED, case_id=self.case_id, about=self.user_id, access=[self]
            )


def check_share(to: User, until_on: datetime.date, today: datetime.date) -> None:
    """Raise ValidationError unless a case may be shared with `to` until then."""
    if not sees_cases(to):
        raise ValidationError(
            _("This account may not see cases. Choose a caseworker, lawyer or coordinator.")
        )
    if not today <= until_on <= today + datetime.timedelta(LONGEST_SHARE_DAYS):
        raise ValidationError(
            _("Choose a last day from today on, at most a year ahead. Share again when it is over.")
        )


class DeputyQuerySet(BoundQuerySet["Deputy"]):
    """Who stands in for whom."""

    def on(self, day: datetime.date) -> DeputyQuerySet:
        """Those that count on `day`."""
        return self.filter(from_on__lte=day, until_on__gte=day, ended=False)

    def away_for(self, user: User, day: datetime.date) -> list[User]:
        """The active colleagues for whom `user` stands in on `day`, by rows and accounts that are intact."""
        rows = self.on(day).filter(deputy=user, away__is_active=True).select_related("away")
        return [row.away for row in rows.intact("", "away")]

    def not_over(self, day: datetime.date) -> DeputyQuerySet:
        """Those that count on `day` or will count later."""
        return self.filter(until_on__gte=day, ended=False)

    def appoint(
        self,
        *,
        away: User,
        deputy: User,
        from_on: datetime.date,
        until_on: datetime.date,
        by: User,
        today: datetime.date,
        reason: str = "",
    ) -> Deputy:
        """Let `deputy` see what `away` sees, both days counted in; `by` is `away` or coordinates their team.

        Raises trail.Refused, ValidationError.
        """
        if not may_name_for(by, away):
            raise trail.Refused(
                _("You name a deputy for yourself, or as a coordinator for people of your team.")
            )
        row = self.model(away=away, deputy=deputy, from_on=from_on, until_on=until_on, named_by=by)
        row.check_days(today)
        row.full_clean()
        with transaction.atomic():
            row.save(force_insert=True)
            trail.append(by, trail.Verb.DEPUTY_NAMED, about=row.pk, reason=reason.strip())
        return cast("Deputy", row)


def may_name_for(by: User, away: User) -> bool:
    """Whether `by` may say who stands in for `away`: the person, or a coordinator of the team."""
    if by == away:
        return sees_cases(by)
    return may(by, Permission.ASSIGN_CASES) and by.team_id is not None and by.team_id == away.team_id


class Deputy(BoundModel):
    """Somebody who stands in for a colleague from a day until a day, and sees what the colleague sees.

    What the deputy may do there, their own role says. It is not passed on to a deputy's deputy.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    away = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who is away"))
    deputy = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who stands in"))
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("until"))
    named_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    ended = models.BooleanField(_("ended"), default=False, editable=False)

    bound_label = "cases.deputy"
    bound_columns = ("id", "away_id", "deputy_id", "from_on", "until_on", "named_by_id", "ended")

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        ordering = ["from_on", "id"]
        constraints = [
            models.CheckConstraint(
                name="deputy_is_somebody_else",
                condition=~Q(away=F("deputy")),
                violation_error_message=_("Nobody stands in for themselves. Choose a colleague."),
            ),
            models.CheckConstraint(
                name="deputy_is_named_by_another",
                condition=~Q(named_by=F("deputy")),
                violation_error_message=_(
                    "You cannot name yourself. The person who is away or another coordinator does it."
                ),
            ),
            models.CheckConstraint(
                name="deputy_days_are_in_order",
                condition=Q(until_on__gte=F("from_on")),
                violation_error_message=_("The last day comes before the first one. Correct the days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.away} – {self.deputy}"

    def clean(self) -> None:
        """Refuse a deputy of another team, or one whose role would not see what the colleague sees."""
        act = Permission.HOLD_CASES if may(self.away, Permission.HOLD_CASES) else Permission.READ_CASES
        if not sees_cases(self.away):
            raise ValidationError(_("This account sees no cases: nobody has to stand in."))
        if not may(self.deputy, act):
            raise ValidationError(
                _("This colleague's role would not see these cases. Choose somebody with the same work.")
            )
        if self.away.team_id is None or self.away.team_id != self.deputy.team_id:
            raise ValidationError(
                _("A deputy belongs to the same team. Share single cases with people of other teams.")
            )

    def check_days(self, today: datetime.date) -> None:
        """Refuse days in the past, and more of them than a long leave has. Raises ValidationError."""
        length: Any = self.until_on - self.from_on
        if self.until_on < today or length.days > LONGEST_DEPUTY_DAYS:
            raise ValidationError(
                _("Choose days from today on, at most three months. Hand the cases over for longer.")
            )

    def end(self, *, by: User) -> None:
        """End it at once: the person, the deputy or a coordinator of the team. Raises trail.Refused."""
        if by != self.deputy and not may_name_for(by, self.away):
            raise trail.Refused(_("Only the two people or a coordinator of their team end this."))
        with transaction.atomic():
            self.ended = True
            self.save(update_fields=["ended"])
            trail.append(by, trail.Verb.DEPUTY_ENDED, about=self.pk, access=[self])
