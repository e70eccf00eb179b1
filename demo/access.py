"""Who else sees what in the demo: a colleague of another team, and a lawyer who vets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import CaseShare, Verdict, Vetting
from staff.models import User

GUEST, LENT, ASKED = "oskar", 14, 3


def share(cases: Any, team: str, lawyer: str, *, second: str) -> None:
    """Lend a case of `team` to a guest, three to the lawyer; one is vetted by two, one waits for `second`."""
    people = {user.username: user for user in User.objects.filter(username__in=[GUEST, lawyer, second])}
    until_on = timezone.localdate() + timedelta(LENT)
    for number, case in enumerate(cases.filter(team__name=team)[:ASKED]):
        guests = [people[lawyer]] + [people[GUEST]] * (number == 0 and GUEST in people)
        for guest in guests:
            CaseShare.objects.get_or_create(case=case, user=guest, defaults={"until_on": until_on})
        if number:
            vetting = Vetting(case=case, state=Verdict.CLEARED, grounds="Spoke with him twice. (Invented.)")
            vetting.propose(by=people[lawyer])
            if number > 1:
                vetting.confirm(by=people[second])
