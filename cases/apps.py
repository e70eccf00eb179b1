from django.apps import AppConfig


class CasesApp(AppConfig):
    name = "cases"
    default_auto_field = "django.db.models.BigAutoField"
