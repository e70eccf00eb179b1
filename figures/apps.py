from django.apps import AppConfig


class FiguresApp(AppConfig):
    name = "figures"
    default_auto_field = "django.db.models.BigAutoField"
