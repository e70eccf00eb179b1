"""Which rows of a sheet are here already: by phone, account, document number, or name and date of birth.

Only cases and requests that the importer may see are asked, by keyed tokens; opened values decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from cases.models import Case, ContactChannel, Identity, IdentityDocument, NameWord
from cases.models.history import value_or_none
from cases.models.name_word import index_words
from importing.case_rows import CaseRow
from importing.request_rows import RequestRow
from inbox.models import RequestMark
from inbox.models.marks import of_words
from inbox.models.outcome import requests_visible_to
from staff.models import User
from vault.normalise import contact_handle, contact_phone, document_number

AT_ONCE = 400


def marks_of_case(draft: CaseRow) -> set[str]:
    """What tells this person from others, each in its one spelling with its kind before it."""
    found = set()
    for channel in draft.contacts:
        if phone := contact_phone(channel.value):
            found.add(f"phone {phone}")
        elif account := contact_handle(channel.value):
            found.add(f"account {account}")
    for document in draft.documents:
        if number := document_number(document.number or ""):
            found.add(f"document {number}")
    identity = draft.identity
    if identity is not None and identity.born_on:
        words = index_words([identity.surname or "", identity.surname_latin or ""])
        found |= {f"born {identity.born_on} {word}" for word in words}
    return found


def marks_of_request(draft: RequestRow) -> set[str]:
    """The same of a request; its own row tells it best."""
    marks = of_words([draft.content])
    return {f"contact {contact}" for contact in marks.contacts}


def among_cases(marks: Iterable[str], *, by: User, today: date) -> dict[str, str]:
    """For each of `marks` that a case of `by` has: the code name of one such case."""
    wanted: dict[str, set[str]] = {}
    for mark in marks:
        kind, _blank, rest = mark.partition(" ")
        wanted.setdefault(kind, set()).add(rest)
    visible = Case.objects.visible_to(by, today=today)
    found: dict[str, UUID] = {}
    for kind, rows, index, normalise in (
        ("phone", ContactChannel.objects.all(), "phone_index", contact_phone),
        ("account", ContactChannel.objects.all(), "handle_index", contact_handle),
        ("document", IdentityDocument.objects.all(), "number_index", document_number),
    ):
        column: Any = rows.model._meta.get_field(index)
        for row in _rows(rows.filter(case__in=visible), index, sorted(wanted.get(kind, ()))):
            found.setdefault(f"{kind} {normalise(value_or_none(row, column.source) or '')}", row.case_id)
    found |= _by_birth(visible, wanted.get("born", set()))
    names = dict(visible.filter(pk__in=set(found.values())).values_list("pk", "code_name"))
    return {mark: names[case_id] for mark, case_id in found.items() if case_id in names}


def _rows(rows: Any, index: str, texts: Sequence[str]) -> Iterable[Any]:
    column: Any = rows.model._meta.get_field(index)
    for start in range(0, len(texts), AT_ONCE):
        asked = [column.token(text) for text in texts[start : start + AT_ONCE]]
        tokens = [token for token in asked if token is not None]
        yield from rows.filter(**{f"{index}__in": tokens}).with_keys()


def _by_birth(visible: Any, wanted: set[str]) -> dict[str, UUID]:
    words = sorted({each.partition(" ")[2] for each in wanted})
    met: dict[UUID, set[str]] = {}
    for row in _rows(NameWord.objects.filter(case__in=visible), "token", words):
        met.setdefault(row.case_id, set()).add(value_or_none(row, "word") or "")
    found = {}
    ids = sorted(case_id for case_id, there in met.items() if there & set(words))
    for start in range(0, len(ids), AT_ONCE):
        for identity in Identity.objects.filter(case__in=ids[start : start + AT_ONCE]).with_keys():
            born_on = value_or_none(identity, "born_on")
            found |= {f"born {born_on} {word}": identity.case_id for word in met[identity.case_id]}
    return found


def among_requests(marks: Iterable[str], *, by: User) -> dict[str, str]:
    """For each of `marks` that a request has which `by` may open: how to name that request."""
    texts = sorted(mark.partition(" ")[2] for mark in marks)
    rows = RequestMark.objects.filter(trace__request__in=requests_visible_to(by).values("pk"))
    found = {}
    for row in _rows(rows.select_related("trace"), "contact_index", texts):
        if contact := value_or_none(row, "contact"):
            found.setdefault(f"contact {contact}", _("a request in the inbox"))
    return found
