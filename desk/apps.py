from django.apps import AppConfig


class DeskApp(AppConfig):
    name = "desk"
    default_auto_field = "django.db.models.BigAutoField"
