"""The questions of the public form, as staff ask them of somebody who did not use it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from inbox import words
from intake.forms import HelpForm, Words, latest_today
from intake.models import Channel, Language
from intake.triage import Source
from intake.words import DANGERS, TOLD, Event

# The ways by which a request may come that is not the public form.
CHANNELS = [(each.value, each.label) for each in Channel if each is not Channel.FORM]


class TypedForm(HelpForm):
    """A request that came by another way; whoever types it says by which."""

    nothing_said = _("Nothing is filled in yet. Tick what is true, or write a few words of what was told.")
    channel = forms.ChoiceField(
        label=_("How the request came"),
        choices=[("", "–"), *CHANNELS],
        error_messages={"required": _("Choose how the request came.")},
    )
    language = forms.ChoiceField(label=_("Language of the person"), choices=Language.choices)
    contact = Words(max_length=200)
    field_order = ("channel", "language", "alias", "contact", "safe", "country", "dangers", "category")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        for name, field in fields.items():
            field.label = words.QUESTIONS.get(name, field.label)
        fields["dangers"].choices = [(danger.value, TOLD[danger]) for danger in DANGERS]
        fields["country"].choices = [("", _("Another one, or not known")), *fields["country"].choices[1:]]
        fields["category"].choices = [("", _("Not known yet")), *fields["category"].choices]
        fields["event"].choices = [
            ("", _("Nothing that is known of")),
            *((each.value, TOLD.get(each.value, each.label)) for each in Event),  # type: ignore[call-overload]
        ]

    def content_and_columns(self, *, at: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is sealed of the request, and its readable columns."""
        found = self.triage(today=latest_today(at), source=Source.STAFF)
        language = self.cleaned_data["language"]
        content = self.content(found, language=language, at=at)
        channel = content.pop("channel")
        return content, self.plain() | {
            "channel": channel,
            "language": language,
            "colour": int(found.colour),
        }
