"""Who may do what: the one place that says it, to be read as a table.

A role says what kind of act is allowed at all; `Case.objects.visible_to(user)` says on which cases.
"""

from __future__ import annotations

from typing import Protocol

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    CASEWORKER = "caseworker", _("caseworker")
    LAWYER = "lawyer", _("lawyer")
    COORDINATOR = "coordinator", _("coordinator")
    ADMINISTRATOR = "administrator", _("administrator")
    AUDITOR = "auditor", _("auditor")


class Permission(TextChoices):
    READ_CASES = "read_cases", _("read case files")
    WRITE_CASES = "write_cases", _("change case files")
    HOLD_CASES = "hold_cases", _("open new case files and be their caseworker")
    OPEN_IDENTITY = "open_identity", _("open the identity of a case")
    OPEN_ROUTE = "open_route", _("open the route of a case")
    OPEN_VETTING = "open_vetting", _("open vetting and war conduct, and judge them")
    OPEN_LINKS = "open_links", _("open the links between people")
    CONFIRM_VETTING = "confirm_vetting", _("confirm a vetting as second person")
    WORK_INBOX = "work_inbox", _("read help requests, answer them and decide on them")
    SEE_TEAM = "see_team", _("see every case of the own team")
    BREAK_GLASS = "break_glass", _("open a case outside one's own in an emergency")
    ASSIGN_CASES = "assign_cases", _("assign and hand over cases")
    IMPORT_SHEETS = "import_sheets", _("import requests and cases from a spreadsheet")
    SEE_DUPLICATES = "see_duplicates", _("learn that two cases may be one person, also across teams")
    EXPORT_CASES = "export_cases", _("export a case for the person themselves")
    ERASE_CASES = "erase_cases", _("erase a case for good")
    SIGN_DIGEST = "sign_digest", _("read and sign the digest")
    SEE_STATISTICS = "see_statistics", _("see the statistics, and publish them without small numbers")
    READ_RULES = "read_rules", _("read the legal rules")
    MANAGE_RULES = "manage_rules", _("change and confirm legal rules")
    SEE_READERS = "see_readers", _("see who opened a case of the own team")
    READ_TRAIL = "read_trail", _("read the whole trail")
    APPROVE_ROLES = "approve_roles", _("approve roles that see case content or the trail")
    SEE_ACCOUNTS = "see_accounts", _("see the list of accounts")
    MANAGE_ACCOUNTS = "manage_accounts", _("invite and deactivate people, ask for roles")
    RESET_DEVICES = "reset_devices", _("take away a lost second factor, two people together")


CW, LA, CO, AD, AU = Role.CASEWORKER, Role.LAWYER, Role.COORDINATOR, Role.ADMINISTRATOR, Role.AUDITOR
NOBODY: frozenset[Role] = frozenset()

ROLES_WITH: dict[Permission, frozenset[Role]] = {
    # permission                 caseworker, lawyer, coordinator, administrator, auditor
    Permission.READ_CASES: frozenset({CW, LA, CO}),
    Permission.WRITE_CASES: frozenset({CW, LA, CO}),
    Permission.HOLD_CASES: frozenset({CW, CO}),
    Permission.OPEN_IDENTITY: frozenset({CW, LA, CO}),
    Permission.OPEN_ROUTE: frozenset({CW, CO}),
    Permission.OPEN_VETTING: frozenset({LA}),
    Permission.OPEN_LINKS: frozenset({CW, LA, CO}),
    Permission.CONFIRM_VETTING: frozenset({LA, CO}),
    Permission.WORK_INBOX: frozenset({CW, CO}),
    Permission.SEE_TEAM: frozenset({CO}),
    Permission.BREAK_GLASS: frozenset({CW, LA, CO}),
    Permission.ASSIGN_CASES: frozenset({CO}),
    Permission.IMPORT_SHEETS: frozenset({CO}),
    Permission.SEE_DUPLICATES: frozenset({CO}),
    Permission.EXPORT_CASES: frozenset({CW, CO}),
    Permission.ERASE_CASES: frozenset({CO}),
    Permission.SIGN_DIGEST: frozenset({CO}),
    Permission.SEE_STATISTICS: frozenset({CO}),
    Permission.READ_RULES: frozenset({CW, LA, CO}),
    Permission.MANAGE_RULES: frozenset({LA}),
    Permission.SEE_READERS: frozenset({CO}),
    Permission.READ_TRAIL: frozenset({AU}),
    Permission.APPROVE_ROLES: frozenset({CO}),
    Permission.SEE_ACCOUNTS: frozenset({CO, AD}),
    Permission.MANAGE_ACCOUNTS: frozenset({AD}),
    Permission.RESET_DEVICES: frozenset({CO, AD}),
}

# Django's admin asks for "app.action_model". A model stands before its app; what is not listed is refused.
# "delete" is not listed: nobody deletes on the desk (erasure is an act of its own).
DJANGO_PERMISSIONS: dict[tuple[str, str], Permission] = {
    ("staff.user", "view"): Permission.SEE_ACCOUNTS,
    ("staff.user", "add"): Permission.MANAGE_ACCOUNTS,
    ("staff.user", "change"): Permission.MANAGE_ACCOUNTS,
    ("staff.team", "view"): Permission.SEE_ACCOUNTS,
    ("staff.team", "add"): Permission.MANAGE_ACCOUNTS,
    ("staff.team", "change"): Permission.MANAGE_ACCOUNTS,
    ("staff.rolegrant", "view"): Permission.SEE_ACCOUNTS,
    ("staff.devicereset", "view"): Permission.SEE_ACCOUNTS,
    ("cases.case", "add"): Permission.HOLD_CASES,
    ("cases", "view"): Permission.READ_CASES,
    ("cases", "add"): Permission.WRITE_CASES,
    ("cases", "change"): Permission.WRITE_CASES,
    ("intake", "view"): Permission.WORK_INBOX,
    ("intake", "add"): Permission.WORK_INBOX,
    ("intake", "change"): Permission.WORK_INBOX,
}


class Person(Protocol):
    """What this module needs to know of a user; an anonymous visitor is never active."""

    @property
    def is_active(self) -> bool: ...


def allows(role: str, permission: Permission) -> bool:
    """Whether `role` (a Role value, or "" for none) includes `permission`."""
    return role in ROLES_WITH[permission]


def may(user: Person, permission: Permission) -> bool:
    """Whether `user` has `permission`: active, and the role in effect includes it."""
    return bool(user.is_active) and allows(getattr(user, "role", ""), permission)


def sees_cases(user: Person) -> bool:
    """Whether `user` may see case content at all (which cases: `visible_to`)."""
    return may(user, Permission.READ_CASES)


def needs_approval(role: str) -> bool:
    """Whether a coordinator must approve `role` first: it sees cases or the trail, or approves others."""
    return any(
        allows(role, permission)
        for permission in (Permission.READ_CASES, Permission.READ_TRAIL, Permission.APPROVE_ROLES)
    )


def has_permission(user: Person, name: str) -> bool:
    """Answer to Django's `has_perm("app.action_model")`; False for what the table does not know."""
    app, _dot, codename = name.partition(".")
    action, _underline, model = codename.partition("_")
    permission = DJANGO_PERMISSIONS.get((f"{app}.{model}", action)) or DJANGO_PERMISSIONS.get((app, action))
    return permission is not None and may(user, permission)


def has_app(user: Person, app: str) -> bool:
    """Whether `user` may do anything in the app with the label `app`."""
    return any(
        may(user, permission)
        for (place, _), permission in DJANGO_PERMISSIONS.items()
        if place.partition(".")[0] == app
    )
