"""Accounts, roles asked for and granted, second factors, the trail."""

from staff.models.devices import BackupCode, BackupSheet, TotpDevice
from staff.models.grants import CannotInvite, Invitation, RoleGrant
from staff.models.user import Team, User
from staff.trail import TrailRow

__all__ = [
    "BackupCode",
    "BackupSheet",
    "CannotInvite",
    "Invitation",
    "RoleGrant",
    "Team",
    "TotpDevice",
    "TrailRow",
    "User",
]
