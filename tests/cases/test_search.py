"""Finding a case: by whatever is known of a person, among what the searcher may see, and no more."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from cases import search
from cases.models import Case, ContactChannel, Identity, IdentityDocument
from staff.models import TrailRow
from staff.trail import Verb
from tests.vault.test_normalise import APART, MEETING
from vault.fields import SealedMixin

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def names(text, by):
    return [hit.case for hit in search.cases(text, by=by, today=TODAY).hits]


def reasons(text, by):
    with translation.override("en"):
        return [sorted(map(str, hit.reasons)) for hit in search.cases(text, by=by, today=TODAY).hits]


@pytest.fixture
def person(olga):
    """A function: a case of Olga's whose person has these names."""

    def make(surname, by=olga, **facts):
        case = Case.objects.open_case(by=by, country="KZ")
        Identity.objects.create(by=by, case=case, surname=surname, **facts)
        return case

    return make


@pytest.fixture
def yuri(person):
    return person("Щербаков-Юрьев", given_name="Юрий", patronymic="Иванович", aliases="Лис, Бурый")


# -- what is found, and by what


@pytest.mark.parametrize(
    "typed",
    ["Щербаков", "shcherbakov", "Scherbakov", "ЮРЬЕВ", "Yuryev", "лис", "Щербаков Юрий Иванович"]
    + ["yuriy  shcherbakov", "Iurii Ivanovich Shcherbakov-Yuryev", "Ще\u00adрбаков"],
)
def test_a_surname_alone_or_with_more_in_any_order_and_script_finds_the_person(yuri, olga, typed):
    """Done when a surname alone finds a full name.

    Sabotage: index the whole surname as one word (`[" ".join(...)]` in index_words).
    """
    assert names(typed, olga) == [yuri]


@pytest.mark.parametrize("typed", ["Юрий", "Иванович", "Юрий Иванович", "Щерба", "Жуков", "  .. "])
def test_a_given_name_alone_or_half_a_word_finds_nobody(yuri, olga, typed):
    """Sabotage: return the reasons of compare() although no surname fits, and index given names."""
    assert names(typed, olga) == []


@pytest.mark.parametrize(
    ("kind", "stored", "typed", "why"),
    [
        ("phone", "+7 701 000 00 01", "8 (701) 000-00-01", "phone of the person"),
        ("phone", "8 701 000 00 01", "+77010000001", "phone of the person"),
        ("telegram", "@Yuri_K", "https://t.me/yuri_k", "account or address of the person"),
        ("telegram", "t.me/yuri_k", "Yuri_K", "account or address of the person"),
        ("email", "Yuri.K@example.org", "yuri.k@EXAMPLE.org", "account or address of the person"),
    ],
)
def test_a_contact_is_found_however_it_is_written(case, olga, kind, stored, typed, why):
    ContactChannel.objects.create(by=olga, case=case, kind=kind, value=stored)
    assert names(typed, olga) == [case]
    assert reasons(typed, olga) == [[why]]


def test_whose_phone_it_is_is_said(case, olga):
    ContactChannel.objects.create(
        by=olga, case=case, kind="phone", value="+77010000001", owner="relative", never_contact=True
    )
    assert reasons("+77010000001", olga) == [["phone of a relative"]]


def test_a_document_is_found_by_its_number(case, olga):
    IdentityDocument.objects.create(by=olga, case=case, kind="internal_passport", number="45 10 № 123456")
    assert reasons("4510 123456", olga) == [["document number"]]


@pytest.mark.parametrize("part", ["whole", "lower", "hyphens", "half", "beginnings"])
def test_a_case_is_found_by_its_code_name(case, olga, part):
    typed = {
        "whole": case.code_name,
        "lower": case.code_name.lower(),
        "hyphens": case.code_name.replace(" ", "-"),
        "beginnings": " ".join(word[:3] for word in case.code_name.split()),
        "half": case.code_name.rpartition(" ")[0],
    }[part]
    assert case in names(typed, olga)
    assert ["code name"] in reasons(typed, olga)


@pytest.mark.slow
def test_the_pairs_of_names_find_each_other_and_two_people_do_not(person, olga):
    """Done when 40 pairs meet and 40 do not: the same lists, through the door that people use.

    Sabotage: compare only the first reading of each searched word.
    """
    stored = {name: person(name) for name in [each[-1] for each in MEETING] + [pair[0] for pair in APART]}
    for *spellings, last in MEETING:
        for name in spellings:
            assert stored[last] in names(name, olga), name
    for one, other in APART:
        assert stored[one] not in names(other, olga), (one, other)


# -- order, and how much is shown


def test_a_whole_name_stands_before_one_word_and_an_agreeing_given_name_raises(person, olga):
    """Sabotage: sort by code name alone in _rank()."""
    namesake = person("Цыденов", given_name="Баир")
    meant = person("Цыденов", given_name="Жаргал")
    assert names("Цыденов Жаргал", olga) == [meant, namesake]
    assert names("Jargal Tsydenov", olga) == [meant, namesake]
    part = person("Очиров", aliases="Цыденов Дамба", given_name="Жаргал")
    found = search.cases("Цыденов Жаргал Дамба", by=olga, today=TODAY).hits
    assert [hit.case for hit in found] == [part, meant, namesake]
    assert reasons("Цыденов Жаргал", olga)[0] == ["given name", "surname"]


def test_what_is_not_shown_is_counted(person, olga, monkeypatch):
    """Sabotage: `len(hits)` for the total, or no `cut` in _Search.rows()."""
    monkeypatch.setattr(search, "SHOWN", 2)
    for _each in range(5):
        person("Цыденов")
    found = search.cases("Цыденов", by=olga, today=TODAY)
    assert (len(found.hits), found.total, found.hidden, found.cut) == (2, 5, 3, False)
    monkeypatch.setattr(search, "CANDIDATES", 3)
    assert search.cases("Цыденов", by=olga, today=TODAY).cut


# -- chance, damage, erasure


def test_names_that_share_a_token_by_chance_are_told_apart(yuri, olga):
    """Sabotage: leave `if value_or_none(row, "word") in wanted` out of by_name()."""
    from cases.models import NameWord

    column = NameWord._meta.get_field("token")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_nameword SET token = %s", [int(column.token("žukov"))])
    assert names("Жуков", olga) == []


def test_one_damaged_name_hides_no_other_and_is_still_found(yuri, person, olga):
    """Sabotage: getattr for value_or_none() in search._keys()."""
    other = person("Щербаков")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_identity SET surname = %s WHERE case_id = %s",
            [connection.Database.Binary(b"\x01" * 61), _stored(yuri.pk)],
        )
    assert set(names("Щербаков", olga)) == {yuri, other}


def _stored(pk):
    return pk if connection.vendor == "postgresql" else pk.hex


def test_the_erased_are_found_by_nothing(yuri, olga):
    from vault.erasure import erase

    erase(yuri.pk)
    assert names("Щербаков", olga) == []


# -- who finds what


def test_nobody_finds_what_they_may_not_open(yuri, olga, oskar, mark, anton, petra, lena, vera):
    """Sabotage: `Case.objects.all()` for visible_to() in search.cases()."""
    assert names("Щербаков", olga) == names("Щербаков", petra) == [yuri]
    for person in (oskar, mark, anton, lena, vera):
        found = search.cases("Щербаков", by=person, today=TODAY)
        assert (found.hits, found.total, found.cut) == ([], 0, False)
        assert names(yuri.code_name, person) == []


@pytest.mark.parametrize("who", ["oskar", "lena"])
def test_what_is_shared_is_found_until_its_last_day(yuri, olga, request, who):
    """A colleague's stand-in and the lawyer alike. Sabotage: leave the last day out of `running`."""
    person = request.getfixturevalue(who)
    yuri.share(to=person, until_on=TODAY + timedelta(3), by=olga)
    assert search.cases("Щербаков", by=person, today=TODAY + timedelta(3)).total == 1
    assert search.cases("Щербаков", by=person, today=TODAY + timedelta(4)).total == 0


@contextmanager
def work():
    """The queries and the cells that are opened, as what was done and not how long it took."""
    opened, original = [], SealedMixin.open

    def counted(field, cell, instance):
        opened.append(field.name)
        return original(field, cell, instance)

    SealedMixin.open = counted
    try:
        with CaptureQueriesContext(connection) as asked:
            yield asked, opened
    finally:
        SealedMixin.open = original


@pytest.mark.parametrize("who", ["oskar", "mark", "anton", "lena", "vera"])
def test_a_hidden_match_costs_the_searcher_no_more_work_than_none(yuri, olga, request, who):
    """Done when staff who may not see a case learn nothing of it by search or timing class.

    Sabotage: filter candidates by visible_to() in Python, after opening them.
    """
    ContactChannel.objects.create(by=olga, case=yuri, kind="phone", value="+77010000001")
    IdentityDocument.objects.create(by=olga, case=yuri, kind="internal_passport", number="4510123456")
    person = request.getfixturevalue(who)
    for hidden, unknown in (
        ("Щербаков Юрий", "Ыргызов Юрий"),
        ("8 701 000 00 01", "8 701 000 00 02"),
        ("4510 123456", "4510 123457"),
        (yuri.code_name, f"{yuri.code_name[:-2]}{109 - int(yuri.code_name[-2:])}"),
    ):
        measured = []
        for text in (hidden, unknown):
            with work() as (asked, opened):
                assert names(text, person) == []
            measured.append((len(asked), len(opened)))
        assert measured[0] == measured[1]


def test_the_queries_do_not_grow_with_the_matches(person, olga):
    counts = []
    for number in (2, 20):
        for _each in range(number):
            person("Цыденов", given_name="Баир")
        with work() as (asked, _opened):
            search.cases("Цыденов Баир", by=olga, today=TODAY)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 14


# -- the trail


@pytest.mark.parametrize("typed", ["Щербаков", "Ыргызов"])
def test_each_search_is_on_the_trail_sealed_also_when_nothing_is_found(yuri, olga, typed):
    """Sabotage: append() after an early return where nothing was found."""
    search.cases(typed, by=olga, today=TODAY)
    row = TrailRow.objects.get(verb=Verb.CASES_SEARCHED)
    assert (row.actor, row.case, row.details) == (olga, None, {"query": typed})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM staff_trailrow")
        assert typed.encode() not in b"".join(
            bytes(cell) for row in cursor.fetchall() for cell in row if isinstance(cell, bytes | memoryview)
        )
