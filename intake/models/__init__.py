"""What strangers send: requests, what they add, their photographs, and the answers that only they open.

The process that writes here holds no key. A stranger's words are a box of `vault.dropbox`: sealed to the
desk's mailbox, bound to their own row, JSON inside (`intake.forms` says which). An answer is a box for the
key pair of the person's return phrase. What staff type themselves (a request that came by another way) is
sealed under a record key of its own, like any file of the desk.

The public process may INSERT here, DELETE what a person withdraws, and SELECT the few columns that
`manage.py intake_role` names: nothing that it runs reads a whole row. Other rooms refer to a request by its
UUID without a foreign key in the database, or a person could no longer withdraw.
"""

from intake.models.additions import Message, Photograph
from intake.models.answers import ANSWER_DAYS, Answer, Reading
from intake.models.box import whole_hour
from intake.models.request import HelpRequest, NoMailbox, Withdrawal
from intake.models.words import Category, Channel, Colour, Language, State

__all__ = [
    "ANSWER_DAYS",
    "Answer",
    "Category",
    "Channel",
    "Colour",
    "HelpRequest",
    "Language",
    "Message",
    "NoMailbox",
    "Photograph",
    "Reading",
    "State",
    "Withdrawal",
    "whole_hour",
]
