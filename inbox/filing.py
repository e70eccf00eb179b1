"""How what a help request holds comes to lie in a case: notes, a way to answer, a task, files."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from cases.models.attachment import Attachment, AttachmentKind
from cases.models.case import Case
from cases.models.consent import Consent, ConsentMethod, Purpose
from cases.models.contact import ChannelKind, ContactChannel
from cases.models.note import Note, Task
from inbox import words
from intake.models import Channel, HelpRequest, Message, Photograph
from intake.words import Keep
from staff.models import User
from vault import dropbox
from vault.cipher import CannotOpen
from vault.erasure import give_back_pages
from vault.fields import find
from vault.normalise import contact_phone

# By which way a request came, and how the person therefore said that we may keep it.
GIVEN = {
    Channel.FORM: ConsentMethod.FORM,
    Channel.TELEPHONE: ConsentMethod.CALL,
    Channel.MAIL: ConsentMethod.LETTER,
    Channel.IN_PERSON: ConsentMethod.IN_PERSON,
}


def read_content(row: Any, ring: dropbox.Ring | None) -> dict[str, Any] | CannotOpen:
    """What a request or an addition holds, or why it does not open."""
    try:
        return dict(row.open_content(ring))
    except CannotOpen as problem:
        return problem


def fill(case: Case, row: HelpRequest, content: dict[str, Any], by: User) -> None:
    """The words as a note, how to answer as a channel, and the date that was named as a task."""
    Note(case=case, text=words.request_note(content)).save(by=by)
    for said in words.outside_answers(content):
        Note(case=case, text=said).save(by=by)
    safe, contact = words.text_of(content.get("safe")), words.text_of(content.get("contact"))
    if contact and not is_known(case, contact):
        ContactChannel(case=case, kind=kind_of(contact), value=contact, remark=safe or None).save(by=by)
    elif row.has_mailbox or (safe and not contact):
        mailbox = gettext("Mailbox of the help request") if row.has_mailbox else safe
        ContactChannel(case=case, kind=ChannelKind.OTHER, value=mailbox, remark=safe or None).save(by=by)
    due_on = _day(content.get("event_on"))
    if due_on is not None:
        Task(case=case, text=words.event(content), due_on=due_on).save(by=by)
        case.refresh_deadlines(today=case.today())


def carry_consent(case: Case, row: HelpRequest, content: dict[str, Any], by: User) -> None:
    """“As long as you help me” is a consent to keep the file. “Until you have answered” is none."""
    if content.get("keep") != Keep.WHILE_HELPING:
        return
    sent = words.sent_at(content) or row.received_at
    Consent(
        case=case,
        purpose=Purpose.KEEP,
        given_on=sent.date(),
        given_how=GIVEN.get(row.channel, ConsentMethod.MESSAGE),
        language=row.language,
        remark=gettext("Said in the help request"),
    ).save(by=by)


def kind_of(contact: str) -> str:
    """By what means a person is reached who left `contact`, as far as its form tells."""
    if contact_phone(contact):
        return ChannelKind.PHONE
    return ChannelKind.EMAIL if "@" in contact.strip("@ ") else ChannelKind.OTHER


def is_known(case: Case, contact: str) -> bool:
    """Whether the case has this phone or account already, in whatever spelling."""
    rows = ContactChannel.objects.filter(case=case)
    return any(find(rows, index, contact) for index in ("phone_index", "handle_index"))


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def move(case: Case, request: UUID, ring: dropbox.Ring | None, by: User) -> int:
    """Additions become notes, photographs files; what does not open stays where it is."""
    gone: dict[Any, list[UUID]] = {Message: [], Photograph: []}
    for message in Message.objects.filter(request=request).order_by("received_at", "pk"):
        content = read_content(message, ring)
        if not isinstance(content, CannotOpen):
            Note(case=case, text=words.request_note(content)).save(by=by)
            gone[Message].append(message.pk)
    photographs = Photograph.objects.filter(request=request).order_by("received_at", "pk")
    for number, photograph in enumerate(photographs, 1):
        try:
            picture = photograph.take(ring or dropbox.ring())
        except CannotOpen:
            continue
        name, remark = f"photograph-{number}.jpg", gettext("Came with the help request")
        Attachment.objects.keep(case, picture, name=name, kind=AttachmentKind.OTHER, remark=remark, by=by)
        gone[Photograph].append(photograph.pk)
    for model, keys in gone.items():
        model.objects.filter(pk__in=keys)._raw_delete(model.objects.db)
    transaction.on_commit(lambda: give_back_pages(Message, Photograph))
    return sum(map(len, gone.values()))
