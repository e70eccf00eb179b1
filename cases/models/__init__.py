"""The tables of the desk."""

from cases.models.application import Application, Evidence
from cases.models.care import Care
from cases.models.case import Case, CaseShare, Category, Colour, Status
from cases.models.contact import ChannelKind, ChannelOwner, ContactChannel
from cases.models.deadline import Applied, Deadline, DeadlineKind, DeadlineState
from cases.models.digest import DigestSignature
from cases.models.document import Authenticity, Custody, DocumentKind, IdentityDocument
from cases.models.heartbeat import Circuit, Heartbeat, PlanTrouble, Pulse
from cases.models.history import FactHistory, KeptForGood
from cases.models.identity import Identity
from cases.models.legal_rule import LegalRule, RuleConfirmation, RuleTable
from cases.models.note import Note, Task
from cases.models.reminder import DAILY, LeadTimes, Postbox, Reminder, ReminderState, Trouble
from cases.models.stages import ApplicationKind, Stage
from cases.models.stay import Basis, EntryKind, Stay

__all__ = [
    "Application",
    "ApplicationKind",
    "Applied",
    "Authenticity",
    "Basis",
    "Care",
    "Case",
    "CaseShare",
    "Category",
    "ChannelKind",
    "ChannelOwner",
    "Circuit",
    "Colour",
    "ContactChannel",
    "Custody",
    "DAILY",
    "Deadline",
    "DeadlineKind",
    "DeadlineState",
    "DigestSignature",
    "DocumentKind",
    "EntryKind",
    "Evidence",
    "FactHistory",
    "Heartbeat",
    "Identity",
    "IdentityDocument",
    "KeptForGood",
    "LeadTimes",
    "LegalRule",
    "Note",
    "PlanTrouble",
    "Postbox",
    "Pulse",
    "Reminder",
    "ReminderState",
    "RuleConfirmation",
    "RuleTable",
    "Stage",
    "Status",
    "Stay",
    "Task",
    "Trouble",
]
