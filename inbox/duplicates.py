"""Whether the person of a help request is known already: cases and requests that share a phone or a name.

Only what the reader may see is looked at, in SQL, so that a match elsewhere changes neither the answer nor
the work behind it. Keyed tokens propose, opened values decide; nothing is merged by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases import search
from cases.models import Case, ChannelOwner, ContactChannel, Identity, NameWord, Status
from cases.models.history import value_or_none
from inbox.models import RequestMark
from inbox.models.marks import Marks
from inbox.models.outcome import requests_visible_to
from intake.models import HelpRequest, State
from staff.models import User
from vault.normalise import contact_handle, contact_phone, name_readings

# A name or number that more share is a common one, or a shelter's telephone.
CROWD = 12
CANDIDATES = 400
SAME_CONTACT, SAME_NAME = _("the same phone or account"), _("the same name")


@dataclass
class PossibleDuplicate:
    """A case or a request that may be of the same person, and by what, never with the value itself."""

    case: Case | None = None
    request: HelpRequest | None = None
    reasons: list[Any] = field(default_factory=list)

    @property
    def takes_it(self) -> bool:
        """Whether the request can be put into this case."""
        return self.case is not None and self.case.status != Status.CLOSED


def of(request: UUID, marks: Marks, *, by: User, today: date) -> list[PossibleDuplicate]:
    """Cases first, then requests, that `by` may see on `today` and that share a mark with `request`."""
    visible = Case.objects.visible_to(by, today=today).filter(erased=False)
    found: dict[UUID, list[Any]] = {}
    for case_id, reason in (*_by_contact(visible, marks.contacts), *_by_name(visible, marks.name)):
        reasons = found.setdefault(case_id, [])
        if reason not in reasons:
            reasons.append(reason)
    rows = visible.filter(pk__in=list(found)).defer("summary", "closed_on", "closing_reason")
    cases = [
        PossibleDuplicate(case=case, reasons=found[case.pk]) for case in rows.order_by("code_name")[:CROWD]
    ]
    return cases + _requests(request, marks, by)


def _by_contact(visible: Any, contacts: Iterable[str]) -> list[tuple[UUID, Any]]:
    """A lawyer's phone stands in many files by right, and says nothing."""
    phone: Any = ContactChannel._meta.get_field("phone_index")
    handle: Any = ContactChannel._meta.get_field("handle_index")
    wanted = sorted(contacts)
    asked = Q(phone_index__in=[token for each in wanted if (token := phone.token(each)) is not None])
    asked |= Q(handle_index__in=[token for each in wanted if (token := handle.token(each)) is not None])
    rows = ContactChannel.objects.filter(asked, case__in=visible).exclude(owner=ChannelOwner.LAWYER)
    found = []
    for row in rows.with_keys()[:CANDIDATES]:
        value = value_or_none(row, "value") or ""
        if contact_phone(value) in contacts:
            found.append((row.case_id, search.PHONE_OF.get(row.owner, SAME_CONTACT)))
        elif contact_handle(value) in contacts:
            found.append((row.case_id, search.ACCOUNT_OF.get(row.owner, SAME_CONTACT)))
    return found


def _by_name(visible: Any, name: str) -> list[tuple[UUID, Any]]:
    """Cases all of whose words fit; a name that a crowd shares tells nothing."""
    token: Any = NameWord._meta.get_field("token")
    words = name_readings(name)[: search.MOST_WORDS]
    keys = sorted({key for word in words for key in word})
    rows = NameWord.objects.filter(case__in=visible, token__in=[token.token(key) for key in keys])
    met = {row.case_id for row in rows.with_keys()[:CANDIDATES] if value_or_none(row, "word") in keys}
    found = [
        (identity.case_id, SAME_NAME)
        for identity in Identity.objects.filter(case__in=met).with_keys()
        if search.compare(words, identity)[0] >= search.WHOLE_NAME
    ]
    return found if len(found) <= CROWD else []


def _requests(request: UUID, marks: Marks, by: User) -> list[PossibleDuplicate]:
    contact: Any = RequestMark._meta.get_field("contact_index")
    named: Any = RequestMark._meta.get_field("name_index")
    visible = requests_visible_to(by).exclude(pk=request).exclude(state=State.SPAM)
    asked = Q(contact_index__in=[contact.token(each) for each in sorted(marks.contacts)])
    asked |= Q(name_index__in=[named.token(marks.name)] if marks.name else [])
    rows = RequestMark.objects.filter(asked, trace__request__in=visible.values("pk"))
    by_contact: set[UUID] = set()
    by_name: set[UUID] = set()
    for row in rows.select_related("trace").with_keys()[:CANDIDATES]:
        if value_or_none(row, "contact") in marks.contacts:
            by_contact.add(row.trace.request)
        elif marks.name and value_or_none(row, "name") == marks.name:
            by_name.add(row.trace.request)
    by_name = by_name if len(by_name) <= CROWD else set()
    alike = visible.filter(pk__in=by_contact | by_name).defer("box", "content")
    return [
        PossibleDuplicate(
            request=row,
            reasons=[SAME_CONTACT] * (row.pk in by_contact) + [SAME_NAME] * (row.pk in by_name),
        )
        for row in alike.order_by("received_at", "pk")[:CROWD]
    ]
