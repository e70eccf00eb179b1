"""The words of names and the indexes of numbers: in step with the file, by whichever door it is changed."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cases.models import Case, ContactChannel, Identity, IdentityDocument, NameWord
from cases.models.name_word import index_words
from vault import integrity, keyring, rotation
from vault.erasure import erase
from vault.fields import find
from vault.models import RecordKey
from vault.normalise import name_words

pytestmark = pytest.mark.django_db


def words(case):
    return sorted(row.word for row in NameWord.objects.filter(case=case))


def key(name):
    return name_words(name)[0]


def findings():
    return [f"{found.model}: {found.problem}" for found in integrity.verify(integrity.Count())]


@pytest.fixture
def identity(case, olga):
    return Identity.objects.create(
        by=olga,
        case=case,
        surname="Щербаков-Юрьев",
        given_name="Юрий",
        patronymic="Иванович",
        aliases="Лис, Бурый",
    )


def test_every_word_of_surnames_and_other_names_is_indexed_and_no_given_name(case, identity):
    """Sabotage: add "given_name" to INDEXED."""
    assert words(case) == sorted(map(key, ["Щербаков", "Юрьев", "Лис", "Бурый"]))


def test_the_same_word_in_two_scripts_has_one_row(case, identity, olga):
    identity.surname_latin = "Shcherbakov-Yuryev"
    identity.save(by=olga)
    assert len(words(case)) == 4


def test_a_doubtful_word_is_read_every_way_unless_another_word_tells():
    assert index_words(["Hasanov"]) == {"hasanov", "gasanov"}
    assert index_words(["Hasanov", "Хасанов"]) == {"hasanov"}


def test_a_changed_name_leaves_no_word_behind(case, identity, olga):
    """Sabotage: leave the deletion out of NameWord.renew."""
    identity.surname, identity.aliases = "Ёлкин", None
    identity.save(by=olga, update_fields=["surname", "aliases"])
    assert words(case) == [key("Ёлкин")]


def test_many_identities_at_once_are_indexed_too(olga):
    """Sabotage: leave IdentityQuerySet.bulk_create out."""
    cases = [Case.objects.open_case(by=olga, country="KZ") for _each in range(3)]
    Identity.objects.bulk_create([Identity(case=each, surname="Цыденов") for each in cases], by=olga)
    assert all(words(each) == [key("Цыденов")] for each in cases)


def test_the_word_rows_hold_nothing_readable_but_the_token_and_no_time():
    columns = {field.name: field for field in NameWord._meta.concrete_fields}
    assert columns.keys() == {"id", "case", "word", "token"}
    assert columns["token"].bits == 14


def test_words_are_stored_in_random_order(case, olga):
    """Sabotage: take the shuffle out of NameWord.renew: sets of text keep one order within a process."""
    names = ["Аев", "Бев", "Вев", "Гев", "Дев", "Жев", "Зев", "Кев"]
    orders = set()
    for _each in range(6):
        other = Case.objects.open_case(by=olga, country="KZ")
        Identity.objects.create(by=olga, case=other, aliases=" ".join(names))
        with connection.cursor() as cursor:
            cursor.execute("SELECT token FROM cases_nameword WHERE case_id = %s", [_stored(other.pk)])
            orders.add(tuple(row[0] for row in cursor.fetchall()))
    assert len(orders) > 1


def _stored(pk):
    return pk if connection.vendor == "postgresql" else pk.hex


@pytest.fixture
def everything(case, identity, olga):
    """A case with every kind of index."""
    ContactChannel.objects.create(by=olga, case=case, kind="phone", value="8 701 000 00 01")
    ContactChannel.objects.create(by=olga, case=case, kind="telegram", value="@Yuri_K")
    IdentityDocument.objects.create(by=olga, case=case, kind="travel_passport_5", number="71 № 1234567")
    return case


def test_numbers_and_handles_are_found_however_they_are_written(everything, olga):
    contacts, documents = ContactChannel.objects.all(), IdentityDocument.objects.all()
    assert len(find(contacts, "phone_index", "+7 (701) 000-00-01")) == 1
    assert len(find(contacts, "handle_index", "https://t.me/yuri_k")) == 1
    assert len(find(documents, "number_index", "71 1234567")) == 1
    row = find(documents, "number_index", "711234567")[0]
    row.number = "72 1234567"
    row.save(by=olga, update_fields=["number"])
    assert find(documents, "number_index", "711234567") == []
    assert len(find(documents, "number_index", "721234567")) == 1


def test_verify_is_content_and_says_what_is_missing_or_forged(everything):
    """Sabotage: leave stale_beside out of integrity.verify."""
    assert findings() == []
    NameWord.objects.filter(pk=NameWord.objects.first().pk).delete()
    assert [each for each in findings() if "vault reindex" in each]
    rotation.reindex()
    assert findings() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_nameword SET token = token + 1")
    assert len(findings()) == 4


def test_reindex_fills_what_an_older_desk_left_empty_and_may_be_stopped(everything, monkeypatch):
    """Sabotage: leave the words or `_move` out of rotation.reindex."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cases_nameword")
        cursor.execute("UPDATE cases_contactchannel SET phone_index = NULL, handle_index = NULL")
        cursor.execute("UPDATE cases_identitydocument SET number_index = NULL")
    assert findings()
    with monkeypatch.context() as patch:
        patch.setattr(NameWord, "renew", classmethod(_stopped))
        with pytest.raises(KeyboardInterrupt):
            rotation.reindex()
    said = io.StringIO()
    call_command("vault", "init", stdout=said)
    call_command("vault", "reindex", stdout=said)
    assert "Renewed 4 indexes" in said.getvalue()
    assert findings() == []
    call_command("vault", "reindex", stdout=said)
    assert "Renewed 0 indexes" in said.getvalue()


def _stopped(cls, case_ids):
    raise KeyboardInterrupt


def test_reindex_needs_the_root_key(everything, settings):
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"root": None}
    keyring.reset()
    try:
        with pytest.raises(CommandError, match="no root key"):
            call_command("vault", "reindex")
    finally:
        keyring.reset()


@pytest.fixture
def index_key(own_key):
    own_key("index")


def test_the_words_move_to_a_new_index_key_and_are_found_all_the_time(index_key, everything):
    """Sabotage: a plain BigIntegerField for NameWord.token, filled by hand."""
    token = NameWord._meta.get_field("token")

    def found():
        return NameWord.objects.filter(token=token.token(key("Щербаков"))).count()

    before = set(NameWord.objects.values_list("token", flat=True))
    rotation.add("index")
    assert found() == 1
    rotation.rotate("index")
    assert found() == 1
    rotation.retire("index")
    assert found() == 1
    assert before != set(NameWord.objects.values_list("token", flat=True))
    assert findings() == []


def test_erasure_blanks_every_token_and_reindex_brings_none_back(everything):
    """Sabotage: leave `_blank_index` out of vault.erasure.erase."""
    erase(everything.pk)
    assert not NameWord.objects.exclude(token=None).exists()
    assert not ContactChannel.objects.exclude(phone_index=None, handle_index=None).exists()
    assert not IdentityDocument.objects.exclude(number_index=None).exists()
    rotation.reindex()
    assert not NameWord.objects.exclude(token=None).exists()
    assert findings() == []


def test_a_damaged_name_keeps_the_words_it_had(case, identity, olga):
    """Sabotage: `complete = True` where a name does not open."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_identity SET surname = %s", [connection.Database.Binary(b"\x01" * 60)])
    NameWord.renew(Identity.objects.filter(case=case))
    assert key("Щербаков") in words(case)
    row = Identity.objects.get(case=case)
    row.aliases = "Седой"
    row.save(by=olga)
    assert {key("Щербаков"), key("Седой")} <= set(words(case))


def test_no_key_is_made_for_words(case, identity):
    assert RecordKey.objects.filter(owner=case.pk).count() == 1
