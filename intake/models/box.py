"""A box in a row: words that the writing process seals to the desk's mailbox and cannot open."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from vault import dropbox
from vault.cipher import Unreadable


def whole_hour(moment: datetime) -> datetime:
    """`moment` without its minutes: what may stand readable beside a sealed box."""
    return moment.replace(minute=0, second=0, microsecond=0)


def place(label: str, row: uuid.UUID) -> bytes:
    """What the box of one row is bound to; moved to another row it does not open."""
    return b"v1|" + label.encode() + b"|" + row.bytes


def pack(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def opened_content(plain: bytes) -> dict[str, Any]:
    try:
        content = json.loads(plain)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Unreadable("it opens, but holds something of another kind")
    return content


class BoxedModel(models.Model):
    """A row whose words are a box for the desk's mailbox; `label` is frozen in stored data."""

    label = ""

    class Meta:
        abstract = True

    def put(self, plain: bytes) -> None:
        """Seal `plain` into this row's box. Raises KeyProblem without the mailbox's public key."""
        self.box = dropbox.seal(plain, bound_to=place(self.label, self.pk))

    def take(self, ring: dropbox.Ring) -> bytes:
        """What the box holds, on the desk. Raises Unreadable, or Erased once its week's key is gone."""
        if self.box is None:
            raise Unreadable("there is no box: its content was moved or erased")
        return ring.open(self.box, bound_to=place(self.label, self.pk))
