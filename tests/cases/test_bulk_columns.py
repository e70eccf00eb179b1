"""Many rows at once, read and written as if one by one."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from cases.models import Deadline
from reminders.models import Reminder
from staff.models import User
from tests.dated import TODAY
from vault.bulk import insert_new, read_columns
from vault.cipher import CannotOpen, Erased

pytestmark = pytest.mark.django_db


def reminder(deadline="one"):
    return Reminder(payload=Reminder.about(deadline, TODAY, 7, UUID(int=5)))


def test_columns_say_what_instances_say(dated_case, olga):
    for days in (1, 2, 3):
        dated_case(date(2026, 12, days))
    read = read_columns(Deadline.objects.order_by("id"), "pk", "kind", "due_on", "care", "case__caseworker")
    assert read == [
        (row.pk.bytes, row.kind, row.due_on, row.care, row.case.caseworker_id.bytes)
        for row in Deadline.objects.order_by("id")
    ]


def test_an_owner_reads_its_own_columns(olga):
    assert read_columns(User.objects.filter(pk=olga.pk), "username", "address") == [
        ("olga", "olga@staff.invalid")
    ]


def test_a_cell_that_does_not_open_hides_no_other(dated_case):
    dated_case(TODAY)
    dated_case(TODAY)
    dated_case(TODAY)
    moved, erased, sound = Deadline.objects.order_by("pk")
    with connection.cursor() as cursor:
        for row, cell in ((moved, bytes_of(sound)), (erased, b"\x00")):
            cursor.execute("UPDATE cases_deadline SET due_on = %s WHERE id = %s", [cell, stored(row.pk)])
    first, second, third = [day for (day,) in read_columns(Deadline.objects.order_by("pk"), "due_on")]
    assert isinstance(first, CannotOpen)
    assert isinstance(second, Erased)
    assert third == TODAY


def stored(pk):
    return pk if connection.vendor == "postgresql" else pk.hex


def bytes_of(row):
    with connection.cursor() as cursor:
        cursor.execute("SELECT due_on FROM cases_deadline WHERE id = %s", [stored(row.pk)])
        return bytes(cursor.fetchone()[0])


@pytest.mark.parametrize("name", ["reason_padded", "case__summary"])
def test_what_is_sealed_under_a_record_key_is_refused(name):
    with pytest.raises(FieldError):
        read_columns(Deadline.objects.all(), name)


def test_no_rows_are_no_columns():
    assert read_columns(Deadline.objects.filter(pk__in=[]), "due_on") == []


def test_inserted_rows_open_and_have_their_tokens():
    insert_new([reminder(str(uuid4())) for _ in range(1200)])
    rows = Reminder.objects.all()
    assert len({row.payload["deadline"] for row in rows}) == 1200
    field = Reminder._meta.get_field("key")
    assert all(row.key == field.token(row.payload) for row in rows)


def test_what_is_there_already_is_left_out():
    """Fails when ON CONFLICT DO NOTHING is left out."""
    insert_new([reminder()])
    Reminder.objects.update(attempts=3)
    insert_new([reminder(), reminder("another")])
    assert sorted(Reminder.objects.values_list("attempts", flat=True)) == [0, 3]
