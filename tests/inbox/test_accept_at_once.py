"""Two people decide on one request at the same moment, with real commits in real threads."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.utils import timezone

from cases.models import Case
from inbox import requests
from inbox.models import RequestOutcome
from intake.models import HelpRequest
from staff.models import Team, TrailRow, User
from tests.inbox.test_inbox import TOLD, mailbox  # noqa: F401


@pytest.fixture
def in_this_database(live_database, mailbox):  # noqa: F811
    """Real commits in every thread, with the desk's mailbox keys."""


@pytest.mark.parametrize("turn", range(3))
def test_two_who_accept_at_the_same_moment_make_one_case(turn, in_this_database):
    """Done when parallel presses make one case, on both databases.

    Sabotage: leave _require_no_case out of make_case.
    """
    team = Team.objects.create(name="Astana")
    people = [
        User.objects.create_user(name, f"{name}-long-password-1", role="coordinator", team=team)
        for name in ("petra", "paula")
    ]
    row = HelpRequest.objects.receive(
        TOLD, at=timezone.now(), lookup="b" * 32, public_key=bytes(range(32)), colour=3, language="ru"
    )
    together, made, refused = threading.Barrier(2), [], []

    def accept(person):
        together.wait()
        try:
            made.append(requests.make_case(row, caseworker=None, by=person, country="KZ"))
        except (ValidationError, OperationalError) as problem:
            refused.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1, refused
    assert len(refused) == 1
    assert "Somebody made a case of this request already" in str(refused[0])
    assert Case.objects.count() == RequestOutcome.objects.count() == 1
    assert TrailRow.objects.filter(verb="request_accepted").count() == 1
