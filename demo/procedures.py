"""What the demo's procedures hold: refusals with their days, appeals, typed days, proceedings, blockers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from cases.deadlines import DerivedDeadline, Kind
from cases.models import (
    Appeal,
    Application,
    Blocker,
    Case,
    ClockPause,
    Consent,
    Deadline,
    DeadlineState,
    ExtraditionNote,
    Hearing,
    Proceeding,
    TypedDeadline,
    WantedCheck,
)

# What is blocked, by what, who can remove it; each waits for the one before.
CHAIN = (
    ("the passport", "it lies in the unit", "the unit's lawyer"),
    ("the tax number", "no passport to show", "the person"),
    ("the court fee", "no tax number", "the caseworker"),
    ("the appeal", "the fee is not paid", "the lawyer"),
)
ARTICLES = (("337", "5"), ("338", "3"), ("332", "2.1"))


def store_deadline(case: Case, due: DerivedDeadline, number: int) -> Deadline:
    """A deadline of the demo: that no claim is planned, or the host has reported, is marked in most cases."""
    row = Deadline.of(case, due)
    if due.kind in (Kind.APPLY_BY, Kind.OBLIGATION, Kind.TERM_PASSED) and number % 5:
        row.state = DeadlineState.DONE
    return row


def claims(case: Case, number: int, today: date) -> list[Application]:
    """Further claims in some cases: refused ones, and one that an authority has to decide."""
    found = [_refused_claim(case, number, today)] if number % 3 == 0 else []
    if number % 5 == 2:
        found.append(
            Application(
                case=case,
                country="DE",
                kind="asylum_claim",
                stage="decision_pending",
                evidence="authority",
                authority="Migration office (invented)",
                file_number=f"DEMO-{number:05}-P",
                lodged_on=today - timedelta(100 + number),
            )
        )
    return found


def _refused_claim(case: Case, number: int, today: date) -> Application:
    """An asylum claim that was refused: with its service, without it, tagged or not."""
    turn = number // 3 % 4
    return Application(
        case=case,
        country=(case.country, "DE", "NL", "FR")[turn],
        kind="asylum_claim",
        stage="refused",
        evidence="paper_seen",
        authority="Migration office (invented)",
        file_number=f"DEMO-{number:05}-R",
        decided_on=today - timedelta(12),
        served_on=None if number % 24 == 12 else today - timedelta(5),
        tags=["simple"] if turn == 1 else None,
    )


def around(
    batch: Any, case: Case, applications: Sequence[Application], number: int, today: date, user: Any
) -> dict[str, list[Any]]:
    """Rows that hang on the applications and on the home country, by the names that facts_in() gives them."""
    found: dict[str, list[Any]] = {
        name: [] for name in ("appeals", "pauses", "typed_deadlines", "hearings", "wanted_checks", "consents")
    }
    for row in applications:
        if row.stage == "appeal_pending":
            found["appeals"].append(_appeal(case, row, today))
        if row.stage == "refused" and row.country == "FR":
            found["pauses"].append(_pause(case, row, today))
            found["typed_deadlines"].append(_typed_deadline(case, row, today, user))
    if number % 4 == 1:
        found["hearings"], found["wanted_checks"] = _home(batch, case, number, today, user)
    found["consents"] = _consents(case, number, today, user)
    if number % 6 == 0:
        _blockers(batch, case)
    for rows in found.values():
        for row in rows:
            batch.add(row)
    return found


def _appeal(case: Case, application: Application, today: date) -> Appeal:
    return Appeal(
        case=case,
        application=application,
        filed_on=today - timedelta(20),
        body="Administrative court (invented)",
        suspensive="yes",
    )


def _pause(case: Case, application: Application, today: date) -> ClockPause:
    return ClockPause(
        case=case,
        application=application,
        paused_on=today - timedelta(3),
        source="Letter: legal aid asked for (invented)",
    )


def _typed_deadline(case: Case, application: Application, today: date, user: Any) -> TypedDeadline:
    return TypedDeadline(
        case=case,
        application=application,
        last_day=today + timedelta(24),
        page="Page 7 of the decision (invented)",
        typed_by=user,
    )


def _home(
    batch: Any, case: Case, number: int, today: date, user: Any
) -> tuple[list[Hearing], list[WantedCheck]]:
    article, part = ARTICLES[number // 4 % len(ARTICLES)]
    proceeding = batch.add(
        Proceeding(
            case=case,
            article=article,
            part=part,
            stage="in_court",
            opened_on=today - timedelta(200),
            body="Garrison court (invented)",
        )
    )
    batch.add(
        ExtraditionNote(
            case=case,
            country=case.country,
            text="Hands people over on request; an asylum claim delays it. (Invented.)",
            source="Talk with a lawyer (invented)",
        )
    )
    hearing = Hearing(case=case, proceeding=proceeding, held_on=today + timedelta(9 + number % 20))
    check = WantedCheck(
        case=case,
        wanted_list="federal",
        finding="listed",
        checked_on=today - timedelta(30),
        checked_by=user,
        recheck_on=today + timedelta(number % 40),
        source="Public search page (invented)",
    )
    return [hearing], [check]


def _consents(case: Case, number: int, today: date, user: Any) -> list[Consent]:
    """Most let us keep the file and count them; some for a time only, some took it back."""
    agreed = {"given_how": "form", "language": "ru", "noted_by": user}
    rows = [Consent(case=case, purpose="keep", given_on=today - timedelta(30 + number % 90), **agreed)]
    if number % 5 != 1:
        rows.append(Consent(case=case, purpose="statistics", given_on=today - timedelta(20), **agreed))
    if number % 7 == 2:
        until = today + timedelta(number % 60)
        rows.append(
            Consent(case=case, purpose="sharing", given_on=today - timedelta(60), valid_until=until, **agreed)
        )
    if number % 9 == 4:
        taken = {"withdrawn_on": today - timedelta(1), "withdrawn_how": "call"}
        rows.append(
            Consent(case=case, purpose="photographs", given_on=today - timedelta(40), **agreed, **taken)
        )
    return rows


def _blockers(batch: Any, case: Case) -> None:
    before = None
    for what, by_what, remover in CHAIN:
        before = batch.add(
            Blocker(id=uuid4(), case=case, what=what, by_what=by_what, remover=remover, waits_for=before)
        )
