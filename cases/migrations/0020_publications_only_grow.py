"""What was published is only added to: see staff/append_only.py."""

from django.db import migrations

from staff import append_only

TABLE = "cases_publication"


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, TABLE)


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, TABLE)


class Migration(migrations.Migration):
    dependencies = [('cases', '0019_published_statistics')]

    operations = [migrations.RunPython(install, remove, elidable=False)]
