"""Forms over a damaged cell: shown, disabled, its ciphertext kept. Django opens every column on its way."""

import datetime

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict

from tests.vault.cells.models import Page
from vault.forms import SealedFormMixin
from vault.show import shown_column, unreadable_fields

FIELDS = ["file", "title", "text", "remark", "born_on", "due_on", "facts"]


class PageForm(SealedFormMixin, forms.ModelForm):
    class Meta:
        model = Page
        fields = FIELDS


@pytest.fixture
def damaged(page, cell, fresh):
    """A page whose text and due day do not open; its remark does."""
    page.remark = "a remark"
    page.save()
    cell(page, "text").bytes = b"junk text"
    cell(page, "due_on").bytes = b"junk day"
    return fresh(page)


def test_model_to_dict_survives_a_damaged_cell(damaged):
    """Sabotage: drop SealedMixin.value_from_object."""
    values = model_to_dict(damaged)
    assert (values["text"], values["due_on"], values["remark"]) == (None, None, "a remark")


def test_a_form_shows_a_damaged_cell_disabled(damaged):
    form = PageForm(instance=damaged)
    assert {name for name, field in form.fields.items() if field.disabled} == {"text", "due_on"}
    page = str(form)
    assert "⚠ unreadable" in page
    assert "a remark" in page
    assert "junk" not in page


@pytest.mark.parametrize(
    "typed", [{}, {"text": "", "due_on": ""}, {"text": "overwritten", "due_on": "2026-01-01"}]
)
def test_saving_a_form_keeps_the_damaged_ciphertext(damaged, cell, typed):
    """Sabotage: drop SealedMixin.save_form_data."""
    form = PageForm(
        {"file": damaged.file_id, "title": "a title", "remark": "new remark", **typed}, instance=damaged
    )
    assert form.is_valid(), form.errors
    form.save()
    assert cell(damaged, "text").bytes == b"junk text"
    assert cell(damaged, "due_on").bytes == b"junk day"
    row = Page.objects.get(pk=damaged.pk)
    assert (row.title, row.remark) == ("a title", "new remark")


def test_a_plain_form_keeps_it_too(damaged, cell):
    form = forms.modelform_factory(Page, fields=FIELDS)(
        {"file": damaged.file_id, "title": "a title", "text": "x", "remark": "", "due_on": ""},
        instance=damaged,
    )
    assert form.is_valid(), form.errors
    form.save()
    assert cell(damaged, "text").bytes == b"junk text"


def test_a_whole_row_validates_in_spite_of_a_damaged_cell(damaged):
    """Sabotage: drop SealedModel.clean_fields."""
    damaged.full_clean()
    damaged.title = "x" * 41
    with pytest.raises(ValidationError, match="40"):
        damaged.full_clean()


def test_constraints_see_whether_a_cell_is_filled_and_never_its_text(page, fresh, queries):
    """Sabotage: drop SealedModel._get_field_expression_map. A CHECK would get plaintext as a parameter."""
    row = fresh(page)
    row.title, row.remark = "final", "secret words"
    with queries() as made:
        row.validate_constraints()
    assert made.captured_queries
    assert all("secret" not in query["sql"] and "2026" not in query["sql"] for query in made)
    row.remark = None
    with pytest.raises(ValidationError, match="final_page_has_a_remark"):
        row.validate_constraints()


def test_null_does_not_slip_past_a_constraint_in_the_database(file):
    """A CHECK lets NULL through where its condition is unknown: isnull never is."""
    from django.db import IntegrityError, transaction

    page = Page.objects.create(file=file, title="final", remark="x")
    page.remark = None
    with pytest.raises(IntegrityError, match="final_page_has_a_remark"), transaction.atomic():
        page.save()


def test_a_new_row_goes_through_a_form(file, fresh):
    form = PageForm({"file": file.pk, "text": "typed", "born_on": "1999-12-31", "facts": '{"a": 1}'})
    assert form.is_valid(), form.errors
    row = fresh(form.save())
    assert (row.text, row.born_on, row.facts) == ("typed", datetime.date(1999, 12, 31), {"a": 1})
    assert row.remark in (None, "")


def test_an_unchanged_form_has_no_changes(page, fresh):
    page.facts = {"a": 1}
    page.save()
    form = PageForm(instance=fresh(page))
    data = {name: form[name].value() for name in FIELDS if form[name].value() is not None}
    again = PageForm({**data, "facts": form["facts"].value()}, instance=fresh(page))
    assert again.is_valid(), again.errors
    assert again.changed_data == []


def test_what_does_not_open_is_listed_by_name(damaged, page, file, destroy, fresh):
    assert unreadable_fields(damaged) == {"text": "⚠ unreadable", "due_on": "⚠ unreadable"}
    destroy(file)
    assert unreadable_fields(fresh(file)) == {"summary": "[erased]", "phone": "[erased]"}


def test_a_column_of_a_list_survives_and_cannot_be_sorted(damaged):
    column = shown_column("text", "Text")
    assert str(column(damaged)) == "⚠ unreadable"
    assert column.short_description == "Text"
    assert not hasattr(column, "admin_order_field")
