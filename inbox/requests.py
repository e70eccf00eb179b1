"""What staff do with a help request: open, answer, decide, make a case of it. Each act is on the trail.

The request itself belongs to `intake`, which knows no staff; what became of it stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case, Category, Colour, Status
from cases.models.note import Note
from inbox import words
from inbox.filing import carry_consent, fill, move, read_content
from inbox.models import marks
from inbox.models.outcome import RequestOutcome, case_of
from inbox.models.tally import RequestTally
from intake.models import Answer, HelpRequest, Message, NoMailbox, Photograph, State
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from vault import dropbox
from vault.cipher import CannotOpen
from vault.erasure import erase as erase_key
from vault.erasure import give_back_pages

WAITING = (State.NEW, State.OPENED)
# Ends without a case; each wants a reason.
ENDS = {
    State.DECLINED: trail.Verb.REQUEST_DECLINED,
    State.REFERRED: trail.Verb.REQUEST_REFERRED,
    State.SPAM: trail.Verb.REQUEST_SPAM,
}
LONGEST_ANSWER = 4000
COLOURS = dict(zip((0, 1, 2, 3), (Colour.GREEN, Colour.YELLOW, Colour.ORANGE, Colour.RED), strict=True))
# What a person calls themselves says less than a file wants to know: the rest stays to be asked.
CATEGORIES = {
    "mobilised": Category.MOBILISED,
    "conscript": Category.CONSCRIPT,
    "officer": Category.OFFICER,
    "relative": Category.RELATIVE,
}


class OpenedRequest(NamedTuple):
    """A request as somebody opened it: the boxes that are in its row and around it, or why one is closed."""

    request: HelpRequest
    content: dict[str, Any] | CannotOpen | None
    additions: list[tuple[Message, dict[str, Any] | CannotOpen]]
    case: Case | None

    @property
    def words(self) -> list[dict[str, Any]]:
        """What opened of it, the request first."""
        found = [self.content, *(found for _row, found in self.additions)]
        return [each for each in found if isinstance(each, dict)]


def open_request(request: HelpRequest, *, by: User) -> OpenedRequest:
    """Open what a person sent. Its clock stops, also where a box is damaged: somebody has looked.

    Raises KeyProblem, and then its clock runs on: this desk holds no mailbox key at all.
    """
    # What staff typed opens without the mailbox's key.
    ring = ring_for(request)
    case = case_of(request.pk)
    moved = request.box is None and not request.is_typed
    content = None if moved else read_content(request, ring)
    rows = list(Message.objects.filter(request=request).order_by("received_at", "pk"))
    additions = [(row, read_content(row, ring)) for row in rows]
    with transaction.atomic():
        HelpRequest.objects.filter(pk=request.pk, state=State.NEW).update(state=State.OPENED)
        Message.objects.filter(pk__in=[row.pk for row in rows], opened=False).update(opened=True)
        trail.append(by, trail.Verb.REQUEST_OPENED, case_id=case.pk if case else None, about=request.pk)
    if request.state == State.NEW:
        request.state = State.OPENED
    return OpenedRequest(request, content, additions, case)


def marks_of(found: OpenedRequest) -> marks.Marks:
    """Its phones, accounts and name; kept with it as long as it is no case: see request_marks."""
    if found.case is not None or not found.words:
        return marks.of_words(found.words)
    return marks.keep(found.request.pk, found.words)


def read_photograph(photograph: Photograph, *, by: User) -> bytes:
    """The picture, on the trail. Raises a kind of CannotOpen, KeyProblem."""
    content = photograph.take(dropbox.ring())
    case = case_of(photograph.request_id)
    trail.append(by, trail.Verb.FILE_READ, case_id=case.pk if case else None, about=photograph.pk)
    return content


def checked_answer(text: str) -> str:
    """The text of an answer as it goes out. Raises ValidationError with what to do instead."""
    text = text.strip()
    if not text:
        raise ValidationError(_("Write the answer first."))
    if len(text) > LONGEST_ANSWER:
        raise ValidationError(
            _("The answer has %(n)d characters; at most %(most)d fit. Send it in two.")
            % {"n": len(text), "most": LONGEST_ANSWER}
        )
    return text


def answer(request: HelpRequest, text: str, *, by: User, at: datetime, key: UUID | None = None) -> None:
    """Put an answer into the mailbox; where there is a case, it keeps a copy as a note.

    Once for one `key`. Raises ValidationError with what to do instead.
    """
    text = checked_answer(text)
    with transaction.atomic():
        row, case = lock_request(request), case_of(request.pk)
        if key is not None and Answer.objects.filter(pk=key).exists():
            return
        try:
            row.answer(text, at=at, key=key)
        except NoMailbox as problem:
            raise ValidationError(str(problem)) from None
        if case is not None:
            Note(case=case, text=words.copy_of_answer(text)).save(by=by)
        trail.append(by, trail.Verb.REQUEST_ANSWERED, case_id=case.pk if case else None, about=row.pk)


def end(request: HelpRequest, state: str, *, by: User, reason: str) -> None:
    """Decline it, refer it to others or mark it as spam. Raises ValidationError."""
    if state not in ENDS:
        raise ValidationError(_("Choose what becomes of the request."))
    if not reason.strip():
        raise ValidationError(_("Say why: a colleague may have to answer for it later."))
    with transaction.atomic():
        row = lock_request(request)
        _require_no_case(row)
        record = {"reason": reason.strip(), "by": str(by.pk), "at": timezone.now().isoformat("T", "minutes")}
        outcome = RequestOutcome.objects.filter(request=row.pk).first() or RequestOutcome(request=row.pk)
        outcome.record = record
        outcome.save()
        HelpRequest.objects.filter(pk=row.pk).update(state=state)
        Message.objects.filter(request=row.pk, opened=False).update(opened=True)
        trail.append(by, ENDS[State(state)], about=row.pk, reason=reason.strip())


def take_up(request: HelpRequest, *, by: User) -> None:
    """Open a request again that was declined, referred or taken for spam. Raises ValidationError."""
    with transaction.atomic():
        row = lock_request(request)
        if row.state not in ENDS:
            raise ValidationError(_("This request is open already. Load the page again."))
        HelpRequest.objects.filter(pk=row.pk).update(state=State.OPENED)
        RequestOutcome.objects.filter(request=row.pk, case=None).delete()
        trail.append(by, trail.Verb.REQUEST_TAKEN_UP, about=row.pk)


def make_case(
    request: HelpRequest, *, caseworker: User | None, by: User, country: str, key: UUID | None = None
) -> Case:
    """Open a case with all that the request holds, sealed under the case's key; its boxes are erased.

    The mailbox goes on working. With `key`, the id of the new case, a second call gives the case of the
    first. The caller plans the reminders. Raises trail.Refused, ValidationError, a kind of CannotOpen where
    the request does not open; then nothing has changed.
    """
    require_inbox(by)
    with transaction.atomic():
        row = lock_request(request)
        made = case_of(row.pk)
        if made is not None and made.pk == key:
            return made
        _require_no_case(row)
        content = row.open_content(ring_for(row))
        case = Case.objects.open_case(
            id=key,
            by=by,
            caseworker=caseworker,
            country=country,
            colour=COLOURS.get(row.colour, Colour.RED),
            category=CATEGORIES.get(row.category, Category.UNKNOWN),
            summary=words.summary(content),
        )
        fill(case, row, content, by)
        carry_consent(case, row, content, by)
        _hand_over(case, row, by)
        trail.append(by, trail.Verb.REQUEST_ACCEPTED, case_id=case.pk, about=row.pk)
    return case


def merge_into(request: HelpRequest, case: Case, *, by: User) -> None:
    """Put all that the request holds into a case that is there already, sealed under its key.

    Notes, files, the way to answer and the date that was named come on top; nothing of the case changes. A
    second call does nothing. Raises as make_case, trail.Refused also for a case that `by` may not open.
    """
    require_inbox(by)
    case.require_visible_to(by)
    with transaction.atomic():
        row = lock_request(request)
        made = case_of(row.pk)
        if made is not None and made.pk == case.pk:
            return
        _require_no_case(row)
        if case.erased or case.status == Status.CLOSED:
            raise ValidationError(
                _("This case is closed. Take it up again first, then put the request into it.")
            )
        fill(case, row, row.open_content(ring_for(row)), by)
        _hand_over(case, row, by)
        trail.append(by, trail.Verb.REQUEST_MERGED, case_id=case.pk, about=row.pk)


def require_inbox(user: User) -> None:
    """Raises trail.Refused unless `user` may decide on help requests."""
    if not may(user, Permission.WORK_INBOX):
        raise trail.Refused(gettext("Your account may not decide on help requests. Ask a coordinator."))


def ring_for(row: HelpRequest) -> dropbox.Ring | None:
    """The mailbox's keys, where the request or what is added to it needs them. Raises KeyProblem."""
    return dropbox.ring() if row.box is not None or row.has_mailbox else None


def _hand_over(case: Case, row: HelpRequest, by: User) -> None:
    """Move what lies around the request, erase what was in it, and note that it belongs to `case`."""
    move(case, row.pk, ring_for(row), by)
    typed = row.is_typed
    row.box = row.content = None
    row.state = State.ACCEPTED
    row.save(update_fields=["box", "content", "state"])
    if typed:
        erase_key(row.pk)
    marks.drop([row.pk])  # the case holds them now
    RequestOutcome.objects.filter(request=row.pk).delete()
    RequestOutcome(request=row.pk, case=case).save(force_insert=True)
    transaction.on_commit(lambda: give_back_pages(HelpRequest))


def file_additions(request: HelpRequest, *, by: User) -> int:
    """Put what came into the mailbox of a case into the case; how many things. Raises ValidationError."""
    with transaction.atomic():
        row, case = lock_request(request), case_of(request.pk)
        if case is None:
            raise ValidationError(_("There is no case of this request yet. Make one first."))
        case.require_visible_to(by)
        moved = move(case, row.pk, dropbox.ring(), by)
        trail.append(by, trail.Verb.REQUEST_FILED, case_id=case.pk, about=row.pk)
    return moved


def lock_request(request: HelpRequest) -> HelpRequest:
    """The request as it stands now, for one act at a time. Raises ValidationError where it is gone."""
    row = HelpRequest.objects.select_for_update().filter(pk=request.pk).first()
    if row is None:
        raise ValidationError(_("This request is gone: the person withdrew it, or its time was over."))
    return row


def _require_no_case(row: HelpRequest) -> None:
    if row.state == State.ACCEPTED:
        raise ValidationError(_("Somebody made a case of this request already. Load the page again."))


def answers_left(request: UUID) -> tuple[int, int]:
    """How many answers lie in the mailbox, and how many of them were read."""
    rows = Answer.objects.filter(request=request)
    return rows.count(), rows.filter(reading__isnull=False).count()


def forget(requests: Iterable[UUID], *, counted: bool = False) -> int:
    """Erase requests for good with their mailboxes; how many. No withdrawal is noted: nobody asked for it.

    `counted`: their time was over, so that statistics keep their number; not of what a person had erased.
    """
    from intake.models import Reading

    keys = list(requests)
    with transaction.atomic():
        if counted:
            RequestTally.objects.take(keys)
        answers = Answer.objects.filter(request__in=keys)
        Reading.objects.filter(answer__in=answers.values("pk"))._raw_delete(Reading.objects.db)
        for model in (Answer, Photograph, Message):
            model.objects.filter(request__in=keys)._raw_delete(model.objects.db)
        RequestOutcome.objects.filter(request__in=keys, case=None).delete()
        marks.drop(keys)
        done, _by_model = HelpRequest.objects.filter(pk__in=keys).delete()
        transaction.on_commit(lambda: give_back_pages(HelpRequest, Message, Photograph, Answer, Reading))
    return done
