"""Requests that came by telephone or in person: typed by staff, answered by a note."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import Case, Note
from inbox import listing, requests, safe_answers
from inbox.models import RequestOutcome
from inbox.typed import enter
from inbox.typed_form import TypedForm
from intake.models import Answer, Colour, HelpRequest, State
from intake.triage import Danger
from staff import trail
from staff.models import TrailRow
from tests.house.test_translations import english_on
from tests.inbox.test_inbox import INBOX, arrives, mailbox, page_of, words_of  # noqa: F401
from vault.models import RecordKey

pytestmark = pytest.mark.django_db
NEW = f"{INBOX}new/"
TYPED = {
    "channel": "telephone", "language": "ru", "alias": "Кот", "contact": "+7 999 000-11-22",
    "safe": "После шести", "country": "KZ", "dangers": ["detained"], "category": "mobilised",
    "needs": ["legal"], "text": "Его держат с пятницы.",
    "event": "hearing", "event_on": "2030-03-09", "keep": "while_helping",
}  # fmt: skip


@pytest.fixture
def desk(olga, sign_in):
    """Olga at her desk."""
    return sign_in(olga)


def once_on(page):
    return re.search(r'name="once" value="([^"]+)"', page.content.decode())[1]


def typed(desk, **changes):
    """Send the form; the request that came of it."""
    known = set(HelpRequest.objects.values_list("pk", flat=True))
    answer = desk.post(NEW, TYPED | {"once": once_on(desk.get(NEW))} | changes)
    assert (answer.status_code, answer["Location"]) == (302, INBOX), words_of(answer)
    return HelpRequest.objects.exclude(pk__in=known).get()


# -- who


@pytest.mark.parametrize("name", ["mark", "lena", "anton", "vera"])
def test_who_has_no_inbox_types_nothing_into_it(name, request, sign_in):
    """Sabotage: drop _require_inbox from new, or the question from inbox.typed.enter."""
    person = request.getfixturevalue(name)
    desk = sign_in(person)
    assert desk.get(NEW).status_code in (302, 403)
    assert desk.post(NEW, TYPED).status_code in (302, 403)
    with pytest.raises(trail.Refused):
        enter({}, by=person, at=timezone.now(), key=uuid4(), colour=0)
    assert not HelpRequest.objects.exists()


def test_a_colleague_without_the_case_does_not_open_what_became_one(desk, olga, oskar, sign_in):
    """Before that it is everybody's who works the inbox."""
    row = typed(desk)
    assert "Его держат" in words_of(sign_in(oskar).get(page_of(row)))
    requests.make_case(row, caseworker=olga, by=olga, country="KZ")
    stranger = sign_in(oskar)
    assert stranger.get(page_of(row)).status_code == 404
    assert stranger.post(page_of(row), {"act": "told", "how": "telephone", "on": "2026-01-01",
                                        "text": "Нет."}).status_code == 404  # fmt: skip


# -- what is kept


@pytest.mark.speaks_sql
def test_a_typed_request_stands_in_the_inbox_with_colour_clock_and_channel(desk, olga):
    """Done when the same questions give the same colour and clock. Sabotage: leave `dangers` out."""
    row = typed(desk)
    (line,) = listing.lines(list(listing.list_requests(olga, "waiting", timezone.now())), timezone.now())
    assert (line.key, line.urgency, line.clock, line.channel) == (
        row.pk,
        Colour.RED,
        "open it now",
        "Telephone",
    )
    assert (row.country, row.category, row.language, row.state) == ("KZ", "mobilised", "ru", State.NEW)
    text = words_of(desk.get(page_of(row)))
    for said in (
        "+7 999 000-11-22",
        "Его держат с пятницы.",
        "Detained set by staff · at once",
        "2030-03-09",
    ):
        assert said in text
    verbs = [entry.verb for entry in TrailRow.objects.filter(verb__contains="request")]
    assert verbs == ["request_opened", "request_typed"]


def test_it_lies_sealed_under_its_own_key(desk):
    """Sabotage: put the words into a plain JSONField."""
    row = typed(desk)
    assert RecordKey.objects.filter(owner=row.pk).exists()
    stored = HelpRequest.objects.filter(pk=row.pk).values_list("country", flat=True)
    assert list(stored) == ["KZ"]
    RecordKey.objects.filter(owner=row.pk).update(wrapped=None)
    assert "Его держат" not in words_of(desk.get(page_of(row)))


def test_it_opens_where_the_key_of_the_mailbox_is_missing(desk, settings):
    """Sabotage: ask dropbox.ring() in open_request whatever the request is."""
    row = typed(desk)
    settings.DROPBOX_PRIVATE_FILE = None
    assert "Его держат с пятницы." in words_of(desk.get(page_of(row)))


def test_two_clicks_make_one_request(desk):
    """Done when a form sent twice is kept once. Sabotage: leave `key` out of type_in."""
    once = once_on(desk.get(NEW))
    for _click in range(2):
        assert desk.post(NEW, TYPED | {"once": once}).status_code == 302
    assert HelpRequest.objects.count() == 1
    assert TrailRow.objects.filter(verb="request_typed").count() == 1


def test_a_token_is_its_readers_alone(desk, oskar, sign_in):
    """Sabotage: leave the user out of the signer's salt."""
    once = once_on(desk.get(NEW))
    other = sign_in(oskar)
    other.post(NEW, TYPED | {"once": once})
    other.post(NEW, TYPED | {"once": "nonsense"})
    desk.post(NEW, TYPED | {"once": once})
    assert HelpRequest.objects.count() == 3


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("channel", "", "Choose how the request came."),
        ("event_on", "31.02.2030", "This is not a date."),
        ("text", "х" * 2001, "2001"),
    ],
)
def test_what_is_refused_stays_typed(field, value, said, desk):
    """Sabotage: show an empty form after an error."""
    answer = desk.post(NEW, TYPED | {field: value})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert "После шести" in page
    assert "checked" in page
    assert not HelpRequest.objects.exists()


def test_an_empty_form_is_no_request(desk):
    answer = desk.post(NEW, {"channel": "telephone", "language": "ru", "alias": "Кот"})
    assert answer.status_code == 422
    assert "a few words of what was told" in words_of(answer)


def test_every_danger_of_the_public_form_is_asked():
    """Sabotage: a list of dangers of one's own in TypedForm."""
    asked = {value for value, _label in TypedForm().fields["dangers"].choices}
    assert asked < set(Danger)
    assert len(asked) == 9


ODD = "\0\x08\r\n\u202e\u2066\u200d\ufeff\ufffeë\u0301'\"<>&%{}\\🕊\U000e0001İ"
texts = st.text(max_size=2500) | st.text(alphabet=ODD, max_size=80)
texts |= st.sampled_from(["telephone", "ru", "KZ", "я" * 9000])
fields = st.sampled_from([*TypedForm.base_fields, "once", "act", "нет"])


@given(st.dictionaries(fields, texts | st.lists(texts, max_size=3), max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.speaks_sql
def test_whatever_is_typed_is_kept_or_refused(desk, form):
    """Done when a fuzzed form gives a page or a sealed request. Sabotage: raise ValueError in forms._date."""
    before = HelpRequest.objects.count()
    lists = {name: value if isinstance(value, list) else [value] for name, value in form.items()}
    sent = {name: [one.encode("utf-8", "replace").decode() for one in many] for name, many in lists.items()}
    answer = desk.post(NEW, sent)
    assert answer.status_code in (302, 422)
    assert HelpRequest.objects.count() - before == (answer.status_code == 302)


# -- answers


def test_what_the_person_was_told_is_noted_with_day_and_way(desk):
    """Done when an answer without a mailbox stays with the request. Sabotage: drop note_told's save."""
    row = typed(desk)
    sent = {"act": "told", "how": "telephone", "on": "2026-03-02", "text": "Ждите звонка.",
            "once": once_on(desk.get(page_of(row)))}  # fmt: skip
    for _click in range(2):
        answer = desk.post(page_of(row), sent, follow=True)
    assert "The person was told on 2026-03-02 (Telephone): Ждите звонка." in words_of(answer)
    row.refresh_from_db()
    assert (row.state, len(row.content["told_later"])) == (State.ANSWERED, 1)
    assert not Answer.objects.exists()
    case = requests.make_case(row, caseworker=None, by=TrailRow.objects.first().actor, country="KZ")
    notes = [note.text for note in Note.objects.filter(case=case).with_keys()]
    assert any("Ждите звонка." in text for text in notes)
    assert case.contacts.get().value == "+7 999 000-11-22"


def test_what_is_told_later_becomes_a_note_of_the_case(desk, olga):
    row = typed(desk)
    case = requests.make_case(row, caseworker=olga, by=olga, country="KZ")
    sent = {"act": "told", "how": "messenger", "on": "2026-03-02", "text": "Суд перенесли.",
            "once": once_on(desk.get(page_of(row)))}  # fmt: skip
    for _click in range(2):
        assert desk.post(page_of(row), sent).status_code == 302
    notes = [note.text for note in Note.objects.filter(case=case).with_keys()]
    assert sum("Суд перенесли." in text for text in notes) == 1


def test_nobody_was_told_tomorrow(desk):
    row, ahead = typed(desk), (timezone.localdate() + timedelta(3)).isoformat()
    answer = desk.post(page_of(row), {"act": "told", "how": "telephone", "on": ahead, "text": "Да."})
    assert (answer.status_code, "This day lies ahead." in words_of(answer)) == (422, True)


def test_an_answer_that_is_too_long_says_by_how_much(arrives, desk):  # noqa: F811
    """Sabotage: drop max_length from _answer."""
    row = arrives()
    answer = desk.post(page_of(row), {"act": "answer", "text": "а" * 4001})
    assert answer.status_code == 422
    assert "The answer has 4001 characters; at most 4000 fit. Send it in two." in words_of(answer)
    with pytest.raises(ValidationError, match="4001"):
        requests.checked_answer("а" * 4001)
    texts = [
        safe_answers.text(key, language) for key, _ in safe_answers.choices() for language in ("en", "ru")
    ]
    assert max(map(len, texts)) < requests.LONGEST_ANSWER


def test_two_clicks_send_one_answer_and_make_one_case(arrives, desk):  # noqa: F811
    """Done when answer and case are idempotent. Sabotage: leave `key` out of requests.answer or make_case."""
    row = arrives()
    once = once_on(desk.get(page_of(row)))
    for _click in range(2):
        assert desk.post(page_of(row), {"act": "answer", "text": "Ждите.", "once": once}).status_code == 302
    assert Answer.objects.count() == 1
    once = once_on(desk.get(page_of(row)))
    places = {
        desk.post(page_of(row), {"act": "accept", "country": "KZ", "once": once})["Location"]
        for _click in "12"
    }
    assert places == {f"/desk/cases/case/{Case.objects.get().pk}/change/"}
    assert RequestOutcome.objects.count() == 1


def test_a_damaged_typed_request_says_so_calmly(desk):
    """Sabotage: catch only Erased in inbox.filing.read_content."""
    row = typed(desk)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE intake_helprequest SET content = %s", [b"\x01" + b"broken" * 9])
    answer = desk.get(page_of(row))
    assert (answer.status_code, "This does not open" in words_of(answer)) == (200, True)
    told = {"act": "told", "how": "telephone", "on": "2026-03-02", "text": "Да."}
    assert desk.post(page_of(row), told).status_code == 422
    assert desk.get(INBOX).status_code == 200


# -- withdrawn, and words


def test_a_case_whose_request_was_withdrawn_says_so(arrives, desk, olga):  # noqa: F811
    """Sabotage: give None in place of the hour in requests.origins."""
    row = arrives()
    case = requests.make_case(row, caseworker=olga, by=olga, country="KZ")
    address = f"/desk/cases/case/{case.pk}/change/"
    assert page_of(row) in desk.get(address).content.decode()
    HelpRequest.objects.withdraw(row.lookup, at=timezone.now())
    page = desk.get(address)
    assert "The person withdrew their help request on" in words_of(page)
    assert page_of(row) not in page.content.decode()


def test_what_came_just_now_came_less_than_an_hour_ago(desk):
    """Sabotage: take the first line out of inbox.listing.length."""
    text = words_of(desk.get(page_of(typed(desk))))
    assert "came less than an hour ago" in text
    assert listing.length(1) == "1 hour"


def test_the_form_speaks_russian(desk, olga):
    """Sabotage: a bare English heading in templates/desk/request_new.html."""
    row = typed(desk)
    desk.get(INBOX)
    olga.language = "ru"
    olga.save(update_fields=["language"])
    for address in (NEW, page_of(row)):
        assert english_on(desk.get(address), "olga", "Astana") == [], address
