"""What is typed on the board."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from cases import search
from cases.models import Deadline, DeadlineState
from staff.models import User
from vault.normalise import name_readings

LONGEST_REASON = 1000
LONGEST_QUERY, SHORTEST_QUERY = 100, 2


class CareForm(forms.Form):
    """What a person does about one date. `due` is the date as it was shown, `back` where the board stood."""

    act = forms.ChoiceField(choices=[(name, name) for name in ("seen", "done", "snooze", "reopen")])
    due = forms.CharField(required=False, max_length=40)
    back = forms.CharField(required=False, max_length=200)
    until = forms.DateField(
        label=_("Put off until"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Write the day as 2026-11-22.")},
    )
    reason = forms.CharField(
        label=_("Reason or note"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    @property
    def came_from_text(self) -> str:
        """The query string of the board that the person came from."""
        return self.data.get("back", "")[:200] if self.is_bound else ""

    @property
    def came_from(self) -> QueryDict:
        """The same, taken apart; the board reads from it only what it knows."""
        return QueryDict(self.came_from_text)

    def clean(self) -> dict[str, Any]:
        """A date that is put off needs a day; whether that day will do, the deadline says."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("act") == "snooze" and not data.get("until") and "until" not in self.errors:
            self.add_error("until", _("Choose the day until which this can wait."))
        return data

    def require_unchanged(self, row: Deadline) -> None:
        """Refuse to act on a date that moved or was done while the page was open. Raises ValidationError."""
        wanted = DeadlineState.DONE if self.cleaned_data["act"] == "reopen" else DeadlineState.OPEN
        if row.state != wanted:
            raise ValidationError(
                _("Meanwhile this deadline became “%(state)s”. Nothing was changed; look at it again.")
                % {"state": row.get_state_display()}
            )
        if self.cleaned_data["due"] != due_text(row):
            raise ValidationError(
                _("Meanwhile the date has changed. Nothing was done; look at the new date.")
            )

    def apply(self, row: Deadline, *, by: User) -> None:
        """Do it. Raises ValidationError with what to do instead, trail.Refused."""
        data = self.cleaned_data
        if data["act"] == "seen":
            row.mark_seen(by=by)
        elif data["act"] == "done":
            row.mark_done(by=by, reason=data["reason"])
        elif data["act"] == "snooze":
            row.snooze(until=data["until"], by=by, reason=data["reason"])
        else:
            row.reopen(by=by, reason=data["reason"])


class JudgementForm(forms.Form):
    """A pair of cases that are two people, with how that is known; or the same taken back."""

    act = forms.ChoiceField(choices=[(name, name) for name in ("judge", "restore")])
    pair = forms.CharField(max_length=80)
    reason = forms.CharField(required=False, max_length=LONGEST_REASON)


class SearchForm(forms.Form):
    """What is typed into the box in the head of every page."""

    q = forms.CharField(
        max_length=LONGEST_QUERY,
        error_messages={
            "required": _("Type what you know: a surname, a phone, an account, a document, a code name."),
            "max_length": _("This is too long to search for. Type a name or a number, not a sentence."),
        },
    )

    def clean_q(self) -> str:
        """Refuse what nothing can be found by. Raises ValidationError."""
        text: str = self.cleaned_data["q"]
        if sum(letter.isalnum() for letter in text) < SHORTEST_QUERY:
            raise ValidationError(_("Type at least two letters or digits."))
        if len(name_readings(text)) > search.MOST_WORDS:
            raise ValidationError(_("Type at most eight words: a name or a number, not a sentence."))
        return text


def due_text(row: Deadline) -> str:
    """The date as forms carry it; "" where it does not open."""
    return row.due_on.isoformat() if row.opens() else ""
