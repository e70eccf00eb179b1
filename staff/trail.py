"""The trail: who did what to which case. Rows are only ever added; the database refuses everything else.

Readable: time, person, verb, case. Sealed under the case's key (or the house's): names of changed fields,
never their values, and the reason given. No addresses of clients.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vault.bound import BoundModel
from vault.cipher import NoKey
from vault.fields import SealedJSONField
from vault.models import SealedModel
from vault.queryset import SealedQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from staff.models import User


class Verb(models.TextChoices):
    CASE_OPENED = "case_opened", _("opened the case file")
    CASE_CREATED = "case_created", _("created the case")
    CASE_CHANGED = "case_changed", _("changed the case")
    CASE_CLOSED = "case_closed", _("closed the case")
    CASE_ASSIGNED = "case_assigned", _("assigned the case")
    CASE_REOPENED = "case_reopened", _("took the closed case up again")
    CASE_SHARED = "case_shared", _("shared the case")
    CASE_ERASED = "case_erased", _("erased the case for good")
    REQUEST_TYPED = "request_typed", _("entered a help request")
    REQUEST_OPENED = "request_opened", _("opened a help request")
    REQUEST_ANSWERED = "request_answered", _("answered a help request")
    REQUEST_ACCEPTED = "request_accepted", _("made a case of a help request")
    REQUEST_MERGED = "request_merged", _("put a help request into an existing case")
    REQUEST_DECLINED = "request_declined", _("declined a help request")
    REQUEST_REFERRED = "request_referred", _("referred a help request to others")
    REQUEST_SPAM = "request_spam", _("marked a help request as spam")
    REQUEST_TAKEN_UP = "request_taken_up", _("took a help request up again")
    REQUEST_FILED = "request_filed", _("put additions to a help request into its case")
    REQUEST_ERASED = "request_erased", _("erased a help request after its time")
    SHEET_CHECKED = "sheet_checked", _("had a spreadsheet checked")
    SHEET_IMPORTED = "sheet_imported", _("imported a spreadsheet")
    FILE_ADDED = "file_added", _("added a file")
    FILE_READ = "file_read", _("downloaded a file")
    CASE_SHARE_ENDED = "case_share_ended", _("ended a share of the case")
    CASE_EXPORTED = "case_exported", _("exported the case for the person")
    COMPARTMENT_OPENED = "compartment_opened", _("opened a compartment")
    COMPARTMENT_CLOSED = "compartment_closed", _("closed a compartment")
    VETTING_PROPOSED = "vetting_proposed", _("proposed a result of the vetting")
    VETTING_CONFIRMED = "vetting_confirmed", _("confirmed the vetting as second person")
    VETTING_REJECTED = "vetting_rejected", _("did not confirm the vetting")
    CASES_LINKED = "cases_linked", _("linked two cases")
    CASES_UNLINKED = "cases_unlinked", _("ended the link of two cases")
    ROUTE_NOTE_ERASED = "route_note_erased", _("erased a route note after its time")
    DEPUTY_NAMED = "deputy_named", _("named a deputy")
    DEPUTY_ENDED = "deputy_ended", _("ended a deputyship")
    CASES_HANDED_OVER = "cases_handed_over", _("handed a colleague's cases over")
    GLASS_BROKEN = "glass_broken", _("opened a case in an emergency")
    GLASS_ASKED = "glass_asked", _("asked to open a case in an emergency")
    GLASS_APPROVED = "glass_approved", _("approved an emergency opening")
    GLASS_REFUSED = "glass_refused", _("refused an emergency opening")
    GLASS_CLOSED = "glass_closed", _("closed an emergency opening")
    CASES_LISTED = "cases_listed", _("listed cases")
    CASES_SEARCHED = "cases_searched", _("searched")
    DUPLICATES_LISTED = "duplicates_listed", _("looked for possible duplicates")
    DUPLICATE_DISMISSED = "duplicate_dismissed", _("judged that two cases are different people")
    DUPLICATE_RESTORED = "duplicate_restored", _("took back that two cases are different people")
    DEADLINE_SEEN = "deadline_seen", _("saw the deadline")
    DEADLINE_DONE = "deadline_done", _("marked the deadline done")
    DEADLINE_SNOOZED = "deadline_snoozed", _("put the deadline off")
    DEADLINE_REOPENED = "deadline_reopened", _("marked the deadline open again")
    DIGEST_SIGNED = "digest_signed", _("signed the digest")
    RECORD_CREATED = "record_created", _("added a record")
    RECORD_CHANGED = "record_changed", _("changed a record")
    STATISTICS_PUBLISHED = "statistics_published", _("published the figures of a period")
    STATISTICS_EXPORTED = "statistics_exported", _("downloaded statistics")
    RULE_CHANGED = "rule_changed", _("made a new version of a legal rule")
    RULE_CONFIRMED = "rule_confirmed", _("confirmed a legal rule")
    SIGNED_IN = "signed_in", _("signed in")
    SIGNED_OUT = "signed_out", _("signed out")
    SIGN_IN_FAILED = "sign_in_failed", _("a sign-in failed")
    SECOND_FACTOR_ENROLLED = "second_factor_enrolled", _("set up the second factor")
    SECOND_FACTOR_FAILED = "second_factor_failed", _("a second-factor code failed")
    BACKUP_CODE_USED = "backup_code_used", _("used a backup code")
    BACKUP_CODES_RENEWED = "backup_codes_renewed", _("renewed the backup codes")
    PASSWORD_CHANGED = "password_changed", _("changed the password")
    SESSIONS_ENDED = "sessions_ended", _("ended all other sessions")
    SESSION_ENDED = "session_ended", _("ended one session")
    BACKUP_CODES_VOIDED = "backup_codes_voided", _("crossed out the backup codes")
    PANIC = "panic", _("pressed panic")
    INVITATION_MADE = "invitation_made", _("invited a person")
    INVITATION_ACCEPTED = "invitation_accepted", _("accepted the invitation")
    ROLE_REQUESTED = "role_requested", _("asked for a role")
    ROLE_GRANTED = "role_granted", _("granted a role")
    ROLE_REFUSED = "role_refused", _("refused a role")
    ROLE_LAPSED = "role_lapsed", _("let a role lapse until it is approved anew")
    ACCOUNT_CHANGED = "account_changed", _("changed the account")
    ACCOUNT_DEACTIVATED = "account_deactivated", _("deactivated the account")
    ACCOUNT_REACTIVATED = "account_reactivated", _("reactivated the account")
    DEVICE_RESET_REQUESTED = "device_reset_requested", _("asked to reset a second factor")
    DEVICE_RESET = "device_reset", _("reset a second factor")
    DEVICE_RESET_EXPIRED = "device_reset_expired", _("let a reset of a second factor expire")
    DEVICE_RESET_REFUSED = "device_reset_refused", _("refused to reset a second factor")
    ACCESS_BROKEN = "access_broken", _("found that the database was changed from outside")
    ACCESS_RESEALED = "access_resealed", _("sealed anew what was changed from outside")
    TRAIL_CUT = "trail_cut", _("removed the old end of the trail")
    TRAIL_READ = "trail_read", _("read the trail")
    CHECKPOINT_TAKEN = "checkpoint_taken", _("took a checkpoint of the trail out of the house")
    REFUSED = "refused", _("was refused")


# Acts that write rows anew that decide who reads, and tell their serials: of accounts, and of the rest.
SEALING_ACCOUNTS = frozenset(
    {
        Verb.ROLE_GRANTED,
        Verb.ROLE_REFUSED,
        Verb.ROLE_LAPSED,
        Verb.PASSWORD_CHANGED,
        Verb.SESSIONS_ENDED,
        Verb.SECOND_FACTOR_ENROLLED,
        Verb.BACKUP_CODES_RENEWED,
        Verb.BACKUP_CODES_VOIDED,
        Verb.BACKUP_CODE_USED,
        Verb.DEVICE_RESET,
        Verb.DEVICE_RESET_REFUSED,
        Verb.DEVICE_RESET_EXPIRED,
        Verb.PANIC,
        Verb.ACCOUNT_CHANGED,
        Verb.ACCOUNT_DEACTIVATED,
        Verb.ACCOUNT_REACTIVATED,
        Verb.INVITATION_ACCEPTED,
        Verb.ACCESS_RESEALED,
    }
)
SEALING = SEALING_ACCOUNTS | {
    Verb.CASE_ASSIGNED,
    Verb.CASE_SHARED,
    Verb.CASE_SHARE_ENDED,
    Verb.DEPUTY_ENDED,
    Verb.GLASS_APPROVED,
    Verb.GLASS_REFUSED,
    Verb.GLASS_CLOSED,
    Verb.VETTING_PROPOSED,
    Verb.VETTING_CONFIRMED,
    Verb.VETTING_REJECTED,
}


class AppendOnly(TypeError):
    """Somebody tried to change or delete a row of the trail from Python; the database would refuse it too."""


def _refuse_rewriting() -> NoReturn:
    raise AppendOnly("The trail only grows: add a row with trail.append(), never change or delete one.")


class TrailQuerySet(SealedQuerySet["TrailRow"]):
    """Questions to the trail."""

    def of_case(self, case_id: UUID) -> TrailQuerySet:
        """The rows of one case, newest first."""
        return self.filter(case=case_id).order_by("-id")

    def update(self, **kwargs: Any) -> NoReturn:
        _refuse_rewriting()

    def delete(self) -> NoReturn:
        _refuse_rewriting()


class TrailRow(SealedModel):
    """One act. `actor` is NULL for the console; for a failed sign-in it is the account that was tried."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    seal_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(_("when"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("who")
    )
    # No choices here: a new verb is a line of code and must not need a migration of this table.
    verb = models.CharField(_("did what"), max_length=32)
    case = models.UUIDField(_("case"), null=True)
    details = SealedJSONField(default=dict)

    sealed_under = "case"
    sealed_label = "staff.trail"
    sealed_row_id = "seal_id"

    objects = TrailQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("trail row")
        verbose_name_plural = _("trail")
        ordering = ["-id"]
        indexes = [models.Index(fields=["case", "-id"], name="trail_of_a_case")]

    def __str__(self) -> str:
        return f"{self.verb} {self.pk}"

    def get_verb_display(self) -> str:
        """The verb in words; a verb of an older version stands as it was stored."""
        return str(Verb(self.verb).label) if self.verb in Verb.values else self.verb

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            _refuse_rewriting()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse_rewriting()


class Refused(PermissionDenied):
    """An act that is not allowed. The middleware writes it on the trail after the act was rolled back.

    The message is shown to the person: say what is missing and who can help, and name no record.
    """

    def __init__(self, message: StrOrPromise, *, case_id: UUID | None = None) -> None:
        super().__init__(message)
        self.case_id = case_id


def append_many(actor: User | None, verb: Verb, case_ids: Iterable[UUID], *, at: datetime) -> None:
    """As append(), for the same act on many cases whose keys are there; in the caller's transaction."""
    rows = [TrailRow(at=at, actor=actor, verb=verb, case=case_id, details={}) for case_id in case_ids]
    TrailRow.objects.bulk_create(rows)


def append(
    actor: User | None,
    verb: Verb,
    *,
    case_id: UUID | None = None,
    fields: Iterable[str] = (),
    reason: str = "",
    query: str = "",
    about: UUID | None = None,
    receipt: Mapping[str, Any] | None = None,
    access: Iterable[BoundModel] = (),
    at: datetime | None = None,
) -> TrailRow:
    """Add one row, in the caller's transaction: call it inside the same `atomic()` as the act.

    `fields` are names of changed fields, never values; `query` is what was searched for, of no case, so that
    the house's key seals it; `about` is the account, grant or record that the act concerns where that is not
    the case itself; `receipt` counts what an act did, or names it; `access` are the rows that decide who
    reads and were sealed anew by it: an older state of them is told by its serial. Where the case is erased
    or unknown, the details name it and are sealed under the house's key.
    """
    said: dict[str, Any] = {
        "fields": sorted(set(fields)),
        "reason": reason,
        "query": query,
        "about": str(about) if about is not None else "",
        "receipt": dict(receipt or {}),
        "access": [(row._meta.label, str(row.pk), row.access_serial) for row in access],
    }
    if said["access"] and verb not in SEALING:
        raise ValueError(f"{verb} tells a serial that nobody looks for: name it in SEALING.")
    details = {name: value for name, value in said.items() if value}
    row = TrailRow(at=at or timezone.now(), actor=actor, verb=verb, case=case_id, details=details)
    # Asked beforehand: an exception inside save() would roll back the act that this row is about.
    if case_id is not None and isinstance(row.record_cipher(sealing=True), NoKey):
        details["case"] = str(case_id)
        row = TrailRow(at=row.at, actor=actor, verb=verb, case=None, details=details)
    row.save(force_insert=True)
    return row
