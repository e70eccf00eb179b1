"""What one person asks for and another decides on: roles, resets of a second factor, emergency openings.

A constraint per model says that the two are different people; who may decide, and that nothing is decided
twice, is asked here. What the three do not share stays with them: what is asked for, its states, its end.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from staff import trail
from staff.models.user import User
from staff.roles import Permission, may
from vault.bound import BoundModel

DECIDED_ALREADY = _("This request was decided already. Load the page again.")


def different_people(name: str, one: str, other: str, sentence: Any) -> models.CheckConstraint:
    """The constraint `name`: where both columns name somebody, they name two people."""
    # A CHECK lets NULL through: its cases are written down.
    return models.CheckConstraint(
        name=name,
        condition=Q(**{f"{one}__isnull": True}) | Q(**{f"{other}__isnull": True}) | ~Q(**{one: F(other)}),
        violation_error_message=sentence,
    )


def one_open_request(name: str, sentence: Any) -> models.UniqueConstraint:
    """The constraint `name`: nobody is the subject of two requests that nobody decided yet."""
    return models.UniqueConstraint(
        name=name, fields=["subject"], condition=Q(state="requested"), violation_error_message=sentence
    )


class TwoPersonRequest(BoundModel):
    """Base of requests that a second person decides on; the model has a `state` and says who asked.

    `undecided` is the state in which nobody decided yet, `decision_fields` are the columns that a decision
    writes besides `state` and `decided_by`; `not_validated` those that it does not look at again.
    """

    undecided: ClassVar[str] = "requested"
    decides: ClassVar[Permission]
    refused_to_others: ClassVar[Any]
    decision_fields: ClassVar[tuple[str, ...]] = ("decided_at",)
    not_validated: ClassVar[tuple[str, ...]] = ()

    state: Any
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        abstract = True

    def lock_undecided(self, *, by: User) -> Self:
        """The row as stored, locked, for `by` to decide on: call it inside a transaction.

        Raises trail.Refused where `by` may not decide, ValidationError where somebody did.
        """
        if not may(by, self.decides):
            raise trail.Refused(self.refused_to_others)
        stored: Any = type(self)._default_manager.select_for_update().get(pk=self.pk)
        if stored.state != self.undecided:
            raise ValidationError(DECIDED_ALREADY)
        return stored  # type: ignore[no-any-return]

    def record_decision(self, state: str, *, by: User | None) -> None:
        """Store `state`, who decided and the `decision_fields`. `by` is None on the console.

        Raises ValidationError, such as for the person who asked; then this object is as stored. Raises
        ChangedFromOutside where it was not asked for on the desk: save() seals no such row.
        """
        self.state, self.decided_by = state, by
        names = ["state", "decided_by", *self.decision_fields]
        try:
            self.full_clean(exclude=self.not_validated, validate_unique=False)
        except ValidationError:
            self.refresh_from_db(fields=names)
            raise
        self.save(update_fields=names)
