"""The tables of reminders: what is to be sent to whom, and who was heard of last."""

from reminders.models.heartbeat import Circuit, Heartbeat, PlanTrouble, Pulse
from reminders.models.reminder import DAILY, LeadTimes, Postbox, Reminder, ReminderState, Trouble

__all__ = [
    "Circuit",
    "DAILY",
    "Heartbeat",
    "LeadTimes",
    "PlanTrouble",
    "Postbox",
    "Pulse",
    "Reminder",
    "ReminderState",
    "Trouble",
]
