"""The thief: somebody who writes into the database, or reads a dump of it, without a key of the desk."""

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from cases.models import Case, Identity

SURNAME = "Quxotin"


@pytest.fixture
def sql(db):
    """`sql(statement, *values)`: one statement, past everything that Python refuses; its rows, if any."""

    def execute(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, [stored(value) for value in values])
            return cursor.fetchall() if cursor.description else []

    return execute


def stored(value):
    """As the database keeps it."""
    return value.hex if isinstance(value, UUID) and connection.vendor == "sqlite" else value


@pytest.fixture
def prey(olga):
    """Olga's case, with a surname that nobody else may read."""
    case = Case.objects.open_case(by=olga, country="KZ")
    Identity.objects.create(by=olga, case=case, surname=SURNAME)
    return case


@pytest.fixture
def foreign_client():
    """A browser that nobody is signed in with."""
    return Client()
