from django.apps import AppConfig


class RemindersApp(AppConfig):
    name = "reminders"
    default_auto_field = "django.db.models.BigAutoField"
