"""Accounts, roles asked for and granted, second factors, the trail."""

from staff.chain import TrailLink
from staff.checkpoints import Checkpoint
from staff.models.devices import BackupCode, BackupSheet, TotpDevice
from staff.models.grants import CannotInvite, Invitation, RoleGrant
from staff.models.resets import DeviceReset
from staff.models.sessions import Session
from staff.models.user import Team, User
from staff.trail import TrailRow

__all__ = [
    "BackupCode",
    "BackupSheet",
    "CannotInvite",
    "Checkpoint",
    "DeviceReset",
    "Invitation",
    "RoleGrant",
    "Session",
    "Team",
    "TotpDevice",
    "TrailLink",
    "TrailRow",
    "User",
]
