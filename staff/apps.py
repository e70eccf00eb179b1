from django.apps import AppConfig


class StaffApp(AppConfig):
    name = "staff"
    default_auto_field = "django.db.models.BigAutoField"
