"""The room of accounts, second factors, the trail and the desk's frame."""

from django.apps import AppConfig


class StaffApp(AppConfig):
    name = "staff"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from staff.sites import desk

        # Django's own discovery would fill its default site, which is mounted nowhere.
        autodiscover_modules("admin", register_to=desk)
