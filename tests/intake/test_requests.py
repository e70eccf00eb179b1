"""Requests as they are kept: sealed to the desk, answered to the phrase alone, erased when withdrawn."""

import itertools
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from intake.models import (
    Answer,
    Channel,
    Colour,
    HelpRequest,
    Message,
    NoMailbox,
    Photograph,
    Reading,
    State,
    Withdrawal,
)
from intake.triage import Colour as TriageColour
from tests.intake.conftest import NOON
from vault import dropbox
from vault.cipher import Unreadable
from vault.keyring import KeyProblem
from vault.models import RecordKey

TOLD = {"alias": "Кот", "text": "Меня отправляют в пятницу."}
TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.django_db


def receive(stranger, **changes):
    lookup, pair = stranger
    given = {
        "at": NOON, "lookup": lookup, "public_key": pair.public, "colour": Colour.RED, "language": "ru",
    }  # fmt: skip
    return HelpRequest.objects.receive(TOLD, **given | changes)


@pytest.fixture
def request_(stranger):
    """A red request in Russian, with one photograph and one addition."""
    request = receive(stranger, photographs=[b"\xff\xd8\xff the picture"])
    HelpRequest.objects.add_to(request.pk, {"text": "Уже четверг."}, at=NOON, colour=Colour.ORANGE)
    return request


def cells():
    """Every byte of every row of the room, as the database gives it."""
    found = b""
    with connection.cursor() as cursor:
        for model in (HelpRequest, Message, Photograph, Answer, Reading, Withdrawal):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            for cell in itertools.chain.from_iterable(cursor.fetchall()):
                found += bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
    return found


def test_the_desk_reads_what_was_told(request_):
    ring = dropbox.ring()
    assert HelpRequest.objects.get().open_content(ring) == TOLD
    assert Message.objects.get().open_content(ring) == {"text": "Уже четверг."}
    assert Photograph.objects.get().take(ring) == b"\xff\xd8\xff the picture"


def test_without_the_private_half_nothing_opens(request_, settings):
    """What the public process holds. Sabotage: `content=dict(content)` in `receive`."""
    settings.DROPBOX_PRIVATE_FILE = None
    for row in (HelpRequest.objects.get(), Message.objects.get()):
        with pytest.raises(KeyProblem):
            row.open_content()
    for word in ("Кот", "пятницу", "четверг", "picture"):
        assert word.encode() not in cells()


def test_only_the_hour_is_readable(request_):
    """Sabotage: store `at` as it is."""
    for row in (HelpRequest.objects.get(), Message.objects.get(), Photograph.objects.get()):
        assert row.received_at == NOON.replace(minute=0, second=0)


def test_a_box_moved_to_another_request_does_not_open(request_, stranger):
    """Sabotage: leave `bound_to` out of `BoxedModel.put` and `take`."""
    other = receive(stranger, lookup="f" * 32)
    HelpRequest.objects.filter(pk=other.pk).update(box=request_.box)
    with pytest.raises(Unreadable):
        HelpRequest.objects.get(pk=other.pk).open_content()


def test_a_strangers_request_has_no_record_key_and_a_typed_one_has(request_, settings):
    """The public process holds no root to wrap one with. Sabotage: drop `prepare_insert`."""
    assert not RecordKey.objects.filter(owner=request_.pk).exists()
    typed = HelpRequest.objects.type_in(
        TOLD, at=NOON, colour=Colour.GREEN, language="en", channel=Channel.TELEPHONE
    )
    settings.DROPBOX_PRIVATE_FILE = None
    assert RecordKey.objects.filter(owner=typed.pk).exists()
    assert HelpRequest.objects.get(pk=typed.pk).open_content() == TOLD
    assert "Кот".encode() not in cells()


def test_many_of_both_kinds_can_be_made_at_once(stranger, db):
    plain = {"received_at": NOON, "colour": Colour.GREEN, "language": "en", "channel": Channel.OTHER}
    boxed, typed = HelpRequest(**plain), HelpRequest(**plain, content=TOLD)
    boxed.put(b"{}")
    HelpRequest.objects.bulk_create([boxed, typed])
    assert RecordKey.objects.filter(owner__in=[boxed.pk, typed.pk]).count() == 1


def test_a_request_is_sealed_in_one_place_and_a_new_one_never_in_none(request_):
    """Sabotage: drop the constraints."""
    typed = HelpRequest.objects.type_in(
        TOLD, at=NOON, colour=Colour.GREEN, language="en", channel=Channel.TELEPHONE
    )
    for row, box in ((typed, b"box"), (request_, None)):
        with pytest.raises(IntegrityError), transaction.atomic():
            HelpRequest.objects.filter(pk=row.pk).update(box=box)
    HelpRequest.objects.filter(pk=request_.pk).update(box=None, state=State.ACCEPTED)
    with pytest.raises(Unreadable, match="moved or erased"):
        HelpRequest.objects.get(pk=request_.pk).open_content()


def test_the_colours_are_those_of_triage():
    assert {c.name: c.value for c in Colour} == {c.name: c.value for c in TriageColour}


# -- answers


def test_only_the_phrase_opens_an_answer(request_, stranger):
    """Not even the desk's own ring. Sabotage: seal the answer with `dropbox.seal`."""
    request_.answer("Позвоните в среду.", at=NOON)
    assert HelpRequest.objects.get().state == State.ANSWERED
    with pytest.raises(Unreadable):
        dropbox.ring().open(Answer.objects.get().box)
    (answer,) = Answer.objects.open_all(request_.pk, stranger[1], today=TODAY)
    assert answer["text"] == "Позвоните в среду."
    assert Answer.objects.open_all(request_.pk, dropbox.KeyPair(bytes(32)), today=TODAY) == []


def test_an_answer_is_destroyed_seven_days_after_its_first_reading(request_, stranger):
    """Read again on the last day, gone on the next one. Sabotage: `read_on__lte` in `destroy_read`."""
    request_.answer("Первый.", at=NOON)
    first = Answer.objects.open_all(request_.pk, stranger[1], today=TODAY)
    later = Answer.objects.open_all(request_.pk, stranger[1], today=TODAY + timedelta(7))
    assert first == later
    assert first[0]["until"] == TODAY + timedelta(7)
    assert Answer.objects.destroy_read(today=TODAY + timedelta(7)) == 0
    assert Answer.objects.open_all(request_.pk, stranger[1], today=TODAY + timedelta(8)) == []
    assert not Answer.objects.exists()
    assert not Reading.objects.exists()


def test_an_unread_answer_waits(request_):
    request_.answer("Ждём.", at=NOON)
    assert Answer.objects.destroy_read(today=TODAY + timedelta(400)) == 0


def test_the_newest_answer_comes_first(request_, stranger):
    request_.answer("Второй.", at=NOON + timedelta(days=2))
    request_.answer("Первый.", at=NOON)
    opened = Answer.objects.open_all(request_.pk, stranger[1], today=TODAY)
    assert [answer["text"] for answer in opened] == ["Второй.", "Первый."]


def test_a_typed_request_has_no_mailbox_and_says_how_to_answer():
    typed = HelpRequest.objects.type_in(
        TOLD, at=NOON, colour=Colour.GREEN, language="en", channel=Channel.MAIL
    )
    assert not typed.has_mailbox
    with pytest.raises(NoMailbox, match="safe"):
        typed.answer("…", at=NOON)


def test_answering_does_not_take_a_decision_back(request_):
    HelpRequest.objects.update(state=State.ACCEPTED)
    HelpRequest.objects.get().answer("Мы взялись.", at=NOON)
    assert HelpRequest.objects.get().state == State.ACCEPTED


# -- withdrawing


def test_what_is_withdrawn_is_gone(request_, stranger):
    """Nothing of it in any row; only that it was withdrawn. Sabotage: leave Photograph out of `_withdraw`."""
    request_.answer("Ответ.", at=NOON)
    Answer.objects.open_all(request_.pk, stranger[1], today=TODAY)
    boxes = [bytes(model.objects.get().box)[:60] for model in (HelpRequest, Message, Photograph, Answer)]
    assert all(box in cells() for box in boxes)
    assert HelpRequest.objects.withdraw(stranger[0], at=NOON) is True
    assert not any(box in cells() for box in boxes)
    for model in (HelpRequest, Message, Photograph, Answer, Reading):
        assert not model.objects.exists(), model
    assert Withdrawal.objects.get().request == request_.pk


def test_withdrawing_takes_nobody_elses(request_, stranger):
    other = receive(stranger, lookup="f" * 32)
    other.answer("Другому.", at=NOON)
    assert HelpRequest.objects.withdraw(stranger[0], at=NOON) is True
    assert HelpRequest.objects.get() == other
    assert Answer.objects.count() == 1


def test_withdrawing_what_never_was_changes_nothing(request_):
    assert HelpRequest.objects.withdraw("0" * 32, at=NOON) is False
    assert HelpRequest.objects.count() == 1
    assert not Withdrawal.objects.exists()


def test_the_desk_destroys_read_answers_by_itself(request_, stranger):
    """Also where nobody opens the mailbox again. Sabotage: take the chore out of CHORES."""
    from desk.chores import CHORES

    request_.answer("Прочитан.", at=NOON)
    Answer.objects.open_all(request_.pk, stranger[1], today=TODAY)
    (chore,) = [chore for chore in CHORES if chore.name == "read answers"]
    chore.do(NOON + timedelta(days=7))
    assert Answer.objects.count() == 1
    chore.do(NOON + timedelta(days=8))
    assert not Answer.objects.exists()
