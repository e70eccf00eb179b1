"""Files in a case: photographs and scans, sealed on the disk under random names, never changed or deleted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.history import Facet, KeptQuerySet, of_case, refusal, value_or_none
from staff import trail
from staff.append_only import KeptForGood
from staff.models import User
from staff.roles import Permission, may
from vault import files, images
from vault.fields import SealedCharField, SealedDateTimeField, SealedJSONField

# Decoding a picture takes its bytes and some twenty times as much; a PDF is only read through.
MOST_PICTURE_BYTES, MOST_PDF_BYTES = images.MAX_BYTES, 25_000_000
MOST_FILES, MOST_CASE_BYTES = 200, 500_000_000
ENDINGS = {"image/jpeg": "jpg", "application/pdf": "pdf"}
_LAST = datetime.max.replace(tzinfo=UTC)


class AttachmentKind(models.TextChoices):
    """What the file shows."""

    PASSPORT = "passport", _("Passport or identity card")
    STAMP = "stamp", _("Border stamp, visa or registration")
    DECISION = "decision", _("Decision or letter of an authority")
    SUMMONS = "summons", _("Summons or military paper")
    EVIDENCE = "evidence", _("Evidence")
    OTHER = "other", pgettext_lazy("kind of file", "Something else")


def folder() -> Path:
    """Where the sealed files lie."""
    return Path(settings.FILES_DIR)


class AttachmentQuerySet(KeptQuerySet["Attachment"]):
    """Files of cases."""

    def of(self, case: Any) -> list[Attachment]:
        """The files of a case, oldest first, what does not open last. Sorted here: their time is sealed."""
        rows = list(self.filter(case=case).select_related("added_by").with_keys())
        return sorted(rows, key=lambda row: value_or_none(row, "added_at") or _LAST)

    def visible_to(self, user: User) -> AttachmentQuerySet:
        """Files of the cases that `user` may open."""
        return self.filter(case__in=Case.objects.visible_to(user)).intact("case")  # type: ignore[return-value]

    def keep(self, case: Any, data: bytes, *, name: str, kind: str, remark: str, by: User) -> Attachment:
        """Clean `data`, seal it on the disk and enter it in the file of `case`.

        A picture is written anew without metadata; a PDF is kept as it is. Raises trail.Refused,
        images.ImageRefused or files.CannotStore with a sentence for the person, ValidationError; then nothing
        is kept.
        """
        case.require_visible_to(by)
        if not may(by, Permission.WRITE_CASES):
            raise trail.Refused(
                gettext("Your role reads case files and does not write them."), case_id=case.pk
            )
        most = MOST_PDF_BYTES if data.startswith(b"%PDF-") else MOST_PICTURE_BYTES
        cleaned = images.clean(data, allow_pdf=True, max_bytes=most)
        row = self.model(case=case, added_by=by, kind=kind, remark=remark.strip(), name=base_name(name))
        row.media, row.size, row.added_at = cleaned.kind, len(cleaned.content), timezone.now()
        row.clean()
        with transaction.atomic():
            # Two uploads at once must not both take the last place.
            type(case)._base_manager.select_for_update().filter(pk=case.pk).values_list("pk").first()
            _require_room(case, len(cleaned.content))
            row.stored = files.begin(io.BytesIO(cleaned.content), folder(), of=row, quota_bytes=most * 2)
            try:
                row.save(by=by, force_insert=True)
                trail.append(by, trail.Verb.FILE_ADDED, case_id=case.pk, about=row.pk)
            except BaseException:
                files.abandon(folder(), row.stored)
                raise
            # After the commit, so that no file in its place is ever without a row.
            transaction.on_commit(row.settle)
        return row


def base_name(name: str) -> str:
    """The last part of a file's name as people see it, at most 200 characters."""
    return name.replace("\\", "/").rpartition("/")[2].replace("\0", "").strip()[-200:]


def _require_room(case: Any, size: int) -> None:
    """Raise CannotStore where `size` bytes more would pass a quota. Counts what lies on the disk."""
    names = list(case.attachments.values_list("stored", flat=True))
    if len(names) >= MOST_FILES:
        raise files.CannotStore(
            gettext("This case holds %(count)d files already, and no more can be kept. Ask an administrator.")
            % {"count": MOST_FILES}
        )
    held = sum(files.stored_bytes(folder(), name) for name in names)
    if held + size > MOST_CASE_BYTES:
        raise files.CannotStore(
            gettext("The files of this case would pass %(size)d MB. Send a smaller one, or a photograph.")
            % {"size": MOST_CASE_BYTES // 1_000_000}
        )
    if files.total_bytes(folder()) + size > settings.FILES_QUOTA_MB * 1_000_000:
        raise files.CannotStore(
            gettext("The desk's room for files is used up. Nothing was kept. Tell your administrator today.")
        )


class Attachment(Facet):
    """One file. What it is called, shows and weighs is sealed; its place on the disk is a random name."""

    sealed_label = "cases.attachment"

    case = of_case("attachments")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("added by"),
    )
    stored = models.CharField(max_length=32, unique=True, editable=False)
    name = SealedCharField(_("name of the file"), editable=False)
    kind = SealedCharField(_("what it shows"), choices=AttachmentKind, max_length=20)
    remark = SealedCharField(_("remark"), blank=True, default="")
    media = SealedCharField(max_length=40, editable=False)
    size = SealedJSONField(editable=False)
    added_at = SealedDateTimeField(_("added at"), editable=False)

    objects = models.Manager.from_queryset(AttachmentQuerySet)()

    class Meta:
        verbose_name = pgettext_lazy("attachment", "file")
        verbose_name_plural = pgettext_lazy("attachments", "files")

    def clean(self) -> None:
        """Refuse a kind that does not exist."""
        if self.kind not in AttachmentKind.values:
            raise refusal("kind", _("Choose what the file shows."))

    def save(self, **options: Any) -> None:
        """Insert; a second save is refused: add another file."""
        if not self._state.adding:
            raise KeptForGood("A file is never changed. Add another one.")
        super().save(**options)

    def settle(self) -> None:
        """Put the file into its place, if its upload ended right before that. Harmless to repeat."""
        files.finish(folder(), self.stored)

    def pieces(self) -> Iterator[bytes]:
        """The clear content, piece by piece, all of it checked beforehand.

        Reading it once more costs less than a download that breaks off. Raises a kind of CannotOpen.
        """
        self.settle()
        for _piece in files.fetch(folder(), self.stored, of=self):
            pass
        return files.fetch(folder(), self.stored, of=self)

    def read_by(self, user: User) -> Iterator[bytes]:
        """As pieces(), on the trail. Raises trail.Refused, or a kind of CannotOpen."""
        self.case.require_visible_to(user)
        opened = self.pieces()
        trail.append(user, trail.Verb.FILE_READ, case_id=self.case_id, about=self.pk)
        return opened

    def neutral_name(self) -> str:
        """What a download is called: its number in the case and what it is, nothing that names anybody."""
        keys: list[UUID] = [row.pk for row in Attachment.objects.of(self.case_id)]
        return f"file-{keys.index(self.pk) + 1}.{ENDINGS.get(str(value_or_none(self, 'media')), 'bin')}"
