"""Links between the people of two cases. Each side keeps its own half, sealed under its own key."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.history import of_case, value_or_none
from staff import trail
from staff.models import User
from vault.fields import SealedJSONField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from cases.models.case import Case


class LinkKind(models.TextChoices):
    """How the two know each other, seen from the case that is open."""

    SPOUSE = "spouse", pgettext_lazy("link", "Spouse or partner")
    PARENT = "parent", pgettext_lazy("link", "Parent of this person")
    CHILD = "child", pgettext_lazy("link", "Child of this person")
    RELATIVE = "relative", pgettext_lazy("link", "Another relative")
    SAME_UNIT = "same_unit", pgettext_lazy("link", "Served in the same unit")
    TRAVELS_WITH = "travels_with", pgettext_lazy("link", "Travels together")
    CONFLICT = "conflict", pgettext_lazy("link", "Must not meet")
    OTHER = "other", pgettext_lazy("link", "Other")


SEEN_FROM_THERE = {LinkKind.PARENT: LinkKind.CHILD, LinkKind.CHILD: LinkKind.PARENT}


class Link(NamedTuple):
    """One link as the reader may see it."""

    row: CaseLink
    other: Case
    kind: str
    remark: str


class CaseLinkQuerySet(SealedQuerySet["CaseLink"]):
    """Links, in the office's language."""

    def seen_by(self, user: User, case: Case) -> list[Link]:
        """The links of `case` whose other side `user` may open as well; of others not even the number."""
        from cases.models.case import Case

        facts = [(row, value_or_none(row, "facts") or {}) for row in self.filter(case=case).with_keys()]
        ids = [uuid.UUID(told["other"]) for _row, told in facts if told and not told["ended"]]
        others = Case.objects.visible_to(user).in_bulk(ids)
        found = [
            Link(row, others[uuid.UUID(told["other"])], str(LinkKind(told["kind"]).label), told["remark"])
            for row, told in facts
            if told and not told["ended"] and uuid.UUID(told["other"]) in others
        ]
        return sorted(found, key=lambda link: link.other.code_name)

    def join(self, case: Case, other: Case, *, kind: LinkKind, remark: str, by: User) -> None:
        """Link two cases that `by` may open, on both sides. Raises trail.Refused, ValidationError."""
        for one in (case, other):
            one.require_visible_to(by)
        if case.pk == other.pk:
            raise ValidationError({"code_name": _("This is the same case. Type the code name of another.")})
        if any(link.other.pk == other.pk for link in self.seen_by(by, case)):
            raise ValidationError({"code_name": _("These two are linked already. End that link first.")})
        pair = str(uuid.uuid4())
        there = SEEN_FROM_THERE.get(kind, kind)
        with transaction.atomic():
            for one, far, seen in ((case, other, kind), (other, case, there)):
                facts = {"other": str(far.pk), "kind": seen, "remark": remark, "pair": pair, "ended": False}
                self.model(case=one, facts=facts).save(force_insert=True)
                trail.append(by, trail.Verb.CASES_LINKED, case_id=one.pk)

    def forget(self, case: Case) -> None:
        """Before a case is erased: what the other sides hold about it goes too."""
        for row in self.filter(case=case).with_keys():
            row.twins().delete()


class CaseLink(SealedModel):
    """One half of a link. Which case it points at is sealed: a dump shows only that there are links."""

    case = of_case("links")
    facts = SealedJSONField(_("link"), editable=False)

    sealed_under = "case"
    sealed_label = "cases.case_link"

    objects = models.Manager.from_queryset(CaseLinkQuerySet)()

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def twins(self) -> Any:
        """The other half, as a queryset; empty where this half does not open."""
        told = value_or_none(self, "facts") or {}
        rows = type(self).objects.filter(case=told["other"]).with_keys() if told else ()
        same = [row.pk for row in rows if (value_or_none(row, "facts") or {}).get("pair") == told["pair"]]
        return type(self).objects.filter(pk__in=same)

    def end(self, *, by: User) -> None:
        """End the link on both sides; that it was there stays sealed in both files. Raises trail.Refused."""
        self.case.require_visible_to(by)
        with transaction.atomic():
            for half in (self, *self.twins().with_keys()):
                half.case.require_visible_to(by)
                half.facts = {**half.facts, "ended": True}
                half.save(update_fields=["facts"])
                trail.append(by, trail.Verb.CASES_UNLINKED, case_id=half.case_id)
