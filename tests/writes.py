"""What a test puts into a row past every verb, and seals as the desk would have: a state to start from."""

from django.db import models

from vault import bound


def write(row, **columns):
    """Store `columns` in the row of `row`, as it stands in the database, with a seal that fits."""
    models.QuerySet(type(row)).filter(pk=row.pk).update(**columns)
    bound.reseal(type(row), row.pk)


def stored(row):
    """The row of `row` as it stands in the database now."""
    return type(row)._base_manager.get(pk=row.pk)
