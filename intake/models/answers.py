"""Answers in mailboxes: opened by the phrase alone, destroyed a week after they were read."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from intake.models.box import opened_content, place
from vault import dropbox
from vault.cipher import CannotOpen
from vault.erasure import give_back_pages

# An answer lives on for so many days after the day on which it was first read.
ANSWER_DAYS: Final = 7


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Answers in mailboxes."""

    def open_all(self, request: uuid.UUID, pair: dropbox.KeyPair, *, today: date) -> list[dict[str, Any]]:
        """The answers to `request` that `pair` opens, newest first, each noted as read on `today`.

        Each is `{"text", "sent_at", "until"}`; `until` is the last day on which it can be read again. What
        has run out is destroyed first. What does not open is left out: it says nothing to a stranger.
        """
        rows = self.filter(request=request)
        rows.destroy_read(today=today)
        readings = Reading.objects.filter(answer__in=rows.values("pk"))
        read_on = dict(readings.values_list("answer_id", "read_on"))
        found = []
        for pk, box in rows.values_list("pk", "box"):
            try:
                content = opened_content(pair.open(box, bound_to=place(Answer.label, pk)))
            except CannotOpen:
                continue
            first = read_on.get(pk) or Reading.objects.note(pk, today)
            found.append(content | {"until": first + timedelta(days=ANSWER_DAYS)})
        return sorted(found, key=lambda answer: str(answer["sent_at"]), reverse=True)

    def destroy_read(self, *, today: date) -> int:
        """Destroy the answers that were first read more than ANSWER_DAYS days before `today`; count them."""
        read = Reading.objects.filter(read_on__lt=today - timedelta(days=ANSWER_DAYS))
        gone = list(self.filter(pk__in=read.values("answer")).values_list("pk", flat=True))
        if gone:
            with transaction.atomic():
                Reading.objects.filter(answer__in=gone)._raw_delete(self.db)
                Answer.objects.filter(pk__in=gone)._raw_delete(self.db)
                transaction.on_commit(lambda: give_back_pages(Answer, Reading))
        return len(gone)


class Answer(models.Model):
    """An answer in a mailbox, sealed to the key pair of its phrase: the desk cannot open it any more."""

    label = "intake.answer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey("intake.HelpRequest", on_delete=models.CASCADE, related_name="answers")
    box = models.BinaryField(editable=False)

    objects = models.Manager.from_queryset(AnswerQuerySet)()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class ReadingQuerySet(models.QuerySet["Reading"]):
    """First readings of answers."""

    def note(self, answer: uuid.UUID, today: date) -> date:
        """Note that `answer` was read on `today`, unless it was before; the day of the first reading."""
        try:
            with transaction.atomic():
                Reading(answer_id=answer, read_on=today).save(force_insert=True)
        except IntegrityError:
            return self.filter(answer=answer).values_list("read_on", flat=True).first() or today
        return today


class Reading(models.Model):
    """The day (UTC) on which an answer was first read. A row of its own: the public process changes none."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, primary_key=True, related_name="reading")
    read_on = models.DateField(_("first read on"))

    objects = models.Manager.from_queryset(ReadingQuerySet)()

    class Meta:
        verbose_name = _("first reading")
        verbose_name_plural = _("first readings")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
