"""Form fields of the desk: days typed as 2026-11-22, country codes typed with commas."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cases.models import Application
from law import countries
from law.stages import Tag

YEARS = range(1900, 2200)


def days_away(day: datetime.date, today: datetime.date) -> str:
    """ "today", "in 5 days" or "5 days ago", in the reader's language."""
    distance = (day - today).days
    if distance == 0:
        return gettext("today")
    if distance > 0:
        return ngettext("in %(n)d day", "in %(n)d days", distance) % {"n": distance}
    return ngettext("%(n)d day ago", "%(n)d days ago", -distance) % {"n": -distance}


def day_note(day: datetime.date, today: datetime.date) -> str:
    """Weekday and distance, to stand beside a typed day."""
    return f"{date_format(day, 'l')}, {days_away(day, today)}"


class DayInput(forms.DateInput):
    """A day typed in digits. No native picker: it shows the day in the order of the machine's country."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        usual = {"class": "day", "placeholder": _("YYYY-MM-DD"), "inputmode": "numeric"}
        super().__init__({**usual, **(attrs or {})}, format="%Y-%m-%d")
        self.today: datetime.date | None = None

    def note(self, value: Any) -> str:
        """Weekday and distance, to stand beside the input; "" where there is no day."""
        if self.today is None or not isinstance(value, datetime.date):
            return ""
        return day_note(value, self.today)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The input and its note."""
        control = super().render(name, value, attrs, renderer)
        note = self.note(value)
        return format_html('{} <span class="day-note">{}</span>', control, note) if note else control


class DayField(forms.DateField):
    """A day of the years 1900 to 2199, typed as 2026-11-22, 20261122 or 22.11.2026."""

    widget = DayInput
    default_error_messages = {"invalid": _("Type the day as year-month-day, such as 2026-11-22.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs["input_formats"] = ["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y"]
        kwargs["widget"] = DayInput
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> datetime.date | None:
        """The typed day. Raises ValidationError."""
        day: datetime.date | None = super().to_python(value)
        if day is not None and day.year not in YEARS:
            raise forms.ValidationError(_("Check the year: it must lie between 1900 and 2199."), code="year")
        return day


class CountryField(forms.CharField):
    """A country, typed by name with suggestions, or as its code.

    Seventy names in each of thirty selects would be most of the page's weight; the suggestions stand on it
    once, in `datalist#countries`.
    """

    default_error_messages = {
        "invalid": _("The desk does not know this country. Choose one that is suggested.")
    }

    def __init__(self, **kwargs: Any) -> None:
        known = ("label", "required", "help_text", "initial", "disabled")
        attrs = {"list": "countries", "class": "country"}
        super().__init__(
            **{name: kwargs[name] for name in known if name in kwargs}, widget=forms.TextInput(attrs=attrs)
        )

    def prepare_value(self, value: Any) -> Any:
        """The country's name for its code."""
        return countries.name(value) if isinstance(value, str) and value else value

    def to_python(self, value: Any) -> str:
        """The code of what was typed, or "". Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed or typed.upper() in countries.COUNTRIES:
            return typed.upper()
        for code, name in countries.choices():
            if name.casefold() == typed.casefold():
                return code
        raise forms.ValidationError(self.error_messages["invalid"], code="invalid")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another country was typed than stands there."""
        try:
            return not self.disabled and self.to_python(data) != (initial or "")
        except forms.ValidationError:
            return True


class KindsField(forms.MultipleChoiceField):
    """Which kind of procedure or refusal it is: those that the rules of the country tell apart, to tick."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        label = Application._meta.get_field("tags").verbose_name  # type: ignore[union-attr]
        super().__init__(required=False, label=label, **kwargs)

    def offer(self, tags: Collection[str]) -> None:
        """Offer these, in the order of the list; none: say why."""
        self.choices = [choice for choice in Tag.choices if choice[0] in tags]
        if not self.choices:
            self.help_text = _("Which kinds there are depends on the country. Save it first.")
        else:
            self.help_text = _("The term depends on it, and counts only what a person has ticked.")

    def valid_value(self, value: Any) -> bool:
        """Every kind there is: the country may just have been changed."""
        return value in Tag.values

    def clean(self, value: Any) -> list[str] | None:
        """What was ticked, or None."""
        return sorted(super().clean(value)) or None


class CodesField(forms.CharField):
    """A list of country codes, typed with commas; what is wrong with them the record says."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """What stands in the input."""
        return ", ".join(value) if isinstance(value, Iterable) and not isinstance(value, str) else value

    def to_python(self, value: Any) -> list[str] | None:  # type: ignore[override]
        """Codes in capitals, or None."""
        codes = [part.strip().upper() for part in str(value or "").replace(";", ",").split(",")]
        return [code for code in codes if code] or None

    def run_validators(self, value: Any) -> None:
        """Nothing about length: it is no text any more."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other codes were typed than stand there."""
        return not self.disabled and self.to_python(data) != (initial or None)
