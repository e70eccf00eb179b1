"""The database cannot read a sealed column: what would need it to is refused, with what to do instead."""

import datetime

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db.models import Case, Count, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Lower

from tests.vault.cells.models import File, Page, Ring
from vault.fields import SealedTextField, find

REFUSED = {
    "equality": (lambda: Page.objects.filter(remark="x"), "only isnull"),
    "none by equality of a related row": (lambda: Page.objects.filter(file__summary="x"), "only isnull"),
    "search in text": (lambda: Page.objects.filter(text__icontains="x"), "only isnull"),
    "a range of days": (lambda: Page.objects.filter(born_on__lte=datetime.date.today()), "only isnull"),
    "the year of a day": (lambda: Page.objects.filter(born_on__year=2026), "sealed"),
    "a key in JSON": (lambda: Page.objects.filter(facts__a=1), "sealed"),
    "the calendar's day": (lambda: Page.objects.filter(due_on=datetime.date.today()), "'due_week'"),
    "exclude": (lambda: Page.objects.exclude(text="x"), "only isnull"),
    "Q": (lambda: Page.objects.filter(Q(title="a") | Q(text="x")), "only isnull"),
    "get": (lambda: Page.objects.get(text="x"), "only isnull"),
    "get_or_create": (lambda: Page.objects.get_or_create(text="x"), "only isnull"),
    "order": (lambda: Page.objects.order_by("born_on"), "sort them in Python"),
    "reverse order": (lambda: Page.objects.order_by("-text"), "sort them in Python"),
    "order by expression": (lambda: list(Page.objects.order_by(F("text").desc())), "compute in Python"),
    "order by a related row": (lambda: Page.objects.order_by("file__summary"), "sort them in Python"),
    "latest": (lambda: Page.objects.latest("due_on"), "sort them in Python"),
    "values": (lambda: Page.objects.values("text"), "Read instances"),
    "all values": (lambda: Page.objects.values(), "Read instances"),
    "values_list of a related row": (lambda: Page.objects.values_list("file__summary"), "Read instances"),
    "a copy in another column": (lambda: Page.objects.update(title=F("text")), "save() them"),
    "a function": (lambda: Page.objects.annotate(low=Lower("text")), "compute in Python"),
    "an aggregate": (lambda: Page.objects.aggregate(Max("due_on")), "compute in Python"),
    "counting equal ones": (lambda: Page.objects.annotate(n=Count("text")), "compute in Python"),
    "comparing columns": (lambda: Page.objects.filter(title=F("text")), "compute in Python"),
    "a subquery": (
        lambda: list(File.objects.annotate(x=Subquery(Page.objects.filter(file=OuterRef("summary"))[:1]))),
        "compute in Python",
    ),
    "dates": (lambda: list(Page.objects.dates("born_on", "month")), "sealed"),
    "update": (lambda: Page.objects.update(text="x"), "save() each"),
    "update to nothing": (lambda: Page.objects.update(remark=None), "save() each"),
    "update of an index": (lambda: Page.objects.update(due_week=1), "save() each"),
    "update by case": (
        lambda: Page.objects.update(title=Case(When(pk=None, then=F("text")), default=Value(""))),
        "save() them",
    ),
    "bulk_update": (lambda: Page.objects.bulk_update([Page()], ["text"]), "save() each"),
    "bulk_create on conflict": (
        lambda: Page.objects.bulk_create(
            [Page(text="x")], update_conflicts=True, update_fields=["text"], unique_fields=["id"]
        ),
        "save() it",
    ),
    "a value filtered as an index": (lambda: File.objects.filter(phone_index="+7701"), "token(value)"),
    "a range of tokens": (lambda: File.objects.filter(phone_index__gt=1), "exact, in and isnull"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_is_refused_with_what_to_do_instead(db, what):
    ask, advice = REFUSED[what]
    with pytest.raises(FieldError) as refusal:
        ask()
    assert advice in str(refusal.value)


def test_a_value_never_reaches_the_database_even_past_our_queryset(page):
    with pytest.raises(FieldError, match="save"):
        Page._base_manager.filter(pk=page.pk).update(text="plain text")
    with pytest.raises(FieldError, match="give it a value"):
        Page(file=page.file, text=F("title")).save()


@pytest.mark.parametrize("option", ["unique", "db_index", "primary_key"])
def test_a_sealed_column_cannot_be_indexed(option):
    with pytest.raises(ImproperlyConfigured, match="BlindIndex"):
        SealedTextField(**{option: True})


def test_whether_something_is_there_may_be_asked(page):
    assert Page.objects.filter(text__isnull=False, remark__isnull=True).get() == page
    assert Page.objects.filter(file__summary__isnull=False).count() == 1


def test_plain_columns_work_as_ever(page, queries):
    Page.objects.update(title="a")
    Page.objects.bulk_update([page], ["title"])
    assert Page.objects.order_by("title").values_list("file__code_name", flat=True).get() == "quiet heron 7"
    assert Page.objects.annotate(n=Count("file")).order_by("-n").get().n == 1


def test_managers_and_templates_get_no_way_to_delete_or_change(db):
    """Sabotage: drop `delete.queryset_only`. File.objects.delete() would delete every case."""
    assert not hasattr(File.objects, "delete")
    for method in (File.objects.all().delete, File.objects.update, File.objects.bulk_create, File().save):
        assert method.alters_data


# -- blind indexes


def test_a_row_is_found_by_its_index(file, other_file):
    assert find(File.objects.all(), "phone_index", " +77010000001 ") == [file]
    assert find(File.objects.all(), "phone_index", "+77019999999") == []
    assert find(File.objects.all(), "phone_index", "") == []


def test_a_chance_match_is_opened_and_left_out(file, other_file):
    """Sabotage: leave the comparison out of find()."""
    File._base_manager.filter(pk=other_file.pk).update(phone_index=file.phone_index)
    assert find(File.objects.all(), "phone_index", file.phone) == [file]


def test_days_are_found_by_their_week(page, file):
    field = Page._meta.get_field("due_week")
    sunday = Page.objects.create(file=file, due_on="2026-04-05")
    monday = Page.objects.create(file=file, due_on="2026-04-06")
    week = field.token(datetime.date(2026, 3, 30))
    assert set(Page.objects.filter(due_week__in=[week])) == {page, sunday}
    assert set(Page.objects.filter(due_week=field.token("2026-04-12"))) == {monday}
    assert set(Page.objects.exclude(due_week=week)) == {monday}


def test_nothing_has_no_token(file):
    page = Page.objects.create(file=file)
    assert page.due_week is None
    assert Page.objects.filter(due_week__isnull=True).get() == page


def test_tokens_differ_by_key_by_column_and_by_value(file):
    week = Page._meta.get_field("due_week")
    assert week.token("2026-04-05") != week.token("2026-04-06")
    assert File._meta.get_field("phone_index").token("2026-W14") != week.token("2026-04-05")
    assert 0 <= week.token("2026-04-05") < 2**32


@pytest.mark.parametrize("change", ["save", "save only the phone", "save a row whose index was not loaded"])
def test_an_index_stays_in_step_with_its_source(file, fresh, change):
    """Sabotage: drop `_computed_from` from SealedModel.save."""
    row = fresh(file)
    if change == "save a row whose index was not loaded":
        row = File.objects.defer("phone_index").get(pk=file.pk)
    row.phone = "+77770000000"
    row.save(update_fields=["phone"]) if change == "save only the phone" else row.save()
    assert find(File.objects.all(), "phone_index", "+77770000000") == [file]
    assert find(File.objects.all(), "phone_index", "+77010000001") == []


def test_an_index_stays_when_its_source_was_not_touched(file, fresh):
    for save in (
        lambda row: row.save(),
        lambda row: row.save(update_fields=["code_name"]),
        lambda row: row.save(update_fields=["phone_index"]),
    ):
        save(fresh(file))
        save(File.objects.only("code_name").get(pk=file.pk))
        assert fresh(file).phone_index == file.phone_index is not None


def test_an_emptied_phone_loses_its_index(file, fresh):
    file.phone = None
    file.save()
    assert fresh(file).phone_index is None


# -- keyed tokens


def test_equal_ledger_rows_have_equal_tokens_whatever_else_they_hold(db):
    field = Ring._meta.get_field("once")
    typed = field.token({"page": "p", "due_on": datetime.date(2026, 3, 31), "lead": 7})
    read = field.token({"lead": 30, "due_on": "2026-03-31", "page": "p"})
    assert typed == read
    assert len(typed) == 64
    assert typed != field.token({"page": "p", "due_on": "2026-04-01"})


def test_a_ledger_takes_the_same_row_once(db):
    rows = [Ring(payload={"page": "p", "due_on": "2026-03-31", "lead": n}) for n in range(3)]
    Ring.objects.bulk_create(rows, ignore_conflicts=True)
    Ring.objects.bulk_create([Ring(payload=rows[0].payload)], ignore_conflicts=True)
    assert Ring.objects.get().payload["lead"] == 0


def test_a_token_lacking_its_parts_says_which(db):
    with pytest.raises(FieldError, match="payload lacks due_on"):
        Ring.objects.create(payload={"page": "p"})
