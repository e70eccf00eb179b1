from django.apps import AppConfig


class IntakeApp(AppConfig):
    name = "intake"
    default_auto_field = "django.db.models.BigAutoField"
