"""Postgres gives back what was deleted here within a minute or so, whoever deleted it.

The public process may delete, but only the owner of a table may VACUUM it; autovacuum may always.
"""

from django.db import migrations

TABLES = ("helprequest", "message", "photograph", "answer", "reading")
NAMES = ("autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor")


def soon(apps, schema_editor):
    """One dead row is enough."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        parts = ("",) if table == "reading" else ("", "toast.")
        wanted = ", ".join(f"{part}{name} = 0" for part in parts for name in NAMES)
        schema_editor.execute(f"ALTER TABLE intake_{table} SET ({wanted})")


def as_usual(apps, schema_editor):
    """Back to the server's own settings."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        parts = ("",) if table == "reading" else ("", "toast.")
        names = ", ".join(f"{part}{name}" for part in parts for name in NAMES)
        schema_editor.execute(f"ALTER TABLE intake_{table} RESET ({names})")


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_requests_and_mailboxes")]

    operations = [migrations.RunPython(soon, as_usual)]
