"""Reminders: the database is the truth, the broker is only a doorbell.

plan() asks "what is due and has no row yet" and writes it into the ledger; drain() claims rows, sends, marks.
Both may run any number of times, at once, and be killed anywhere: at worst a mail goes out twice.
"""

from cases.reminders.bell import ring
from cases.reminders.ledger import claim, finish
from cases.reminders.people import People
from cases.reminders.planning import Planned, plan, plan_case, scan, tell_coordinators
from cases.reminders.purging import purge
from cases.reminders.sending import Drained, drain

__all__ = [
    "Drained",
    "People",
    "Planned",
    "claim",
    "drain",
    "finish",
    "plan",
    "plan_case",
    "purge",
    "ring",
    "scan",
    "tell_coordinators",
]
