"""An owner, its children, and one model for each way of saying whose key seals a row."""

import uuid

from django.db import models
from django.db.models import Q

from vault.fields import (
    BlindIndex,
    KeyedTokenField,
    SealedCharField,
    SealedDateField,
    SealedDateTimeField,
    SealedEmailField,
    SealedJSONField,
    SealedTextField,
)
from vault.models import OwnerModel, SealedModel


class File(OwnerModel):
    """Stands for a case."""

    sealed_label = "cells.file"

    code_name = models.CharField(max_length=40, default="quiet heron 7")
    summary = SealedTextField(null=True, blank=True)
    phone = SealedCharField(null=True, blank=True)
    phone_index = BlindIndex("phone")

    class Meta:
        app_label = "cells"

    def __str__(self):
        return self.code_name


class Page(SealedModel):
    """Stands for a facet: text under the case's key, a day under the calendar's."""

    sealed_under = "file"
    sealed_label = "cells.page"

    file = models.ForeignKey(File, models.CASCADE)
    title = models.CharField(max_length=40, blank=True)
    text = SealedTextField(blank=True)
    remark = SealedTextField(null=True, blank=True)
    born_on = SealedDateField(null=True, blank=True)
    seen_at = SealedDateTimeField(null=True, blank=True)
    mail = SealedEmailField(null=True, blank=True)
    facts = SealedJSONField(null=True, blank=True)
    due_on = SealedDateField(null=True, blank=True, key="calendar")
    due_week = BlindIndex("due_on", normalise="vault.normalise.iso_week", key="calendar")

    class Meta:
        app_label = "cells"
        constraints = [
            models.CheckConstraint(
                name="final_page_has_a_remark",
                condition=~Q(title="final") | Q(remark__isnull=False),
            )
        ]


class Ring(SealedModel):
    """Stands for a reminder: nothing under a record key, and a ledger token that is unique."""

    sealed_label = "cells.ring"

    payload = SealedJSONField(key="calendar")
    once = KeyedTokenField("payload", names=("page", "due_on"), key="calendar", unique=True)

    class Meta:
        app_label = "cells"


class Ledger(SealedModel):
    """A ledger row that belongs to a case and may not be without a token."""

    sealed_under = "file"
    sealed_label = "cells.ledger"

    file = models.ForeignKey(File, models.CASCADE)
    payload = SealedJSONField(key="calendar")
    once = KeyedTokenField("payload", names=("step",), key="calendar", unique=True)

    class Meta:
        app_label = "cells"


class Mark(SealedModel):
    """Stands for a trail row: numbered, and under the case's key or the house's."""

    sealed_under = "file_id"
    sealed_label = "cells.mark"
    sealed_row_id = "seal_id"

    id = models.BigAutoField(primary_key=True)
    seal_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    file_id = models.UUIDField(null=True)
    details = SealedJSONField(default=dict)

    class Meta:
        app_label = "cells"


class Setting(SealedModel):
    """Belongs to the house."""

    sealed_under = "house"
    sealed_label = "cells.setting"

    value = SealedTextField(null=True)

    class Meta:
        app_label = "cells"
