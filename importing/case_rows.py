"""A row of a sheet of cases as a case with its facets, built and checked but not stored."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cases.models import (
    Case,
    Category,
    ChannelKind,
    Colour,
    ContactChannel,
    DocumentKind,
    Identity,
    IdentityDocument,
    Note,
    Status,
    Stay,
    Task,
)
from importing import values
from importing.rows import Row
from law import countries
from law.stages import Basis
from staff.models import User
from staff.roles import ROLES_WITH, Permission

# Set by the desk, not by the sheet; to look whether they exist would ask the database for every row.
_SURE: Final = ("case", "last_legal_day_by", "assignee")
LONGEST: Final = {"summary": 4000, "note": 20_000, "task": 1000, "closing_reason": 1000}
NAMES: Final = ("surname", "given_name", "patronymic", "surname_latin", "given_name_latin", "aliases")
STAY: Final = ("entered_on", "left_on", "basis", "basis_valid_until", "registered_place", "actual_place",
               "last_legal_day", "last_legal_day_source", "stay_country")  # fmt: skip
DOCUMENT: Final = ("document", "number", "issued_by_country", "issued_on", "valid_until")
CHANNELS: Final = {
    "phone": ChannelKind.PHONE,
    "telegram": ChannelKind.TELEGRAM,
    "signal": ChannelKind.SIGNAL,
    "whatsapp": ChannelKind.WHATSAPP,
    "email": ChannelKind.EMAIL,
    "other": ChannelKind.OTHER,
}


@dataclass
class CaseRow:
    """A case and its facets, ready to be stored together."""

    row: Row
    case: Case
    identity: Identity | None = None
    contacts: list[ContactChannel] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    documents: list[IdentityDocument] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def facets(self) -> list[Any]:
        """All rows that hang on the case and keep a history."""
        return [
            *([self.identity] if self.identity else []),
            *self.contacts,
            *self.stays,
            *self.documents,
            *self.tasks,
        ]


class CaseRowBuilder:
    """Builds cases for the team of `by`, who coordinates it; colleagues are looked up once.

    `checked`: the records were asked before whether they take these rows.
    """

    def __init__(self, by: User, now: datetime, *, checked: bool = False) -> None:
        self.by, self.now, self.checked = by, now, checked
        people = User.objects.active().filter(team=by.team_id, role__in=ROLES_WITH[Permission.HOLD_CASES])
        self.colleagues = {values.key(user.username): user for user in people}

    def build(self, row: Row, key: UUID | None = None) -> CaseRow:
        """The case of `row`; whatever does not fit stands in `row.problems`."""
        case = Case(
            id=key or uuid4(),
            country=self._needed_country(row),
            team_id=self.by.team_id,
            caseworker=row.read("owner", self._colleague),
            status=row.read("status", _of(Status)) or Status.OPEN,
            colour=row.read("colour", _of(Colour)) or Colour.GREEN,
            category=row.read("category", _of(Category)) or Category.UNKNOWN,
            summary=_text(row, "summary"),
            closed_on=row.read("closed_on", values.day),
            closing_reason=_text(row, "closing_reason"),
        )
        draft = CaseRow(row, case)
        draft.identity = self._identity(row, case)
        self._contacts(row, draft)
        draft.stays = [self._stay(row, case, number) for number in row.numbers(STAY)]
        draft.documents = [self._document(row, case, number) for number in row.numbers(DOCUMENT)]
        self._words(row, draft)
        self._check(row, draft)
        return draft

    def _needed_country(self, row: Row) -> str:
        if not row.get("country"):
            row.refuse(_("Write the country of stay: the desk counts days by its date."), "country")
        return row.read("country", values.country) or ""

    def _colleague(self, text: str) -> User:
        found = self.colleagues.get(values.key(text))
        if found is None:
            raise ValidationError(
                _("Nobody of your team who may hold cases has this username. Leave it empty, or correct it.")
            )
        return found

    def _identity(self, row: Row, case: Case) -> Identity | None:
        given = {name: row.get(name) or None for name in NAMES}
        born_on = row.read("born_on", lambda text: _past_day(values.day(text), self.now))
        citizenships = row.read("citizenships", _countries)
        if not any((*given.values(), born_on, citizenships)):
            return None
        return Identity(case=case, born_on=born_on, citizenships=citizenships, **given)

    def _contacts(self, row: Row, draft: CaseRow) -> None:
        safe_hours = row.get("safe_hours") or None
        for name, kind in CHANNELS.items():
            for number in row.numbers([name]):
                channel = ContactChannel(
                    case=draft.case, kind=kind, value=row.get(name, number), safe_hours=safe_hours
                )
                self._let_record_refuse(row, channel, name, number)
                draft.contacts.append(channel)
        if safe_hours and not draft.contacts:
            row.refuse(_("There is no contact that this time belongs to. Add one."), "safe_hours")

    def _stay(self, row: Row, case: Case, number: int) -> Stay:
        def day(name: str) -> date | None:
            return row.read(name, values.day, number)  # type: ignore[no-any-return]

        typed = day("last_legal_day")
        stay = Stay(
            case=case,
            country=row.read("stay_country", values.country, number) or case.country or "RU",
            entered_on=day("entered_on"),
            left_on=day("left_on"),
            basis=row.read("basis", _of(Basis), number) or Basis.VISA_FREE,
            basis_valid_until=day("basis_valid_until"),
            registered_place=row.get("registered_place", number) or None,
            actual_place=row.get("actual_place", number) or None,
            last_legal_day=typed,
            last_legal_day_source=row.get("last_legal_day_source", number) or None,
            last_legal_day_by=self.by if typed else None,
        )
        self._let_record_refuse(row, stay, "entered_on", number)
        return stay

    def _document(self, row: Row, case: Case, number: int) -> IdentityDocument:
        if not row.get("document", number):
            named = next(name for name in DOCUMENT if row.get(name, number))
            row.refuse(_("Say what kind of document this is, such as: internal passport."), named, number)
        document = IdentityDocument(
            case=case,
            kind=row.read("document", _of(DocumentKind), number) or DocumentKind.OTHER,
            number=row.get("number", number) or None,
            issued_by_country=row.read("issued_by_country", values.country, number) or "RU",
            issued_on=row.read("issued_on", values.day, number),
            valid_until=row.read("valid_until", values.day, number),
        )
        if case.country:
            self._let_record_refuse(row, document, "number", number)
        return document

    def _words(self, row: Row, draft: CaseRow) -> None:
        if note := _text(row, "note"):
            draft.notes.append(Note(case=draft.case, author=self.by, text=note, at=self.now))
        task, until = _text(row, "task"), row.read("task_until", values.day)
        if row.get("task_until") and not task:
            row.refuse(_("Write what is to be done by this day."), "task_until")
        if task:
            draft.tasks.append(Task(case=draft.case, text=task, due_on=until, assignee=draft.case.caseworker))

    def _check(self, row: Row, draft: CaseRow) -> None:
        if row.problems:
            return
        self._let_record_refuse(row, draft.case, "status", 1, exclude=("team", "caseworker", "code_name"))
        case = draft.case
        if case.closed_on and case.status != Status.CLOSED:
            row.refuse(_("This day belongs to a closed case. Write the status “closed”."), "closed_on")
        if case.closed_on and case.closed_on > countries.today_in(case.country, self.now):
            row.refuse(_("This day lies ahead. Leave it empty until the case is closed."), "closed_on")
        if draft.identity is not None:
            self._let_record_refuse(row, draft.identity, "surname", 1)

    def _let_record_refuse(
        self, row: Row, record: Any, name: str, number: int, exclude: tuple[str, ...] = ()
    ) -> None:
        """Let the record itself say what it refuses. Its constraints are asked by the database."""
        if self.checked:
            return
        sure = {*exclude, *_SURE, *_choice_fields(type(record))}
        for check in (lambda: record.clean_fields(exclude=sure), record.clean):
            try:
                check()
            except ValidationError as problem:
                row.wrong(problem, name, number)
                return


@functools.cache
def _choice_fields(model: Any) -> frozenset[str]:
    """The fields with choices: their values come of our tables; to compare lists of countries takes long."""
    return frozenset(field.name for field in model._meta.concrete_fields if field.choices is not None)


def _of(choices: Any) -> Callable[[str], str]:
    return lambda text: values.choice(text, choices)


def _text(row: Row, name: str) -> str | None:
    text = row.get(name)
    if len(text) > LONGEST[name]:
        problem = _("This text has %(n)d characters; at most %(most)d fit. Shorten it, or use the note.")
        row.refuse(problem % {"n": len(text), "most": LONGEST[name]}, name)
    return text or None


def _past_day(day: date, now: datetime) -> date:
    if day > now.date():
        raise ValidationError(_("This day lies ahead. Check the year."))
    return day


def _countries(text: str) -> list[str]:
    return [values.country(part) for part in values.several(text)]
