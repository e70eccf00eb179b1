"""The fictional demo: invented people in six countries, with dates around today. Never in production.

Everything is made from one seed, so that two installations of one day look alike; only ids are random.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cases.deadlines import derive, open_questions, with_questions
from cases.models import (
    Application,
    Case,
    ContactChannel,
    Deadline,
    Identity,
    IdentityDocument,
    Note,
    Stay,
    Task,
)
from cases.models.case import new_code_name
from cases.models.facts import facts_in
from demo import access, procedures, requests
from demo.crossings import crossings
from demo.words import (
    APPLICATIONS,
    GIVEN_NAMES,
    PATRONYMICS,
    STORIES,
    SURNAME_BEGINS,
    SURNAME_ENDS,
    TALKS,
    WISHES,
)
from law import countries
from staff import trail
from staff.models import Team, User
from staff.roles import Role

SEED = 20220224
DEMO_CASES = 40
# This share of the stays has no day typed by hand: the rules give it.
COMPUTED = 0.6
BATCH = 500
# Team, its people and where its cases are. The coordinators are two, so that one can approve for the other.
TEAMS: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str]]] = {
    "Astana": (("petra", "paula"), ("olga", "marat", "timur"), ("KZ", "KG")),
    "Tbilisi": (("nino",), ("oskar", "lali"), ("GE", "TR")),
    "Yerevan": (("ani",), ("sona", "tigran"), ("AM", "RS")),
}
ADMINISTRATOR = "anton"
ADMINISTRATOR, AUDITOR = "anton", "vera"
# A lawyer and the team whose cases are shared with her.
LAWYER, LAWYERS_TEAM = "lena", "Astana"
ZONES = {"Astana": "Asia/Almaty", "Tbilisi": "Asia/Tbilisi", "Yerevan": "Asia/Yerevan"}


# Days from today, in turn: every section of the board has somebody in it.
SPREAD = ((-20, -1), (0, 0), (1, 7), (8, 30), (8, 30), (31, 90), (31, 90), (91, 400))


class DemoRefused(Exception):
    """The demo does not belong into this database; the message says why."""


@dataclass
class Batch:
    """Rows that are made together and stored together."""

    cases: list[Case] = field(default_factory=list)
    facets: dict[type[Any], list[Any]] = field(default_factory=dict)
    deadlines: list[Deadline] = field(default_factory=list)

    def add(self, row: Any) -> Any:
        """Keep a facet for storing."""
        self.facets.setdefault(type(row), []).append(row)
        return row


def refuse_if_real() -> None:
    """Raise DemoRefused in production, and where a real case would stand among invented ones."""
    if not settings.EMBEDDED:
        raise DemoRefused(
            "DATABASE_URL is set: this is no trial. The demo is for the embedded database only."
        )
    if Case.objects.filter(demo=False).exists():
        raise DemoRefused("This database holds real cases. Load the demo into an empty one (set DESK_VAR).")


def load(count: int = DEMO_CASES) -> int:
    """Bring the demo up to `count` cases; how many were added. Raises DemoRefused."""
    refuse_if_real()
    there = Case.objects.filter(demo=True).count()
    if there >= count:
        return 0
    # As many throws as there are cases already, so that a second call does not repeat the first ones.
    dice = random.Random(SEED + there)  # noqa: S311  (invented people need no secrets)
    people = _people()
    taken = set(Case.objects.values_list("code_name", flat=True))
    for start in range(there, count, BATCH):
        batch = Batch()
        for number in range(start, min(start + BATCH, count)):
            _one_case(batch, number, people[number % len(people)], dice, taken)
        _store(batch)
    _finishing_touches(there)
    if not there:
        requests.load(timezone.now())
    return count - there


def _people() -> list[tuple[Team, User, str]]:
    """Each caseworker with a team and a country, made where they are missing; teams take turns."""
    _account(ADMINISTRATOR, Role.ADMINISTRATOR, None)
    _account(AUDITOR, Role.AUDITOR, None)
    turns: list[tuple[int, Team, User, str]] = []
    for name, (coordinators, caseworkers, places) in TEAMS.items():
        team, _new = Team.objects.get_or_create(name=name)
        if name == LAWYERS_TEAM:
            _account(LAWYER, Role.LAWYER, team)
        for username in coordinators:
            _account(username, Role.COORDINATOR, team)
        if name == LAWYERS_TEAM:
            _account(LAWYER, Role.LAWYER, team)
        users = [_account(username, Role.CASEWORKER, team) for username in caseworkers]
        turns += [
            (turn, team, users[turn % len(users)], places[turn % len(places)])
            for turn in range(len(users) * len(places))
        ]
    return [
        (team, user, place)
        for _turn, team, user, place in sorted(turns, key=lambda row: (row[0], row[1].name))
    ]


def _account(username: str, role: Role, team: Team | None) -> User:
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(
        username,
        role=role,
        team=team,
        time_zone=ZONES.get(team.name, "UTC") if team else "UTC",
        address=f"{username}@desk.invalid",
        demo=True,
    )


def _one_case(
    batch: Batch, number: int, place: tuple[Team, User, str], dice: random.Random, taken: set[str]
) -> None:
    user = place[1]
    today = countries.today_in(place[2], timezone.now())
    soonest = today + timedelta(dice.randint(*SPREAD[number % len(SPREAD)]))
    case = _case(number, place, dice, today, soonest)
    while case.code_name in taken:
        case.code_name = new_code_name(dice)
    taken.add(case.code_name)
    batch.cases.append(case)
    identity = _identity(batch, case, dice, today)
    _reach(batch, case, dice, today)
    _talk(batch, case, dice, user)
    stays = _stays(batch, case, dice, today, soonest, user)
    documents = _documents(batch, case, dice, today)
    applications = _applications(batch, case, number, dice, today, soonest)
    applications += [batch.add(row) for row in procedures.claims(case, number, today)]
    more = procedures.around(batch, case, applications, number, today, user)
    tasks = _tasks(batch, case, number, dice, today, user)
    facts, _damaged = facts_in(
        case,
        today=today,
        stays=stays,
        documents=documents,
        applications=applications,
        tasks=tasks,
        identity=identity,
        **more,
    )
    asked = open_questions(facts)
    for application in applications:
        application.asks = asked[f"application:{application.pk}"]
    dues = with_questions(derive(facts), watched=(), today=today)
    batch.deadlines += [procedures.store_deadline(case, due, number) for due in dues]


def _case(
    number: int, place: tuple[Team, User, str], dice: random.Random, today: date, soonest: date
) -> Case:
    team, user, country = place
    category = dice.choice(list(STORIES))
    closed = number % 13 == 12
    return Case(
        id=uuid4(),
        code_name=new_code_name(dice),
        demo=True,
        team=team,
        caseworker=None if number % 11 == 10 else user,
        country=country,
        category=category,
        status="closed" if closed else dice.choice(["new", "open", "open", "waiting"]),
        colour=_colour((soonest - today).days),
        opened_on=today - timedelta(20 + number * 7 % 700),
        summary=f"{STORIES[category]} (Invented.)",
        closed_on=today - timedelta(12) if closed else None,
        closing_reason="Recognised and settled. (Invented.)" if closed else None,
    )


def _colour(days: int) -> str:
    if days < 1:
        return "red"
    return "orange" if days <= 7 else "yellow" if days <= 30 else "green"


def _identity(batch: Batch, case: Case, dice: random.Random, today: date) -> Identity:
    begin, end = dice.choice(SURNAME_BEGINS), dice.choice(SURNAME_ENDS)
    given, given_latin = dice.choice(GIVEN_NAMES)
    return batch.add(  # type: ignore[no-any-return]
        Identity(
            case=case,
            surname=begin[0] + end[0],
            surname_latin=begin[1] + end[1],
            given_name=given,
            given_name_latin=given_latin,
            patronymic=dice.choice(PATRONYMICS),
            aliases="Лис" if dice.random() < 0.2 else None,
            born_on=today - timedelta(dice.randint(19 * 366, 48 * 365)),
            citizenships=["RU"] if dice.random() < 0.9 else ["RU", "KZ"],
        )
    )


def _stays(
    batch: Batch, case: Case, dice: random.Random, today: date, soonest: date, user: User
) -> list[Stay]:
    counted = crossings(case.country, soonest, today) if dice.random() < COMPUTED else []
    if counted:
        return [batch.add(_crossing(case, *days)) for days in counted]
    entered = min(today, soonest) - timedelta(dice.randint(20, 85))
    rows = [
        Stay(
            case=case,
            country=case.country,
            entered_on=entered,
            basis=dice.choice(["visa_free", "visa_free", "asylum_certificate", "permit"]),
            registered_place="Registered at an office address. (Invented.)",
            # Some have just moved: their duty to register still runs.
            registered_place_from=today if (today - entered).days % 4 == 0 else entered + timedelta(3),
            actual_place="Lives with friends across town. (Invented.)",
            last_legal_day=soonest,
            last_legal_day_source="Entry stamp, counted with the lawyer",
            last_legal_day_by=user,
        )
    ]
    if dice.random() < 0.4:
        left = entered - timedelta(1)
        rows.append(
            Stay(
                case=case,
                country=dice.choice(["AM", "KZ", "UZ"]),
                entered_on=left - timedelta(dice.randint(5, 60)),
                left_on=left,
                entry_kind=dice.choice(["border_post", "unrecorded"]),
            )
        )
    return [batch.add(row) for row in rows]


def _crossing(case: Case, entered_on: date, left_on: date | None) -> Stay:
    return Stay(
        case=case,
        country=case.country,
        entered_on=entered_on,
        left_on=left_on,
        actual_place="Lives with friends across town. (Invented.)",
    )


def _documents(batch: Batch, case: Case, dice: random.Random, today: date) -> list[IdentityDocument]:
    rows = [
        IdentityDocument(
            case=case,
            kind=dice.choice(["travel_passport_5", "travel_passport_10"]),
            number=f"00 {dice.randrange(10**7):07}",
            issued_on=today - timedelta(dice.randint(400, 1500)),
            valid_until=today + timedelta(dice.choice([-30, 40, 200, 900, 1500])),
            authenticity=dice.choice(["genuine", "unknown"]),
        ),
        IdentityDocument(case=case, kind="internal_passport", number=f"00 00 {dice.randrange(10**6):06}"),
    ]
    if case.category not in ("relative", "evader"):
        rows.append(
            IdentityDocument(
                case=case, kind="military_id", custody=dice.choice(["unit", "person", "lost"]), in_use=False
            )
        )
    if dice.random() < 0.15:
        rows[0].invalidated_on = today - timedelta(dice.randint(5, 200))
    return [batch.add(row) for row in rows]


def _applications(
    batch: Batch, case: Case, number: int, dice: random.Random, today: date, soonest: date
) -> list[Application]:
    rows = []
    for turn in range(1 + number % 3):
        kind, stage, day = APPLICATIONS[(number * 3 + turn) % len(APPLICATIONS)]
        row = Application(
            case=case,
            country=dice.choice(["DE", "FR", "NL", case.country]),
            kind=kind,
            stage=stage,
            evidence=dice.choice(["told", "press", "paper_seen", "authority"]),
            authority="Migration office (invented)",
            file_number=f"DEMO-{number:05}-{turn}",
            lodged_on=today - timedelta(dice.randint(30, 300)),
        )
        if day is not None:
            setattr(row, day, max(soonest, today) + timedelta(dice.randint(0, 40)))
        rows.append(batch.add(row))
    return rows


def _reach(batch: Batch, case: Case, dice: random.Random, today: date) -> None:
    # +999 is no country's code: these numbers ring nowhere.
    batch.add(
        ContactChannel(
            case=case,
            kind=dice.choice(["signal", "telegram", "phone"]),
            value=f"+999 00 {dice.randrange(10**7):07}",
            safe_hours="18:00-22:00",
            duress_word="kettle",
            known_since_on=today - timedelta(60),
            rotation_on=today + timedelta(dice.randint(-5, 60)),
        )
    )
    if dice.random() < 0.5:
        batch.add(
            ContactChannel(
                case=case,
                kind="phone",
                value=f"+999 01 {dice.randrange(10**7):07}",
                owner="relative",
                owner_remark="mother",
                never_contact=True,
            )
        )


def _talk(batch: Batch, case: Case, dice: random.Random, user: User) -> None:
    for turn in range(dice.randint(1, 3)):
        at = timezone.now() - timedelta(days=40 - turn * 12, minutes=dice.randint(0, 600))
        batch.add(Note(case=case, author=user, text=dice.choice(TALKS), at=at))


def _tasks(batch: Batch, case: Case, number: int, dice: random.Random, today: date, user: User) -> list[Task]:
    if number % 2:
        return []
    row = Task(
        case=case,
        text=dice.choice(WISHES),
        due_on=today + timedelta(dice.randint(-3, 45)),
        assignee=user,
        done=dice.random() < 0.2,
    )
    return [batch.add(row)]


def _store(batch: Batch) -> None:
    with transaction.atomic():
        Case.objects.bulk_create(batch.cases, by=None)
        for model, rows in batch.facets.items():
            model.objects.bulk_create(rows, by=None)
        Deadline.objects.bulk_create(batch.deadlines)
        for case in batch.cases:
            trail.append(case.caseworker, trail.Verb.CASE_CREATED, case_id=case.pk)


def _finishing_touches(there: int) -> None:
    """A few changes with a past, cases shared with another team and with the lawyer, one of them vetted."""
    if there:
        return
    touched = (
        Case.objects.filter(demo=True).exclude(caseworker=None).exclude(status="closed").order_by("code_name")
    )
    for case in touched.select_related("caseworker")[:5]:
        case.summary = f"{case.summary} Now also in touch with a lawyer."
        case.save(by=case.caseworker)
        stay = case.stays.filter(left_on__isnull=True).first()
        stay.actual_place = "Moved to a shelter. (Invented.)"
        stay.save(by=case.caseworker)
    access.share(touched, LAWYERS_TEAM, LAWYER, second=TEAMS[LAWYERS_TEAM][0][0])
