"""Signed checkpoints of the trail's chain; their table only grows too: see staff/append_only.py."""

from django.db import migrations, models

from staff import append_only

TABLE = "staff_checkpoint"


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, TABLE)


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, TABLE)


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0003_lawyers_and_auditors'),
    ]

    operations = [
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('head', 'the trail ended here'), ('cut', 'everything up to here was removed on purpose')], editable=False, max_length=4, verbose_name='kind')),
                ('position', models.BigIntegerField(editable=False, verbose_name='position')),
                ('hash', models.CharField(editable=False, max_length=64)),
                ('signed_at', models.DateTimeField(editable=False, verbose_name='signed at')),
                ('public_key', models.CharField(editable=False, max_length=64)),
                ('signature', models.CharField(editable=False, max_length=128, unique=True)),
            ],
            options={
                'verbose_name': 'checkpoint of the trail',
                'verbose_name_plural': 'checkpoints of the trail',
                'ordering': ['-id'],
            },
        ),
        migrations.RunPython(install, remove, elidable=False),
    ]
