"""What must hold before a process serves: asked once at its start, and by `check --database default`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from config import history
from intake import roles
from staff import append_only
from vault import canaries, dropbox, locking
from vault.keyring import NEEDED, keyring

OLDEST_POSTGRES = 15


def is_locked() -> bool:
    """Whether this process waits for `manage.py vault unlock`: its root belongs in memory and is away."""
    path = keyring().path("root")
    return "root" in NEEDED[settings.SITE] and path is not None and locking.is_locked(path)


def refuse_unless_safe(*, may_be_locked: bool = False) -> None:
    """Raise ImproperlyConfigured (KeyProblem is one) with one line: the thing, the cause, the next step.

    With `may_be_locked` a root that is not unlocked yet is no reason: who asks waits for it.
    """
    try:
        for problem in (*zone_problems(), *database_problems()):
            raise ImproperlyConfigured(problem)
        if settings.SITE == "public":
            dropbox.public_key()
        else:
            canaries.require(without=("root",) if may_be_locked and is_locked() else ())
    finally:
        # What is started from here must not share our connection.
        if not connection.in_atomic_block:
            connection.close()


def zone_problems() -> Iterator[str]:
    """Kazakhstan has had one zone, UTC+5, since 1 March 2024: zone data without it counts days wrongly."""
    try:
        hours = datetime(2024, 6, 1, tzinfo=UTC).astimezone(ZoneInfo("Asia/Almaty")).utcoffset()
    except ZoneInfoNotFoundError:
        hours = None
    if hours is None or hours.total_seconds() != 5 * 3600:
        yield (
            "The time zone data is missing or older than March 2024 (Asia/Almaty is not UTC+5). "
            "Install the pinned packages again: pip install -r requirements.txt."
        )


def database_problems() -> Iterator[str]:
    """Whether the database answers, is new enough, keeps its trail safe, and holds no demo in production."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield no_answer(error)
        return
    if connection.vendor == "postgresql" and connection.pg_version // 10000 < OLDEST_POSTGRES:
        yield (
            f"Postgres {connection.pg_version // 10000} is too old. "
            f"Use Postgres {OLDEST_POSTGRES} or newer in DATABASE_URL."
        )
    if settings.SITE == "public":
        yield from public_role_problems()
        return
    yield from history.problems(connection)
    fallen = append_only.missing(connection)
    if fallen:
        yield (
            f"Triggers that keep the trail are missing: {', '.join(fallen)}. "
            "Find out why, then run: manage.py trail guard"
        )
    if not settings.EMBEDDED and (rows := demo_rows()):
        yield (
            f"This database holds {rows} demo rows, and demo passwords were printed. "
            "Start production on an empty database."
        )


def public_role_problems() -> Iterator[str]:
    """Whether the public process could do more in the database than it must, once somebody took it over."""
    for too_much in roles.excess(connection):
        yield (
            f"The database role of the public process may do too much ({too_much}). Give it a role of its "
            "own: run manage.py intake_role on the desk, and name that role in DATABASE_URL."
        )


def no_answer(error: DatabaseError) -> str:
    """The driver's first line names the host and the cause; a password is never in it."""
    cause = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    thing = (
        f"The database file under {settings.VAR_DIR}" if settings.EMBEDDED else "The database (DATABASE_URL)"
    )
    next_step = "Give the folder to this user" if settings.EMBEDDED else "Start it, or correct DATABASE_URL"
    return f"{thing} does not answer: {cause}. {next_step}."


def demo_rows() -> int:
    """How many rows of the fictional demo stand in tables that exist."""
    existing = set(connection.introspection.table_names())
    return sum(
        model._default_manager.filter(demo=True).count()
        for model in apps.get_models()
        if model._meta.db_table in existing and any(field.name == "demo" for field in model._meta.fields)
    )
