"""The trail only grows: see staff/append_only.py."""

from django.db import migrations

from staff import append_only

TABLES = ("staff_trailrow", "staff_traillink")


def install(apps, schema_editor):
    for table in TABLES:
        append_only.install(schema_editor.connection, table)


def remove(apps, schema_editor):
    for table in TABLES:
        append_only.remove(schema_editor.connection, table)


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [migrations.RunPython(install, remove, elidable=False)]
