"""A help request in words: questions and answers as the desk shows them, and as a case keeps them.

Whoever holds the public host can seal anything into a box: nothing here trusts the shape of what was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import countries
from intake.models import Category, Channel
from intake.triage import CLOCK_HOURS, Source, flag_of
from intake.words import TOLD, Event, Keep, Need, Paper, why

LONGEST_SUMMARY = 400
# Beside the answers of a request that staff typed: what the person was told since.
TOLD_LATER = "told_later"
CHOICES: dict[str, Mapping[Any, Any]] = {
    "country": {code: row.name for code, row in countries.COUNTRIES.items()},
    "dangers": TOLD,
    "category": dict(Category.choices),
    "needs": dict(Need.choices),
    "papers": dict(Paper.choices),
    "event": dict(Event.choices),
    "keep": dict(Keep.choices),
    "kind": {"added": _("Something new"), "corrected": _("A correction of what was written before")},
}
# In the order in which a caseworker wants to read them.
QUESTIONS: dict[str, Any] = {
    "kind": _("What this is"),
    "alias": _("How to call the person"),
    "contact": _("Phone or account"),
    "safe": _("How and when it is safe to answer, and what must never be written"),
    "dangers": _("In danger right now"),
    "text": _("In the person's own words"),
    "needs": _("Needs"),
    "event": _("What is about to happen"),
    "event_on": _("On which date"),
    "country": _("Country now"),
    "category": _("Who the person is"),
    "papers": _("Papers at hand"),
    "keep": _("How long we may keep this"),
}


@dataclass(frozen=True)
class FlagLine:
    """A flag in words: its urgency (0 to 3), why it was set, by whom, and its service clock."""

    colour: int
    why: str
    source: str
    clock: str


def text_of(value: Any) -> str:
    """`value` as text: lists joined, anything that is neither text nor number left out."""
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(text_of, value)))
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def answers(content: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, question, answer) for what was answered, in the reader's language."""
    found = []
    for key, question in QUESTIONS.items():
        if answer := _answer(key, content.get(key)):
            found.append((key, str(question), answer))
    return found


def _answer(key: str, value: Any) -> str:
    known = CHOICES.get(key)
    if known is None:
        return text_of(value)
    values = value if isinstance(value, list | tuple) else [value]
    return ", ".join(str(known[each]) if each in known else each for each in map(text_of, values) if each)


def flags(content: Mapping[str, Any]) -> list[FlagLine]:
    """The flags that the box holds, as they were set; what is no flag is left out."""
    records = content.get("flags")
    return [line for record in records if (line := _flag(record))] if isinstance(records, list) else []


def _flag(record: Any) -> FlagLine | None:
    try:
        flag = flag_of(record)
        reason = why(flag)
    except (ValueError, KeyError, TypeError):
        return None
    told_by = gettext("told by the person") if flag.fact.source is Source.PERSON else gettext("set by staff")
    hours = CLOCK_HOURS[flag.colour]
    clock = gettext("no clock") if hours is None else gettext("at once")
    if hours:
        clock = gettext("within %(n)d hours") % {"n": hours}
    return FlagLine(int(flag.colour), reason, told_by, clock)


def sent_at(content: Mapping[str, Any]) -> datetime | None:
    """When it was sent, to the minute; None where that does not read as a moment."""
    try:
        found = datetime.fromisoformat(content["sent_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def request_note(content: Mapping[str, Any]) -> str:
    """All of it, as the note that a case keeps."""
    lines = [gettext("From the help request:")]
    if at := sent_at(content):
        lines = [gettext("From the help request, sent %(at)s UTC:") % {"at": at.strftime("%Y-%m-%d %H:%M")}]
    lines += [f"{question}: {answer}" for _key, question, answer in answers(content)]
    lines += [f"⚑ {flag.why} ({flag.source})" for flag in flags(content)]
    return "\n".join(lines)


def summary(content: Mapping[str, Any]) -> str:
    """The first lines of what was told, for the head of the case."""
    alias, text = text_of(content.get("alias")), text_of(content.get("text"))
    dangers = _answer("dangers", content.get("dangers"))
    found = ". ".join(filter(None, (alias, dangers, text))) or gettext("From a help request without words")
    return found if len(found) <= LONGEST_SUMMARY else found[: LONGEST_SUMMARY - 1] + "…"


def event(content: Mapping[str, Any]) -> str:
    """What happens on the date that was named, for a task."""
    what = _answer("event", content.get("event")) or gettext("The person named this date")
    return gettext("From the help request: %(what)s") % {"what": what}


def copy_of_answer(text: str) -> str:
    """An answer as the case keeps it."""
    return gettext("Answer put into the mailbox:") + "\n" + text


def outside_answers(content: Mapping[str, Any]) -> list[str]:
    """What the person was told by another way than a mailbox, each in words, the oldest first."""
    records = content.get(TOLD_LATER)
    if not isinstance(records, list):
        return []
    return [note for each in records if isinstance(each, dict) if (note := outside_answer(each))]


def outside_answer(record: Mapping[str, Any]) -> str:
    """One note of what the person was told, on which day and how; "" for what is none."""
    text, on, how = (text_of(record.get(name)) for name in ("text", "on", "how"))
    if not text:
        return ""
    how = str(Channel(how).label) if how in Channel.values else how
    return gettext("The person was told on %(day)s (%(how)s):") % {"day": on, "how": how} + "\n" + text
