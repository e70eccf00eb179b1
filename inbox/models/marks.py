"""What a help request has in common with others: its phones, accounts and the name the person goes by.

The process that takes requests has no index key, so the desk computes this when it first opens one. It lies
under a record key of its own that goes with it: what is withdrawn stays closed in backups too.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from cases.models.history import value_or_none
from inbox.words import text_of
from intake.models import HelpRequest
from vault.fields import BlindIndex, SealedCharField
from vault.models import OwnerModel, SealedModel
from vault.normalise import contact_handle, contact_phone, name

# More is no contact but a list, and not this person's.
MOST = 12
# In running text a shorter number is a date or a sum.
DIGITS_OF_A_PHONE = 9
SHORTEST_NAME = 3
# In what came from a spreadsheet: what tells that the same row comes again.
SHEET_ROW = "sheet_row"
_AFTER_A_SENTENCE = ".,;:!?)»”"


class Marks(NamedTuple):
    """Phones and accounts, and the name, each in the one spelling that `vault.normalise` gives."""

    contacts: frozenset[str]
    name: str


class RequestTrace(OwnerModel):
    """The owner of one request's marks; no foreign key, or a person could no longer withdraw."""

    sealed_label = "cases.request_trace"

    request = models.UUIDField(unique=True, editable=False)

    class Meta:
        verbose_name = _("marks of a help request")
        verbose_name_plural = _("marks of help requests")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class RequestMark(SealedModel):
    """One phone, account or name, never two of them in one row."""

    sealed_under = "trace"
    sealed_label = "cases.request_mark"

    trace = models.ForeignKey(RequestTrace, models.CASCADE, related_name="marks", editable=False)
    contact = SealedCharField(_("phone or account"), null=True, editable=False)
    contact_index = BlindIndex("contact")
    name = SealedCharField(_("name"), null=True, editable=False)
    # Fourteen bits, as for the words of names: a common one hides among chance matches.
    name_index = BlindIndex("name", bits=14)

    class Meta:
        verbose_name = _("mark of a help request")
        verbose_name_plural = _("marks of help requests")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


def of_words(told: Iterable[Mapping[str, Any]]) -> Marks:
    """The marks in what was told at first and later."""
    contacts: list[str] = []
    alias = ""
    for each in told:
        given = text_of(each.get("contact"))
        contacts += filter(None, (contact_phone(given), contact_handle(given)))
        for line in f"{text_of(each.get('safe'))}\n{text_of(each.get('text'))}".splitlines():
            contacts += _in_a_sentence(line)
        if row := text_of(each.get(SHEET_ROW)):
            contacts.append(f"row {row}")
        called = name(text_of(each.get("alias")))
        alias = alias or (called if len(called) >= SHORTEST_NAME else "")
    return Marks(frozenset(list(dict.fromkeys(contacts))[:MOST]), alias)


def _in_a_sentence(line: str) -> list[str]:
    phone = contact_phone(line)
    account = contact_handle(line) if "@" in line or "://" in line else ""
    account = account.rstrip(_AFTER_A_SENTENCE)
    long_enough = sum(map(str.isdigit, phone)) >= DIGITS_OF_A_PHONE
    return [found for found in (phone if long_enough else "", account) if found]


def keep(request: UUID, told: Iterable[Mapping[str, Any]]) -> Marks:
    """Make the stored marks of `request` those of what was told, and give them."""
    marks = of_words(told)
    if of(request) == marks:
        return marks
    try:
        with transaction.atomic():
            drop([request])
            if marks.contacts or marks.name:
                trace = RequestTrace(request=request)
                trace.save(force_insert=True)
                RequestMark.objects.bulk_create(rows_of(trace, marks))
    except IntegrityError:
        pass  # somebody opened it at the same moment, and kept the same
    return marks


def rows_of(trace: RequestTrace, marks: Marks) -> list[RequestMark]:
    """The rows to store for `marks`, in random order."""
    rows = [RequestMark(trace=trace, contact=contact) for contact in marks.contacts]
    rows += [RequestMark(trace=trace, name=marks.name)] if marks.name else []
    secrets.SystemRandom().shuffle(rows)
    return rows


def of(request: UUID) -> Marks:
    """The stored marks of `request`; what does not open is left out."""
    rows = list(RequestMark.objects.filter(trace__request=request).with_keys())
    contacts = {value for row in rows if (value := value_or_none(row, "contact"))}
    names = [value for row in rows if (value := value_or_none(row, "name"))]
    return Marks(frozenset(contacts), names[0] if names else "")


def drop(requests: Sequence[UUID]) -> int:
    """Erase the marks of `requests` with their keys; how many requests had any."""
    traces = RequestTrace.objects.filter(request__in=requests)
    with transaction.atomic():
        RequestMark.objects.filter(trace__in=traces.values("pk"))._raw_delete(RequestMark.objects.db)
        done: int = traces.delete()[0]
    return done


def sweep() -> int:
    """Erase the marks of requests that are there no longer: nobody else knows that they were withdrawn."""
    gone = RequestTrace.objects.exclude(request__in=HelpRequest.objects.values("pk"))
    return drop(list(gone.values_list("request", flat=True)))
