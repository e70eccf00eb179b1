"""The room of accounts, second factors, the trail and the desk's frame."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffApp(AppConfig):
    name = "staff"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from staff.sites import desk

        # Django's own discovery would fill its default site, which is mounted nowhere.
        autodiscover_modules("admin", register_to=desk)
