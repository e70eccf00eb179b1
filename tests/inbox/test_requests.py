"""What becomes of a help request: answers, ends, a case, notices of red ones, the end of its time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from cases.models import Attachment, Case, Deadline, Note
from desk import digest, erasing
from inbox import listing, requests
from inbox.models import RequestOutcome
from intake.models import Answer, Colour, HelpRequest, Message, Photograph, State
from reminders.models import Reminder
from reminders.models.reminder import DAILY
from reminders.planning import scan, tell_of_red_requests
from staff import trail
from staff.models import TrailRow
from tests.inbox.test_inbox import TOLD, arrives, mailbox, page_of, words_of  # noqa: F401
from tests.intake.pictures import jpeg
from vault import dropbox

pytestmark = pytest.mark.django_db


def texts(case):
    return "\n".join(note.text for note in Note.objects.filter(case=case).with_keys())


# -- answers


@pytest.mark.speaks_sql
def test_an_answer_is_for_the_phrase_alone(olga, sign_in):
    """Sabotage: seal the answer with dropbox.seal."""
    pair = dropbox.KeyPair(b"p" * 32)
    row = HelpRequest.objects.receive(
        TOLD, at=timezone.now(), lookup="a" * 32, public_key=pair.public, colour=3, language="ru"
    )
    desk = sign_in(olga)
    template = desk.get(f"{page_of(row)}?answer=call").content.decode()
    assert "Лучше поговорить." in template
    answer = desk.post(page_of(row), {"act": "answer", "text": "Напишите вечером."}, follow=True)
    assert "The answer lies in the mailbox." in words_of(answer)
    (found,) = Answer.objects.open_all(row.pk, pair, today=timezone.localdate())
    assert found["text"] == "Напишите вечером."
    assert HelpRequest.objects.get().state == State.ANSWERED
    assert TrailRow.objects.filter(verb="request_answered", actor=olga).exists()
    empty = desk.post(page_of(row), {"act": "answer", "text": " "})
    assert (empty.status_code, "Write the answer first." in words_of(empty)) == (422, True)


# -- ends without a case


@pytest.mark.parametrize("state", ["declined", "referred", "spam"])
@pytest.mark.speaks_sql
def test_an_end_wants_a_reason_and_can_be_taken_back(state, arrives, olga, sign_in):  # noqa: F811
    """Sabotage: leave the reason out of requests.end."""
    row, desk = arrives(), sign_in(olga)
    refused = desk.post(page_of(row), {"act": "end", "state": state, "reason": " "})
    assert (refused.status_code, HelpRequest.objects.get().state) == (422, State.OPENED)
    desk.post(page_of(row), {"act": "end", "state": state, "reason": "Другая страна."})
    assert HelpRequest.objects.get().state == state
    assert TrailRow.objects.get(verb=f"request_{state}").details["reason"] == "Другая страна."
    assert "Другая страна." in words_of(desk.get(page_of(row)))
    desk.post(page_of(row), {"act": "take_up"})
    assert HelpRequest.objects.get().state == State.OPENED
    assert not RequestOutcome.objects.exists()


# -- a case of it


@pytest.mark.speaks_sql
def test_a_case_holds_all_that_the_request_held(arrives, olga, sign_in, django_capture_on_commit_callbacks):  # noqa: F811
    """One act: case, note, channel, date and photograph; the boxes are gone, the mailbox works on.
    Sabotage: leave _move or the line that empties the box out of make_case.
    """
    row = arrives()
    HelpRequest.objects.add_to(row.pk, {"text": "Суд завтра."}, at=timezone.now(), photographs=[jpeg()])
    desk = sign_in(olga)
    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(page_of(row), {"act": "accept", "country": "KZ"})
    case = Case.objects.get()
    assert answer["Location"] == f"/desk/cases/case/{case.pk}/change/"
    assert (case.caseworker, case.colour, case.category) == (olga, "red", "mobilised")
    assert "Меня держат с пятницы." in texts(case)
    assert "Суд завтра." in texts(case)
    assert case.contacts.get().remark == "Вечером, в этом ящике"
    assert Deadline.objects.get(case=case).due_on == date(2030, 3, 9)
    assert b"".join(Attachment.objects.get(case=case).pieces()).startswith(b"\xff\xd8\xff")
    stored = HelpRequest.objects.get()
    assert (stored.box, stored.state, stored.has_mailbox) == (None, State.ACCEPTED, True)
    assert not Message.objects.exists()
    assert not Photograph.objects.exists()
    desk.post(page_of(row), {"act": "answer", "text": "Мы взялись."})
    assert "Мы взялись." in texts(case)
    HelpRequest.objects.add_to(row.pk, {"text": "Перевели."}, at=timezone.now(), colour=Colour.RED)
    assert page_of(row) in desk.get(f"/desk/cases/case/{case.pk}/change/").content.decode()
    assert "Перевели." in words_of(desk.get(page_of(row)))
    desk.post(page_of(row), {"act": "file"})
    assert "Перевели." in texts(case)
    assert not Message.objects.exists()


def test_two_people_accept_and_there_is_one_case(arrives, olga, oskar):  # noqa: F811
    """Both pages were open. Sabotage: drop _require_no_case from make_case."""
    first, second = arrives(), HelpRequest.objects.get()
    requests.make_case(first, caseworker=olga, by=olga, country="KZ")
    with pytest.raises(ValidationError, match="Somebody made a case of this request already"):
        requests.make_case(second, caseworker=oskar, by=oskar, country="KZ")
    assert Case.objects.count() == 1


@pytest.mark.speaks_sql
def test_a_damaged_request_makes_no_case_and_changes_nothing(arrives, olga, sign_in):  # noqa: F811
    row = arrives()
    HelpRequest.objects.update(box=bytes(row.box)[:-1] + b"?")
    answer = sign_in(olga).post(page_of(row), {"act": "accept", "country": "KZ"})
    assert answer.status_code == 422
    assert "Open a case by hand." in words_of(answer)
    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["mark", "lena", "anton"])
def test_who_has_no_inbox_makes_no_case(name, arrives, request):  # noqa: F811
    """Sabotage: drop the question for WORK_INBOX from make_case."""
    person = request.getfixturevalue(name)
    with pytest.raises(trail.Refused):
        requests.make_case(arrives(), caseworker=person, by=person, country="KZ")
    assert not Case.objects.exists()


@pytest.mark.speaks_sql
def test_a_withdrawn_request_says_so(arrives, olga, sign_in):  # noqa: F811
    row, desk = arrives(), sign_in(olga)
    desk.get(page_of(row))
    HelpRequest.objects.withdraw(row.lookup, at=timezone.now())
    with pytest.raises(ValidationError, match="the person withdrew it"):
        requests.answer(row, "Здесь?", by=olga, at=timezone.now())
    assert desk.post(page_of(row), {"act": "answer", "text": "Здесь?"}).status_code == 404


def test_the_mailbox_goes_with_an_erased_case(arrives, olga, petra):  # noqa: F811
    """Sabotage: leave requests.forget out of erasing.erase."""
    case = requests.make_case(arrives(), caseworker=olga, by=olga, country="KZ")
    erasing.erase(case, by=petra, reason="asked for it")
    assert not HelpRequest.objects.exists()


# -- red ones


def test_two_coordinators_hear_of_a_red_request_at_once(arrives, petra, paula, team):  # noqa: F811
    """And all of them once it has waited two hours. Sabotage: drop it from scan()."""
    from tests.conftest import _person

    third, now = _person("pavla", "coordinator", team), datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    row = arrives(colour=Colour.RED, now=now)
    arrives(colour=Colour.ORANGE, now=now)
    scan(now)
    said = [each.payload for each in Reminder.objects.all()]
    assert [each["deadline"] for each in said if each["deadline"] != DAILY] == [f"notice:{row.pk}"] * 2
    assert tell_of_red_requests(now) == 0
    assert tell_of_red_requests(now + timedelta(hours=3)) == 1
    said = [each.payload for each in Reminder.objects.all()]
    told = {each["recipient"] for each in said if each["deadline"] != DAILY}
    assert told == {str(each.pk) for each in (petra, paula, third)}
    HelpRequest.objects.filter(pk=row.pk).update(state=State.OPENED)
    assert tell_of_red_requests(now + timedelta(hours=20)) == 0


def test_the_digest_names_requests_past_their_clock(arrives, petra):  # noqa: F811
    """Sabotage: leave out inbox.listing.erased_soon, or take urgency__gte=RED."""
    now = timezone.now()
    late = arrives(colour=Colour.ORANGE, hours=30, now=now)
    risen = arrives(colour=Colour.YELLOW, hours=80, now=now)
    arrives(colour=Colour.ORANGE, hours=3, now=now)
    old = arrives(colour=Colour.GREEN, hours=24 * 25, now=now)
    found = digest.compose(petra, timezone.localdate(), now).requests
    assert [line.request_id for line in found] == [late.pk, risen.pk, old.pk]
    assert found[-1].why == "erased within a week unless somebody answers"


# -- the end of its time


def test_what_nobody_answered_is_erased_after_thirty_days(arrives):  # noqa: F811
    """A new message pauses it; answered ones and cases stay. Sabotage: leave `lively` out of ending()."""
    now, day = timezone.now(), 24
    gone = arrives(hours=31 * day, now=now)
    paused, answered = arrives(hours=40 * day, now=now), arrives(hours=40 * day, now=now)
    young = arrives(hours=29 * day, now=now)
    HelpRequest.objects.add_to(paused.pk, {"text": "Я здесь."}, at=now - timedelta(days=3))
    answered.answer("Ждите.", at=now)
    assert listing.erase_unanswered(now) == 1
    assert set(HelpRequest.objects.all()) == {paused, answered, young}
    assert TrailRow.objects.get(verb="request_erased").details["about"] == str(gone.pk)
