"""Who may do what, read back from the table, with Mark and the others."""

import pytest
from django.contrib.auth.models import AnonymousUser

from staff.roles import DJANGO_PERMISSIONS, Permission, Role, may, needs_approval, sees_cases


@pytest.mark.parametrize(
    ("act", "who"),
    [
        (Permission.READ_CASES, {"olga", "lena", "petra"}),
        (Permission.WRITE_CASES, {"olga", "lena", "petra"}),
        (Permission.HOLD_CASES, {"olga", "petra"}),
        (Permission.OPEN_IDENTITY, {"olga", "lena", "petra"}),
        (Permission.OPEN_ROUTE, {"olga", "petra"}),
        (Permission.OPEN_VETTING, {"lena"}),
        (Permission.OPEN_LINKS, {"olga", "lena", "petra"}),
        (Permission.CONFIRM_VETTING, {"lena", "petra"}),
        (Permission.WORK_INBOX, {"olga", "petra"}),
        (Permission.SEE_TEAM, {"petra"}),
        (Permission.BREAK_GLASS, {"olga", "lena", "petra"}),
        (Permission.ASSIGN_CASES, {"petra"}),
        (Permission.IMPORT_SHEETS, {"petra"}),
        (Permission.SEE_DUPLICATES, {"petra"}),
        (Permission.SEE_STATISTICS, {"petra"}),
        (Permission.EXPORT_CASES, {"olga", "petra"}),
        (Permission.ERASE_CASES, {"petra"}),
        (Permission.SIGN_DIGEST, {"petra"}),
        (Permission.READ_RULES, {"olga", "lena", "petra"}),
        (Permission.MANAGE_RULES, {"lena"}),
        (Permission.SEE_READERS, {"petra"}),
        (Permission.READ_TRAIL, {"vera"}),
        (Permission.APPROVE_ROLES, {"petra"}),
        (Permission.SEE_ACCOUNTS, {"petra", "anton"}),
        (Permission.MANAGE_ACCOUNTS, {"anton"}),
        (Permission.RESET_DEVICES, {"petra", "anton"}),
    ],
)
def test_each_act_belongs_to_these_people_only(act, who, olga, lena, petra, anton, vera, mark):
    """Sabotage: add AD to Permission.READ_CASES in roles.ROLES_WITH."""
    people = [olga, lena, petra, anton, vera, mark]
    assert {person.username for person in people if may(person, act)} == who


def test_every_act_stands_in_the_table_above(request):
    """An act without a test would be an act that anybody may get."""
    marks = test_each_act_belongs_to_these_people_only.pytestmark[0].args[1]
    assert {act for act, _who in marks} == set(Permission)


def test_a_closed_account_may_nothing(petra):
    """Sabotage: drop `user.is_active and` from may()."""
    petra.is_active = False
    assert not any(may(petra, act) for act in Permission)
    assert not petra.is_staff


def test_a_visitor_may_nothing():
    assert not any(may(AnonymousUser(), act) for act in Permission)


@pytest.mark.parametrize("who", ["anton", "vera"])
def test_administrators_and_auditors_see_no_case_content(who, request):
    person = request.getfixturevalue(who)
    assert not sees_cases(person)
    assert not person.has_perm("cases.view_case")
    assert not person.has_module_perms("cases")
    assert not person.has_perm("intake.view_helprequest")


def test_roles_that_see_cases_or_the_trail_or_approve_others_need_approval():
    """Sabotage: take READ_TRAIL out of needs_approval(): an administrator alone makes an auditor."""
    assert {role for role in Role if not needs_approval(role)} == {Role.ADMINISTRATOR}


def test_the_admin_asks_the_table(olga, lena, petra, anton, mark):
    assert lena.has_perms(["cases.view_case", "cases.change_case", "cases.add_note"])
    assert not lena.has_perm("cases.add_case")
    assert olga.has_perms(["cases.view_note", "cases.add_note", "cases.change_note"])
    assert anton.has_perm("staff.add_user")
    assert petra.has_perm("staff.view_user")
    assert not petra.has_perm("staff.change_user")
    assert not mark.has_perm("cases.view_case")
    assert not mark.has_module_perms("staff")


@pytest.mark.parametrize(
    "permission",
    ["cases.delete_case", "staff.delete_user", "staff.change_rolegrant", "staff.view_totpdevice",
     "admin.view_logentry", "axes.view_accessattempt", "auth.add_group", "nonsense", ""],
)  # fmt: skip
def test_what_the_table_does_not_name_is_refused(permission, olga, petra, anton):
    """Sabotage: let has_permission() return True where no act is found."""
    assert not any(person.has_perm(permission) for person in (olga, petra, anton))


def test_nobody_deletes_on_the_desk():
    assert not [place for place, action in DJANGO_PERMISSIONS if action == "delete"]


def test_nobody_is_a_superuser(anton):
    """There is no such column, and nothing to set."""
    assert anton.is_superuser is False
    assert "is_superuser" not in {field.name for field in anton._meta.get_fields()}
