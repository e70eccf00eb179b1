from django.apps import AppConfig


class InboxApp(AppConfig):
    name = "inbox"
    default_auto_field = "django.db.models.BigAutoField"
