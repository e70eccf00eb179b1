"""What must hold before the desk serves anybody."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from staff import append_only


@register(Tags.database)
def trail_only_grows(databases: list[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The triggers that keep the trail append-only stand; asked wherever a database is checked."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        for trigger in append_only.missing(connections[alias]):
            found.append(
                Error(
                    f"The trigger {trigger} is missing: rows of the trail could be changed or deleted.",
                    hint="Run `manage.py trail guard` and find out who removed it.",
                    id="staff.E001",
                )
            )
    return found
