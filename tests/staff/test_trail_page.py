"""The trail as auditors read it: by person, act, day and case, without what lies under a case's key."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from staff import chain, checkpoints, trail
from staff.models import TrailRow
from staff.trail import Verb
from staff.views.trail import PAGE_ROWS
from vault.models import RecordKey

TRAIL = "/desk/trail/"


@pytest.fixture
def case_id(db):
    """The id of something that owns a key, as a case does."""
    key = uuid.uuid4()
    RecordKey.objects.make([key])
    return key


@pytest.fixture
def hers(sign_in, vera):
    """Vera, the auditor, at the desk."""
    return sign_in(vera)


def read(client, query=""):
    answer = client.get(TRAIL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(text):
    """The cells of each line, tags taken out."""
    body = text[text.index("<tbody>") : text.index("</tbody>")] if "<tbody>" in text else ""
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def test_an_auditor_lands_on_the_trail(hers):
    assert hers.get("/desk/")["Location"] == TRAIL
    assert f'href="{TRAIL}"' in read(hers)


def test_a_line_says_who_did_what_to_which_case(hers, olga, case_id):
    trail.append(olga, Verb.CASE_OPENED, case_id=case_id)
    when, who, what, case, about = rows(read(hers))[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", when)
    assert (who, what, case, about) == ("olga", "opened the case file", str(case_id)[:8], "")


def test_nothing_of_a_case_is_shown(hers, olga, case_id):
    """Sabotage: drop the `row.case` line of _about()."""
    trail.append(olga, Verb.CASE_CHANGED, case_id=case_id, fields=["stay.left_on"], reason="a telling reason")
    trail.append(olga, Verb.CASES_SEARCHED, query="Ivan Petrov")
    text = read(hers)
    for word in ("telling", "left_on", "Petrov"):
        assert word not in text


def test_of_accounts_it_says_which(hers, anton, olga):
    trail.append(anton, Verb.ROLE_REQUESTED, about=olga.pk, reason="coordinator")
    trail.append(anton, Verb.ACCOUNT_CHANGED, about=olga.pk, fields=["user.team"])
    abouts = [line[4] for line in rows(read(hers))[:2]]
    assert abouts == ["olga · user.team", "olga · coordinator"]


def test_damaged_details_do_not_close_the_page(hers, anton, olga):
    row = trail.append(anton, Verb.ACCOUNT_CHANGED, about=olga.pk, fields=["user.team"])
    other = trail.append(anton, Verb.ACCOUNT_CHANGED, about=olga.pk)
    from staff import append_only

    append_only.remove(connection, "staff_trailrow")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE staff_trailrow SET details = (SELECT details FROM staff_trailrow WHERE id = %s) WHERE "
            "id = %s",
            [other.pk, row.pk],
        )
    assert "unreadable" in read(hers)


@pytest.mark.speaks_sql
def test_it_is_filtered_by_person_act_case_and_day(hers, olga, petra, case_id):
    """Sabotage: drop any one filter of TrailFilter.rows()."""
    old = datetime(2026, 3, 1, 12, tzinfo=UTC)
    trail.append(olga, Verb.CASE_OPENED, case_id=case_id, at=old)
    trail.append(petra, Verb.CASE_OPENED, case_id=case_id, at=old + timedelta(days=1))
    trail.append(petra, Verb.CASE_CLOSED, at=old + timedelta(days=2))

    def shown(query):
        return [(line[1], line[2]) for line in rows(read(hers, query))]

    seen, closed = "opened the case file", "closed the case"
    assert ("petra", seen) not in shown(f"?who={olga.pk}")
    assert ("olga", seen) in shown(f"?who={olga.pk}")
    assert shown(f"?verb=case_opened&case={case_id}") == [("petra", seen), ("olga", seen)]
    assert shown(f"?case={case_id}&who={petra.pk}") == [("petra", seen)]
    assert shown("?since_on=2026-03-02&until_on=2026-03-02") == [("petra", seen)]
    assert shown("?since_on=2026-03-02&until_on=2026-03-03") == [("petra", closed), ("petra", seen)]
    assert all(who == "the console" for who, _what in shown("?who=console"))
    assert len(shown("?who=console")) >= 3


def test_days_are_those_of_the_readers_zone(hers, vera, olga):
    type(vera).objects.filter(pk=vera.pk).update(time_zone="Asia/Almaty")
    trail.append(olga, Verb.CASE_CLOSED, at=datetime(2026, 3, 1, 20, tzinfo=UTC))
    assert rows(read(hers, "?since_on=2026-03-02&until_on=2026-03-02"))[0][0] == "2026-03-02 01:00:00"
    assert "Nothing on the trail fits" in read(hers, "?until_on=2026-03-01")


@pytest.mark.parametrize(
    "query",
    ["?who=nobody", "?verb=nothing", "?since_on=x", "?since_on=2026-03-02&until_on=2026-03-01", "?case=1"],
)
@pytest.mark.speaks_sql
def test_a_wrong_filter_is_explained_and_shows_nothing(hers, query):
    answer = hers.get(TRAIL + query)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert rows(answer.content.decode()) == []


def test_it_is_read_page_by_page(hers, olga):
    """Every row once, whatever is added meanwhile. Sabotage: `<=` in _page()."""
    for number in range(PAGE_ROWS + 30):
        trail.append(olga, Verb.CASE_CLOSED, at=timezone.now() - timedelta(days=1, seconds=-number))
    first = read(hers, f"?who={olga.pk}")
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    assert len(rows(first)) == PAGE_ROWS
    trail.append(olga, Verb.CASE_CLOSED)
    second = hers.get(older).content.decode()
    total = TrailRow.objects.filter(actor=olga).count()
    assert len(rows(first)) + len(rows(second)) == total - 1
    newer = re.search(r'rel="prev" href="([^"]+)"', second)[1].replace("&amp;", "&")
    assert [line[0] for line in rows(hers.get(newer).content.decode())] == [line[0] for line in rows(first)]
    assert 'rel="next"' not in second


def test_the_number_of_questions_does_not_grow(hers, olga, case_id):
    """Sabotage: row.actor.username in _line()."""

    def questions():
        with CaptureQueriesContext(connection) as asked:
            read(hers)
        return len(asked)

    read(hers)
    few = questions()
    for _number in range(60):
        trail.append(olga, Verb.CASE_OPENED, case_id=case_id)
    assert questions() == few


def test_the_heaviest_page_stays_light(hers, olga, case_id):
    for _number in range(PAGE_ROWS):
        trail.append(olga, Verb.CASE_OPENED, case_id=case_id)
    assert len(hers.get(TRAIL).content) < 100_000


def test_reading_the_trail_is_on_the_trail(hers, vera):
    read(hers, "?verb=case_opened")
    row = TrailRow.objects.latest("id")
    assert (row.verb, row.actor, row.details) == (Verb.TRAIL_READ, vera, {"fields": ["verb"]})


def test_rows_without_a_link_are_a_warning(hers, olga):
    trail.append(olga, Verb.CASE_OPENED, at=timezone.now() - timedelta(minutes=6))
    assert "more than five minutes" in read(hers)
    chain.extend_all()
    assert "more than five minutes" not in read(hers)


@pytest.mark.parametrize(
    ("name", "status"),
    [("olga", 403), ("oskar", 403), ("petra", 403), ("lena", 403), ("anton", 403), ("mark", 302)],
)
def test_the_trail_is_for_auditors_only(name, status, request, sign_in):
    """Sabotage: drop the `may` lines of show()."""
    client = sign_in(request.getfixturevalue(name))
    assert client.get(TRAIL).status_code == status


# -- the checkpoint


def test_the_checkpoint_is_saved_as_a_small_file(hers, sign_in, petra, vera):
    chain.extend_all()
    signed = checkpoints.sign_new()
    for client in (hers, sign_in(petra)):
        answer = client.get("/desk/trail/checkpoint/")
        assert checkpoints.read(answer.content.decode()) == signed.as_signed
        assert answer["Content-Disposition"] == f'attachment; filename="checkpoint-{signed.position}.txt"'
        assert answer["Cache-Control"] == "no-store"
    assert TrailRow.objects.filter(verb=Verb.CHECKPOINT_TAKEN, actor__in=[vera, petra]).count() == 2
    assert signed.public_key in read(hers)


def test_before_the_first_checkpoint_the_page_says_so(hers):
    assert "No checkpoint is signed yet" in read(hers)
    assert "No checkpoint is signed yet" in hers.get("/desk/trail/checkpoint/", follow=True).content.decode()


@pytest.mark.parametrize(("name", "status"), [("olga", 403), ("oskar", 403), ("anton", 403), ("mark", 302)])
def test_others_take_no_checkpoint_out(name, status, request, sign_in, petra):
    chain.extend_all()
    checkpoints.sign_new()
    client = sign_in(request.getfixturevalue(name))
    assert client.get("/desk/trail/checkpoint/").status_code == status
