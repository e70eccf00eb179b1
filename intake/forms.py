"""The public forms, and the content of a box: what `HelpForm.content` gives is what the desk reads.

Keys of a request's content: `alias`, `contact` (a phone or an account: only where staff typed the request),
`safe` (how and when to answer, what never to write), `country`,
`dangers`, `category`, `needs`, `text`, `papers`, `event`, `event_on` (ISO date or ""), `keep`, `language`,
`sent_at` (ISO, to the minute) and `flags` (records of `triage.Flag`). Of an addition's: `kind` ("added" or
"corrected"), `text`, `dangers`, `sent_at`, `flags`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake import countries, phrases, triage
from intake.models import Category
from intake.words import DANGERS, Event, Keep, Need, Paper

LONGEST_TEXT: Final = 2000
# Marks that turn the reading direction, also of what stands around them on the desk.
_TURNING = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
_YEARS: Final = (1900, 2199)
_NO_DATE: Final = _("This is not a date. Write it like 31.12.2026.")


def tidy(text: str) -> str:
    """`text` as it is kept: one form of each letter, one character a line break, nothing unseen."""
    if text.isascii() and text.isprintable():
        return text.strip()  # most cells of a large sheet are: nothing of what follows concerns them
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    seen = (c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
    return _TURNING.sub("", "".join(seen)).strip()


class Words(forms.CharField):
    """Text from a stranger: tidied first, measured then, so that what is refused says the true length."""

    def __init__(self, *, max_length: int, rows: int = 0, **kwargs: Any) -> None:
        attributes = {"maxlength": max_length, "autocomplete": "off"}
        widget = forms.Textarea(attributes | {"rows": rows}) if rows else forms.TextInput(attributes)
        super().__init__(max_length=max_length, required=False, strip=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> str:
        """Never refuses: a control character of a telephone's keyboard is nobody's fault."""
        return tidy(str(value or ""))


class HelpForm(forms.Form):
    """The nine questions. None has to be answered, but something must be said."""

    nothing_said: Any = _(
        "Nothing is filled in yet. Tick what is true, or write a few words under question 6."
    )

    alias = Words(max_length=60)
    safe = Words(max_length=500, rows=3)
    country = forms.ChoiceField(required=False)
    dangers = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, choices=list(DANGERS.items())
    )
    category = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    needs = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, choices=Need.choices
    )
    text = Words(max_length=LONGEST_TEXT, rows=8)
    papers = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, choices=Paper.choices
    )
    event = forms.ChoiceField(required=False)
    event_on = forms.CharField(
        required=False, max_length=20, widget=forms.DateInput({"type": "date", "autocomplete": "off"})
    )
    keep = forms.ChoiceField(
        required=False, widget=forms.RadioSelect, choices=Keep.choices, initial=Keep.UNTIL_ANSWERED
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="%s", **kwargs)
        fields: dict[str, Any] = self.fields
        fields["country"].choices = [("", _("Another one, or I do not say")), *countries.form_choices()]
        fields["category"].choices = [(c.value, c.label) for c in Category if c is not Category.UNKNOWN]
        fields["event"].choices = [("", _("Nothing that I know of")), *Event.choices]

    def clean_event_on(self) -> date | None:
        """A real date, as browsers send it or as people write it."""
        written = tidy(self.cleaned_data["event_on"])
        return _date(written) if written else None

    def clean(self) -> dict[str, Any]:
        """An empty form is a slip of the finger, not a request."""
        given = self.cleaned_data
        said = ("text", "dangers", "needs", "event", "event_on", "safe")
        if not self.errors and not any(given.get(name) for name in said):
            raise ValidationError(self.nothing_said)
        return given

    def triage(self, *, today: date, source: triage.Source = triage.Source.PERSON) -> triage.Triage:
        """The flags that the answers raise. `today` is the day where it is latest, so that none is late."""
        given = self.cleaned_data
        facts = [triage.Fact(triage.Danger(value), source=source) for value in given["dangers"]]
        event, event_on = given["event"], given["event_on"]
        if event and event != Event.OTHER:
            danger = triage.Danger(event)
            days = None if event_on is None else (event_on - today).days
            hours = triage.unit_of(danger) is triage.Unit.HOURS_LEFT
            facts.append(triage.Fact(danger, days * 24 if hours and days is not None else days, source))
        return triage.assess(facts)

    def plain(self) -> dict[str, str]:
        """The readable columns that the answers give, besides the colour."""
        given = self.cleaned_data
        return {"country": given["country"], "category": given["category"] or Category.UNKNOWN}

    def content(self, found: triage.Triage, *, language: str, at: datetime) -> dict[str, Any]:
        """What is sealed; its keys stand at the top of this module."""
        given = dict(self.cleaned_data)
        event_on = given.pop("event_on")
        return given | {
            "event_on": event_on.isoformat() if event_on else "",
            "keep": given["keep"] or Keep.UNTIL_ANSWERED.value,
            "language": language,
            "sent_at": at.isoformat(timespec="minutes"),
            "flags": [flag.record() for flag in found.flags],
        }


def _date(written: str) -> date:
    try:
        if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", written, re.ASCII):
            day = date(*map(int, found.groups()))
        elif found := re.fullmatch(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})", written, re.ASCII):
            day = date(*map(int, reversed(found.groups())))
        else:
            raise ValueError
    except ValueError:
        raise ValidationError(_NO_DATE) from None
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValidationError(_NO_DATE)
    return day


def latest_today(now: datetime) -> date:
    """The calendar date where it is latest on earth: days left are never counted as one too many."""
    return (now + timedelta(hours=14)).date()


class PhraseForm(forms.Form):
    """The way into a mailbox."""

    phrase = forms.CharField(
        max_length=phrases.LONGEST,
        widget=forms.Textarea(
            {"rows": 2, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Write the seven words of your phrase.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="%s", **kwargs)

    def clean_phrase(self) -> str:
        """The phrase in our own words and order."""
        try:
            return phrases.parse_phrase(self.cleaned_data["phrase"])
        except phrases.NotAPhrase as problem:
            raise ValidationError(str(problem)) from None


class AddForm(forms.Form):
    """Something added to a mailbox, or corrected."""

    kind = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        initial="added",
        choices=[("added", _("Something new")), ("corrected", _("What I wrote before was wrong or changed"))],
    )
    text = Words(max_length=LONGEST_TEXT, rows=6)

    dangers = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, choices=list(DANGERS.items())
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="%s", **kwargs)

    def require(self, pictures: Sequence[bytes]) -> None:
        """Raises ValidationError where nothing is said and nothing is shown."""
        if not (self.cleaned_data["text"] or self.cleaned_data["dangers"] or pictures):
            raise ValidationError(_("There is nothing to send yet. Write a few words."))

    def triage(self) -> triage.Triage:
        """The flags that the addition raises by itself."""
        return triage.assess(triage.Fact(triage.Danger(value)) for value in self.cleaned_data["dangers"])

    def content(self, found: triage.Triage, *, at: datetime) -> dict[str, Any]:
        """What is sealed."""
        given = self.cleaned_data
        return {
            "kind": given["kind"] or "added",
            "text": given["text"],
            "dangers": given["dangers"],
            "sent_at": at.isoformat(timespec="minutes"),
            "flags": [flag.record() for flag in found.flags],
        }

    def as_request(self, found: triage.Triage, *, language: str, at: datetime) -> dict[str, Any]:
        """The same as the content of a request, for a phrase that has none (any more)."""
        nothing = dict.fromkeys(("alias", "safe", "country", "category", "event", "event_on"), "")
        nothing |= {"needs": [], "papers": [], "keep": Keep.UNTIL_ANSWERED.value, "language": language}
        return nothing | self.content(found, at=at)
