"""The tables of the desk."""

from cases.models.appeal import Appeal, ClockPause, Outcome, Stops, TypedDeadline
from cases.models.application import Application, Evidence
from cases.models.attachment import Attachment, AttachmentKind
from cases.models.blocker import Blocker
from cases.models.care import Care
from cases.models.case import Case, Category, Colour, Status
from cases.models.compartment import Compartment, CompartmentOpening
from cases.models.consent import Consent, Purpose
from cases.models.contact import ChannelKind, ChannelOwner, ContactChannel
from cases.models.deadline import Applied, Deadline, DeadlineKind, DeadlineState
from cases.models.digest import DigestSignature
from cases.models.document import Authenticity, Custody, DocumentKind, IdentityDocument
from cases.models.emergency import EmergencyOpening, EmergencyState
from cases.models.heartbeat import Circuit, Heartbeat, PlanTrouble, Pulse
from cases.models.history import FactHistory, KeptForGood
from cases.models.identity import Identity
from cases.models.legal_rule import LegalRule, RuleConfirmation, RuleTable
from cases.models.link import CaseLink, LinkKind
from cases.models.name_word import NameWord
from cases.models.note import Note, Task
from cases.models.proceeding import (
    ExtraditionNote,
    Hearing,
    Proceeding,
    ProceedingStage,
    WantedCheck,
    WantedFinding,
    WantedList,
)
from cases.models.publication import Publication, StatisticsKind
from cases.models.recomputation import Cause, LeaseLost, Recomputation, RecomputedCase
from cases.models.reminder import DAILY, LeadTimes, Postbox, Reminder, ReminderState, Trouble
from cases.models.request_marks import RequestMark, RequestTrace
from cases.models.requests import RequestOutcome
from cases.models.route import RouteNote
from cases.models.sharing import CaseShare, Deputy
from cases.models.stages import ApplicationKind, Stage, Tag
from cases.models.stay import Basis, EntryKind, Stay
from cases.models.tally import RequestTally
from cases.models.verdict import NotSamePerson
from cases.models.vetting import Verdict, Vetting, WarConduct

__all__ = [
    "Appeal",
    "Application",
    "ApplicationKind",
    "Applied",
    "Attachment",
    "AttachmentKind",
    "Authenticity",
    "Basis",
    "Blocker",
    "Care",
    "Case",
    "CaseLink",
    "CaseShare",
    "Category",
    "Cause",
    "ChannelKind",
    "ChannelOwner",
    "Circuit",
    "ClockPause",
    "Colour",
    "Compartment",
    "CompartmentOpening",
    "Consent",
    "ContactChannel",
    "Custody",
    "DAILY",
    "Deadline",
    "DeadlineKind",
    "DeadlineState",
    "Deputy",
    "DigestSignature",
    "DocumentKind",
    "EmergencyOpening",
    "EmergencyState",
    "EntryKind",
    "Evidence",
    "ExtraditionNote",
    "FactHistory",
    "Hearing",
    "Heartbeat",
    "Identity",
    "IdentityDocument",
    "KeptForGood",
    "LeadTimes",
    "LeaseLost",
    "LinkKind",
    "LegalRule",
    "NameWord",
    "NotSamePerson",
    "Note",
    "Outcome",
    "PlanTrouble",
    "Postbox",
    "Proceeding",
    "ProceedingStage",
    "Pulse",
    "Publication",
    "Purpose",
    "Recomputation",
    "RecomputedCase",
    "Reminder",
    "ReminderState",
    "RequestMark",
    "RequestOutcome",
    "RequestTally",
    "RequestTrace",
    "RuleConfirmation",
    "RuleTable",
    "RouteNote",
    "Stage",
    "StatisticsKind",
    "Status",
    "Stay",
    "Stops",
    "Tag",
    "Task",
    "Trouble",
    "TypedDeadline",
    "Verdict",
    "Vetting",
    "WantedCheck",
    "WarConduct",
    "WantedFinding",
    "WantedList",
]
