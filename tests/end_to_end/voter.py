"""What somebody with the whole database and no key can say about a sealed due date.

The attacker reads every column that is not ciphertext, of the deadline itself and of every row that shares a
readable value with it, and lets each of them vote:

* a value that can be read as a day or a moment votes for days a lead away, before and after;
* a column with an order is held against the order of the dates;
* a column with few values is held against the mean date of each value.

How well that goes is compared with the same votes on shuffled dates: a permutation test,
not a feeling.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean

LEADS = (0, 1, 3, 7, 14, 30)

Row = Mapping[str, object]


@dataclass(frozen=True)
class Verdict:
    """`p_value`: the share of shuffles that did at least as well, per way of voting (never 0)."""

    exact_days: float
    order: float
    groups: float
    equal: float
    best_order_column: str
    best_group_column: str

    @property
    def p_value(self) -> float:
        """Of the way of voting that did best."""
        return min(self.exact_days, self.order, self.groups, self.equal)


def read_as_day(value: object) -> date | None:
    """A readable value as the day it may stand for: dates, moments, ISO texts and epoch seconds."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value) >= 10:
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    if isinstance(value, int | float) and 1.6e9 < value < 2.2e9:
        return date(1970, 1, 1) + timedelta(days=int(value // 86_400))
    return None


def linked(row: Row, tables: Mapping[str, Sequence[Row]]) -> dict[str, list[object]]:
    """Readable values of `row` and of every row of `tables` that holds its id or its case's id."""
    keys = {str(row[name]) for name in ("id", "case_id") if row.get(name)}
    values: dict[str, list[object]] = {f"deadline.{name}": [value] for name, value in row.items()}
    for table, rows in tables.items():
        for other in rows:
            if any(str(value) in keys for value in other.values()):
                for name, value in other.items():
                    values.setdefault(f"{table}.{name}", []).append(value)
    return values


def votes_for_days(values: Iterable[object]) -> Counter[date]:
    """Every readable moment votes for itself and for each usual lead before and after it."""
    votes: Counter[date] = Counter()
    for value in values:
        day = read_as_day(value)
        if day:
            votes.update({day + timedelta(days=sign * lead) for lead in LEADS for sign in (1, -1)})
    return votes


def judge(
    columns: Sequence[Mapping[str, list[object]]],
    due: Sequence[date],
    *,
    seed: int,
    shuffles: int,
    equal_by_design: Iterable[str] = (),
) -> Verdict:
    """Let every column vote on every deadline and compare with `shuffles` shuffles under `seed`.

    A column of `equal_by_design` may show that two dates are near each other, which the threat model names;
    it must not show which: its values, and how often each comes, are held against the mean date of each.
    """
    rng = random.Random(seed)
    ordinals = [day.toordinal() for day in due]
    known = set(equal_by_design)
    tables = {
        name: [_single(row.get(name)) for row in columns]
        for name in sorted({n for row in columns for n in row})
    }
    orders = {name: ranked for name, column in tables.items() if (ranked := _as_numbers(column))}
    groups = {n: column for n, column in tables.items() if 1 < len(set(map(str, column))) <= len(due) // 4}
    equals = {name: groups.pop(name) for name in known & groups.keys()}
    guesses = [votes_for_days(value for values in row.values() for value in values) for row in columns]
    exact, _ = _beaten(lambda days: (_hits(guesses, days), ""), ordinals, rng, shuffles)
    order, by_order = _beaten(lambda days: _best(_rank_correlation, orders, days), ordinals, rng, shuffles)
    group, by_group = _beaten(lambda days: _best(_between_groups, groups, days), ordinals, rng, shuffles)
    equal = min((_equal_values(column, ordinals, rng, shuffles) for column in equals.values()), default=1.0)
    return Verdict(exact, order, group, equal, by_order, by_group)


Score = Callable[[Sequence[int]], tuple[float, str]]


def _beaten(score: Score, days: Sequence[int], rng: random.Random, shuffles: int) -> tuple[float, str]:
    """The share of shuffles that do at least as well as the truth, and the column that did best."""
    truth, name = score(days)
    shuffled, count = list(days), 1
    for _ in range(shuffles):
        rng.shuffle(shuffled)
        count += score(shuffled)[0] >= truth
    return count / (shuffles + 1), name


def _best(
    score: Callable[..., float], candidates: Mapping[str, Sequence], days: Sequence[int]
) -> tuple[float, str]:
    return max(((score(column, days), name) for name, column in candidates.items()), default=(0.0, ""))


def _hits(guesses: Sequence[Counter[date]], days: Sequence[int]) -> float:
    """How much of each deadline's vote fell on its very day, summed."""
    pairs = zip(guesses, days, strict=True)
    return sum(guess[date.fromordinal(day)] / max(guess.values()) for guess, day in pairs if guess)


def _equal_values(column: Sequence[object], days: Sequence[int], rng: random.Random, shuffles: int) -> float:
    """Whether a value itself, or how often it comes, says where its group of dates lies."""
    groups: dict[str, list[int]] = defaultdict(list)
    for value, day in zip(column, days, strict=True):
        groups[str(value).rjust(40)].append(day)
    names = sorted(groups)
    means = [round(fmean(groups[name]) * 100) for name in names]
    by_value, by_count = list(range(len(names))), [len(groups[name]) for name in names]
    # Two looks at one column: half of the chance for each.
    looks = [
        _beaten(lambda shuffled, ranks=ranks: (_rank_correlation(ranks, shuffled), ""), means, rng, shuffles)[
            0
        ]
        for ranks in (by_value, by_count)
    ]
    return min(1.0, 2 * min(looks))


def _single(values: list[object] | None) -> object:
    """One comparable value of a linked column: the smallest, so that times keep their meaning."""
    present = [
        value for value in values or [] if value is not None and not isinstance(value, bytes | memoryview)
    ]
    return min(map(str, present)) if len(present) > 1 else (present[0] if present else None)


def _as_numbers(column: Sequence[object]) -> list[float] | None:
    """Ranks of a column with an order, the mean rank for equal values; None where it has too few."""
    texts = [f"{value:030.6f}" if isinstance(value, int | float) else str(value) for value in column]
    if len(set(texts)) <= max(2, len(texts) // 4):
        return None
    places: dict[str, list[int]] = defaultdict(list)
    for place, index in enumerate(sorted(range(len(texts)), key=texts.__getitem__)):
        places[texts[index]].append(place)
    return [fmean(places[text]) for text in texts]


def _rank_correlation(ranks: Sequence[float], days: Sequence[int]) -> float:
    mean_rank, mean_day = fmean(ranks), fmean(days)
    top = sum((r - mean_rank) * (d - mean_day) for r, d in zip(ranks, days, strict=True))
    bottom = sum((r - mean_rank) ** 2 for r in ranks) * sum((d - mean_day) ** 2 for d in days)
    return abs(top) / bottom**0.5 if bottom else 0.0


def _between_groups(column: Sequence[object], days: Sequence[int]) -> float:
    """Share of the dates' spread that a column of few values explains (eta squared)."""
    groups: dict[str, list[int]] = defaultdict(list)
    for value, day in zip(column, days, strict=True):
        groups[str(value)].append(day)
    mean = fmean(days)
    between = sum(len(part) * (fmean(part) - mean) ** 2 for part in groups.values())
    return between / sum((day - mean) ** 2 for day in days)
