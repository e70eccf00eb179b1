"""The inbox: who reads it, in which order it stands, what opening does, and what does not open."""

import html
import itertools
import random
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from inbox import listing, requests, words
from inbox.listing import InboxFilter
from intake.models import Colour, HelpRequest, Message, Photograph, State
from intake.triage import risen_colour
from staff.models import TrailRow
from tests.house.test_translations import english_on
from tests.intake.pictures import jpeg
from vault import dropbox

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql]
INBOX = "/desk/inbox/"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TOLD = {
    "alias": "Кот", "safe": "Вечером, в этом ящике", "country": "KZ", "dangers": ["detained"],
    "category": "mobilised", "needs": ["legal", "shelter"], "text": "Меня держат с пятницы.",
    "papers": ["military_id"], "event": "hearing", "event_on": "2030-03-09", "keep": "while_helping",
    "language": "ru", "sent_at": "2026-03-02T12:34+00:00",
    "flags": [{"danger": "detained", "distance": None, "source": "person", "colour": 3, "limit": None}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def mailbox(tmp_path, settings):
    """The desk's mailbox keys."""
    settings.DROPBOX_PRIVATE_FILE = tmp_path / "desk" / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "public" / "mailbox.pub"
    settings.FILES_DIR = tmp_path / "files"
    dropbox.turn(timezone.localdate())
    with translation.override("en"):
        yield


@pytest.fixture
def arrives():
    """Makes a request that came some hours ago."""

    def make(*, hours=0, colour=Colour.RED, told=TOLD, now=None, **changes):
        pair = dropbox.KeyPair(uuid4().bytes * 2)
        plain = {"language": "ru", "country": "KZ", "category": "mobilised"} | changes
        at = (now or timezone.now()) - timedelta(hours=hours)
        return HelpRequest.objects.receive(
            told, at=at, lookup=uuid4().hex, public_key=pair.public, colour=colour, **plain
        )

    return make


def page_of(row):
    return f"{INBOX}{row.pk}/"


def words_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


# -- who


@pytest.mark.parametrize("name", ["mark", "anton", "vera", "lena"])
def test_the_inbox_is_for_caseworkers_and_coordinators(name, arrives, request, sign_in):
    """Sabotage: drop _require_inbox from any of the three doors."""
    row = arrives()
    Photograph.objects.receive(row.pk, [b"picture"], at=timezone.now())
    desk = sign_in(request.getfixturevalue(name))
    for address in (INBOX, page_of(row), f"{INBOX}photograph/{Photograph.objects.get().pk}/"):
        answer = desk.get(address)
        assert answer.status_code in (302, 403)
        assert "Меня держат" not in answer.content.decode()
    assert HelpRequest.objects.get().state == State.NEW


def test_a_request_of_a_hidden_case_is_not_there(arrives, olga, oskar, sign_in):
    """A colleague without the case gets what an unknown id gets. Sabotage: leave the state out of
    visible_to().
    """
    row = arrives()
    requests.make_case(row, caseworker=olga, by=olga, country="KZ")
    HelpRequest.objects.add_to(row.pk, {"text": "Новое."}, at=timezone.now(), colour=Colour.RED)
    desk = sign_in(oskar)
    assert desk.get(page_of(row)).status_code == 404
    assert listing.counts(oskar)[InboxFilter.ALL] == 0
    assert TrailRow.objects.filter(verb="refused", actor=oskar).exists()
    assert listing.counts(olga)[InboxFilter.WAITING] == 1
    assert "Новое." in sign_in(olga).get(page_of(row)).content.decode()


# -- the list


def test_the_database_raises_colours_as_triage_does(arrives):
    """SQL and the rule agree, to the hour. Sabotage: `received_at__lt` in inbox.listing._risen_colour."""
    key = arrives().pk
    around = (0, 1, 23, 24, 25, 71, 72, 73, 95, 96, 97)
    for colour, hours, minutes in itertools.product(Colour, around, (0, 59)):
        received = NOW - timedelta(hours=hours, minutes=minutes)
        HelpRequest.objects.filter(pk=key).update(colour=colour, received_at=received)
        (row,) = HelpRequest.objects.annotate(by_now=listing._risen_colour(NOW)).values("by_now")
        assert row["by_now"] == risen_colour(colour, waited_hours=hours), (colour, hours, minutes)


def test_the_most_urgent_and_longest_waiting_stands_first(arrives, olga):
    """A clock that ran out unopened raises the colour by one. Sabotage: order by "colour"."""
    green = arrives(colour=Colour.GREEN, hours=500, now=NOW)
    late_orange = arrives(colour=Colour.ORANGE, hours=30, now=NOW)
    red = arrives(colour=Colour.RED, hours=1, now=NOW)
    late_yellow = arrives(colour=Colour.YELLOW, hours=80, now=NOW)
    yellow = arrives(colour=Colour.YELLOW, hours=3, now=NOW)
    found = [row["pk"] for row in listing.list_requests(olga, InboxFilter.WAITING, NOW)]
    assert found == [each.pk for each in (late_orange, red, late_yellow, yellow, green)]
    lines = {
        line.key: line
        for line in listing.lines(list(listing.list_requests(olga, InboxFilter.WAITING, NOW)), NOW)
    }
    assert lines[late_orange.pk].urgency == Colour.RED
    assert (lines[late_orange.pk].clock, lines[late_orange.pk].late) == ("open it now: late by 6 hours", True)
    assert lines[yellow.pk].clock == "open it within 2 days"
    assert lines[green.pk].clock == "no clock"


def test_an_addition_brings_an_answered_request_back(arrives, olga):
    """Sabotage: `few = []` in inbox.listing.list_requests."""
    row = arrives(colour=Colour.GREEN)
    HelpRequest.objects.update(state=State.ANSWERED)
    assert list(listing.list_requests(olga, InboxFilter.WAITING, NOW)) == []
    HelpRequest.objects.add_to(row.pk, {"text": "Пришли."}, at=NOW, colour=Colour.RED)
    (line,) = listing.lines(list(listing.list_requests(olga, InboxFilter.WAITING, NOW)), NOW)
    assert (line.urgency, line.added, line.clock) == (Colour.RED, 1, "open it now")


def test_a_page_has_the_order_that_the_database_gives_all_of_them(arrives, olga):
    """Those with additions are sorted apart and put between the others: the same order, page by page.
    Sabotage: sort Listed by received_at in place of since, or leave the additions of accepted requests in.
    """
    dice = random.Random(5)
    for _each in range(70):
        row = arrives(colour=dice.randrange(4))
        at = NOW - timedelta(hours=dice.randrange(200))
        state = dice.choice(["new", "new", "opened", "answered", "accepted", "declined", "spam"])
        HelpRequest.objects.filter(pk=row.pk).update(state=state, received_at=at)
        for _addition in range(dice.choice((0, 0, 1, 2))):
            later = NOW - timedelta(hours=dice.randrange(120))
            HelpRequest.objects.add_to(row.pk, {"text": "…"}, at=later, colour=dice.randrange(4))
    unopened = Message.objects.filter(opened=False).values("request")
    waits = Q(state__in=("new", "opened")) | ~Q(state="spam") & Q(pk__in=unopened)
    rows = HelpRequest.objects.exclude(state="accepted")
    for kept, wanted in (
        (InboxFilter.WAITING, waits),
        (InboxFilter.ALL, Q()),
        (InboxFilter.ANSWERED, Q(state="answered")),
    ):
        expected = list(listing._by_urgency(rows.filter(wanted), NOW))
        found = listing.list_requests(olga, kept, NOW)
        assert len(found) == len(expected) == listing.counts(olga)[kept]
        assert [found[n : n + 7] for n in range(0, len(found), 7)] == [
            expected[n : n + 7] for n in range(0, len(expected), 7)
        ]
    assert listing.waiting_count(olga) == len(listing.list_requests(olga, InboxFilter.WAITING, NOW))


def test_queries_do_not_grow_with_requests(arrives, olga, sign_in):
    """Sabotage: ask for the additions line by line."""
    desk = sign_in(olga)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(INBOX).status_code == 200
        return len(queries)

    row = arrives()
    HelpRequest.objects.add_to(row.pk, {"text": "…"}, at=timezone.now())
    cost()
    few = cost()
    for _each in range(60):
        HelpRequest.objects.add_to(arrives().pk, {"text": "…"}, at=timezone.now())
    assert cost() == few


def test_pages_hold_fifty_and_lead_on(arrives, olga, sign_in):
    for _each in range(52):
        arrives(colour=Colour.GREEN)
    desk = sign_in(olga)
    first, second = desk.get(INBOX), desk.get(f"{INBOX}?page=2")
    assert first.content.decode().count('<li class="line') == 50
    assert second.content.decode().count('<li class="line') == 2
    assert "show=waiting&amp;page=2" in first.content.decode()
    assert len(first.content) <= 100_000


def test_an_empty_inbox_says_so_and_the_number_waiting_stands_in_the_head(arrives, olga, sign_in):
    desk = sign_in(olga)
    assert "No request waits." in words_of(desk.get(INBOX))
    assert "No request here. To those that wait" in words_of(desk.get(f"{INBOX}?show=spam"))
    arrives()
    assert "Inbox 1 waiting" in words_of(desk.get("/account/"))
    assert desk.get(f"{INBOX}?show=nonsense&page=x").status_code == 200


# -- one request


def test_opening_shows_the_answers_in_words_and_stops_the_clock(arrives, olga, sign_in):
    """Sabotage: drop trail.append, or the update of the state, from open_request."""
    row = arrives()
    text = words_of(sign_in(olga).get(page_of(row)))
    for said in ("Кот", "Меня держат с пятницы.", "Kazakhstan", "Mobilised", "A lawyer, A place to stay",
                 "Detained told by the person · at once", "2030-03-09", "Military ID"):  # fmt: skip
        assert said in text
    assert HelpRequest.objects.get().state == State.OPENED
    (entry,) = TrailRow.objects.filter(verb="request_opened")
    assert (entry.actor, entry.details["about"]) == (olga, str(row.pk))


def test_what_was_added_stands_there_and_counts_as_seen(arrives, olga, sign_in):
    row = arrives()
    HelpRequest.objects.add_to(row.pk, {"kind": "corrected", "text": "Уже в суде."}, at=timezone.now())
    text = words_of(sign_in(olga).get(page_of(row)))
    assert "Уже в суде." in text
    assert "A correction of what was written before" in text
    assert Message.objects.get().opened


def test_a_photograph_comes_as_a_download_with_a_neutral_name(arrives, olga, sign_in):
    """Sabotage: leave out Content-Disposition."""
    row = arrives()
    Photograph.objects.receive(row.pk, [jpeg()], at=timezone.now())
    desk = sign_in(olga)
    assert "<img" not in desk.get(page_of(row)).content.decode().partition("told-name")[2]
    answer = desk.get(f"{INBOX}photograph/{Photograph.objects.get().pk}/")
    assert answer["Content-Disposition"] == 'attachment; filename="photograph.jpg"'
    assert answer.content == jpeg()
    assert TrailRow.objects.filter(verb="file_read", actor=olga).exists()


def test_a_damaged_box_says_so_calmly(arrives, olga, sign_in):
    """Neither the page nor the list breaks. Sabotage: let open_request raise."""
    row = arrives()
    Photograph.objects.receive(row.pk, [b"picture"], at=timezone.now())
    Photograph.objects.update(box=b"\x01broken")
    HelpRequest.objects.update(box=bytes(row.box)[:-1] + b"?")
    desk = sign_in(olga)
    answer = desk.get(page_of(row))
    assert answer.status_code == 200
    assert "This does not open: it is damaged" in words_of(answer)
    photograph = desk.get(f"{INBOX}photograph/{Photograph.objects.get().pk}/", follow=True)
    assert "This photograph does not open." in words_of(photograph)
    assert desk.get(INBOX).status_code == 200


def test_a_box_moved_to_another_request_does_not_open_there(arrives, olga, sign_in):
    """Sabotage: leave `bound_to` out of Boxed.take."""
    row, other = arrives(), arrives(told=TOLD | {"text": "Чужое."})
    HelpRequest.objects.filter(pk=row.pk).update(box=other.box)
    assert "Чужое." not in words_of(sign_in(olga).get(page_of(row)))


def test_without_the_mailbox_key_the_clocks_run_on(arrives, olga, sign_in, settings):
    """Sabotage: mark it as opened before the ring is read."""
    row = arrives()
    settings.DROPBOX_PRIVATE_FILE = None
    answer = sign_in(olga).get(page_of(row))
    assert answer.status_code == 503
    assert "does not hold the key of the mailbox" in words_of(answer)
    assert HelpRequest.objects.get().state == State.NEW


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*words.QUESTIONS, "flags", "sent_at"]), ANYTHING, max_size=8),
    ANYTHING,
)
def test_whatever_a_box_holds_can_be_shown(told, flag):
    """Whoever holds the public host can seal anything. Sabotage: catch only KeyError in _flag."""
    record = {"danger": "hearing", "distance": flag, "source": "person", "colour": 1, "limit": 14}
    told = told | {"flags": [record]}
    for given_ in (told, told | {"flags": flag, "country": flag, "sent_at": flag}):
        assert all(answer for _key, _question, answer in words.answers(given_))
        assert all(line.colour in (0, 1, 2, 3) for line in words.flags(given_))
        words.sent_at(given_)
        assert len(words.summary(given_)) <= words.LONGEST_SUMMARY
        assert words.request_note(given_)


def test_the_inbox_speaks_russian(arrives, olga, sign_in):
    """Sabotage: a bare English heading in templates/desk/request.html."""
    olga.language = "ru"
    olga.save(update_fields=["language"])
    row, desk = arrives(), sign_in(olga)
    for address in (INBOX, page_of(row), f"{INBOX}?show=spam"):
        assert english_on(desk.get(address), "olga", "Astana") == [], address
