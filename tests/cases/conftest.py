"""Case files, a way to the desk, dated cases and a mail server for the tests of this room."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from tests.cases.mailroom import open_mailroom
from tests.machine import free_port
from tests.staff.flow import signed_in

# A Monday, 15:00 in Almaty.
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TODAY = date(2026, 11, 23)


@pytest.fixture
def case(olga):
    """Olga's case in Kazakhstan."""
    from cases.models import Case

    return Case.objects.open_case(by=olga, country="KZ", summary="Left the unit in spring.")


@pytest.fixture
def at_desk(client):
    """A function: the client, signed in as that person with the second factor."""
    return lambda user: signed_in(client, user)


@pytest.fixture
def mailroom(settings):
    """A real mail server; the desk is told to use it."""
    with open_mailroom() as room:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = room.host, room.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 5
        settings.DEFAULT_FROM_EMAIL = "desk@post.invalid"
        yield room


@pytest.fixture
def no_mail_server(mailroom, settings):
    """The desk's mail server is down; give the port back to bring it up again."""
    settings.EMAIL_PORT = free_port()
    return mailroom


@pytest.fixture
def dated_case(olga):
    """Makes a case of Olga's with one open deadline on a day."""
    from cases.deadlines import Due
    from cases.models import Case, Deadline

    def make(
        due_on, *, by=olga, country="KZ", kind="task", armed_at=datetime(2026, 1, 1, tzinfo=UTC), **facts
    ):
        case = Case.objects.open_case(by=by, country=country, **facts)
        Deadline.objects.apply(case, [Due(kind, f"task:{uuid4()}", due_on, country)])
        arm(case, armed_at)
        return case

    return make


def arm(case, armed_at):
    """Pretend that the case's dates were set at `armed_at`."""
    from cases.models import Care, Deadline

    for deadline in Deadline.objects.filter(case=case):
        deadline.care = Care(armed_at=armed_at).as_json()
        deadline.save(update_fields=["care"])
