"""Answers that say nothing dangerous to whoever looks over a shoulder: no name, no place, no plan."""

from __future__ import annotations

from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# (label for the caseworker, text for the person); the text goes out in the language of the request.
ANSWERS: Final[dict[str, tuple[Any, Any]]] = {
    "received": (
        pgettext_lazy("answer", "We have read it"),
        _(
            "We have read what you wrote. Somebody works on it and will write here again. Look into "
            "this mailbox once a day, from a device that nobody else looks into. If something "
            "changes, add it here."
        ),
    ),
    "more": (
        pgettext_lazy("answer", "We need to know more"),
        _(
            "To help, we have to know more: in which country you are now, until which day you may "
            "stay there, which papers you hold, and how soon something happens. Write it here. Do not"
            " write names of relatives or comrades, and no routes."
        ),
    ),
    "urgent": (
        pgettext_lazy("answer", "Danger now"),
        _(
            "We have read that it is urgent. If somebody holds you, ask for a lawyer and sign nothing"
            " that you do not understand. Add here as soon as you can what has changed. Somebody "
            "looks into this mailbox again today."
        ),
    ),
    "call": (
        pgettext_lazy("answer", "Let us talk"),
        _(
            "It is better to talk. Write here at which hours it is safe for you and which messenger "
            "you can use on a device that nobody else looks into. Do not write a number that others "
            "know."
        ),
    ),
    "cannot": (
        pgettext_lazy("answer", "We cannot help with this"),
        _(
            "We have read what you wrote, and we are sorry: with this we cannot help. This is no "
            "judgement about you. If your situation changes, you may write here again."
        ),
    ),
}


def choices() -> list[tuple[str, str]]:
    """(key, label) in the reader's language."""
    return [(key, str(label)) for key, (label, _text) in ANSWERS.items()]


def text(key: str, language: str) -> str:
    """The text of an answer in `language`; nothing for a key that is none."""
    if key not in ANSWERS:
        return ""
    with translation.override(language):
        return str(ANSWERS[key][1])
