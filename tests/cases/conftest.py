"""Case files for the tests of this room: Olga's, in Kazakhstan."""

import pytest

from cases.models import Case
from tests.staff.flow import signed_in


@pytest.fixture
def case(olga):
    """Olga's case in Kazakhstan."""
    return Case.objects.open_case(by=olga, country="KZ", summary="Left the unit in spring.")


@pytest.fixture
def at_desk(client):
    """A function: the client, signed in as that person with the second factor."""
    return lambda user: signed_in(client, user)
