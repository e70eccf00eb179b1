"""What the person agreed to: no by default, carried over from the request, taken back at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from cases.models import CaseShare, Consent, ContactChannel, Deadline, FactHistory, Purpose
from cases.models.consent import consent_statuses, has_consent
from inbox import requests
from intake.models import HelpRequest
from staff.models import TrailRow
from tests.inbox.test_inbox import mailbox  # noqa: F401
from tests.page import form_data, new_row

pytestmark = pytest.mark.django_db

DAY = date(2026, 9, 1)


def said_yes(case, by, purpose="sharing", **facts):
    facts = {"given_on": DAY, "given_how": "call", "language": "ru"} | facts
    return Consent.objects.create(case=case, by=by, purpose=purpose, **facts)


def page(case):
    return f"/desk/cases/case/{case.pk}/change/"


def test_nothing_is_agreed_to_until_somebody_noted_it(case, olga):
    assert not has_consent([], Purpose.SHARING, DAY)
    said_yes(case, olga, valid_until=DAY + timedelta(10))
    rows = list(case.consents.with_keys())
    assert rows[0].noted_by == olga
    assert has_consent(rows, Purpose.SHARING, DAY + timedelta(10))
    for day in (DAY - timedelta(1), DAY + timedelta(11)):
        assert not has_consent(rows, Purpose.SHARING, day)
    assert not has_consent(rows, Purpose.STATISTICS, DAY)


def test_a_withdrawal_ends_what_rested_on_it_in_the_same_moment(case, olga, lena, oskar, petra):
    """Sabotage: leave the call of _take_effect out of Consent.save."""
    consent = said_yes(case, olga)
    until = timezone.localdate() + timedelta(30)
    for person in (lena, oskar, petra):
        case.share(to=person, until_on=until, by=petra)
    assert case.__class__.objects.visible_to(oskar).filter(pk=case.pk).exists()
    consent.withdrawn_on, consent.withdrawn_how = DAY + timedelta(3), "message"
    consent.save(by=olga)
    assert not case.__class__.objects.visible_to(oskar).filter(pk=case.pk).exists()
    assert not case.__class__.objects.visible_to(lena).filter(pk=case.pk).exists()
    # Petra coordinates the team of the case: hers is no share outside.
    assert [share.user for share in CaseShare.objects.filter(ended=False)] == [petra]
    assert TrailRow.objects.filter(verb="case_share_ended", case=case.pk, actor=olga).count() == 2
    past = FactHistory.objects.of(case)
    changed = [row.readable_record["before"] for row in past if row.readable_record["facet"] == "consent"]
    assert {"withdrawn_on": None, "withdrawn_how": None} in changed


def test_a_withdrawal_closes_the_way_to_relatives(case, olga):
    consent = said_yes(case, olga, "relatives")
    ContactChannel.objects.create(
        case=case, by=olga, kind="signal", value="@mother", owner="relative", cleared_for_contact=True
    )
    consent.withdrawn_on, consent.withdrawn_how = DAY, "call"
    consent.save(by=olga)
    channel = ContactChannel.objects.get()
    assert (channel.never_contact, channel.cleared_for_contact) == (True, False)


def test_another_yes_to_the_same_keeps_what_rests_on_it(case, olga, lena, petra):
    older = said_yes(case, olga)
    said_yes(case, olga, given_on=DAY + timedelta(5))
    case.share(to=lena, until_on=timezone.localdate() + timedelta(5), by=petra)
    older.withdrawn_on, older.withdrawn_how = DAY + timedelta(6), "call"
    older.save(by=olga)
    assert CaseShare.objects.filter(ended=False).exists()


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"purpose": "everything"}, "purpose"),
        ({"given_on": None}, "given_on"),
        ({"valid_until": DAY - timedelta(1)}, "valid_until"),
        ({"withdrawn_on": DAY - timedelta(1), "withdrawn_how": "call"}, "withdrawn_on"),
        ({"withdrawn_on": DAY}, "withdrawn_how"),
        ({"withdrawn_how": "call"}, "withdrawn_on"),
    ],
)
def test_what_nobody_could_rely_on_is_refused(case, olga, facts, field):
    facts = {"purpose": "keep"} | facts
    with pytest.raises(ValidationError) as refused:
        said_yes(case, olga, **facts)
    assert field in refused.value.message_dict
    assert not Consent.objects.exists()


def test_what_was_withdrawn_is_not_taken_up_again(case, olga):
    consent = said_yes(case, olga, withdrawn_on=DAY, withdrawn_how="call")
    consent.withdrawn_on = consent.withdrawn_how = None
    with pytest.raises(ValidationError, match="Add a new consent"):
        consent.save(by=olga)


def test_its_end_stands_among_the_deadlines_until_a_longer_one_follows(case, olga, petra):
    """Sabotage: give back `running` as it is from consent.ending."""
    said_yes(case, olga, "statistics", valid_until=DAY + timedelta(30))
    case.refresh_deadlines(today=case.today())
    assert [(row.kind, row.due_on) for row in Deadline.objects.open()] == [
        ("consent_end", DAY + timedelta(30))
    ]
    said_yes(case, olga, "statistics", valid_until=DAY + timedelta(90))
    case.refresh_deadlines(today=case.today())
    assert [row.due_on for row in Deadline.objects.open()] == [DAY + timedelta(90)]
    last = said_yes(case, olga, "statistics", given_on=DAY + timedelta(1))
    case.refresh_deadlines(today=case.today())
    assert not Deadline.objects.open().exists()
    last.withdrawn_on, last.withdrawn_how = DAY + timedelta(2), "call"
    last.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert [row.due_on for row in Deadline.objects.open()] == [DAY + timedelta(90)]


def test_the_end_of_a_consent_is_on_the_digest(case, olga, petra):
    from desk import digest

    said_yes(case, olga, "sharing", valid_until=DAY + timedelta(20))
    case.refresh_deadlines(today=case.today())
    composed = digest.compose(petra, DAY, datetime(2026, 9, 1, 8, tzinfo=UTC))
    assert [line.kind for line in composed.next_30_days] == ["consent_end"]


def test_keeping_as_long_as_we_help_becomes_a_consent_and_until_answered_does_not(olga, mailbox):  # noqa: F811
    """Sabotage: leave carry_consent out of make_case."""
    at = datetime(2026, 9, 1, 9, tzinfo=UTC)
    cases = {}
    for keep in ("while_helping", "until_answered", ["odd"]):
        told = {"text": "Help.", "keep": keep, "sent_at": "2026-09-01T09:20+00:00"}
        request = HelpRequest.objects.type_in(told, at=at, colour=0, language="ru", channel="telephone")
        made = requests.make_case(request, caseworker=olga, by=olga, country="KZ")
        cases[str(keep)] = list(made.consents.with_keys())
    (row,) = cases["while_helping"]
    assert (row.purpose, row.given_on, row.given_how, row.language) == ("keep", DAY, "call", "ru")
    assert row.noted_by == olga
    assert not cases["until_answered"]
    assert not cases["['odd']"]


def test_the_tab_takes_a_consent_and_warns_of_a_share_without_one(at_desk, case, olga, lena, petra):
    desk = at_desk(olga)
    shown = desk.get(page(case) + "?add=consents")
    assert "not asked, or said no" in shown.content.decode()
    typed = form_data(
        shown,
        **{
            "consents-0-purpose": "keep",
            "consents-0-given_on": "2026-09-01",
            "consents-0-given_how": "call",
            "consents-0-language": "ru",
        },
    )
    assert desk.post(page(case), typed).status_code == 302
    assert case.consents.get().noted_by == olga
    shown = desk.get(page(case))
    share = {"user": str(lena.pk), "until_on": (timezone.localdate() + timedelta(9)).isoformat()}
    typed = form_data(shown) | new_row(shown, "shares", **share)
    told = desk.post(page(case), typed, follow=True).content.decode()
    assert "No consent to that is noted, and lena can open this case" in told
    said_yes(case, olga)
    assert "No consent to that is noted" not in desk.get(page(case)).content.decode()


def test_nothing_of_a_consent_is_readable_in_its_row(case, olga):
    from django.db import connection

    said_yes(case, olga, "photographs", remark="only the drawing", withdrawn_on=DAY, withdrawn_how="letter")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cases_consent")
        cells = cursor.fetchall()[0]
    readable = " ".join(str(cell) for cell in cells if not isinstance(cell, bytes | memoryview))
    for word in ("photographs", "letter", "2026", "drawing"):
        assert word not in readable


def test_a_consent_that_does_not_open_lets_nothing_pass(case, olga):
    from django.db import connection

    row = said_yes(case, olga, valid_until=DAY + timedelta(9))
    other = Consent.objects.get(pk=row.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_consent SET valid_until = given_on")
    rows = list(case.consents.with_keys())
    assert not has_consent(rows, Purpose.SHARING, DAY)
    words = {line.purpose: line.word for line in consent_statuses(case, rows, DAY)}
    assert words[Purpose.SHARING] == "does not count now"
    assert other.counts_on(DAY)


@pytest.mark.parametrize("person", ["mark", "oskar"])
def test_nobody_without_the_case_reads_or_notes_a_consent(at_desk, case, olga, person, request):
    said_yes(case, olga)
    desk = at_desk(request.getfixturevalue(person))
    answer = desk.post(page(case), {"consents-TOTAL_FORMS": "1", "consents-0-purpose": "keep"})
    assert answer.status_code in (302, 403, 404)
    assert "cases/case" not in answer.headers.get("Location", "")
    assert Consent.objects.count() == 1
