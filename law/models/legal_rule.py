"""Legal rules in force: one row for each version of each rule, and who confirmed it. Both tables only grow.

Law is no personal data: the columns are readable. What a version says is `row`, in the shape of the files
that ship, so that `law.rules.reference` reads it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from law.rules.reference import BadTable, Overlap, ProceduralRow, StayRow
from law.rules.versions import DocumentRules, Table, Tables, Version, effective_versions, tables_of
from staff import trail
from staff.append_only import KeptForGood
from staff.roles import Permission, may

if TYPE_CHECKING:
    from staff.models import User

QUICKER = _("Somebody made a new version of this rule meanwhile. Look at it first, then decide again.")

# What was read last in this process, with the state of the tables it was read from.
_read: dict[str, tuple[tuple[Any, ...], Tables]] = {}


class RuleTable(models.TextChoices):
    """What a rule is about."""

    STAY = Table.STAY.value, _("Length of stay")
    PROCEDURE = Table.PROCEDURE.value, _("Term of a procedure")
    DOCUMENT = Table.DOCUMENT.value, _("Validity of a document")
    GROUP = Table.GROUP.value, _("Group of countries")


def _refuse_rewriting() -> NoReturn:
    raise KeptForGood("A version of a rule is never changed or deleted. Make a new version of the rule.")


def _require_lawyer(by: User) -> None:
    if not may(by, Permission.MANAGE_RULES):
        raise trail.Refused(gettext("Only a lawyer changes and confirms legal rules. Ask one."))


class GrowingQuerySet(models.QuerySet[Any]):
    """Rows that are only added."""

    def update(self, **kwargs: Any) -> NoReturn:
        _refuse_rewriting()

    def delete(self) -> NoReturn:
        _refuse_rewriting()


class Growing(models.Model):
    """A row that is written once; the database refuses the rest too (staff/append_only.py)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            _refuse_rewriting()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        _refuse_rewriting()


class LegalRuleQuerySet(GrowingQuerySet):
    """Rules as they stand. Each answer costs two small questions to the database while no rule changes."""

    def tables(self) -> Tables:
        """All rules that stand, read and checked; what this process read before, while nothing is added."""
        state = self._state()
        known = _read.get(self.db)
        if known is None or known[0] != state:
            known = (state, tables_of(self.versions()))
            _read[self.db] = known
        return known[1]

    def stay_rows(self) -> tuple[StayRow, ...]:
        """The rules of stay, past and announced ones too, for `reference.in_force`."""
        return self.tables().stays

    def procedural_rows(self) -> tuple[ProceduralRow, ...]:
        """The terms of procedures, past and announced ones too, for `reference.running`."""
        return self.tables().terms

    def document_rules(self, on: date | None = None) -> DocumentRules:
        """When Russian passports end, by the rules in force on `on`; None: by the latest there are."""
        return self.tables().document_rules(on)

    def eu_members(self, on: date) -> frozenset[str]:
        """The member states of the European Union on `on`."""
        return self.tables().members("EU", on)

    def version(self, ref: str) -> LegalRule:
        """The version that "kz-2023@2" names, standing or not. Raises LegalRule.DoesNotExist."""
        found: LegalRule = self.select_related("made_by", "replaces").get(ref=ref)
        return found

    def effective(self) -> tuple[Version, ...]:
        """The versions that still have a day of their own, each with the last day that is left to it."""
        return effective_versions(self.versions())

    def make(self, draft: Version, *, by: User, seen: str = "") -> LegalRule:
        """Add a version, or with number 1 a rule. The door then asks for the dates of the cases concerned.

        `seen` is the newest version that `by` had before them. Raises trail.Refused without the right,
        ValidationError where somebody was quicker or the table could not be used with it.
        """
        _require_lawyer(by)
        with transaction.atomic():
            newest = self.filter(code=draft.code).order_by("-version").first()
            if (newest.ref if newest else "") != seen or draft.number != (
                newest.version + 1 if newest else 1
            ):
                raise ValidationError(QUICKER)
            self._refuse_useless(draft)
            rule = self.add(draft, by=by)
            trail.append(by, trail.Verb.RULE_CHANGED, reason=rule.ref)
        return rule

    def add(self, version: Version, *, by: User | None) -> LegalRule:
        """Store a version that was checked; `by` None: it came with the shipped files."""
        rule = LegalRule(
            table=version.table,
            code=version.code,
            version=version.number,
            row=version.row,
            valid_from=version.valid_from,
            valid_to=version.valid_to,
            replaces=self.get(code=version.code, version=version.replaces) if version.replaces else None,
            corrects=version.corrects,
            made_by=by,
        )
        rule.save()
        return rule

    def _refuse_useless(self, draft: Version) -> None:
        """ValidationError where the tables could not be read with the draft in them."""
        before = self.versions()
        if before and {v.table for v in before if v.code == draft.code} - {draft.table}:
            raise ValidationError(_("There is a rule of another kind under this code. Choose another code."))
        try:
            tables_of([*before, draft])
        except Overlap as both:
            other = both.second if both.first == draft.ref else both.first
            words = _("On the same days %(other)s is in force. Close it first, or choose other days.")
            raise ValidationError({"valid_from": words % {"other": other}}) from None
        except BadTable as problem:
            raise ValidationError(
                _("The rule cannot be used as it stands: %(problem)s") % {"problem": problem}
            ) from None

    def versions(self) -> list[Version]:
        """Every version, also those that no longer stand, each with its last confirmation."""
        confirmed = {
            rule: (on, by)
            for rule, on, by in RuleConfirmation.objects.using(self.db)
            .order_by("pk")
            .values_list("rule", "verified_on", "by__username")
        }
        columns = ("pk", "table", "code", "version", "row", "valid_from", "valid_to", "corrects")
        rows = self.order_by("pk").annotate(before=F("replaces__version")).values_list(*columns, "before")
        return [
            Version(
                table, code, number, row, first, last, before, corrects, *confirmed.get(key, (None, None))
            )
            for key, table, code, number, row, first, last, corrects, before in rows
        ]

    def _state(self) -> tuple[Any, ...]:
        """What changes with every row that is added: the count too, because ids need not come in order."""
        every = LegalRule._base_manager.using(self.db)
        rules = every.aggregate(n=Count("pk"), last=Max("pk"), at=Max("made_at"))
        confirmations = RuleConfirmation._base_manager.using(self.db)
        signed = confirmations.aggregate(n=Count("pk"), last=Max("pk"), at=Max("at"))
        return (*rules.values(), *signed.values())


class LegalRule(Growing):
    """One version of one rule. `ref` ("kz-2023@2") names it for good; valid_from and valid_to count in.

    `replaces` is the version before it: it follows that one from `valid_from` on, or, if it `corrects` it,
    takes its place altogether. Which days are left to a version: `law.rules.versions.effective_versions`.
    """

    ref = models.CharField(_("version"), max_length=80, unique=True, editable=False)
    table = models.CharField(_("table"), max_length=10, choices=RuleTable, editable=False)
    code = models.CharField(_("rule"), max_length=60, editable=False)
    version = models.PositiveIntegerField(_("version number"), editable=False)
    row = models.JSONField(_("what it says"), editable=False)
    valid_from = models.DateField(_("in force from"), null=True, editable=False)
    valid_to = models.DateField(_("in force until"), null=True, editable=False)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("replaces")
    )
    corrects = models.BooleanField(_("corrects an error"), default=False, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("made by"),
    )
    made_at = models.DateTimeField(_("made at"), default=timezone.now, editable=False)

    objects = models.Manager.from_queryset(LegalRuleQuerySet)()

    class Meta:
        verbose_name = _("legal rule")
        verbose_name_plural = _("legal rules")
        constraints = [
            models.UniqueConstraint(
                name="rule_version_once",
                fields=["code", "version"],
                violation_error_message=_(
                    "Somebody made this version a moment ago. Open the rule again and compare."
                ),
            ),
            models.CheckConstraint(
                name="rule_table_is_known",
                condition=Q(table__in=RuleTable.values),
                violation_error_message=_("This kind of rule does not exist. Choose one from the list."),
            ),
            models.CheckConstraint(
                name="rule_ends_after_it_begins",
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
                violation_error_message=_("The rule ends before it begins. Check both dates."),
            ),
            models.CheckConstraint(
                name="rule_versions_have_a_chain",
                condition=Q(version=1, replaces__isnull=True, corrects=False)
                | Q(version__gt=1, replaces__isnull=False),
                violation_error_message=_("A new version says which version it replaces."),
            ),
        ]

    def __str__(self) -> str:
        return self.ref

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert, under its ref."""
        self.ref = f"{self.code}@{self.version}"
        super().save(*args, **kwargs)

    def confirm(self, *, on: date, source_seen: str, by: User, today: date, seen: str) -> RuleConfirmation:
        """A lawyer read the source on `on` and it says the same. `seen`: the newest version before them.

        The door then asks for the dates of the cases concerned. Raises trail.Refused, ValidationError.
        """
        _require_lawyer(by)
        if on > today:
            raise ValidationError(
                {"on": _("This day lies ahead. Give the day on which you read the source.")}
            )
        if not source_seen.strip():
            raise ValidationError({"source_seen": _("Say which source you have read: law, article, page.")})
        with transaction.atomic():
            newest = LegalRule.objects.filter(code=self.code).order_by("-version").first()
            if newest is None or newest.ref != seen:
                raise ValidationError(QUICKER)
            row = RuleConfirmation(rule=self, by=by, verified_on=on, source_seen=source_seen.strip())
            row.save()
            trail.append(by, trail.Verb.RULE_CONFIRMED, reason=self.ref)
        return row

    @property
    def last_confirmation(self) -> RuleConfirmation | None:
        """Who said last that the version is right, and when; None: to be confirmed by a lawyer."""
        return self.confirmations.select_related("by").order_by("-pk").first()


class RuleConfirmation(Growing):
    """A lawyer read the source and found that the version says what the law says."""

    rule = models.ForeignKey(
        LegalRule, models.PROTECT, related_name="confirmations", editable=False, verbose_name=_("rule")
    )
    verified_on = models.DateField(_("confirmed on"), editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("confirmed by"),
    )
    source_seen = models.TextField(_("source seen"), editable=False)
    at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    objects = models.Manager.from_queryset(GrowingQuerySet)()

    class Meta:
        verbose_name = _("confirmation of a rule")
        verbose_name_plural = _("confirmations of rules")
        constraints = [
            models.CheckConstraint(
                name="confirmation_names_its_source",
                condition=~Q(source_seen=""),
                violation_error_message=_("Say which source you have read: law, article, page."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
