"""Some hundred checked rows at a time into the database, inside the transaction of the whole sheet."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from cases.deadlines import derive, with_questions
from cases.models import Case, Deadline, Note
from cases.models.case import new_code_name
from cases.models.facts import facts_in
from importing.case_rows import CaseRow
from importing.request_rows import RequestRow
from inbox.models import RequestMark, RequestTrace
from inbox.models.marks import of_words, rows_of
from intake.models import HelpRequest, whole_hour
from law import countries
from law.models import LegalRule
from law.rules.versions import Tables
from staff import trail
from staff.models import User


def cases(drafts: Sequence[CaseRow], *, by: User, now: datetime) -> None:
    """Store cases with their facets, histories, deadlines and a line of the trail each."""
    if not drafts:
        return
    _name(drafts)
    Case.objects.bulk_create([draft.case for draft in drafts], by=by)
    by_model: dict[Any, list[Any]] = {}
    for draft in drafts:
        for row in draft.facets():
            by_model.setdefault(type(row), []).append(row)
    for model, rows in by_model.items():
        # The order in which rows lie would tell which of them belong together.
        secrets.SystemRandom().shuffle(rows)
        model.objects.bulk_create(rows, by=by)
    Note.objects.bulk_create([note for draft in drafts for note in draft.notes], by=by)
    tables = LegalRule.objects.tables()
    deadlines = [row for draft in drafts for row in _deadlines(draft, now, tables)]
    secrets.SystemRandom().shuffle(deadlines)
    Deadline.objects.bulk_create(deadlines)
    trail.append_many(by, trail.Verb.CASE_CREATED, [draft.case.pk for draft in drafts], at=now)


def _name(drafts: Sequence[CaseRow]) -> None:
    """A free code name for each; the database has the last word."""
    taken: set[str] = set()
    left = list(drafts)
    while left:
        for draft in left:
            draft.case.code_name = new_code_name()
        wanted = [draft.case.code_name for draft in left]
        taken |= set(Case.objects.filter(code_name__in=wanted).values_list("code_name", flat=True))
        again = []
        for draft in left:
            if draft.case.code_name in taken:
                again.append(draft)
            taken.add(draft.case.code_name)
        left = again


def _deadlines(draft: CaseRow, now: datetime, tables: Tables) -> list[Deadline]:
    """As apply_facts() would make them; a sheet says nothing of procedures, of home and of consents."""
    today = countries.today_in(draft.case.country, now)
    facts, _damaged = facts_in(
        draft.case,
        today=today,
        stays=draft.stays,
        documents=draft.documents,
        applications=(),
        tasks=draft.tasks,
        appeals=(),
        pauses=(),
        typed_deadlines=(),
        hearings=(),
        wanted_checks=(),
        consents=(),
        identity=draft.identity,
        tables=tables,
    )
    dues = with_questions(derive(facts), watched=(), today=today)
    return [Deadline.of(draft.case, due) for due in dues]


def requests(drafts: Sequence[RequestRow], *, key: UUID, now: datetime) -> None:
    """Store requests, each sealed under a key of its own, with their marks."""
    rows, traces, marks = [], [], []
    for draft in drafts:
        row = HelpRequest(
            id=uuid5(key, str(draft.row.line)),
            received_at=whole_hour(now),
            content=draft.content,
            **draft.plain,
        )
        rows.append(row)
        trace = RequestTrace(request=row.pk)
        traces.append(trace)
        marks += rows_of(trace, of_words([draft.content]))
    HelpRequest.objects.bulk_create(rows)
    RequestTrace.objects.bulk_create(traces)
    secrets.SystemRandom().shuffle(marks)
    RequestMark.objects.bulk_create(marks)
