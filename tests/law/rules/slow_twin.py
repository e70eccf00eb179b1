"""`assess_stay` a second time, written from the text of the design: sets of days, one day after the other.

It shares no code with law.rules.stay but the dataclasses of its input, and it is slow on purpose.
"""

from datetime import date, timedelta

from law.rules.stay import AllOf, CalendarYear, PerEntry, Rolling, Unknown, UntilDocument

DAY = timedelta(days=1)
TEN_YEARS = 3652


def assess(rule, stays, as_of, caps=()):
    """The eight fields as a dictionary."""
    stays = [s for s in stays if s.entry <= as_of]
    counted = [s for s in stays if s.basis in rule.counted_bases]
    P = set()
    for s in counted:
        end = as_of if s.exit is None else min(s.exit, as_of)
        P |= set(days(s.entry, end))
    answer = dict.fromkeys(
        ("last_legal_day", "days_left", "first_violation", "max_stay_from_entry", "earliest_entry")
    )
    answer["overstay_days"] = 0
    answer["days_used"] = days_used(rule.limit, P, as_of)
    earliest_cap = min(caps) if caps else None
    current = current_of(stays, counted, as_of)
    if current is None:
        answer["status"] = "outside"
        answer["earliest_entry"] = earliest_entry(rule.limit, P, as_of, earliest_cap)
        return answer
    e = current.entry
    L = None
    if current not in counted:
        if current.basis_valid_until is None:
            return answer | {"status": "unknown"}
        L = current.basis_valid_until
    else:
        ends = list(caps) + ([current.basis_valid_until] if current.basis_valid_until else [])
        K = min(ends) if ends else None
        if undetermined(rule.limit, K):
            return answer | {"status": "unknown"}
        v = first_violation(rule.limit, P, e)
        if v is None and K is None:
            return answer | {"status": "unlimited"}
        L = min(x for x in (v and v - DAY, K) if x is not None)
    if L < e:  # noqa: SIM300
        return answer | {
            "status": "inadmissible",
            "first_violation": e,
            "max_stay_from_entry": 0,
            "overstay_days": (as_of - e).days + 1,
            "earliest_entry": earliest_entry(rule.limit, P, as_of, earliest_cap),
        }
    answer |= {
        "last_legal_day": L,
        "days_left": (L - as_of).days,
        "first_violation": L + DAY,
        "max_stay_from_entry": (L - e).days + 1,
    }
    if as_of > L:
        return answer | {"status": "overstay", "overstay_days": (as_of - L).days}
    return answer | {"status": "ok" if current in counted else "other_basis"}


def current_of(stays, counted, as_of):
    """By elimination, one sentence of the design after the other."""
    left = [s for s in stays if s.exit is None or s.exit >= as_of]
    if not left:
        return None
    left = [s for s in left if s.entry == max(x.entry for x in left)]
    left = [s for s in left if s.exit is None] or left
    if left[0].exit is not None:
        left = [s for s in left if s.exit == max(x.exit for x in left)]
    left = [s for s in left if s not in counted] or left
    with_end = [s for s in left if s.basis_valid_until is not None]
    return min(with_end, key=lambda s: s.basis_valid_until) if with_end else left[0]


def first_violation(limit, P, e):
    horizon = e + TEN_YEARS * DAY
    Q = P | set(days(e, horizon))
    return next((d for d in days(e, horizon) if not holds(limit, d, Q, e)), None)


def earliest_entry(limit, P, as_of, cap):
    if undetermined(limit, cap):
        return None
    for d in days(as_of, as_of + TEN_YEARS * DAY):
        if cap is not None and d > cap:
            return None
        if holds(limit, d, P | {d}, d):
            return d
    return None


def holds(limit, d, Q, e):
    if isinstance(limit, PerEntry):
        return (d - e).days + 1 <= limit.days
    if isinstance(limit, Rolling):
        return window_count(Q, d, limit.window_days) <= limit.days
    if isinstance(limit, CalendarYear):
        return year_count(Q, d) <= limit.days
    if isinstance(limit, AllOf):
        return all(holds(part, d, Q, e) for part in limit.rules)
    return True


def undetermined(limit, cap):
    if isinstance(limit, AllOf):
        return any(undetermined(part, cap) for part in limit.rules)
    return isinstance(limit, Unknown) or (isinstance(limit, UntilDocument) and cap is None)


def days_used(limit, P, as_of):
    if isinstance(limit, Rolling):
        return window_count(P, as_of, limit.window_days)
    if isinstance(limit, CalendarYear):
        return year_count(P, as_of)
    if isinstance(limit, AllOf):
        return max((n for part in limit.rules if (n := days_used(part, P, as_of)) is not None), default=None)
    return None


def window_count(Q, d, window_days):
    if window_days > len(Q):
        return sum(1 for day in Q if 0 <= (d - day).days < window_days)
    return sum(1 for i in range(window_days) if d - i * DAY in Q)


def year_count(Q, d):
    return sum(1 for day in days(date(d.year, 1, 1), d) if day in Q)


def days(first, last):
    while first <= last:
        yield first
        first += DAY
