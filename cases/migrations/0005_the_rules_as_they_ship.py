"""The rules that ship become the first versions; later files come in by `manage.py load_rules` alone."""

from django.db import migrations

from cases.rules.versions import shipped


def load(apps, schema_editor):
    rules = apps.get_model("cases", "LegalRule").objects.using(schema_editor.connection.alias)
    known = set(rules.values_list("code", flat=True))
    rules.bulk_create(
        rules.model(
            ref=each.ref,
            table=each.table,
            code=each.code,
            version=each.number,
            row=each.row,
            valid_from=each.valid_from,
            valid_to=each.valid_to,
        )
        for each in shipped()
        if each.code not in known
    )


class Migration(migrations.Migration):
    dependencies = [('cases', '0004_rules_only_grow')]

    operations = [migrations.RunPython(load, migrations.RunPython.noop, elidable=False)]
