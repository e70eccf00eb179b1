"""The digest as a page: what stands in it, assigning from it, signing what was on the screen."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Deadline, DigestSignature
from desk import digest
from reminders.models import Reminder
from staff.models import TrailRow
from staff.trail import Verb
from tests.staff.flow import signed_in

pytestmark = pytest.mark.django_db

DIGEST = "/desk/digest/"


def read(desk, query=""):
    answer = desk.get(DIGEST + query)
    assert answer.status_code == 200
    return answer.content.decode()


def day():
    return timezone.localdate()


def signing(text):
    return {"act": "sign", "shown": re.search(r'name="shown" value="([0-9a-f]+)"', text)[1]}


def assigning(case, to):
    return {"act": "assign", "case": str(case.pk), "to": to}


def part(text, key):
    return text[text.index(f'id="part-{key}"') :].partition("</section>")[0]


def test_each_section_has_its_count_and_its_lines(dated_case, petra, olga, at_desk):
    late, soon, later = (dated_case(day() + timedelta(n)) for n in (-2, 3, 20))
    Deadline.objects.get(case=soon).mark_seen(by=olga)
    alone = Case.objects.open_case(by=petra, country="KZ")
    text = read(at_desk(petra))
    for key, cases in {
        "overdue": [late], "next_7_days": [soon], "next_30_days": [later], "unseen": [late, later],
        "without_caseworker": [alone], "status_unknown": [], "undelivered": [],
    }.items():  # fmt: skip
        section = part(text, key)
        assert f'<span class="total">{len(cases)}</span>' in section
        for case in (late, soon, later, alone):
            link = f'href="{reverse("admin:cases_case_change", args=[case.pk])}">{case.code_name}<'
            assert (link in section) == (case in cases), key


def test_a_case_is_assigned_from_its_line(dated_case, petra, olga, at_desk):
    case = dated_case(day())
    desk = at_desk(petra)
    assert "<option>petra</option>" in read(desk)
    answer = desk.post(DIGEST, assigning(case, "petra"))
    assert answer.url == DIGEST
    case.refresh_from_db()
    assert case.caseworker == petra
    assert "Assigned to petra." in read(desk)
    assert TrailRow.objects.filter(verb=Verb.CASE_ASSIGNED, case=case.pk, actor=petra).count() == 1


def test_who_gets_a_case_hears_of_it_at_once(dated_case, petra, olga, at_desk):
    """Sabotage: leave plan_case out of _assign()."""
    case = dated_case(day() - timedelta(1))
    at_desk(petra).post(DIGEST, assigning(case, "petra"))
    assert {row.payload["recipient"] for row in Reminder.objects.all()} == {str(petra.pk)}


@pytest.mark.parametrize("to", ["", "oskar", "mark", "anton", "nobody", "' OR 1=1"])
def test_nobody_outside_the_team_or_without_a_role_gets_a_case(
    dated_case, petra, olga, oskar, mark, anton, at_desk, to
):
    case = dated_case(day())
    desk = at_desk(petra)
    desk.post(DIGEST, assigning(case, to))
    case.refresh_from_db()
    assert case.caseworker == olga
    assert 'class="error"' in read(desk)


def test_a_case_of_another_team_is_neither_shown_nor_assigned(dated_case, petra, oskar, at_desk):
    """Sabotage: take Case.objects.get() instead of visible_to(user).get() in _assign()."""
    case = dated_case(day(), by=oskar)
    desk = at_desk(petra)
    assert case.code_name not in read(desk)
    assert desk.post(DIGEST, assigning(case, "petra")).status_code == 403
    never = Case(pk=uuid4())
    assert desk.post(DIGEST, assigning(never, "petra")).status_code == 403
    case.refresh_from_db()
    assert case.caseworker == oskar


def test_the_signature_keeps_what_was_open_and_says_who_and_when(dated_case, petra, paula, at_desk):
    case = dated_case(day())
    desk = at_desk(petra)
    text = read(desk)
    assert "Nobody has signed today&#x27;s digest yet." in text or "Nobody has signed today's" in text
    assert desk.post(DIGEST, signing(text)).url == DIGEST
    (row,) = DigestSignature.objects.all()
    assert (row.coordinator, row.day) == (petra, day())
    assert case.code_name in str(row.shown)
    text = read(desk)
    assert re.search(r"✓\s*<b>petra</b>\s*<time", text)
    assert 'value="sign"' not in text
    assert TrailRow.objects.filter(verb=Verb.DIGEST_SIGNED, actor=petra).count() == 1
    other = signed_in(Client(), paula)
    assert 'value="sign"' in read(other)


def test_nobody_signs_what_was_not_on_the_screen(dated_case, petra, at_desk):
    """Sabotage: sign without comparing the fingerprint."""
    desk = at_desk(petra)
    seen = signing(read(desk))
    dated_case(day())
    desk.post(DIGEST, seen)
    assert not DigestSignature.objects.exists()
    text = read(desk)
    assert "has changed since you opened it" in text
    desk.post(DIGEST, signing(text))
    assert DigestSignature.objects.count() == 1


def test_a_second_signature_says_that_there_is_one(petra, at_desk):
    desk = at_desk(petra)
    seen = signing(read(desk))
    for _each in range(2):
        desk.post(DIGEST, seen)
    assert DigestSignature.objects.count() == 1
    assert "etra signed this digest on" in read(desk)


def test_earlier_days_are_listed_with_their_signatures(petra, paula, at_desk):
    now = timezone.now()
    for person, ago in ((petra, 1), (paula, 1), (petra, 3)):
        when = now - timedelta(days=ago)
        digest.sign(person, digest.compose(person, day() - timedelta(ago)), at=when)
    text = read(at_desk(petra))
    rows = re.findall(r"<tr>\s*<td>[^<]*(\d{4}-\d\d-\d\d)\s*</td>\s*<td>(.*?)</td>\s*</tr>", text, re.DOTALL)
    assert [found for found, _who in rows] == [str(day() - timedelta(1)), str(day() - timedelta(3))]
    assert rows[0][1].count("petra") == rows[0][1].count("paula") == 1
    assert "Nobody has signed today" in text


def test_a_long_section_is_cut_with_its_count_and_shown_by_the_page(dated_case, petra, olga, at_desk):
    """Sabotage: drop `more` from the section."""
    for _each in range(15):
        dated_case(day())
    desk = at_desk(petra)
    section = part(read(desk), "next_7_days")
    assert section.count('<li class="line') == 12
    rest = re.search(r'href="/desk/digest/([^"]*)">\s*3 more: show all\s*<', section)
    assert read(desk, rest[1]).count('<li class="line') == 15
    assert part(read(desk, "?print=1"), "next_7_days").count('<li class="line') == 15


def test_the_print_view_has_no_forms_of_its_own(dated_case, petra, at_desk):
    dated_case(day())
    text = read(at_desk(petra), "?print=1")
    content = text[text.index('id="content-main"') :]
    assert "<form" not in content
    assert "<select" not in content


def test_what_reached_nobody_can_be_sent_again(dated_case, petra, olga, oskar, at_desk):
    """Sabotage: retry every dead row instead of those on the page."""
    ours, theirs = dated_case(day()), dated_case(day(), by=oskar)
    for case in (ours, theirs):
        payload = Reminder.about(Deadline.objects.get(case=case).pk, day(), 0, olga.pk)
        Reminder.objects.create(payload=payload, state="dead", next_at=None, trouble="refused")
    desk = at_desk(petra)
    section = part(read(desk), "undelivered")
    assert ours.code_name in section
    assert theirs.code_name not in section
    desk.post(DIGEST, {"act": "retry"})
    assert sorted(Reminder.objects.values_list("state", flat=True)) == ["dead", "queued"]


@pytest.mark.parametrize("act", ["assign", "sign", "retry"])
def test_a_form_from_elsewhere_does_nothing(dated_case, petra, olga, act):
    case = dated_case(day())
    desk = signed_in(Client(), petra)
    seen = signing(read(desk)) | assigning(case, "petra") | {"act": act}
    desk.handler.enforce_csrf_checks = True
    assert desk.post(DIGEST, seen).status_code == 403
    case.refresh_from_db()
    assert case.caseworker == olga
    assert not DigestSignature.objects.exists()


@pytest.mark.parametrize("name", ["olga", "oskar", "anton"])
def test_only_coordinators_come_here(request, dated_case, at_desk, name):
    case = dated_case(day())
    person = request.getfixturevalue(name)
    desk = at_desk(person)
    for answer in (
        desk.get(DIGEST),
        desk.post(DIGEST, assigning(case, name)),
        desk.post(DIGEST, {"act": "sign"}),
    ):
        assert answer.status_code == 403
        assert "The digest is for coordinators" in answer.content.decode()
    assert TrailRow.objects.filter(verb=Verb.REFUSED, actor=person).count() == 3
    assert not DigestSignature.objects.exists()


def test_reading_an_address_signs_nothing(petra, at_desk):
    desk = at_desk(petra)
    desk.get(DIGEST, signing(read(desk)))
    assert not DigestSignature.objects.exists()
