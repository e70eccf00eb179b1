"""Every access seal and place that asks for one, how it is taken away, and the attack that then succeeds.

.venv/bin/python -m tests.mutations          these too, after the ten controls
.venv/bin/python -m tests.mutations seals    only these
"""

from tests.mutations.controls import Control

SQL = "tests/thief/test_sql_writer.py::"
ALARM = "tests/thief/test_access_alarm.py::"

SEALS = (
    Control(
        "seal: the account that signs in",
        "staff/backend.py",
        "if not account.access_holds():",
        "if False:",
        ALARM + "test_a_password_set_by_sql_is_no_password",
    ),
    Control(
        "seal: the account that sees cases",
        "cases/models/case.py",
        " or not user.access_holds():",
        ":",
        SQL + "test_a_role_by_sql_counts_for_nothing",
    ),
    Control(
        "seal: an account that is closed",
        "staff/models/user.py",
        '"team_id", "is_active", ',
        '"team_id", ',
        SQL + "test_a_closed_account_does_not_come_back",
    ),
    Control(
        "seal: an account's team",
        "staff/models/user.py",
        '"role", "team_id", ',
        '"role", ',
        SQL + "test_a_team_by_sql_counts_for_nothing",
    ),
    Control(
        "seal: an account's phone",
        "staff/models/devices.py",
        "return user.phone is not None",
        "return bool(cls.objects.filter(user=user, confirmed=True).exists())",
        SQL + "test_a_deleted_phone_is_not_one_that_was_never_set_up",
    ),
    Control(
        "seal: a phone's count of wrong codes",
        "staff/models/devices.py",
        "model.objects.select_for_update().intact().filter(",
        "model.objects.select_for_update().filter(",
        SQL + "test_a_count_of_wrong_codes_set_back_lets_nobody_try_on",
    ),
    Control(
        "seal: a sheet's unused codes",
        "staff/models/devices.py",
        " or self.unused != self._codes_left()",
        "",
        SQL + "test_a_used_backup_code_put_back_is_used_up",
    ),
    Control(
        "seal: an invitation",
        "staff/models/grants.py",
        "            self.intact()\n            .filter(",
        "            self.filter(",
        SQL + "test_an_invitation_moved_to_somebody_else_lets_nobody_in",
    ),
    Control(
        "seal: a forged request keeps no account open",
        "staff/models/user.py",
        "RoleGrant.objects.open().intact()",
        "RoleGrant.objects.open()",
        SQL + "test_nothing_written_by_sql_keeps_an_account_open",
    ),
    Control(
        "seal: an epoch that does not come back",
        "staff/models/user.py",
        'self.refresh_from_db(fields=["session_epoch"], from_queryset=User.objects.select_for_update())',
        "pass",
        "tests/staff/test_sessions.py::"
        "test_an_ended_session_does_not_come_back_by_a_page_that_was_loaded_before",
    ),
    Control(
        "seal: rows that do not open silence no alarm",
        "staff/access.py",
        "    except CannotOpen:\n        return {}",
        "    except ZeroDivisionError:\n        return {}",
        ALARM + "test_a_row_of_the_trail_that_does_not_open_silences_nothing",
    ),
    Control(
        "seal: a case's team and caseworker",
        "cases/models/case.py",
        "self.filter(which()).intact())",
        "self.filter(which()))",
        SQL + "test_a_case_moved_by_sql_is_nobodys",
    ),
    Control(
        "seal: a share",
        "cases/models/sharing.py",
        "CaseShare.objects.running(day).intact().filter",
        "CaseShare.objects.running(day).filter",
        SQL + "test_a_share_by_sql_opens_nothing",
    ),
    Control(
        "seal: a share that ended",
        "cases/models/sharing.py",
        '"case_id", "user_id", "until_on", "ended")',
        '"case_id", "user_id", "until_on")',
        SQL + "test_an_ended_share_does_not_come_back",
    ),
    Control(
        "seal: a share's person",
        "cases/models/sharing.py",
        '("case_id", "user_id", "until_on", "ended")',
        '("case_id", "until_on", "ended")',
        SQL + "test_a_seal_of_another_share_seals_no_share",
    ),
    Control(
        "seal: a deputy",
        "cases/models/sharing.py",
        'rows.intact("", "away")',
        "rows",
        SQL + "test_a_deputy_by_sql_stands_in_for_nobody",
    ),
    Control(
        "seal: an emergency opening",
        "cases/models/emergency.py",
        "running(now).intact()",
        "running(now)",
        SQL + "test_an_emergency_by_sql_opens_nothing",
    ),
    Control(
        "seal: an open compartment",
        "cases/models/compartment.py",
        "which=which).intact()",
        "which=which)",
        SQL + "test_a_compartment_that_one_opened_stands_open_to_nobody_else",
    ),
    Control(
        "seal: the second person of a vetting",
        "cases/models/vetting.py",
        "self.second_id is not None and self.access_holds() and",
        "self.second_id is not None and",
        SQL + "test_a_vetting_confirmed_by_sql_opens_no_route",
    ),
    Control(
        "seal: a list",
        "vault/bound.py",
        "if fresh and self._checks():",
        "if False:",
        SQL + "test_a_list_leaves_out_what_was_changed_and_stays_up",
    ),
    Control(
        "seal: dates on the board",
        "cases/models/deadline.py",
        'self.filter(case__in=cases).intact("case")',
        "self.filter(case__in=cases)",
        SQL + "test_the_board_shows_no_date_of_a_case_that_was_moved",
    ),
    Control(
        "seal: saving heals nothing",
        "vault/bound.py",
        "if not stored.access_holds():",
        "if False:",
        SQL + "test_saving_heals_no_row",
    ),
    Control(
        "seal: what two people decide",
        "vault/bound.py",
        "if not stored.access_holds():",
        "if False:",
        SQL + "test_a_request_for_a_reset_by_sql_takes_nobodys_phone",
    ),
    Control(
        "seal: an older account",
        "staff/access.py",
        "return bool(user.access_serial < serial)",
        "return False",
        ALARM + "test_an_older_account_with_its_old_seal_signs_nobody_in",
    ),
    Control(
        "seal: an older case",
        "cases/models/case.py",
        ", reason=reason, access=[self]\n",
        ", reason=reason\n",
        ALARM + "test_an_older_case_is_told_by_its_serial",
    ),
    Control(
        "seal: the alarm",
        "desk/chores.py",
        '    Chore("access", timedelta(seconds=45), watch_access),\n',
        "",
        ALARM + "test_the_desk_is_red_within_a_minute",
    ),
)
