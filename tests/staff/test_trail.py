"""The trail only grows, keeps no values, and keeps refusals."""

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from staff import append_only, trail
from staff.models import Team, TrailRow
from staff.trail import AppendOnly, Refused, Verb
from tests.staff.flow import signed_in
from vault.models import HOUSE, RecordKey


@pytest.fixture
def row(olga):
    return trail.append(olga, Verb.SIGNED_IN)


@pytest.fixture
def case_id(db):
    """The id of something that owns a key, as a case does."""
    key = uuid.uuid4()
    RecordKey.objects.make([key])
    return key


def test_a_row_says_who_when_what_and_which_case(olga, case_id):
    before = timezone.now()
    trail.append(
        olga, Verb.CASE_CHANGED, case_id=case_id, fields=["stay.left_on", "case.colour"], reason="call"
    )
    row = TrailRow.objects.of_case(case_id).get()
    assert (row.actor, row.verb, row.case) == (olga, Verb.CASE_CHANGED, case_id)
    assert before <= row.at <= timezone.now()
    assert row.details == {"fields": ["case.colour", "stay.left_on"], "reason": "call"}
    assert row.get_verb_display() == "changed the case"


def test_details_lie_sealed_under_the_cases_key(olga, case_id):
    """Sabotage: models.JSONField for TrailRow.details."""
    trail.append(olga, Verb.CASE_CHANGED, case_id=case_id, reason="a reason with a name")
    with connection.cursor() as cursor:
        cursor.execute("SELECT details FROM staff_trailrow WHERE verb = 'case_changed'")
        stored = bytes(cursor.fetchone()[0])
    assert b"reason" not in stored
    assert TrailRow.objects.of_case(case_id).get().seal_identity()[1] == case_id
    assert TrailRow.objects.filter(case=None).first().seal_identity()[1] == HOUSE


def test_what_was_searched_for_lies_sealed_under_the_houses_key(olga):
    """Sabotage: put the query into `verb`, or leave it out of the details."""
    row = trail.append(olga, Verb.CASES_SEARCHED, query="Щербаков")
    assert row.seal_identity()[1] == HOUSE
    with connection.cursor() as cursor:
        cursor.execute("SELECT verb, details FROM staff_trailrow WHERE verb = 'cases_searched'")
        verb, details = cursor.fetchone()
    assert verb == "cases_searched"
    assert "Щербаков".encode() not in bytes(details)
    assert TrailRow.objects.get(verb=Verb.CASES_SEARCHED).details == {"query": "Щербаков"}


def test_erasing_a_case_closes_its_reasons(olga, case_id):
    from vault.cipher import CannotOpen

    trail.append(olga, Verb.CASE_CHANGED, case_id=case_id, reason="a reason with a name")
    RecordKey.objects.filter(owner=case_id).update(wrapped=None)
    row = TrailRow.objects.of_case(case_id).get()
    with pytest.raises(CannotOpen):
        _ = row.details


@pytest.mark.parametrize("erased", [True, False])
def test_acts_on_erased_or_unknown_cases_are_kept_too(olga, case_id, erased):
    """Sabotage: drop the NoKey question from append()."""
    target = case_id if erased else uuid.uuid4()
    RecordKey.objects.filter(owner=case_id).update(wrapped=None)
    with transaction.atomic():
        trail.append(olga, Verb.REFUSED, case_id=target, fields=["page"])
    row = TrailRow.objects.latest("id")
    assert row.details == {"fields": ["page"], "case": str(target)}


def test_the_row_goes_with_the_act(olga):
    """Sabotage: write the row on another connection or after commit."""
    before = TrailRow.objects.count()

    def act():
        with transaction.atomic():
            trail.append(olga, Verb.CASE_CHANGED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert TrailRow.objects.count() == before


# -- only grows


def test_python_refuses_to_rewrite_it(row):
    with pytest.raises(AppendOnly):
        TrailRow.objects.update(verb="x")
    with pytest.raises(AppendOnly):
        TrailRow.objects.all().delete()
    row.verb = "x"
    with pytest.raises(AppendOnly):
        row.save()
    with pytest.raises(AppendOnly):
        row.delete()


STATEMENTS = [
    "UPDATE staff_trailrow SET verb = 'x'",
    "UPDATE staff_trailrow SET at = at",
    "DELETE FROM staff_trailrow",
    "DELETE FROM staff_trailrow WHERE id = (SELECT max(id) FROM staff_trailrow)",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_to_rewrite_it(row, statement):
    """Sabotage: drop the RunPython of migration 0002."""
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert TrailRow.objects.filter(pk=row.pk, verb=Verb.SIGNED_IN).exists()


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("twin", ["id", "seal_id"])
def test_sqlite_replaces_no_row(row, twin):
    """REPLACE deletes without a DELETE trigger. Sabotage: drop _no_replace from append_only."""
    columns = {"id": "id + 1000", "seal_id": f"'{uuid.uuid4().hex}'"} | {twin: twin}
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            'INSERT OR REPLACE INTO staff_trailrow (id, seal_id, at, actor_id, verb, "case", details) '
            f"SELECT {columns['id']}, {columns['seal_id']}, at, actor_id, 'forged', \"case\", details "
            "FROM staff_trailrow"
        )
    assert not TrailRow.objects.filter(verb="forged").exists()


@pytest.mark.only_on("postgresql")
def test_postgres_refuses_truncate(row):
    """Sabotage: drop _no_truncate from append_only."""
    # Rows written in this very transaction have checks pending, and those refuse TRUNCATE for another reason.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        connection.cursor().execute("TRUNCATE staff_trailrow CASCADE")


def test_a_missing_trigger_is_noticed(db):
    """SQLite drops a table's triggers when a migration remakes the table."""
    assert append_only.missing(connection) == []
    name = sorted(append_only._triggers(connection.vendor, "staff_trailrow"))[0]
    where = " ON staff_trailrow" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{where}")
    assert append_only.missing(connection) == [name]
    append_only.install(connection, "staff_trailrow")
    assert append_only.missing(connection) == []


def test_accounts_on_the_trail_cannot_be_deleted(row, olga):
    from django.db.models import ProtectedError

    with pytest.raises(ProtectedError):
        olga.delete()


# -- refusals


def test_a_refusal_is_kept_although_the_act_is_rolled_back(client, anton, petra, monkeypatch):
    """Done when the refused act left nothing but the refusal. Sabotage: drop RefusalsMiddleware."""
    from staff.models import User

    def half_done(user, *, by):
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(language="ru")
            trail.append(by, Verb.ACCOUNT_CHANGED)
            raise Refused("Not this one.")

    signed_in(client, anton)
    monkeypatch.setattr(User, "deactivate", half_done)
    assert client.post(f"/desk/staff/user/{petra.pk}/close/").status_code == 403
    assert User.objects.get(pk=petra.pk).language == "en"
    assert TrailRow.objects.latest("id").verb == Verb.REFUSED
    assert not TrailRow.objects.filter(verb=Verb.ACCOUNT_CHANGED).exists()


def test_refusals_name_the_page_and_not_its_address(client, olga, petra):
    signed_in(client, olga)
    assert client.get(f"/desk/staff/user/{petra.pk}/change/").status_code == 403
    row = TrailRow.objects.latest("id")
    assert (row.verb, row.actor) == (Verb.REFUSED, olga)
    assert row.details == {"fields": ["admin:staff_user_change"]}


def test_a_refusal_before_the_page_is_kept_too(client, mark):
    """Mark has no role. Sabotage: drop `_record_refusal(request)` from DefaultDenyMiddleware._send()."""
    signed_in(client, mark)
    assert client.post("/desk/staff/team/add/", {"name": "X"}).status_code == 403
    row = TrailRow.objects.latest("id")
    assert (row.verb, row.actor, row.details) == (Verb.REFUSED, mark, {"fields": ["admin:staff_team_add"]})


def test_a_refusal_says_who_can_help(client, olga, petra):
    signed_in(client, olga)
    page = client.get(f"/desk/staff/user/{petra.pk}/close/")
    assert "Only an administrator manages accounts" in page.content.decode()


def test_a_refusal_is_a_permission_denied():
    assert issubclass(Refused, PermissionDenied)


# -- the admin's own log is replaced


def test_the_desk_writes_to_the_trail_and_never_to_logentry(client, anton, team):
    """Sabotage: drop log_change() from DeskModelAdmin."""
    signed_in(client, anton)
    assert client.post("/desk/staff/team/add/", {"name": "Yerevan"}).status_code == 302
    made = TrailRow.objects.latest("id")
    assert (made.verb, made.details["fields"]) == (Verb.RECORD_CREATED, ["team.name"])
    assert client.post(f"/desk/staff/team/{team.pk}/change/", {"name": "Almaty"}).status_code == 302
    changed = TrailRow.objects.latest("id")
    assert changed.verb == Verb.RECORD_CHANGED
    assert changed.details == {"about": str(team.pk), "fields": ["team.name"]}
    assert not LogEntry.objects.exists()
    assert Team.objects.filter(name="Almaty").exists()


def test_nothing_is_deleted_and_no_history_is_shown(client, anton, team, monkeypatch):
    """Whatever the table of roles says. Sabotage: drop has_delete_permission() from DeskModelAdmin."""
    from staff import roles

    monkeypatch.setitem(roles.DJANGO_PERMISSIONS, ("staff.team", "delete"), roles.Permission.MANAGE_ACCOUNTS)
    signed_in(client, anton)
    assert client.get(f"/desk/staff/team/{team.pk}/delete/").status_code == 403
    assert client.post(f"/desk/staff/team/{team.pk}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": str(team.pk), "post": "yes"}
    client.post("/desk/staff/team/", sent)
    assert Team.objects.filter(pk=team.pk).exists()
    assert client.get(f"/desk/staff/team/{team.pk}/history/").status_code == 404


@pytest.mark.speaks_sql
def test_a_record_outside_ones_view_is_refused_on_the_trail(client, anton, team, other_team, monkeypatch):
    """The page is that of a record that never was. Sabotage: drop get_object() from DeskModelAdmin."""
    from staff.admin import TeamAdmin

    signed_in(client, anton)
    monkeypatch.setattr(TeamAdmin, "get_queryset", lambda self, request: Team.objects.exclude(pk=team.pk))
    hidden = client.get(f"/desk/staff/team/{team.pk}/change/", follow=True)
    row = TrailRow.objects.latest("id")
    assert (row.verb, row.details) == (Verb.REFUSED, {"fields": ["staff.team"]})
    nowhere = client.get(f"/desk/staff/team/{uuid.uuid4()}/change/", follow=True)
    assert TrailRow.objects.latest("id").pk == row.pk
    assert hidden.redirect_chain == nowhere.redirect_chain
