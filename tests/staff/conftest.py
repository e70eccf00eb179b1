"""A clock for sessions and codes, and somebody with the database in hand."""

import time

import pytest
from django.db import connection

from staff import append_only


class Clock:
    """Stands in for the module `time`: starts now, and moves only when told."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now

    def forward(self, *, seconds=0, minutes=0, hours=0):
        self.now += seconds + 60 * minutes + 3600 * hours


@pytest.fixture
def clock(monkeypatch):
    moved = Clock()
    for module in ("staff.middleware", "staff.stepup", "staff.interrupted_form", "staff.models.devices"):
        monkeypatch.setattr(f"{module}.time", moved)
    return moved


@pytest.fixture
def behind_our_back(db):
    """Somebody with the database in hand: the triggers are gone."""
    for table in append_only.TABLES:
        append_only.remove(connection, table)

    def execute(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return execute
