from django.apps import AppConfig


class LawApp(AppConfig):
    name = "law"
    default_auto_field = "django.db.models.BigAutoField"
