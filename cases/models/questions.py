"""What lists say about applications without opening a file: where each stands, what must be found out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cases.models.application import Application, stage_in_words
from law import countries
from law.words.terms import ask_code

AT_ONCE = 5000


@dataclass(frozen=True)
class Asking:
    """An application of which something must be known before its term can be counted."""

    application_id: UUID
    case_id: UUID
    code_name: str
    headline: str
    question: str
    caseworker: str


def headlines(ids: Iterable[UUID]) -> dict[UUID | None, str]:
    """Country, what was asked for and where it stands, for these applications."""
    wanted = list(ids)
    found: dict[UUID | None, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = Application.objects.filter(pk__in=wanted[start : start + AT_ONCE])
        for pk, country, kind, stage, evidence in rows.values_list(
            "pk", "country", "kind", "stage", "evidence"
        ):
            found[pk] = f"{countries.name(country)}: {stage_in_words(kind, stage, evidence)}"
    return found


def asking(cases: Any) -> list[Asking]:
    """The open questions of `cases` (a queryset), by code name."""
    rows = Application.objects.filter(case__in=cases).exclude(asks="").order_by("case__code_name", "pk")
    return [
        Asking(
            pk,
            case,
            code_name,
            f"{countries.name(country)}: {stage_in_words(kind, stage, evidence)}",
            ask_code(asks),
            worker or "",
        )
        for pk, case, code_name, country, kind, stage, evidence, asks, worker in rows.values_list(
            "pk", "case_id", "case__code_name", "country", "kind", "stage", "evidence", "asks",
            "case__caseworker__username",
        )
    ]  # fmt: skip
