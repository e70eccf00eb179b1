"""Versions of rules and their confirmations are only added: see staff/append_only.py."""

from django.db import migrations

from staff import append_only

TABLES = ("cases_legalrule", "cases_ruleconfirmation")


def install(apps, schema_editor):
    for table in TABLES:
        append_only.install(schema_editor.connection, table)


def remove(apps, schema_editor):
    for table in TABLES:
        append_only.remove(schema_editor.connection, table)


class Migration(migrations.Migration):
    dependencies = [('cases', '0003_legal_rules')]

    operations = [migrations.RunPython(install, remove, elidable=False)]
