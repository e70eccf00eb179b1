"""A row of a sheet of help requests as what staff would have typed: the same form looks at it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from importing import values
from importing.rows import Row
from inbox.models.marks import SHEET_ROW
from inbox.typed_form import TypedForm
from intake.models import Category, Channel, Language
from intake.triage import Danger
from intake.words import DANGERS, TOLD, Event, Keep, Need, Paper

SEVERAL: Final = {"dangers", "needs", "papers"}
TEXTS: Final = ("alias", "contact", "safe", "text")


def _words(labels: Mapping[Any, Any]) -> dict[str, str]:
    found = {}
    for value, label in labels.items():
        found[values.key(str(value))] = str(value)
        for language in values.LANGUAGES:
            with translation.override(language):
                found[values.key(label)] = str(value)
    return found


@dataclass
class RequestRow:
    """A request, ready to be stored: what is sealed, and its readable columns."""

    row: Row
    content: dict[str, Any]
    plain: dict[str, Any]


class RequestRowBuilder:
    """Builds requests. One form looks at all rows: making it anew would take most of the time."""

    def __init__(self, now: datetime, language: str) -> None:
        self.now, self.language = now, language
        self.form = TypedForm({})
        dangers = {danger: TOLD[danger] for danger in DANGERS}
        own = {danger: DANGERS[danger] for danger in DANGERS}
        self.words: dict[str, dict[str, str]] = {
            "dangers": _words(own) | _words(dangers),
            "needs": _words(dict(Need.choices)),
            "papers": _words(dict(Paper.choices)),
            "event": _words(dict(Event.choices))
            | _words({each.value: TOLD[Danger(each.value)] for each in Event if each is not Event.OTHER}),
            "keep": _words(dict(Keep.choices)),
            "category": dict(values.words_of(Category)),
            "channel": {word: way for word, way in values.words_of(Channel).items() if way != Channel.FORM},
            "language": dict(values.words_of(Language)) | {"английский": "en", "russian": "ru"},
        }
        self.labels: dict[str, list[str]] = {
            "dangers": [str(TOLD[danger]) for danger in DANGERS],
            "needs": [str(each.label) for each in Need],
            "papers": [str(each.label) for each in Paper],
            "event": [str(each.label) for each in Event],
            "keep": [str(each.label) for each in Keep],
            "category": [str(each.label) for each in Category],
            "channel": [str(each.label) for each in Channel if each is not Channel.FORM],
            "language": [str(each.label) for each in Language],
        }

    def build(self, row: Row) -> RequestRow:
        """The request of `row`; whatever does not fit stands in `row.problems`."""
        if not row.get("channel"):
            row.refuse(_("Write how the request came, such as: telephone."), "channel")
        asked_on = row.read("asked_on", values.day)
        if asked_on is not None and asked_on > self.now.date():
            row.refuse(_("This day lies ahead. Check the year."), "asked_on")
        sent: dict[str, Any] = {name: row.get(name) for name in TEXTS}
        for name in self.words:
            sent[name] = self._choice(row, name)
        sent["language"] = sent["language"] or self.language
        sent["country"] = row.read("country", values.country) or ""
        event_on = row.read("event_on", values.day)
        sent["event_on"] = event_on.isoformat() if event_on else ""
        if row.problems:
            return RequestRow(row, {}, {})
        return self._through_form(row, sent, asked_on)

    def _choice(self, row: Row, name: str) -> Any:
        words, labels = self.words[name], self.labels[name]
        if name in SEVERAL:
            return row.read(
                name, lambda text: [values.one_of(part, words, labels) for part in values.several(text)]
            ) or []  # fmt: skip
        if name == "category" and values.key(row.get(name)) in ("", Category.UNKNOWN):
            return ""
        found = row.read(name, lambda text: values.one_of(text, words, labels)) or ""
        return "" if found == Category.UNKNOWN else found

    def _through_form(self, row: Row, sent: dict[str, Any], asked_on: Any) -> RequestRow:
        country = sent.pop("country")
        self.form.data, self.form.is_bound = sent, True
        self.form.full_clean()
        for name, problems in self.form.errors.items():
            row.wrong(ValidationError(list(problems)), "" if name == "__all__" else name)
        if row.problems:
            return RequestRow(row, {}, {})
        content, plain = self.form.content_and_columns(at=self.now)
        # The public form offers fewer countries than the desk knows.
        content["country"] = plain["country"] = country
        if asked_on is not None:
            content["sent_at"] = f"{asked_on.isoformat()}T00:00+00:00"
        content[SHEET_ROW] = fingerprint(sent | {"country": country, "asked_on": str(asked_on)})
        return RequestRow(row, content, plain)


def fingerprint(sent: Mapping[str, Any]) -> str:
    """What tells that the same row comes a second time; it is kept with the request, sealed."""
    text = json.dumps(dict(sent), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
