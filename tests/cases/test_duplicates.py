"""Cases that may be one person: told to coordinators only, and of other teams nothing but whom to ask."""

import re
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import duplicates
from cases.duplicates import Likeness
from cases.models import Case, ContactChannel, Identity, IdentityDocument, NotSamePerson
from staff.models import TrailRow
from staff.trail import Verb
from tests.staff.flow import signed_in
from vault import integrity, rotation
from vault.erasure import erase

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
PAGE = "/desk/duplicates/"


@pytest.fixture
def nino(other_team):
    """Coordinator of team Tbilisi."""
    from staff.models import User

    return User.objects.create_user(
        "nino", "nino-long-password-1", role="coordinator", team=other_team, address="nino@staff.invalid"
    )


@pytest.fixture
def person(olga):
    """A function: a case with these names."""

    def make(surname=None, by=olga, **facts):
        case = Case.objects.open_case(by=by, country="KZ")
        if surname:
            Identity.objects.create(by=by, case=case, surname=surname, **facts)
        return case

    return make


@pytest.fixture
def phone(olga):
    """A function: that phone stands in that case."""

    def add(case, value="+7 701 000 00 01", kind="phone", **facts):
        return ContactChannel.objects.create(
            by=case.caseworker or olga, case=case, kind=kind, value=value, **facts
        )

    return add


def pairs(user, case=None):
    found = duplicates.of(user, today=TODAY, case=case).open
    return [({pair.mine, pair.other}, pair.reasons) for pair in found]


# -- what counts


def test_a_shared_phone_account_or_document_makes_a_pair(person, phone, olga, petra):
    """Sabotage: drop any line of the loop in _same_values()."""
    one, two, three, four, five, six = (person() for _each in range(6))
    phone(one)
    phone(two, "8 (701) 000-00-01")
    phone(three, "@yuri_k", kind="telegram")
    phone(four, "https://t.me/Yuri_K", kind="telegram")
    for case, number in ((five, "45 10 123456"), (six, "4510 № 123456")):
        IdentityDocument.objects.create(by=olga, case=case, kind="internal_passport", number=number)
    assert pairs(petra) == [
        ({five, six}, [Likeness.DOCUMENT]),
        *sorted(
            [({one, two}, [Likeness.PHONE]), ({three, four}, [Likeness.ACCOUNT])],
            key=lambda row: -duplicates.STRENGTH[row[1][0]],
        ),
    ]


def test_a_surname_needs_a_given_name_or_a_birth_date_beside_it(person, petra):
    """Sabotage: yield every pair of a shared word in _same_people()."""
    born_on = date(1993, 5, 17)
    person("Цыденов", given_name="Баир")
    meant = person("Цыденов", given_name="Жаргал")
    spelled = person("Tsydenov", given_name="Jargal")
    assert pairs(petra) == [({meant, spelled}, [Likeness.GIVEN_NAME])]
    same_day = [person("Очиров", born_on=born_on), person("Ochirov", born_on=born_on)]
    person("Очиров", born_on=date(1993, 5, 18))
    assert (set(same_day), [Likeness.BIRTH_DATE]) in pairs(petra)
    assert len(pairs(petra)) == 2


def test_one_case_twice_and_a_lawyers_phone_make_no_pair(person, phone, petra):
    """Sabotage: leave exclude(owner=LAWYER) out; count rows instead of cases."""
    one, two = person(), person()
    phone(one)
    phone(one, "8 701 000 00 01")
    phone(one, "+77010000002", owner="lawyer")
    phone(two, "+77010000002", owner="lawyer")
    assert pairs(petra) == []


def test_a_value_of_a_crowd_is_counted_and_not_listed(person, phone, petra, monkeypatch):
    monkeypatch.setattr(duplicates, "CROWD", 3)
    for _each in range(4):
        phone(person())
    found = duplicates.of(petra, today=TODAY)
    assert (found.pairs, found.crowds) == ([], 1)


def test_erased_and_damaged_rows_break_nothing(person, phone, petra):
    one, two, three = person("Цыденов", given_name="Баир"), person("Цыденов", given_name="Баир"), person()
    for case in (one, two, three):
        phone(case)
    erase(one.pk)
    assert pairs(petra) == [({two, three}, [Likeness.PHONE])]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_contactchannel SET value = %s", [connection.Database.Binary(b"\x01" * 61)]
        )
    assert pairs(petra) == []


# -- who learns what


def test_of_another_team_only_code_name_team_and_coordinators_are_told(person, phone, petra, oskar, nino):
    """Done when a match in another team is shown without content. Sabotage: keep a foreign pair's reasons."""
    mine, theirs = person("Цыденов", given_name="Баир"), person("Цыденов", by=oskar, given_name="Баир")
    phone(mine)
    phone(theirs)
    [pair] = duplicates.of(petra, today=TODAY).open
    assert (pair.mine, pair.other, pair.foreign, pair.reasons) == (mine, theirs, True, [])
    assert pair.coordinators == ["nino"]
    text = signed_in(Client(), petra).get(PAGE).content.decode()
    assert theirs.code_name in text
    assert "Team Tbilisi" in text
    assert "ask nino" in text
    assert "Another team" in text
    assert str(theirs.pk) not in text
    row = re.search(r'<li class="line pair">.*?</li>', text, re.S)[0]
    for told in ("oskar", "the same phone", "the same surname", "Цыденов"):
        assert told.lower() not in row.lower()


def test_a_pair_of_two_foreign_cases_is_nobodys_business(person, phone, petra, oskar, nino):
    """Sabotage: yield pairs of which neither is mine."""
    for _each in range(2):
        phone(person(by=oskar))
    assert pairs(petra) == []
    assert len(pairs(nino)) == 1


@pytest.mark.parametrize("who", ["olga", "oskar", "mark", "anton", "lena", "vera"])
def test_nobody_but_a_coordinator_learns_anything_and_nothing_is_read_for_them(
    person, phone, who, request, monkeypatch
):
    """Done when staff who may not see a case learn nothing of it by duplicates or timing class.

    Sabotage: leave the first `if` out of duplicates.of(), or give Permission.SEE_DUPLICATES to caseworkers.
    """
    one, two = person("Цыденов", given_name="Баир"), person("Цыденов", given_name="Баир")
    user = request.getfixturevalue(who)
    with CaptureQueriesContext(connection) as asked:
        assert duplicates.of(user, today=TODAY) == duplicates.PossibleDuplicates([])
        assert duplicates.of(user, today=TODAY, case=one) == duplicates.PossibleDuplicates([])
    assert len(asked) == 0
    desk = signed_in(Client(), user)
    for address in (PAGE, f"{PAGE}{one.pk}/", f"{PAGE}{user.pk}/"):
        for answer in (desk.get(address), desk.post(address, {"act": "judge", "pair": "x", "reason": "y"})):
            assert answer.status_code in ((302, 403) if who == "mark" else (404,))
            assert two.code_name not in answer.content.decode()
    if who == "olga":
        text = desk.get(f"/desk/cases/case/{one.pk}/change/").content.decode()
        assert "may be the same person" not in text


def test_a_caseworkers_page_is_the_same_work_with_and_without_a_match_elsewhere(person, phone, olga, oskar):
    """Sabotage: compute duplicates for everybody and hide them in the template."""
    alone, matched = person("Очиров"), person("Цыденов")
    phone(alone, "+77010000009")
    phone(matched)
    phone(person("Цыденов", by=oskar))
    desk, counts = signed_in(Client(), olga), []
    desk.get(f"/desk/cases/case/{alone.pk}/change/")
    for case in (alone, matched):
        with CaptureQueriesContext(connection) as asked:
            desk.get(f"/desk/cases/case/{case.pk}/change/")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_coordinator_of_another_team_gets_the_page_of_a_case_that_never_was(person, nino):
    case = person()
    desk = signed_in(Client(), nino)
    assert desk.get(f"{PAGE}{case.pk}/").status_code == 404
    assert TrailRow.objects.filter(actor=nino, verb=Verb.REFUSED, case=case.pk).exists()


def test_the_case_page_tells_its_coordinator(person, phone, petra):
    one, two = person(), person()
    phone(one)
    phone(two)
    text = signed_in(Client(), petra).get(f"/desk/cases/case/{one.pk}/change/").content.decode()
    assert "1 other case may be the same person: compare" in text
    assert f'href="{PAGE}{one.pk}/"' in text


# -- judging


@pytest.fixture
def alike(person, phone):
    """Two cases of one team that share a phone."""
    one, two = person(), person()
    phone(one)
    phone(two)
    return sorted((one, two), key=lambda case: str(case.pk))


def post(user, pair, **data):
    return signed_in(Client(), user).post(PAGE, {"pair": pair.key, **data}, follow=True)


def test_two_people_are_remembered_with_the_reason_and_not_shown_again_until_it_is_taken_back(alike, petra):
    """Sabotage: leave `judged` out of Found.open, or withdraw() without saving."""
    [pair] = duplicates.of(petra, today=TODAY).open
    assert "Say how you know" in post(petra, pair, act="judge", reason=" ").content.decode()
    text = post(petra, pair, act="judge", reason="Brothers; both were here").content.decode()
    assert "No two cases look like one person." in text
    assert "Two people, says petra." in text
    assert "Brothers; both were here" in text
    assert pairs(petra) == []
    row = TrailRow.objects.get(verb=Verb.DUPLICATE_DISMISSED)
    assert row.case == pair.mine.pk
    assert row.details == {"about": str(pair.other.pk), "reason": "Brothers; both were here"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cases_notsameperson")
        assert b"Brothers" not in b"".join(
            bytes(c) for c in cursor.fetchone() if isinstance(c, bytes | memoryview)
        )
    [judged] = duplicates.of(petra, today=TODAY).judged
    assert "Taken back" in post(petra, judged, act="restore").content.decode()
    assert len(pairs(petra)) == 1
    post(petra, judged, act="judge", reason="Asked them once more")
    assert pairs(petra) == []
    assert NotSamePerson.objects.count() == 1


def test_a_judgement_on_a_foreign_pair_keeps_its_reason_in_the_judges_file(person, phone, petra, oskar, nino):
    """Sabotage: `return self.judged is not None` in Pair.reason_shown."""
    mine, theirs = person(), person(by=oskar)
    phone(mine)
    phone(theirs)
    [pair] = duplicates.of(petra, today=TODAY).open
    post(petra, pair, act="judge", reason="Ours is fifty years old")
    assert pairs(nino) == []
    text = signed_in(Client(), nino).get(PAGE).content.decode()
    assert "Two people, says petra." in text
    assert "fifty" not in text


@pytest.mark.parametrize("who", ["olga", "oskar", "mark", "anton", "nino", "lena", "vera"])
def test_nobody_else_judges(alike, petra, who, request):
    """Sabotage: leave require_coordinator() out of judge() or withdraw()."""
    user = request.getfixturevalue(who)
    one, two = alike
    with pytest.raises(PermissionDenied):
        NotSamePerson.judge(one, two.pk, by=user, reason="so")
    row = NotSamePerson.judge(one, two.pk, by=petra, reason="so")
    with pytest.raises(PermissionDenied):
        row.withdraw(one, two.pk, by=user)
    assert pairs(petra) == []


def test_a_pair_that_is_not_alike_or_judged_twice_is_refused(alike, person, petra):
    one, two = alike
    answer = signed_in(Client(), petra).post(
        PAGE, {"act": "judge", "pair": f"{one.pk} {person().pk}", "reason": "so"}
    )
    assert answer.status_code == 422
    assert not NotSamePerson.objects.exists()
    NotSamePerson.judge(one, two.pk, by=petra, reason="so")
    with pytest.raises(ValidationError):
        NotSamePerson.judge(two, one.pk, by=petra, reason="so")


def test_judgements_are_verified_rotated_and_erased_like_everything(alike, petra):
    one, two = alike
    NotSamePerson.judge(one, two.pk, by=petra, reason="so")
    assert rotation.reindex().indexes == 0
    assert list(integrity.verify(integrity.Count())) == []
    token = NotSamePerson.objects.get().pair
    erase(one.pk)
    assert NotSamePerson.objects.get().pair != token
    assert list(integrity.verify(integrity.Count())) == []


def test_the_queries_do_not_grow_with_the_pairs(person, phone, petra):
    desk, counts = signed_in(Client(), petra), []
    desk.get(PAGE)
    for number in (2, 8):
        for each in range(number):
            for _twice in range(2):
                phone(person("Цыденов", given_name="Баир"), f"+7701000{number}{each:03}")
        with CaptureQueriesContext(connection) as asked:
            answer = desk.get(PAGE)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 40
    assert len(answer.content) < 100_000
