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
from cases.models.deadline import AppliedChanges, Deadline, DeadlineKind, DeadlineState
from cases.models.digest import DigestSignature
from cases.models.document import Authenticity, Custody, DocumentKind, IdentityDocument
from cases.models.emergency import EmergencyOpening, EmergencyState
from cases.models.history import FactHistory
from cases.models.identity import Identity
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
from cases.models.recomputation import Cause, LeaseLost, Recomputation, RecomputedCase
from cases.models.route import RouteNote
from cases.models.sharing import CaseShare, Deputy
from cases.models.stay import EntryKind, Stay
from cases.models.verdict import NotSamePerson
from cases.models.vetting import Verdict, Vetting, WarConduct

__all__ = [
    "Appeal",
    "Application",
    "AppliedChanges",
    "Attachment",
    "AttachmentKind",
    "Authenticity",
    "Blocker",
    "Care",
    "Case",
    "CaseLink",
    "CaseShare",
    "Category",
    "Cause",
    "ChannelKind",
    "ChannelOwner",
    "ClockPause",
    "Colour",
    "Compartment",
    "CompartmentOpening",
    "Consent",
    "ContactChannel",
    "Custody",
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
    "Identity",
    "IdentityDocument",
    "LeaseLost",
    "LinkKind",
    "NameWord",
    "NotSamePerson",
    "Note",
    "Outcome",
    "Proceeding",
    "ProceedingStage",
    "Purpose",
    "Recomputation",
    "RecomputedCase",
    "RouteNote",
    "Status",
    "Stay",
    "Stops",
    "Task",
    "TypedDeadline",
    "Verdict",
    "Vetting",
    "WantedCheck",
    "WarConduct",
    "WantedFinding",
    "WantedList",
]
