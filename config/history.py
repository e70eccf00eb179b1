"""Whether a database was made by a version of the desk that this one continues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

# The last version with other tables: migrations were restarted once, before 0.2.0.
BEFORE = "0.1.0 (commit 4390d18)"


def problems(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """One line where migrations were applied that this version does not know: they cannot be continued."""
    ours = {app.label: Path(app.path) for app in apps.get_app_configs()}
    strange = sorted(
        f"{app}.{name}"
        for app, name in MigrationRecorder(connection).applied_migrations()
        if app in ours and not (ours[app] / "migrations" / f"{name}.py").exists()
    )
    if not strange:
        return
    what, anew = "This database", "give an empty database in DATABASE_URL"
    if settings.EMBEDDED:
        what = f"The trial in {settings.VAR_DIR}"
        anew = "delete that folder, or set DESK_VAR to another one"
    yield (
        f"{what} was made by another version of the desk ({strange[0]}), with other tables. "
        f"To begin anew, {anew}. To take its cases along, start it once more with version {BEFORE}, "
        "export each case from its page, and type or import them here."
    )
