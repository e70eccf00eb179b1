"""A request for help: received sealed, read on the desk, answered to the phrase alone, withdrawn for good."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.additions import Message, Photograph
from intake.models.answers import Answer, Reading
from intake.models.box import BoxedModel, opened_content, pack, place, whole_hour
from intake.models.words import Category, Channel, Colour, Language, State
from vault import dropbox
from vault.erasure import give_back_pages
from vault.fields import SealedJSONField
from vault.models import OwnerModel
from vault.queryset import SealedQuerySet

_TRIES: Final = 3


class NoMailbox(Exception):
    """The request has no mailbox: it came by another way, and the person has no phrase."""


class HelpRequestQuerySet(SealedQuerySet["HelpRequest"]):
    """Requests for help."""

    def receive(
        self,
        content: Mapping[str, Any],
        *,
        at: datetime,
        lookup: str,
        public_key: bytes,
        photographs: Sequence[bytes] = (),
        **plain: Any,
    ) -> HelpRequest:
        """Keep what a stranger sent, sealed, with its photographs (clean JPEGs), all or nothing.

        `plain` are the readable columns: colour, language, country, category, and state where it is not NEW.
        """
        request = HelpRequest(
            received_at=whole_hour(at), lookup=lookup, public_key=public_key, channel=Channel.FORM, **plain
        )
        request.put(pack(content))
        with transaction.atomic():
            request.save(force_insert=True)
            Photograph.objects.receive(request.pk, photographs, at=at)
        return request

    def type_in(
        self, content: Mapping[str, Any], *, at: datetime, key: uuid.UUID | None = None, **plain: Any
    ) -> HelpRequest:
        """Keep what staff typed of a request that came by another way, under a record key of its own.

        `key`: the id it gets; a second one with the same id is an IntegrityError.
        """
        request = HelpRequest(
            id=key or uuid.uuid4(), received_at=whole_hour(at), content=dict(content), **plain
        )
        request.save(force_insert=True)
        return request

    def add_to(
        self,
        request: uuid.UUID,
        content: Mapping[str, Any],
        *,
        at: datetime,
        colour: int = Colour.GREEN,
        photographs: Iterable[bytes] = (),
    ) -> None:
        """Keep what a person adds to a request, all or nothing. IntegrityError if it is gone meanwhile."""
        with transaction.atomic():
            Message.objects.receive(request, content, at=at, colour=colour)
            Photograph.objects.receive(request, photographs, at=at)

    def mailbox(self, lookup: str) -> uuid.UUID | None:
        """The request that the phrase with this lookup id belongs to; asks for no other column."""
        found: uuid.UUID | None = self.filter(lookup=lookup).values_list("pk", flat=True).first()
        return found

    def withdraw(self, lookup: str, *, at: datetime) -> bool:
        """Erase the request of a phrase with everything around it; False if there is none.

        What stays is a `Withdrawal`: that the request with this id was withdrawn, and in which hour.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                with transaction.atomic():
                    return self._withdraw(lookup, at)
            except IntegrityError:
                # Something was added at the same moment: it goes as well.
                if not tries_left:
                    raise
        return False

    def _withdraw(self, lookup: str, at: datetime) -> bool:
        request = self.mailbox(lookup)
        if request is None:
            return False
        # No collector: it would read whole rows, and tables that the public process does not know.
        Reading.objects.filter(answer__in=Answer.objects.filter(request=request).values("pk"))._raw_delete(
            self.db
        )
        for model in (Answer, Photograph, Message):
            model.objects.filter(request=request)._raw_delete(self.db)
        self.filter(pk=request)._raw_delete(self.db)
        Withdrawal(request=request, withdrawn_at=whole_hour(at)).save(force_insert=True)
        transaction.on_commit(lambda: give_back_pages(HelpRequest, Message, Photograph, Answer, Reading))
        return True


class HelpRequest(BoxedModel, OwnerModel):
    """One request for help, with the few readable columns that lists, clocks and statistics need."""

    label = sealed_label = "intake.helprequest"

    received_at = models.DateTimeField(_("received (hour)"))
    colour = models.PositiveSmallIntegerField(_("urgency"), choices=Colour)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    channel = models.CharField(_("came by"), max_length=12, choices=Channel)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    category = models.CharField(_("category"), max_length=12, choices=Category, default=Category.UNKNOWN)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    # A stranger's words; NULL once they were moved into a case, and where staff typed the request.
    box = models.BinaryField(null=True, editable=False)
    content = SealedJSONField(_("what was told"), null=True, editable=False)
    # The mailbox of the return phrase: how it is found, and what answers are sealed to.
    lookup = models.CharField(max_length=32, null=True, unique=True, editable=False)
    public_key = models.BinaryField(max_length=32, null=True, editable=False)

    objects = models.Manager.from_queryset(HelpRequestQuerySet)()

    class Meta:
        verbose_name = _("help request")
        verbose_name_plural = _("help requests")
        # All that the inbox sorts by, so that it reads no box; the id is in it for the same reason.
        indexes = [models.Index(fields=["state", "-colour", "received_at", "id"], name="intake_inbox_order")]
        constraints = [
            models.CheckConstraint(
                name="a_request_is_sealed_once",
                condition=Q(box__isnull=True) | Q(content__isnull=True),
                violation_error_message=_("A request is sealed in one place only. Enter it anew."),
            ),
            models.CheckConstraint(
                name="a_new_request_holds_its_words",
                condition=~Q(state=State.NEW) | Q(box__isnull=False) | Q(content__isnull=False),
                violation_error_message=_("A new request holds what was told. Open it before you move it."),
            ),
            models.CheckConstraint(
                name="a_mailbox_is_whole",
                condition=Q(lookup__isnull=True, public_key__isnull=True)
                | Q(lookup__isnull=False, public_key__isnull=False),
                violation_error_message=_("A mailbox needs both its number and its key."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def prepare_insert(cls, rows: Sequence[Any], *, using: str, may_skip: bool = False) -> None:
        """As an owner's, but a stranger's request gets no record key: its process holds no root."""
        boxed = [row for row in rows if row.box is not None]
        # The owner's own step is left out, and with it the new record key.
        super(OwnerModel, cls).prepare_insert(boxed, using=using, may_skip=may_skip)
        if len(boxed) < len(rows):
            super().prepare_insert([row for row in rows if row.box is None], using=using, may_skip=may_skip)

    @property
    def is_typed(self) -> bool:
        """Whether its words are here and staff typed them; opens nothing."""
        return self.__dict__.get("content") is not None

    @property
    def has_mailbox(self) -> bool:
        """Whether the person can read answers with a return phrase."""
        return self.lookup is not None

    def open_content(self, ring: dropbox.Ring | None = None) -> dict[str, Any]:
        """What was told, on the desk; a list passes the `dropbox.ring()` that it read once.

        Raises a kind of CannotOpen; KeyProblem where this process holds no mailbox keys.
        """
        if self.box is None and self.content is not None:
            return dict(self.content)
        return opened_content(self.take(ring or dropbox.ring()))

    def answer(self, text: str, *, at: datetime, key: uuid.UUID | None = None) -> Answer:
        """Put an answer into the mailbox: only the phrase opens it, the desk no more than anybody else.

        The request is ANSWERED unless its state says more already; `key`: the answer's id. Raises NoMailbox.
        """
        if self.public_key is None:
            raise NoMailbox(
                _("This request has no mailbox. Answer in the way that the person named as safe.")
            )
        answer = Answer(id=key or uuid.uuid4(), request=self)
        content = pack({"text": text, "sent_at": at.isoformat(timespec="minutes")})
        answer.box = dropbox.seal_to(bytes(self.public_key), content, bound_to=place(Answer.label, answer.pk))
        with transaction.atomic():
            answer.save(force_insert=True)
            if self.state in (State.NEW, State.OPENED):
                self.state = State.ANSWERED
                self.save(update_fields=["state"])
        return answer


class Withdrawal(models.Model):
    """What stays of a request that was withdrawn: its id, for the case that came of it, and the hour."""

    request = models.UUIDField(primary_key=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn (hour)"))

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
