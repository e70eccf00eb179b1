"""System checks of the installation. They stand here because only an installed app's checks ever run."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from config import environment, startup


@register(Tags.security, deploy=True)
def fit_for_production(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """For `check --deploy`: what Django only warns of, or does not know of."""
    found: list[CheckMessage] = []
    if settings.EMBEDDED:
        text = "The database is SQLite under var/: this is the trial installation."
        found.append(Error(text, hint="Set DATABASE_URL to a Postgres database.", id="config.E001"))
    if settings.DEBUG:
        found.append(Error("DEBUG is on: error pages would show sealed data.", id="config.E002"))
    if environment.EXAMPLES.search(settings.SECRET_KEY):
        hint = "Make one with: openssl rand -base64 48"
        found.append(Error("SECRET_KEY is an example that anybody can read.", hint=hint, id="config.E003"))
    for name in ("SESSION_COOKIE", "CSRF_COOKIE", "LANGUAGE_COOKIE"):
        if not getattr(settings, f"{name}_SECURE") or not getattr(settings, f"{name}_NAME").startswith(
            "__Host-"
        ):
            text = f"{name} is not bound to HTTPS and this host."
            found.append(Error(text, hint="Leave SECURE out of the environment.", id="config.E004"))
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        hint = "Set BEHIND_TLS_PROXY=true if a proxy ends TLS and sets X-Forwarded-Proto itself."
        text = "Nothing says that a proxy ends TLS: every page would redirect to itself."
        found.append(Warning(text, hint=hint, id="config.W001"))
    if settings.ADMINS or settings.MANAGERS:
        found.append(Error("ADMINS is set: error mails carry what must not leave.", id="config.E005"))
    return found


@register(Tags.security)
def zones_are_new_enough(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Days are counted in each country's zone."""
    return [Error(problem, id="config.E010") for problem in startup.zone_problems()]


@register(Tags.database)
def database_is_fit(app_configs: Any = None, databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """With a database at hand: its version, the trail's triggers, no demo in production."""
    return [Error(problem, id="config.E020") for problem in startup.database_problems()] if databases else []
