"""The trail only grows: see staff/append_only.py."""

from django.db import migrations

from staff import append_only


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, "staff_trailrow")


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, "staff_trailrow")


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [migrations.RunPython(install, remove, elidable=False)]
