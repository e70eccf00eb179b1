"""Whether somebody is known already: what an opened request has in common with cases and requests."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import Case, ContactChannel, Identity, Note
from desk import chores
from inbox import duplicates, requests
from inbox.models import RequestMark, RequestOutcome, RequestTrace
from inbox.models import marks as request_marks
from intake.models import HelpRequest, Photograph, State
from staff import trail
from staff.models import TrailRow
from tests.house.test_translations import english_on
from tests.inbox.test_inbox import INBOX, TOLD, arrives, mailbox, page_of, words_of  # noqa: F401
from tests.intake.pictures import jpeg
from vault.models import RecordKey

pytestmark = pytest.mark.django_db
PHONE = "+7 999 000-11-22"
KNOWN = TOLD | {"alias": "Рысь Лесная", "text": "Мой номер 8 (999) 000-11-22 или @lynx_forest."}
TITLE = "May be the same person"


@pytest.fixture
def told_before(arrives):  # noqa: F811
    """A request whose writer left a phone and an account in the text."""
    return arrives(told=KNOWN)


def case_of(person, **channel):
    case = Case.objects.open_case(by=person, country="KZ")
    ContactChannel(case=case, kind="phone", **{"value": PHONE, **channel}).save(by=person)
    return case


def named(person, surname, given="", aliases=""):
    case = Case.objects.open_case(by=person, country="KZ")
    Identity(case=case, surname=surname, given_name=given, aliases=aliases).save(by=person)
    return case


# -- marks


def test_opening_a_request_keeps_its_phone_account_and_name(told_before, olga):
    """Done when indexes are made on the desk at the first opening. Sabotage: no marks from of_words."""
    assert not RequestMark.objects.exists()
    marks = requests.marks_of(requests.open_request(told_before, by=olga))
    assert marks.contacts == {"+79990001122", "lynx_forest"}
    assert request_marks.of(told_before.pk) == marks
    assert RequestMark.objects.filter(contact_index__isnull=False).count() == 2
    assert RequestMark.objects.get(name_index__isnull=False).name == marks.name


def test_dates_and_sums_are_no_phones():
    """Sabotage: DIGITS_OF_A_PHONE = 6."""
    told = {"text": "Суд 09.03.2030, долг 120 000 рублей.\nПаспорт выдан 2019-05-06.", "safe": "18:00-22:00"}
    assert request_marks.of_words([told]).contacts == frozenset()


@given(
    st.dictionaries(
        st.sampled_from(["alias", "contact", "safe", "text"]), st.text() | st.integers() | st.none()
    )
)
def test_whatever_was_told_gives_marks(told):
    """Sabotage: read `told["alias"]` without text_of."""
    marks = request_marks.of_words([told])
    assert len(marks.contacts) <= request_marks.MOST
    assert request_marks.of_words([told, told]) == marks


def test_marks_go_with_the_request(told_before, olga):
    """Done when a withdrawn request leaves no mark and no key. Sabotage: leave sweep out of the chore."""
    requests.marks_of(requests.open_request(told_before, by=olga))
    owner = RequestTrace.objects.get().pk
    HelpRequest.objects.withdraw(told_before.lookup, at=timezone.now())
    chores.forget_withdrawn(timezone.now())
    assert not RequestMark.objects.exists()
    assert not RecordKey.objects.filter(owner=owner).exists()


@pytest.mark.parametrize("end", ["case", "forgotten"])
def test_a_case_and_an_end_leave_no_marks_either(end, told_before, olga):
    """Sabotage: leave drop out of _hand_over, or out of forget."""
    requests.marks_of(requests.open_request(told_before, by=olga))
    if end == "case":
        requests.make_case(told_before, caseworker=olga, by=olga, country="KZ")
    else:
        requests.forget([told_before.pk])
    assert not RequestTrace.objects.exists()


def test_a_damaged_mark_hides_no_other(told_before, arrives, olga, sign_in):  # noqa: F811
    desk = sign_in(olga)
    desk.get(page_of(told_before))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inbox_requestmark SET name = %s WHERE name IS NOT NULL", [b"\x01broken" * 9])
    answer = desk.get(page_of(arrives(told=KNOWN)))
    assert answer.status_code == 200
    assert TITLE in words_of(answer)


# -- who learns of it


def test_a_case_of_ones_own_with_the_same_phone_is_named(told_before, olga, sign_in):
    """Done when an opened request says whose it may be. Sabotage: give no rows from _by_contact."""
    case = case_of(olga)
    text = words_of(sign_in(olga).get(page_of(told_before)))
    assert f"{TITLE} Phone of the person Case {case.code_name}" in text
    assert PHONE not in text.partition(TITLE)[2]


def test_a_name_that_fits_in_whole_is_named_and_a_part_of_it_is_not(told_before, olga, sign_in):
    """Sabotage: take any match of search.compare."""
    whole, part = named(olga, "Рысь", "Лесная"), named(olga, "Рысь", "Степан")
    text = words_of(sign_in(olga).get(page_of(told_before)))
    assert whole.code_name in text
    assert part.code_name not in text


def test_two_requests_of_one_person_find_each_other(told_before, arrives, olga, sign_in):  # noqa: F811
    desk = sign_in(olga)
    desk.get(page_of(told_before))
    second = arrives(told=TOLD | {"alias": "Другой", "text": "Звоните +79990001122"})
    page = desk.get(page_of(second)).content.decode()
    assert page_of(told_before) in page
    assert "The same phone or account" in page


def test_spam_and_a_crowd_say_nothing(told_before, arrives, olga, sign_in):  # noqa: F811
    """Sabotage: leave CROWD out of _requests."""
    desk = sign_in(olga)
    for _each in range(duplicates.CROWD + 2):
        desk.get(page_of(arrives(told=TOLD | {"alias": "Рысь Лесная", "text": "…"})))
    assert TITLE not in words_of(desk.get(page_of(told_before)))
    twin = arrives(told=TOLD | {"text": "Звоните +79990001122"})
    desk.get(page_of(twin))
    requests.end(twin, "spam", by=olga, reason="Реклама.")
    assert TITLE not in words_of(desk.get(page_of(told_before)))


def test_a_case_that_the_reader_may_not_see_changes_nothing(told_before, olga, oskar, sign_in):
    """Neither the page nor the number of questions. Sabotage: Case.objects.all() in `of`."""
    desk = sign_in(olga)
    desk.get(page_of(told_before))

    def looked_at():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = desk.get(page_of(told_before))
        return words_of(answer).partition("May be")[1], len(queries)

    before = looked_at()
    case_of(oskar)
    named(oskar, "Рысь", "Лесная")
    assert looked_at() == before == ("", before[1])


def test_a_request_of_a_hidden_case_is_not_hinted_at(told_before, arrives, olga, oskar, sign_in):  # noqa: F811
    """Sabotage: take HelpRequest.objects.all() in _requests."""
    twin = arrives(told=KNOWN)
    sign_in(oskar).get(page_of(twin))
    requests.make_case(twin, caseworker=oskar, by=oskar, country="KZ")
    assert TITLE not in words_of(sign_in(olga).get(page_of(told_before)))


def test_a_coordinator_sees_all_of_the_team_and_a_lawyer_without_the_case_nothing(
    told_before, olga, petra, lena, mark, sign_in
):
    case = case_of(olga)
    assert case.code_name in words_of(sign_in(petra).get(page_of(told_before)))
    for person in (lena, mark):
        marks = request_marks.of_words([KNOWN])
        assert duplicates.of(uuid4(), marks, by=person, today=timezone.localdate()) == []
        assert case.code_name not in words_of(sign_in(person).get(page_of(told_before)))


def test_a_lawyers_phone_is_no_match(told_before, olga, sign_in):
    case_of(olga, owner="lawyer")
    assert TITLE not in words_of(sign_in(olga).get(page_of(told_before)))


# -- into a case that is there


def test_a_request_goes_into_a_case_that_is_there(told_before, olga, sign_in):
    """Done when content is sealed again under that case's key. Sabotage: leave fill or _hand_over out."""
    case = case_of(olga)
    Photograph.objects.receive(told_before.pk, [jpeg()], at=timezone.now())
    desk = sign_in(olga)
    assert f"Put it into {case.code_name}" in words_of(desk.get(page_of(told_before)))
    for _click in range(2):
        answer = desk.post(page_of(told_before), {"act": "merge", "into": f" {case.code_name.upper()} "})
        assert answer["Location"] == f"/desk/cases/case/{case.pk}/change/"
    assert Case.objects.count() == 1
    notes = [note.text for note in Note.objects.filter(case=case).with_keys()]
    assert sum("8 (999) 000-11-22" in text for text in notes) == 1
    assert case.attachments.count() == 1
    told_before.refresh_from_db()
    assert (told_before.box, told_before.state, told_before.has_mailbox) == (None, State.ACCEPTED, True)
    assert RequestOutcome.objects.get().case == case
    assert TrailRow.objects.filter(verb="request_merged", case=case.pk, actor=olga).count() == 1


def test_a_phone_that_the_case_knows_is_not_written_twice(olga):
    """Done when a known contact is used again. Sabotage: let is_known be False."""
    from inbox import typed

    case = case_of(olga)
    row = typed.enter(
        {"text": "Снова я.", "contact": "8 999 0001122", "safe": ""}, by=olga, at=timezone.now(), key=uuid4(),
        colour=0, language="ru", channel="telephone",
    )  # fmt: skip
    requests.merge_into(row, case, by=olga)
    assert case.contacts.count() == 1


@pytest.mark.parametrize("typed", ["foreign", "Quiet heron 99", "' OR 1=1 --", "нет такого", "\0"])
def test_no_code_name_but_ones_own_takes_a_request(typed, told_before, olga, oskar, sign_in):
    """Alike for a foreign case and for none. Sabotage: take Case.objects.all() in MergeForm."""
    foreign = case_of(oskar)
    sent = foreign.code_name if typed == "foreign" else typed
    answer = sign_in(olga).post(page_of(told_before), {"act": "merge", "into": sent})
    assert answer.status_code == 422
    assert not RequestOutcome.objects.exists()
    if typed != "\0":
        assert "You have no case with this code name." in words_of(answer)


def test_the_act_itself_refuses_who_may_not(told_before, olga, oskar, mark, lena):
    """Sabotage: leave require_visible_to or require_inbox out of merge_into."""
    case = case_of(olga)
    for person in (oskar, mark, lena):
        with pytest.raises(trail.Refused):
            requests.merge_into(told_before, case, by=person)
    assert not RequestOutcome.objects.exists()


def test_a_damaged_request_is_not_moved_and_a_closed_case_takes_none(told_before, olga, sign_in):
    case = case_of(olga)
    HelpRequest.objects.update(box=bytes(told_before.box)[:-1] + b"?")
    desk = sign_in(olga)
    sent = {"act": "merge", "into": case.code_name}
    assert "does not open, so it cannot be moved" in words_of(desk.post(page_of(told_before), sent))
    HelpRequest.objects.update(box=told_before.box)
    case.close(on=timezone.localdate(), by=olga, reason="Ушёл.")
    assert "This case is closed. Take it up again first" in words_of(desk.post(page_of(told_before), sent))
    assert HelpRequest.objects.get().state == State.OPENED


def test_the_page_of_a_known_person_speaks_russian(told_before, olga, sign_in):
    case_of(olga)
    olga.language = "ru"
    olga.save(update_fields=["language"])
    page = sign_in(olga).get(page_of(told_before))
    known = (Case.objects.get().code_name, "lynx_forest")
    left = [text for text in english_on(page, "olga", "Astana") if not any(each in text for each in known)]
    assert left == []
