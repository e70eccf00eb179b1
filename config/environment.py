"""Reads the environment: a reader gives a checked value, or refuses with one line that names the setting."""

import re
import stat
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
# A secret that stands in a published file protects nobody.
EXAMPLES = re.compile(r"not-for-production|django-insecure|change.?me|example|secret-key|placeholder", re.I)

_env = environ.FileAwareEnv()
# Every name that was asked for; `manage.py test` takes them all out of the environment of the tests.
asked_for: set[str] = set()


def refuse(setting: str, cause: str, next_step: str) -> NoReturn:
    """Stop the start; the value itself is never shown, because it may be a secret."""
    raise ImproperlyConfigured(f"{setting}: {cause}. {next_step}.")


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or what the file `NAME_FILE` names holds; without a default it must be given."""
    asked_for.update((name, f"{name}_FILE"))
    try:
        value = str(_env(name, default="")).strip()
    except OSError as error:
        refuse(f"{name}_FILE", f"cannot be read ({error.strerror})", "Give the path of a readable file")
    except UnicodeDecodeError:
        refuse(f"{name}_FILE", "the file is not text", "Give the path of a text file")
    if value:
        return value
    if default is None:
        refuse(name, "is not set", f"Set {name}, or {name}_FILE to the path of a file that holds it")
    return default


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """One of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        refuse(name, "is not one of the known values", f"Use one of: {', '.join(allowed)}")
    return value


def flag(name: str, default: bool) -> bool:
    """true or false, in the usual spellings; a misspelled one must not quietly mean false."""
    value = text(name, "").lower()
    if not value:
        return default
    if value not in YES | NO:
        refuse(name, "is neither true nor false", f"Set {name}=true or {name}=false")
    return value in YES


def names(name: str, default: str) -> list[str]:
    """Names divided by commas."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def hosts(name: str, default: str | None) -> list[str]:
    """Host names without scheme, port or a star that would match everything."""
    found = names(name, text(name, default))
    for host in found:
        if host == "*" or "/" in host or (":" in host and not host.startswith("[")):
            refuse(name, "holds something that is not a plain host name", "Write it like desk.example.org")
    if not found:
        refuse(name, "is empty", "Write the host names that the desk answers to, divided by commas")
    return found


def origins(name: str) -> list[str]:
    """Origins (scheme and host) that may send forms; all of them over HTTPS."""
    found = names(name, "")
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme != "https" or not parts.netloc or parts.path not in ("", "/"):
            refuse(name, "holds something that is not an HTTPS origin", "Write https, :// and the host name")
    return found


def secret(name: str) -> str:
    """A secret of at least 50 characters that is no published example."""
    value = text(name)
    if EXAMPLES.search(value):
        refuse(name, "is an example that anybody can read", "Make one with: openssl rand -base64 48")
    if len(value) < 50:
        refuse(name, "is shorter than 50 characters", "Make one with: openssl rand -base64 48")
    return value


def database(name: str) -> dict[str, Any]:
    """Django's settings for a Postgres address; a socket folder may be given as `?host=/folder`."""
    example = "Write it like postgres, a colon, //user:password@host:5432/name"
    value = text(name)
    try:
        if urlsplit(value).scheme not in ("postgres", "postgresql"):
            refuse(name, "is not the address of a Postgres database", example)
        config = dict(_env.db_url_config(value))
    except ValueError:
        refuse(name, "cannot be understood", example)
    if not config["NAME"]:
        refuse(name, "names no database", example)
    options = config.setdefault("OPTIONS", {})
    config["HOST"] = options.pop("host", config["HOST"])
    options.setdefault("connect_timeout", 10)
    return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def broker(name: str, default: str | None) -> str:
    """The address of a Redis or Valkey server."""
    value = text(name, default)
    try:
        scheme, port = urlsplit(value).scheme, urlsplit(value).port
    except ValueError:
        scheme, port = "", None
    if scheme not in ("redis", "rediss", "redis+socket") or port == 0:
        refuse(name, "is not the address of a Redis server", "Write it like redis, a colon, //host:6379/0")
    return value


def mail(name: str, folder: Path | None) -> dict[str, Any]:
    """Django's EMAIL_ settings for an SMTP address; without one mails become files in `folder`, if given."""
    value = text(name, "" if folder else None)
    if not value:
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": str(folder)}
    example = "Write it like smtp+tls, a colon, //user:password@host:587"
    try:
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps", "smtp+tls", "smtp+ssl") or not parts.hostname:
            refuse(name, "is not the address of a mail server", example)
        config = dict(_env.email_url_config(value))
    except ValueError:
        refuse(name, "cannot be understood", example)
    config.pop("EMAIL_FILE_PATH", None)
    return config | {"EMAIL_PORT": config["EMAIL_PORT"] or 25, "EMAIL_TIMEOUT": 20}


def seconds(name: str, default: float) -> float:
    """A length of time of at least a tenth of a second and at most a day."""
    value = text(name, str(default))
    try:
        found = float(value)
    except ValueError:
        found = 0
    if not 0.1 <= found <= 86_400:
        refuse(name, "is not a number of seconds", f"Write it like {default}, or leave {name} out")
    return found


def number(name: str, default: int) -> int:
    """A whole number of at least 1."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 10**9:
        refuse(name, "is not a whole number above 0", f"Write it like {default}, or leave {name} out")
    return int(value)


def folder(name: str, default: Path) -> Path:
    """An absolute folder; it need not exist yet."""
    return Path(text(name, str(default))).expanduser().absolute()


def embedded_secret(path: Path) -> str:
    """The trial installation's secret from its file; empty when `manage.py up` has not made it yet."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            refuse("SECRET_KEY", f"{path} can be read by others", f"Run: chmod 600 {path}")
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        refuse("SECRET_KEY", f"{path} cannot be read ({error.strerror})", "Give the file back to this user")
