"""Without an AppConfig of its own, the deploy checks of this room would silently never run."""

from django.apps import AppConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers them)
        from config.celery import app

        app.set_default()  # the desk rings the worker by task name and must know the broker
