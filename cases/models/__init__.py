"""The tables of the desk."""

from cases.models.application import Application, Evidence
from cases.models.case import Case, CaseShare, Category, Colour, Status
from cases.models.contact import ChannelKind, ChannelOwner, ContactChannel
from cases.models.document import Authenticity, Custody, DocumentKind, IdentityDocument
from cases.models.history import FactHistory, KeptForGood
from cases.models.identity import Identity
from cases.models.note import Note, Task
from cases.models.stages import ApplicationKind, Stage
from cases.models.stay import Basis, EntryKind, Stay

__all__ = [
    "Application",
    "ApplicationKind",
    "Authenticity",
    "Basis",
    "Case",
    "CaseShare",
    "Category",
    "ChannelKind",
    "ChannelOwner",
    "Colour",
    "ContactChannel",
    "Custody",
    "DocumentKind",
    "EntryKind",
    "Evidence",
    "FactHistory",
    "Identity",
    "IdentityDocument",
    "KeptForGood",
    "Note",
    "Stage",
    "Status",
    "Stay",
    "Task",
]
