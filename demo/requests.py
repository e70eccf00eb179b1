"""Requests of invented people, so that a newcomer's inbox is not empty.

None is red and unopened, and none is late: nobody is called out of bed by a demonstration.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from cases.models import ContactChannel
from inbox import typed
from inbox.models import marks
from inbox.typed_form import TypedForm
from intake.forms import HelpForm, latest_today
from intake.models import HelpRequest, State
from staff.models import User
from vault import dropbox
from vault.keyring import KeyProblem

# Hours ago, language, answers: what came by the public form.
WRITTEN: Final[tuple[tuple[int, str, dict[str, Any]], ...]] = (
    (2, "ru", {
        "alias": "Сойка", "safe": "Вечером, в этом ящике. Не пишите имён.", "country": "KZ",
        "dangers": ["no_shelter"], "category": "mobilised", "needs": ["shelter", "legal"],
        "papers": ["internal_passport", "military_id"],
        "text": "Ночую на вокзале третий день, денег почти нет. Можно ли здесь просить убежища? (Выдумано.)",
        "keep": "while_helping",
    }),
    (7, "ru", {
        "alias": "Клён", "country": "GE", "category": "contract", "needs": ["documents"],
        "event": "document_ends", "event_on": 40, "papers": ["travel_passport"], "keep": "until_answered",
        "text": "Заканчивается загранпаспорт, в консульство идти боюсь. Что можно сделать? (Выдумано.)",
    }),
    (26, "en", {
        "alias": "A sister", "country": "AM", "category": "relative", "needs": ["information"],
        "text": "My brother left his unit and is with me. What should he not do now? (Invented.)",
        "keep": "until_answered",
    }),
    (20, "ru", {
        "alias": "Рябина", "country": "KG", "dangers": ["detained"], "category": "conscript",
        "needs": ["legal"],
        "text": "Мужа задержали в миграционной службе. (Выдумано.)", "keep": "while_helping",
    }),
)  # fmt: skip
# Of these the last was opened, the third answered.
OPENED, ANSWERED = 3, 2


def load(now: datetime) -> int:
    """Put some requests into the inbox; how many. Without the mailbox's key only the one that was typed."""
    made = 0
    for number, (hours, language, answers) in enumerate(WRITTEN):
        try:
            row, content = _form_request(now - timedelta(hours=hours), language, answers)
        except KeyProblem:
            continue
        made += 1
        if number == ANSWERED:
            row.answer("We have read it. Somebody will write here again. (Invented.)", at=now)
        if number == OPENED:
            HelpRequest.objects.filter(pk=row.pk).update(state=State.OPENED)
            marks.keep(row.pk, [content])
    return made + _typed_request(now)


def _form_request(at: datetime, language: str, answers: dict[str, Any]) -> tuple[HelpRequest, dict[str, Any]]:
    event_on = answers.get("event_on")
    if event_on is not None:
        answers = answers | {"event_on": (at.date() + timedelta(event_on)).isoformat()}
    form = HelpForm(answers)
    form.is_valid()
    found = form.triage(today=latest_today(at))
    # A mailbox of seven words that nobody knows.
    pair = dropbox.KeyPair(secrets.token_bytes(32))
    content = form.content(found, language=language, at=at)
    row = HelpRequest.objects.receive(
        content,
        at=at,
        lookup=secrets.token_hex(16),
        public_key=pair.public,
        language=language,
        colour=int(found.colour),
        **form.plain(),
    )
    return row, content


def _typed_request(now: datetime) -> int:
    """A call of somebody whose case is there: the desk says so when it is opened."""
    person = User.objects.filter(demo=True, cases__contacts__owner="person").order_by("username").first()
    channel = (
        ContactChannel.objects.filter(case__caseworker=person, owner="person", case__demo=True)
        .exclude(case__status="closed")
        .with_keys()
        .first()
    )
    if person is None or channel is None:
        return 0
    form = TypedForm(
        {
            "channel": "telephone", "language": "ru", "alias": "Тот же", "contact": channel.value,
            "country": channel.case.country, "needs": ["information"], "keep": "while_helping",
            "text": "Звонил: сменил адрес, спрашивает, нужно ли сообщать об этом. (Выдумано.)",
        }
    )  # fmt: skip
    form.is_valid()
    content, plain = form.content_and_columns(at=now)
    typed.enter(content, by=person, at=now, key=uuid4(), **plain)
    return 1
