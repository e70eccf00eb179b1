"""The room that strangers reach: the public form, the mailbox, triage."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntakeApp(AppConfig):
    name = "intake"
    verbose_name = _("Requests for help")
    default_auto_field = "django.db.models.BigAutoField"
