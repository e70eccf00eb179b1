"""Blockers: what is blocked, by what, who can remove it, and which other blocker has to go first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from cases.models.history import Facet, of_case, refusal
from staff import trail
from vault.fields import SealedCharField, SealedTextField

CYCLE = _("This would go in a circle: the blocker waits for one that waits for it. Choose another one.")


class Blocker(Facet):
    """One thing that cannot go on. No appeal without a fee, no fee without a tax number: one row each."""

    sealed_label = "cases.blocker"

    case = of_case("blockers")
    what = SealedCharField(
        _("what is blocked"), null=True, blank=True, max_length=200, help_text=_("For example: the appeal.")
    )
    by_what = SealedCharField(
        _("by what"), null=True, blank=True, max_length=200, help_text=_("For example: the fee is not paid.")
    )
    remover = SealedCharField(_("who can remove it"), null=True, blank=True, max_length=200)
    waits_for = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="holds_up",
        verbose_name=_("has to wait until this is removed"),
    )
    is_removed = models.BooleanField(_("removed"), default=False)
    remark = SealedTextField(_("remark"), null=True, blank=True)

    class Meta:
        verbose_name = _("blocker")
        verbose_name_plural = _("blockers")
        constraints = [
            models.CheckConstraint(
                name="blocker_does_not_wait_for_itself",
                condition=models.Q(waits_for__isnull=True) | ~models.Q(waits_for=models.F("id")),
                violation_error_message=CYCLE,
            )
        ]

    def clean(self) -> None:
        """Refuse a blocker that says nothing, waits for another case's, or waits in a circle."""
        if not self.has_value("what"):
            raise refusal("what", _("Say what is blocked."))
        if not self.has_value("by_what"):
            raise refusal("by_what", _("Say what it is blocked by."))
        if self.waits_for_id is not None:
            self._refuse_circles()

    def _refuse_circles(self) -> None:
        after = dict(Blocker.objects.filter(case=self.case_id).values_list("pk", "waits_for"))
        if self.waits_for_id not in after:
            raise refusal("waits_for", _("This blocker belongs to another case. Choose one of this case."))
        after[self.pk] = self.waits_for_id
        at, passed = self.waits_for_id, {self.pk}
        while at is not None:
            if at in passed:
                raise refusal("waits_for", CYCLE)
            passed.add(at)
            at = after.get(at)

    def remove(self, *, by: Any) -> list[Blocker]:
        """It is out of the way; on the trail. Returns the blockers that can be worked on from now on.

        Raises trail.Refused. One that somebody has removed already frees nothing.
        """
        self.case.require_visible_to(by)
        if self.is_removed:
            return []
        before = {row.pk for row in state(self.case.blockers.with_keys()).free}
        self.is_removed = True
        with transaction.atomic():
            self.save(by=by)
            trail.append(by, trail.Verb.CASE_CHANGED, case_id=self.case_id, fields=["blocker.is_removed"])
        return [row for row in state(self.case.blockers.with_keys()).free if row.pk not in before]


@dataclass(frozen=True)
class OpenBlockers:
    """The open blockers of a case: those somebody can remove now, and those that wait for others."""

    free: Sequence[Blocker]
    waiting: Sequence[Blocker]

    @property
    def chains(self) -> list[list[Blocker]]:
        """Each chain from what can be removed now to what becomes possible at its end."""
        held: dict[Any, list[Blocker]] = {}
        for row in self.waiting:
            held.setdefault(row.waits_for_id, []).append(row)
        found = []
        open_ends = [[row] for row in self.free]
        while open_ends:
            chain = open_ends.pop(0)
            following = held.get(chain[-1].pk, [])
            if following:
                open_ends = [[*chain, row] for row in following] + open_ends
            else:
                found.append(chain)
        return found


def state(rows: Iterable[Blocker]) -> OpenBlockers:
    """Which of `rows`, all of one case, are open, and of these which wait for an open one."""
    open_rows = [row for row in rows if not row.is_removed]
    ids = {row.pk for row in open_rows}
    free = [row for row in open_rows if row.waits_for_id not in ids]
    waiting = [row for row in open_rows if row.waits_for_id in ids]
    return OpenBlockers(free, waiting)
