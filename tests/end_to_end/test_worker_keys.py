"""A worker holds two keys: enough to know that something is due and whom to tell, not to open one name."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.deadlines import DerivedDeadline
from cases.models import Case, Deadline, Identity
from law import countries
from reminders.models import Reminder
from staff.models import Team, User
from tests.databases import ROOT
from tests.end_to_end.office import worker_environment
from tests.mailroom import open_mailroom

pytestmark = pytest.mark.processes

# What the worker's tasks do, and then everything it should fail at.
AT_WORK = """
import json, sys, django
django.setup()
from reminders import tasks
tasks.scan()
tasks.drain()
from cases.models import Case, Deadline, Identity, Note
from reminders.models import Reminder
from vault.cipher import CannotOpen
from vault.keyring import NAMES, KeyProblem, keyring
def opens(read):
    try:
        return bool(read())
    except (CannotOpen, KeyProblem):
        return False
print(json.dumps({
    "states": list(Reminder.objects.values_list("state", flat=True)),
    "date": opens(lambda: Deadline.objects.get().due_on),
    "summary": opens(lambda: Case.objects.get().summary),
    "surname": opens(lambda: Identity.objects.get().surname),
    "why": opens(lambda: Deadline.objects.get().reason),
    **{name: opens(lambda: keyring().keys(name)) for name in NAMES},
}))
"""


def test_the_worker_does_its_whole_job_and_opens_no_name(live_database):
    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", role="caseworker", team=team, address="olga@staff.invalid")
    User.objects.create_user("petra", role="coordinator", team=team, address="petra@staff.invalid")
    case = Case.objects.open_case(by=olga, country="KZ", summary="Left the unit in spring.")
    Identity.objects.create(by=olga, case=case, surname="Выдумкин")
    today = countries.today_in("KZ", timezone.now())
    Deadline.objects.apply(
        case, [DerivedDeadline("task", "task:1", today - timedelta(days=1), "KZ")], unreadable=(), today=None
    )
    with open_mailroom() as room:
        env = worker_environment(live_database.env) | {
            "EMAIL_URL": f"smtp://{room.host}:{room.port}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        assert {name for name in env if name.endswith("_KEY_FILE")} == {
            "CALENDAR_KEY_FILE",
            "ADDRESS_KEY_FILE",
        }
        done = subprocess.run(
            [sys.executable, "-c", AT_WORK], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
    assert set(found.pop("states")) == {"sent"}
    assert {name for name, opened in found.items() if opened} == {"date", "calendar", "address"}
    assert set(room.to) == {"olga@staff.invalid", "petra@staff.invalid"}
    assert Identity.objects.get().surname == "Выдумкин"
    assert Reminder.objects.unfinished().count() == 0
