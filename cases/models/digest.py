"""A coordinator's signature under a day's digest."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vault.fields import SealedJSONField
from vault.models import SealedModel


class DigestSignature(SealedModel):
    """A coordinator looked through the digest of a day. What stood in it is sealed under the house's key."""

    sealed_under = "house"
    sealed_label = "cases.digest"

    coordinator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="signed_digests",
        editable=False,
        verbose_name=_("coordinator"),
    )
    day = models.DateField(_("day"), editable=False)
    signed_at = models.DateTimeField(_("signed at"), editable=False)
    shown = SealedJSONField(_("what stood in it"), editable=False)

    class Meta:
        verbose_name = _("signed digest")
        verbose_name_plural = _("signed digests")
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(
                name="digest_signed_once_a_day",
                fields=["coordinator", "day"],
                violation_error_message=_("You have signed this day's digest already."),
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
