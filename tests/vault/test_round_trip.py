"""What goes in comes out, for every kind of field, and what is stored shows nothing."""

import datetime
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault.cells.models import File, Mark, Page, Ring, Setting
from vault.cipher import pad, unpad
from vault.models import HOUSE, RecordKey

modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Postgres cannot hold half a surrogate pair anywhere; nothing but text can be typed into a form.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@modest
@given(TEXT)
def test_any_text_comes_back(file, fresh, text):
    page = Page.objects.create(file=file, text=text, remark=text)
    assert (fresh(page).text, fresh(page).remark) == (text, text)


@modest
@given(st.dates())
def test_any_day_comes_back_under_either_key(file, fresh, day):
    page = Page.objects.create(file=file, born_on=day, due_on=day)
    assert (fresh(page).born_on, fresh(page).due_on) == (day, day)


@modest
@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2150, 1, 1)), st.integers(-12, 14))
def test_any_moment_comes_back_in_utc(file, fresh, moment, hours):
    moment = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
    page = Page.objects.create(file=file, seen_at=moment)
    assert fresh(page).seen_at == moment
    assert fresh(page).seen_at.utcoffset() == datetime.timedelta(0)


@modest
@given(JSON.filter(lambda value: value is not None))
def test_any_json_comes_back(file, fresh, value):
    page = Page.objects.create(file=file, facts=value)
    assert fresh(page).facts == value


def test_dates_and_ids_in_json_come_back_as_text(file, fresh):
    page = Page.objects.create(file=file, facts={"on": datetime.date(2026, 3, 31), "id": file.pk})
    assert fresh(page).facts == {"on": "2026-03-31", "id": str(file.pk)}


def test_mail_and_short_text_come_back(file, fresh):
    page = Page.objects.create(file=file, mail="y@example.org")
    assert fresh(page).mail == "y@example.org"
    assert fresh(file).phone == "+77010000001"


def test_nothing_stays_null_and_empty_text_is_sealed(file, fresh, cell):
    page = Page.objects.create(file=file, text="")
    assert fresh(page).text == ""
    assert len(cell(page, "text").bytes) == 61
    assert cell(page, "remark").bytes is None
    assert fresh(page).remark is None


def test_a_moment_without_a_zone_is_refused(file):
    page = Page(file=file, seen_at=datetime.datetime(2026, 3, 1, 12, 0))
    with pytest.raises(ValueError, match="seen_at needs a moment with a time zone"):
        page.save()


def test_what_is_stored_shows_nothing(file, cell):
    secret = "Щербаков Юрий, +7 701 000 00 01"
    page = Page.objects.create(file=file, text=secret, facts={"who": secret}, due_on="2026-03-31")
    for column in ("text", "facts", "due_on"):
        stored = cell(page, column).bytes
        assert secret.encode() not in stored
        assert b"2026" not in stored


def test_the_same_text_is_never_sealed_the_same_way_twice(file, cell):
    pages = Page.objects.bulk_create([Page(file=file, text="same") for _ in range(20)])
    assert len({cell(page, "text").bytes for page in pages}) == 20


# -- formats: 3-vault.md, rules 2 and 3


def test_a_cell_under_a_record_key_is_version_nonce_ciphertext_tag(page, cell):
    stored = cell(page, "text").bytes
    assert stored[0] == 1
    assert len(stored) == 1 + 12 + 32 + 16


def test_a_record_key_names_the_root_key_that_wraps_it(file):
    from vault.keyring import keyring

    wrapped = bytes(RecordKey.objects.get(pk=file.pk).wrapped)
    assert wrapped[0] == 1
    assert wrapped[1:9] == keyring().keys("root")[0].id
    assert len(wrapped) == 1 + 8 + 12 + 64 + 16


def test_a_cell_under_a_key_file_names_its_key(page, cell):
    from vault.keyring import keyring

    assert cell(page, "due_on").bytes[:9] == b"\x01" + keyring().keys("calendar")[0].id


def test_the_associated_data_is_label_column_row_and_owner(file, page, cell):
    """The format is a promise to data that exists: opened here by hand, without the fields.

    Sabotage: leave the owner out of `Binding.tail`.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    dek = RecordKey.unwrap(bytes(RecordKey.objects.get(pk=file.pk).wrapped), file.pk)
    stored = cell(page, "text").bytes
    bound_to = b"v1|cells.page|text|" + page.pk.bytes + b"|" + file.pk.bytes
    assert unpad(AESGCM(dek).decrypt(stored[1:13], stored[13:], bound_to)) == b"was in Oral"


@given(st.binary(max_size=5000))
def test_padding_hides_the_length_in_steps(plain):
    padded = pad(plain)
    assert unpad(padded) == plain
    assert len(padded) % 32 == 0
    assert len(padded) <= max(len(plain) + 32, (len(plain) + 1) * 1.125)


def test_lengths_up_to_256_share_eight_steps():
    assert {len(pad(b"x" * size)) for size in range(256)} == set(range(32, 257, 32))


# -- whose key


def test_a_row_of_the_house_needs_no_preparation(db, fresh):
    RecordKey.objects.filter(pk=HOUSE).delete()
    setting = Setting.objects.create(value="open at nine")
    assert fresh(setting).value == "open at nine"
    assert RecordKey.objects.filter(pk=HOUSE).count() == 1


def test_a_numbered_row_is_sealed_for_its_case_or_for_the_house(file, fresh):
    RecordKey.objects.make_house()
    with_case = Mark.objects.create(file_id=file.pk, details={"fields": ["text"]})
    without = Mark.objects.create(details={"reason": "none"})
    assert fresh(with_case).details == {"fields": ["text"]}
    assert fresh(without).details == {"reason": "none"}
    Mark.objects.bulk_create([Mark(file_id=file.pk, details={"n": n}) for n in range(3)])
    assert [mark.details["n"] for mark in Mark.objects.order_by("pk").with_keys()[2:]] == [0, 1, 2]


def test_a_row_without_its_owner_says_what_to_set(db):
    from django.core.exceptions import FieldError

    with pytest.raises(FieldError, match="set file first"):
        Page(text="x").save()


def test_a_row_under_the_calendar_alone_comes_back(db, fresh):
    ring = Ring.objects.create(payload={"page": "p", "due_on": datetime.date(2026, 3, 31), "lead": 7})
    assert fresh(ring).payload == {"page": "p", "due_on": "2026-03-31", "lead": 7}


# -- owners


def test_a_stored_owner_has_one_record_key(file):
    assert RecordKey.objects.filter(pk=file.pk).count() == 1


def test_owner_and_key_are_made_together_or_not_at_all(db):
    from django.db import IntegrityError, transaction

    first = File.objects.create()
    before = RecordKey.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        File(pk=first.pk).save(force_insert=True)
    assert RecordKey.objects.count() == before


def test_the_key_of_an_erased_owner_never_comes_back(file, destroy):
    """Sabotage: make the key with get_or_create in RecordKeyManager.make."""
    from django.db import IntegrityError, transaction

    destroy(file)
    File.objects.filter(pk=file.pk)._raw_delete("default")
    with pytest.raises(IntegrityError), transaction.atomic():
        File.objects.create(pk=file.pk, summary="again")
    assert RecordKey.objects.get(pk=file.pk).wrapped is None


def test_many_owners_are_made_at_once(db, queries):
    with queries() as made:
        files = File.objects.bulk_create([File(summary=f"number {n}") for n in range(30)])
    assert len(made) <= 4
    assert [File.objects.get(pk=file.pk).summary for file in files[:3]] == [
        "number 0",
        "number 1",
        "number 2",
    ]


def test_many_pages_are_sealed_with_one_question_for_keys(file, other_file, queries):
    with queries() as made:
        Page.objects.bulk_create([Page(file_id=(file, other_file)[n % 2].pk, text="x") for n in range(30)])
    assert sum("vault_recordkey" in query["sql"] for query in made) == 1


@pytest.mark.parametrize("queryset", [False, True])
def test_a_deleted_owner_takes_its_key_along(file, queryset):
    owner = file.pk
    File.objects.filter(pk=owner).delete() if queryset else file.delete()
    assert not RecordKey.objects.filter(pk=owner).exists()


def test_dumpdata_prints_nothing_sealed(page):
    from io import StringIO

    from django.core.management import call_command

    out = StringIO()
    call_command("dumpdata", "cells", stdout=out)
    rows = {row["model"]: row["fields"] for row in json.loads(out.getvalue())}
    assert "title" in rows["cells.page"]
    assert not {"text", "due_on", "due_week", "facts"} & set(rows["cells.page"])
    assert "Oral" not in out.getvalue()
