"""Help requests that come by telephone, messenger, a partner or in person: typed by staff, sealed under a key
of their own. There is no mailbox: that the person was told something is noted, with the day and the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.note import Note
from inbox import requests, words
from inbox.models import marks
from inbox.models.outcome import case_of
from intake.models import HelpRequest, State
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from vault.cipher import CannotOpen

# What was told, as often as a file can want; more belongs into a case.
MOST_TOLD = 50


def enter(content: Mapping[str, Any], *, by: User, at: datetime, key: UUID, **plain: Any) -> HelpRequest:
    """Keep a request that `by` typed; the second time with the same `key` gives the one that is there.

    `plain` are its readable columns. Raises trail.Refused.
    """
    if not may(by, Permission.WORK_INBOX):
        raise trail.Refused(gettext("Your account may not enter help requests. Ask a coordinator."))
    try:
        with transaction.atomic():
            row = HelpRequest.objects.type_in(content, at=at, key=key, **plain)
            marks.keep(row.pk, [content])
            trail.append(by, trail.Verb.REQUEST_TYPED, about=row.pk)
    except IntegrityError:
        found = HelpRequest.objects.filter(pk=key).first()
        if found is None:
            raise
        return found
    return row


def note_told(
    request: HelpRequest, text: str, *, how: str, on: date, by: User, at: datetime, key: UUID
) -> None:
    """Note that the person was told `text` on `on`, by the way `how`; once for one `key`.

    A case keeps it as a note, before there is one the request does. Raises ValidationError.
    """
    text = requests.checked_answer(text)
    with transaction.atomic():
        row, case = requests.lock_request(request), case_of(request.pk)
        record = {"key": str(key), "text": text, "how": how, "on": on.isoformat(), "by": by.username}
        record["at"] = at.isoformat(timespec="minutes")
        if case is not None:
            if not Note.objects.filter(pk=key).exists():
                Note(id=key, case=case, text=words.outside_answer(record)).save(by=by)
                trail.append(by, trail.Verb.REQUEST_ANSWERED, case_id=case.pk, about=row.pk)
            return
        content = _content(row)
        before = list(content.get(words.TOLD_LATER) or ())
        if any(each.get("key") == str(key) for each in before):
            return
        if len(before) >= MOST_TOLD:
            raise ValidationError(_("This request holds many answers already. Make a case of it first."))
        row.content = content | {words.TOLD_LATER: [*before, record]}
        if row.state in requests.WAITING:
            row.state = State.ANSWERED
        row.save(update_fields=["content", "state"])
        trail.append(by, trail.Verb.REQUEST_ANSWERED, about=row.pk)


def _content(row: HelpRequest) -> dict[str, Any]:
    try:
        if row.is_typed and not row.has_mailbox:
            return dict(row.content)
    except CannotOpen:
        pass
    raise ValidationError(_("Nothing can be noted here: the request does not open. Open a case by hand."))
