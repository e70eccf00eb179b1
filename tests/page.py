"""Fills in the case page as a browser would: everything that stands there goes back, plus what is typed."""

from __future__ import annotations

from typing import Any


def _posted(form: Any) -> dict[str, str]:
    data = {}
    for name, field in form.fields.items():
        if field.disabled:
            continue
        value = form[name].value()
        value = field.prepare_value(value)
        if value is True:
            data[form.add_prefix(name)] = "on"
        elif value is not False:
            shown = field.widget.format_value(value) if hasattr(field.widget, "format_value") else value
            if getattr(field.widget, "allow_multiple_selected", False):
                data[form.add_prefix(name)] = shown
                continue
            if isinstance(shown, list):
                shown = shown[0] if shown else ""
            data[form.add_prefix(name)] = "" if shown is None else str(shown)
    return data


def form_data(response: Any, **typed: str | None) -> dict[str, str]:
    """What a browser sends from this page after `typed` was typed; None unticks a box."""
    data = _posted(response.context["adminform"].form)
    for inline in response.context["inline_admin_formsets"]:
        data |= _posted(inline.formset.management_form)
        for form in inline.formset.forms:
            data |= _posted(form)
    return data | {name: value for name, value in typed.items() if value is not None}


def new_row(response: Any, prefix: str, **typed: str) -> dict[str, str]:
    """One more row of the inline `prefix`, as "Add another" makes it, with what is typed into it."""
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        if formset.prefix == prefix:
            number = formset.total_form_count()
            row = _posted(formset.empty_form)
            row = {key.replace("__prefix__", str(number)): value for key, value in row.items()}
            row |= {f"{prefix}-{number}-{name}": value for name, value in typed.items()}
            return row | {f"{prefix}-TOTAL_FORMS": str(number + 1)}
    raise AssertionError(f"There is no inline {prefix} on this page.")
