"""What a person adds to a request later, and photographs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.box import BoxedModel, opened_content, pack, whole_hour
from intake.models.words import Colour
from vault import dropbox


class MessageQuerySet(models.QuerySet["Message"]):
    """What people added to their requests."""

    def receive(
        self, request: uuid.UUID, content: Mapping[str, Any], *, at: datetime, colour: int = Colour.GREEN
    ) -> Message:
        """Keep one, sealed. `colour`: how urgent what was added is by itself."""
        message = Message(request_id=request, received_at=whole_hour(at), colour=colour)
        message.put(pack(content))
        message.save(force_insert=True)
        return message


class Message(BoxedModel):
    """Something that a person added or corrected later; which of the two it is, and when, is in the box.

    Until it is opened, a request is as urgent as the most urgent of its own colour and its additions'.
    """

    label = "intake.message"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey("intake.HelpRequest", on_delete=models.CASCADE, related_name="messages")
    received_at = models.DateTimeField(_("received (hour)"))
    colour = models.PositiveSmallIntegerField(_("urgency"), choices=Colour, default=Colour.GREEN)
    box = models.BinaryField(null=True, editable=False)
    opened = models.BooleanField(_("opened"), default=False)

    objects = models.Manager.from_queryset(MessageQuerySet)()

    class Meta:
        verbose_name = _("addition")
        verbose_name_plural = _("additions")
        # Those that wait are a few of many; each page of the desk asks for them.
        indexes = [
            models.Index(fields=["request"], condition=Q(opened=False), name="intake_unopened_addition")
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def open_content(self, ring: dropbox.Ring | None = None) -> dict[str, Any]:
        """What was added, on the desk. Raises a kind of CannotOpen, or KeyProblem."""
        return opened_content(self.take(ring or dropbox.ring()))


class PhotographQuerySet(models.QuerySet["Photograph"]):
    """Photographs from strangers."""

    def receive(self, request: uuid.UUID, photographs: Iterable[bytes], *, at: datetime) -> None:
        """Keep them, each sealed. One by one: several of some megabytes are not held in one statement."""
        for content in photographs:
            row = Photograph(request_id=request, received_at=whole_hour(at))
            row.put(content)
            row.save(force_insert=True)


class Photograph(BoxedModel):
    """A photograph, written anew as JPEG, in a box. Never shown inside a page of the desk: downloaded."""

    label = "intake.photograph"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey("intake.HelpRequest", on_delete=models.CASCADE, related_name="photographs")
    received_at = models.DateTimeField(_("received (hour)"))
    box = models.BinaryField(null=True, editable=False)

    objects = models.Manager.from_queryset(PhotographQuerySet)()

    class Meta:
        verbose_name = _("photograph")
        verbose_name_plural = _("photographs")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
