"""Fields that forms about legal rules share, and what every version of a rule is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from desk.law_book import PLACES
from law import countries
from law.rules.values import FIRST_YEAR, LAST_YEAR
from law.rules.versions import Table, Version
from law.words.rules import CONFIDENCE

LONGEST_COUNT = 10_000
FOLLOWS, CORRECTS = "follows", "corrects"
YES_NO = [
    ("", gettext_lazy("not known")),
    ("true", pgettext_lazy("answer", "yes")),
    ("false", pgettext_lazy("answer", "no")),
]
AS_STORED = {None: "", True: "true", False: "false"}
AS_TYPED = {typed: stored for stored, typed in AS_STORED.items()}
_YEARS = {"from": FIRST_YEAR, "to": LAST_YEAR}
_NUMBERS = re.compile(r"\d{1,2}(\s*,\s*\d{1,2})*")


def day_field(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("Write the day as 2026-11-22.")},
        **options,
    )


def count_field(label: Any, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=LONGEST_COUNT, **options)


def members_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Members"),
        max_length=400,
        help_text=gettext_lazy("Two-letter codes with commas between them."),
    )


def yes_no_field(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=YES_NO, required=False)


def text_field(label: Any, *, rows: int = 2, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=2000, widget=forms.Textarea(attrs={"rows": rows}), **options
    )


def many_field(label: Any, choices: Iterable[tuple[str, Any]], **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=list(choices), required=False, widget=forms.CheckboxSelectMultiple, **options
    )


def places() -> list[tuple[str, Any]]:
    return [*PLACES.items(), *countries.choices()]


class VersionForm(forms.Form):
    """What every version has. `seen` is the newest version that the lawyer had before them.

    With `before` it makes a version that replaces it; what the form has no field for is taken over as it is.
    """

    table: Table
    seen = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    change = forms.ChoiceField(
        label=gettext_lazy("Why a new version"),
        choices=[
            (
                FOLLOWS,
                gettext_lazy("The law changes: the older version ends the day before the new one begins"),
            ),
            (CORRECTS, gettext_lazy("The older version was wrong: the new one takes its place altogether")),
        ],
        widget=forms.RadioSelect,
        initial=FOLLOWS,
    )
    valid_from = day_field(gettext_lazy("In force from"), required=False)
    valid_to = day_field(gettext_lazy("In force until, if known"), required=False)
    sources = text_field(
        gettext_lazy("Sources"),
        rows=3,
        help_text=gettext_lazy("Law, article, page, day: where the next lawyer finds it. One on each line."),
        error_messages={"required": gettext_lazy("A rule without a source is no rule. Say where it stands.")},
    )
    confidence = forms.ChoiceField(label=gettext_lazy("How sure"), choices=list(CONFIDENCE.items()))
    note = text_field(gettext_lazy("Remark"), required=False)

    def __init__(self, *args: Any, before: Version | None = None, **kwargs: Any) -> None:
        self.before = before
        if before is not None:
            kwargs["initial"] = self.initial_of(before) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        if before is None:
            del self.fields["change"]
        else:
            self.fields.pop("code", None)
            self.fields.pop("country", None)

    def initial_of(self, before: Version) -> dict[str, Any]:
        """The older version's own words; the days are asked anew, but for the last one."""
        row = before.row
        return {
            "sources": "\n".join(row.get("sources") or [row.get("source", "")]),
            "confidence": row.get("confidence", "low"),
            "note": row.get("note", ""),
            "valid_from": before.valid_from,
            "valid_to": before.valid_to,
        }

    def clean(self) -> dict[str, Any]:
        """Days in their order; a law that changes does so on a day after the older version's first."""
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("valid_from"), data.get("valid_to")
        for name in ("valid_from", "valid_to"):
            day = data.get(name)
            if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
                self.add_error(name, _("Give a day of the years %(from)d to %(to)d.") % _YEARS)
        if first and last and last < first:
            self.add_error("valid_to", _("The rule ends before it begins. Check both dates."))
        if self.before is not None and data.get("change") == FOLLOWS and "valid_from" not in self.errors:
            if first is None:
                self.add_error("valid_from", _("Say from which day the law has changed."))
            elif self.before.valid_from and first <= self.before.valid_from:
                self.add_error(
                    "valid_from",
                    _("The older version begins on this day or later. Choose a later day, or a correction."),
                )
        return data

    def draft(self, code: str, number: int) -> Version:
        """The version that was typed."""
        data = self.cleaned_data
        row = dict(self.before.row) if self.before else {"verified_on": None, "verified_by": None}
        row |= self.row_of(data) | {"confidence": data["confidence"], "note": data["note"]}
        row |= {"valid_from": iso(data["valid_from"]), "valid_to": iso(data["valid_to"])}
        row["code" if self.table == Table.GROUP else "id"] = code
        if "country" in data:
            row["country"] = data["country"]
        return Version(
            table=self.table,
            code=code,
            number=number,
            row=self.with_sources(
                row, [line.strip() for line in data["sources"].splitlines() if line.strip()]
            ),
            valid_from=data["valid_from"],
            valid_to=data["valid_to"],
            replaces=self.before.number if self.before else None,
            corrects=self.before is not None and data["change"] == CORRECTS,
        )

    def row_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The typed parts, in the shape of the shipped files."""
        raise NotImplementedError

    def with_sources(self, row: dict[str, Any], sources: list[str]) -> dict[str, Any]:
        """The row with its sources."""
        return row | {"sources": sources}


class NewRule(forms.Form):
    """What only a new rule is asked: its name for good, and where it holds."""

    code = forms.SlugField(
        label=gettext_lazy("Short name of the rule"),
        max_length=40,
        help_text=gettext_lazy("For good, such as kz-2027: country and year."),
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=places)


def numbers(text: str) -> list[int]:
    if not _NUMBERS.fullmatch(text.strip()):
        raise ValidationError(_("Write whole numbers with commas between them, such as 20, 45."))
    found = sorted({int(number) for number in text.split(",")})
    if found[0] < 1:
        raise ValidationError(_("Write whole numbers with commas between them, such as 20, 45."))
    return found


def iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def country_codes(text: str, before: Version | None) -> list[str]:
    """Codes of countries that the desk or the older version knows, each once. Raises ValidationError."""
    codes = {code.strip().upper() for code in text.split(",") if code.strip()}
    known = set(before.row.get("members") or ()) if before else set()
    unknown = sorted(codes - countries.COUNTRIES.keys() - known)
    if unknown or not codes:
        raise ValidationError(
            _("The desk knows no such countries: %(codes)s.") % {"codes": ", ".join(unknown) or "–"}
        )
    return sorted(codes)
