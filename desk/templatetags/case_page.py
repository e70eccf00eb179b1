"""The rows of the case page, drawn in one go.

A page has some three hundred inputs, and Django renders four small templates for each of them: 130 of the
155 ms of a page. The same markup is put together here, each part escaped; a widget this module does not know
is left to Django.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.forms.utils import flatatt
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from desk.admin.fields import DayInput

register = template.Library()


def _input(name: str, value: Any, attrs: dict[str, Any], widget: Any) -> str:
    shown = widget.format_value(value)
    typed = "" if shown is None else f' value="{escape(shown)}"'
    note = escape(widget.note(value)) if isinstance(widget, DayInput) else ""
    after = f' <span class="day-note">{note}</span>' if note else ""
    return f'<input type="{widget.input_type}" name="{name}"{typed}{flatatt(attrs)}>{after}'


def _textarea(name: str, value: Any, attrs: dict[str, Any], widget: Any) -> str:
    return f'<textarea name="{name}"{flatatt(attrs)}>\n{escape(widget.format_value(value) or "")}</textarea>'


def _checkbox(name: str, value: Any, attrs: dict[str, Any], widget: Any) -> str:
    if widget.check_test(value):
        attrs["checked"] = True
    return f'<input type="checkbox" name="{name}"{flatatt(attrs)}>'


def _select(name: str, value: Any, attrs: dict[str, Any], widget: Any) -> str:
    chosen = {str(one) for one in widget.format_value(value)}
    options = "".join(
        f'<option value="{escape("" if key is None else key)}"'
        f"{' selected' if str('' if key is None else key) in chosen else ''}>{escape(label)}</option>"
        for key, label in widget.choices
    )
    return f'<select name="{name}"{flatatt(attrs)}>{options}</select>'


DRAWN = {
    "django/forms/widgets/text.html": _input,
    "django/forms/widgets/date.html": _input,
    "django/forms/widgets/hidden.html": _input,
    "django/forms/widgets/textarea.html": _textarea,
    "django/forms/widgets/checkbox.html": _checkbox,
    "django/forms/widgets/select.html": _select,
}


@register.simple_tag
def control(bound: Any) -> SafeString:
    """The input of a bound field, as `{{ bound }}` would give it."""
    widget = bound.field.widget
    draw = DRAWN.get(widget.template_name)
    if draw is None:
        return bound.as_widget()  # type: ignore[no-any-return]
    attrs = widget.build_attrs(widget.attrs, bound.build_widget_attrs({}))
    attrs.setdefault("id", bound.auto_id)
    return mark_safe(draw(bound.html_name, bound.value(), attrs, widget))  # noqa: S308


@register.simple_tag
def lines(fieldset: Any) -> SafeString:
    """The fields of an admin fieldset, line by line, in the admin's own classes."""
    return mark_safe("".join(_line(line) for line in fieldset))  # noqa: S308


def _line(line: Any) -> str:
    bounds = [admin_field.field for admin_field in line]
    if all(bound.is_hidden for bound in bounds):
        return "".join(control(bound) for bound in bounds)
    # A row of several is not named after each: that would be three of the page's hundred kilobytes.
    name = f" field-{bounds[0].name}" if len(bounds) == 1 else ""
    errors = " errors" if any(bound.errors for bound in bounds) else ""
    boxes = "".join(_box(bound) for bound in bounds)
    several = " form-multiline" if len(bounds) > 1 else ""
    return f'<div class="form-row{name}{errors}"><div class="flex-container{several}">{boxes}</div></div>'


def _box(bound: Any) -> str:
    errors = str(bound.errors) if bound.errors else ""
    marked = " errors" if errors else ""
    required = ' class="required"' if bound.field.required else ""
    label = f'<label for="{bound.id_for_label}"{required}>{escape(bound.label)}:</label>'
    if bound.field.widget.template_name == "django/forms/widgets/checkbox_select.html":
        name = escape(bound.label)
        inside = f'<div class="kinds" role="group" aria-label="{name}"><b>{name}:</b>{control(bound)}</div>'
    elif bound.field.widget.template_name == "django/forms/widgets/checkbox.html":
        label = f'<label for="{bound.id_for_label}" class="vCheckboxLabel">{escape(bound.label)}</label>'
        inside = f"{control(bound)}{label}"
    else:
        inside = f"{label}{control(bound)}"
    help_text = (
        format_html('<div class="help" id="{}_helptext"><div>{}</div></div>', bound.auto_id, bound.help_text)
        if bound.help_text
        else ""
    )
    # base.css lays the boxes out: the admin's own class on each would be another three.
    box = f'<div class="fieldBox{marked}">{inside}</div>'
    return f"<div>{errors}{box}{help_text}</div>"
