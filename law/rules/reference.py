"""The tables of legal rules: read with every row checked, and asked which row was in force.

It works on rows given to it: the shipped JSON seeds the database, and the database holds the rules in force.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol, TypeVar

from law.rules.procedure import UNITS
from law.rules.stay import Rule
from law.rules.values import BadValue, as_count, as_list, as_object, as_text, optional_date, required
from law.rules.wire import read_limit

ANYWHERE, EU = "*", "EU"
TRIGGERS = frozenset({"stay", "application", "appeal"})


class BadTable(ValueError):
    """A table of rules cannot be used; the message names the row and says what is wrong with it."""


class Overlap(BadTable):
    """Two rows about one subject are valid on one day; `first` and `second` are their ids."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(
            f"The rules in row {first!r} and row {second!r} are in force on the same days. "
            "Close the older one with valid_to."
        )
        self.first, self.second = first, second


@dataclass(frozen=True, slots=True)
class Check:
    """Where a row comes from and who confirmed it. Both `verified` fields are set, or neither."""

    sources: tuple[str, ...]
    confidence: str
    verified_on: date | None
    verified_by: str | None


@dataclass(frozen=True, slots=True)
class StayRow:
    """One version of one country's rule for one basis of stay, in force from `valid_from` to `valid_to`.

    Both days are counted in, None = open. `members`: the countries that a common row speaks for.
    `conservative_rule`: a stricter reading; both dates are shown and the earlier is reminded. `raw` is the
    whole row as it was read.
    """

    id: str
    version: str
    country: str
    members: frozenset[str]
    basis: str
    rule: Rule
    conservative_rule: Rule | None
    valid_from: date | None
    valid_to: date | None
    check: Check
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProceduralRow:
    """One version of one procedural deadline: what starts it, how long it runs, whose it is.

    `roll` None: not known whether a last day on a holiday moves. `holidays` None: none, or, in an EU row,
    those of the member state. `event_after`: only events strictly after this day start the clock.
    """

    id: str
    version: str
    country: str
    trigger: str
    stage: str | None
    applies_to: frozenset[str]
    deadline: str
    who: str
    amount: int
    unit: str
    from_events: tuple[str, ...]
    pick: str | None
    event_after: date | None
    roll: bool | None
    holidays: str | None
    valid_from: date | None
    valid_to: date | None
    check: Check
    raw: Mapping[str, Any]

    def starts(self, known: Mapping[str, Collection[date | datetime]]) -> date | datetime | None:
        """The event that starts the clock, of those known by code; None: a question to the caseworker.

        Of several dates of one event the first counts for `first_entry` and the last for every other; of
        several events the row's `pick`.
        """
        found: list[date | datetime] = []
        for code in self.from_events:
            usable = [
                m for m in known.get(code, ()) if self.event_after is None or _day(m) > self.event_after
            ]
            if usable:
                found.append((min if code == "first_entry" else max)(usable, key=_moment))
        if not found:
            return None
        return (min if self.pick == "earliest" else max)(found, key=_moment)

    def holidays_in(self, country: str) -> str | None:
        """The holiday calendar for a procedure in `country`: an EU row takes the member state's."""
        return country if self.country == EU and self.holidays is None else self.holidays


@dataclass(frozen=True, slots=True)
class Running:
    """A row that fits, and the event that starts its clock (None: not known, so ask)."""

    row: ProceduralRow
    event: date | datetime | None


class _Version(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


V = TypeVar("V", bound=_Version)
T = TypeVar("T")
R = TypeVar("R", StayRow, ProceduralRow)


def stay_rows(document: Any) -> tuple[StayRow, ...]:
    """The rows of `stay_rules.json`; BadTable names the row that cannot be used."""
    table = _table(document, "rules")
    bases = frozenset(_codes(table, "bases"))
    rows = _rows(table["rules"], lambda row: _stay_row(row, table["version"], bases))
    _refuse_overlaps(rows, lambda row: [(row.country, b) for b in {row.basis, *row.rule.counted_bases}])
    return rows


def procedural_rows(document: Any) -> tuple[ProceduralRow, ...]:
    """The rows of `procedural_deadlines.json`; BadTable names the row that cannot be used."""
    table = _table(document, "deadlines")
    known = {
        "stage": frozenset(_codes(table, "stages")),
        "event": frozenset(_codes(table, "events")),
        "tag": frozenset(as_object(table.get("tags"), "tags")),
    }
    rows = _rows(table["deadlines"], lambda row: _procedural_row(row, table["version"], known))
    _refuse_overlaps(rows, lambda r: [(r.country, r.trigger, r.stage, r.deadline, r.applies_to)])
    return rows


def in_force(rows: Sequence[StayRow], *, country: str, basis: str, on: date) -> StayRow | None:
    """The row for a stay in `country` on `basis`, valid on `on`; None: no rule known, ask for a date.

    The country's own row goes before a common row of which it is a member, that before a row for anywhere.
    A row fits the bases that it counts as well as its own.
    """
    fitting = [
        row
        for row in rows
        if _valid(row, on)
        and (row.country in (country, ANYWHERE) or country in row.members)
        and (basis == row.basis or basis in row.rule.counted_bases)
    ]
    return min(fitting, key=lambda row: (row.country == ANYWHERE, row.country != country), default=None)


def running(
    rows: Sequence[ProceduralRow],
    *,
    country: str,
    trigger: str,
    stage: str | None,
    tags: Collection[str],
    known: Mapping[str, Collection[date | datetime]],
    eu_members: Collection[str],
) -> tuple[Running, ...]:
    """The procedural rows that run in `country` for an application, appeal or stay at `stage` with `tags`.

    A row fits that is valid on the day of its event and carries no tag or one of `tags`. A member state's row
    goes before an EU row about deadlines of the same party (`who`); a row with a matching tag before one
    without tags about the same deadline. A row whose event is not known pushes nothing out. Several left:
    show all, remind of the earliest.
    """
    fitting = []
    for row in rows:
        here = row.country == country or (row.country == EU and country in eu_members)
        if not here or (row.trigger, row.stage) != (trigger, stage):
            continue
        if row.applies_to and not row.applies_to & set(tags):
            continue
        event = row.starts(known)
        if event is None or _valid(row, _day(event)):
            fitting.append(Running(row, event))
    dated = [r.row for r in fitting if r.event is not None]
    national = {row.who for row in dated if row.country != EU}
    tagged = {(row.country, row.deadline) for row in dated if row.applies_to}
    return tuple(
        r
        for r in fitting
        if not (r.row.country == EU and r.row.who in national)
        and (r.row.applies_to or (r.row.country, r.row.deadline) not in tagged)
    )


def to_confirm(rows: Iterable[R], *, on: date, stale_after_days: int) -> tuple[R, ...]:
    """The rows still in force on `on` that nobody confirmed in the last days; those marked volatile first."""
    waiting = [
        row
        for row in rows
        if _to(row) >= on
        and (row.check.verified_on is None or (on - row.check.verified_on).days > stale_after_days)
    ]
    return tuple(sorted(waiting, key=lambda row: (row.raw.get("stale_risk") != "high", row.id)))


def _stay_row(row: Mapping[str, Any], version: str, bases: frozenset[str]) -> StayRow:
    counted = frozenset(_of(bases, base, "counted_bases") for base in _list(row, "counted_bases"))
    stricter = row.get("conservative_rule")
    return StayRow(
        id=as_text(row["id"], "id"),
        version=version,
        country=_text(row, "country"),
        members=frozenset(as_text(m, "members") for m in as_list(row.get("members", []), "members")),
        basis=_of(bases, required(row, "basis"), "basis"),
        rule=Rule(read_limit(required(row, "rule")), counted),
        conservative_rule=None if stricter is None else Rule(read_limit(stricter), counted),
        **_validity(row),
        check=_check(row, tuple(as_text(source, "sources") for source in _list(row, "sources"))),
        raw=row,
    )


def _procedural_row(
    row: Mapping[str, Any], version: str, known: Mapping[str, frozenset[str]]
) -> ProceduralRow:
    trigger = _of(TRIGGERS, required(row, "trigger"), "trigger")
    stage = required(row, "stage")
    if (stage is None) != (trigger == "stay"):
        raise BadValue("stage must be null for the trigger stay, and only then.")
    events = tuple(_of(known["event"], event, "from_events") for event in _list(row, "from_events"))
    pick = required(row, "pick")
    if not events or (pick is None) != (len(events) == 1):
        raise BadValue("pick must be given when from_events has more than one code, and only then.")
    return ProceduralRow(
        id=as_text(row["id"], "id"),
        version=version,
        country=_text(row, "country"),
        trigger=trigger,
        stage=None if stage is None else _of(known["stage"], stage, "stage"),
        applies_to=frozenset(_of(known["tag"], tag, "applies_to") for tag in _list(row, "applies_to")),
        deadline=_text(row, "deadline"),
        who=_of(frozenset({"person", "authority"}), required(row, "who"), "who"),
        amount=as_count(required(row, "amount"), "amount"),
        unit=_of(UNITS, required(row, "unit"), "unit"),
        from_events=events,
        pick=None if pick is None else _of(frozenset({"earliest", "latest"}), pick, "pick"),
        event_after=optional_date(required(row, "event_after"), "event_after"),
        roll=_optional(row, "roll", bool),
        holidays=_optional(row, "holidays", str),
        **_validity(row),
        check=_check(row, (_text(row, "source"),)),
        raw=row,
    )


def _table(document: Any, key: str) -> dict[str, Any]:
    """The table as an object with a version and a list of rows, else BadTable."""
    try:
        table = as_object(document, "The table")
        as_text(required(table, "version"), "version")
        as_list(required(table, key), key)
    except BadValue as problem:
        raise BadTable(f"The table of rules cannot be read: {problem}") from None
    return table


def _codes(table: Mapping[str, Any], key: str) -> list[str]:
    """The codes that the table itself declares, for example its events."""
    try:
        entries = [as_object(entry, key) for entry in as_list(required(table, key), key)]
        return [as_text(required(entry, "code"), "code") for entry in entries]
    except BadValue as problem:
        raise BadTable(f"The table of rules cannot be read: {problem}") from None


def _rows(values: Sequence[Any], read: Callable[[dict[str, Any]], V]) -> tuple[V, ...]:
    rows: list[V] = []
    seen: set[str] = set()
    for place, value in enumerate(values, start=1):
        name = f"row {place}"
        try:
            row = as_object(value, "It")
            name = f"row {as_text(required(row, 'id'), 'id')!r}"
            if row["id"] in seen:
                raise BadValue("another row has the same id.")
            seen.add(row["id"])
            rows.append(read(row))
        except BadValue as problem:
            raise BadTable(f"The rule in {name} cannot be used: {problem}") from None
    return tuple(rows)


def _refuse_overlaps(rows: Sequence[V], subjects: Callable[[V], Iterable[tuple[Any, ...]]]) -> None:
    """BadTable if two rows about one subject are valid on one day: nobody could say which of them counts."""
    by_subject: dict[tuple[Any, ...], list[V]] = {}
    for row in rows:
        for subject in subjects(row):
            for other in by_subject.setdefault(subject, []):
                if _from(row) <= _to(other) and _from(other) <= _to(row):
                    raise Overlap(other.id, row.id)
            by_subject[subject].append(row)


def _validity(row: Mapping[str, Any]) -> dict[str, date | None]:
    first = optional_date(required(row, "valid_from"), "valid_from")
    last = optional_date(required(row, "valid_to"), "valid_to")
    if first is not None and last is not None and last < first:
        raise BadValue("valid_to is before valid_from.")
    return {"valid_from": first, "valid_to": last}


def _check(row: Mapping[str, Any], sources: tuple[str, ...]) -> Check:
    on = optional_date(required(row, "verified_on"), "verified_on")
    by = _optional(row, "verified_by", str)
    if (on is None) != (not by):
        raise BadValue("verified_on and verified_by go together: who confirmed the rule, and when.")
    if not sources or not all(sources):
        raise BadValue("a rule needs a source.")
    confidence = _of(frozenset({"high", "medium", "low"}), required(row, "confidence"), "confidence")
    return Check(sources, confidence, on, by)


def _of(allowed: Collection[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise BadValue(f"{name} is not a code of this table.")
    return value


def _text(row: Mapping[str, Any], key: str) -> str:
    text = as_text(required(row, key), key)
    if not text:
        raise BadValue(f"{key} must not be empty.")
    return text


def _list(row: Mapping[str, Any], key: str) -> list[Any]:
    return as_list(required(row, key), key)


def _optional(row: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = required(row, key)
    if value is not None and not isinstance(value, kind):
        raise BadValue(f"{key} has a value of the wrong type.")
    return value


def _valid(row: _Version, on: date) -> bool:
    return _from(row) <= on <= _to(row)


def _from(row: _Version) -> date:
    return row.valid_from or date.min


def _to(row: _Version) -> date:
    return row.valid_to or date.max


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _moment(day: date | datetime) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time())
