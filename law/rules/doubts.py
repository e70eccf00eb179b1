"""What looks wrong in the facts about a stay. Warned of, never silently repaired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from law.rules.stay import Rule, Stay, current_stay, is_undetermined


class Doubt(StrEnum):
    """One kind of doubt; the words for a caseworker belong to the page that shows it."""

    ENTRY_IN_FUTURE = "entry_in_future"
    OVERLAPPING_STAYS = "overlapping_stays"
    OPEN_STAY_BEFORE_LATER_ENTRY = "open_stay_before_later_entry"
    BASIS_ENDED_BEFORE_ENTRY = "basis_ended_before_entry"
    BASIS_WITHOUT_END = "basis_without_end"
    COUNTED_PAST_OWN_END = "counted_past_own_end"
    RULE_NOT_CONFIRMED = "rule_not_confirmed"
    CAP_PASSED_UNDER_UNDETERMINED_RULE = "cap_passed_under_undetermined_rule"


@dataclass(frozen=True, slots=True)
class StayDoubt:
    """A doubt and the positions, in the sequence given, of the stays it is about (none: the rule)."""

    kind: Doubt
    stays: tuple[int, ...] = ()


def doubts_about(
    rule: Rule,
    stays: Sequence[Stay],
    *,
    as_of: date,
    caps: Sequence[date] = (),
    verified_on: date | None = None,
) -> tuple[StayDoubt, ...]:
    """Every doubt about the facts and the rule of one assessment; `verified_on`: its last legal check.

    Leaving and coming back on one day is no overlap. A basis needs an end only if the rule does not count it.
    """
    found = [doubt for at, stay in enumerate(stays) for doubt in _about_one(rule, stay, at, as_of)]
    found += _about_pairs(stays)
    if verified_on is None:
        found.append(StayDoubt(Doubt.RULE_NOT_CONFIRMED))
    if _cap_passed_unnoticed(rule, stays, as_of, caps):
        found.append(StayDoubt(Doubt.CAP_PASSED_UNDER_UNDETERMINED_RULE))
    return tuple(found)


def _about_one(rule: Rule, stay: Stay, at: int, as_of: date) -> list[StayDoubt]:
    counts = stay.basis in rule.counted_bases
    own_end = stay.basis_valid_until
    kinds = []
    if stay.entry > as_of:
        kinds.append(Doubt.ENTRY_IN_FUTURE)
    if own_end is None:
        if not counts:
            kinds.append(Doubt.BASIS_WITHOUT_END)
    elif own_end < stay.entry:
        kinds.append(Doubt.BASIS_ENDED_BEFORE_ENTRY)
    last_present = as_of if stay.exit is None else min(stay.exit, as_of)
    if counts and own_end is not None and max(own_end, stay.entry) < last_present:
        kinds.append(Doubt.COUNTED_PAST_OWN_END)
    return [StayDoubt(kind, (at,)) for kind in kinds]


def _about_pairs(stays: Sequence[Stay]) -> list[StayDoubt]:
    found = []
    order = sorted(range(len(stays)), key=lambda at: (stays[at].entry, stays[at].exit or date.max))
    for place, earlier in enumerate(order):
        for later in order[place + 1 :]:
            left, entry = stays[earlier].exit, stays[later].entry
            pair = tuple(sorted((earlier, later)))
            if left is None:
                if entry > stays[earlier].entry:
                    found.append(StayDoubt(Doubt.OPEN_STAY_BEFORE_LATER_ENTRY, pair))
                else:
                    found.append(StayDoubt(Doubt.OVERLAPPING_STAYS, pair))
            elif entry < left or stays[earlier] == stays[later]:
                found.append(StayDoubt(Doubt.OVERLAPPING_STAYS, pair))
    return found


def _cap_passed_unnoticed(rule: Rule, stays: Sequence[Stay], as_of: date, caps: Sequence[date]) -> bool:
    """Status `unknown` hides a cap, although presence after a cap is unlawful whatever the rule says."""
    current = current_stay(rule, stays, as_of=as_of)
    if current is None or current.basis not in rule.counted_bases:
        return False
    own_end = current.basis_valid_until
    ends = [*caps] if own_end is None else [*caps, own_end]
    return bool(ends) and min(ends) < as_of and is_undetermined(rule, min(ends))
