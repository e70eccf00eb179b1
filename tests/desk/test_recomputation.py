"""A rule changes, and the dates of the open cases it concerns follow, whatever is killed on the way."""

import signal
import subprocess
import sys
from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from cases.models import Case, Cause, Deadline, DeadlineState, LeaseLost, Recomputation, RecomputedCase, Stay
from desk import recompute
from desk.chores import CHORES
from law.models import LegalRule
from law.rules.versions import Version
from reminders.models import Reminder
from staff import trail
from staff.models import Team, TrailRow, User
from tests.databases import ROOT
from tests.dated import NOW, TODAY

DAY = TODAY + timedelta(days=20)


def stay_in(case, country, *, last=DAY, by=None):
    """A stay whose last legal day is typed; no deadline follows it until somebody derives it."""
    return Stay.objects.create(
        by=by or case.caseworker, case=case, country=country, entered_on=date(2026, 9, 12),
        last_legal_day=last, last_legal_day_source="stamp",
    )  # fmt: skip


def stayed(by, country="KZ", **facts):
    case = Case.objects.open_case(by=by, country=country)
    stay_in(case, country, **facts)
    return case


def version_of(rule, **changes):
    before = LegalRule.objects.version(rule)
    row = dict(before.row) | changes.pop("row", {})
    known = {"valid_from": before.valid_from, "valid_to": None, "corrects": False} | changes
    return Version(before.table, before.code, before.version + 1, row, replaces=before.version, **known)


def asked_for(rule="kz-2023@1"):
    return Recomputation.objects.request(LegalRule.objects.version(rule), Cause.BY_HAND)


def due(case):
    """The open ends of stays; an arrival in Kazakhstan starts terms of its own."""
    ends = Deadline.objects.filter(case=case, kind="stay_end", state=DeadlineState.OPEN)
    return [deadline.due_on for deadline in ends]


@pytest.mark.django_db
class TestAPass:
    def test_it_derives_the_open_cases_of_the_country_and_no_others(self, olga):
        here, there, closed = stayed(olga), stayed(olga, "GE"), stayed(olga)
        closed.close(on=TODAY, by=olga, reason="Safe")
        asked_for()
        recompute.work(NOW)
        assert [due(case) for case in (here, there, closed)] == [[DAY], [], []]

    def test_a_stay_or_an_application_elsewhere_counts_too(self, olga):
        """Sabotage: leave the Exists() out of cases()."""
        from cases.models import Application

        case = Case.objects.open_case(by=olga, country="GE")
        stay_in(case, "KZ")
        applied = Case.objects.open_case(by=olga, country="GE")
        Application.objects.create(by=olga, case=applied, country="KZ", kind="asylum_claim")
        row = asked_for()
        assert set(row.cases()) == {case, applied}

    @pytest.mark.parametrize(
        ("rule", "countries"),
        [("kz-2023@1", {"KZ"}), ("any-permit@1", None), ("ru-travel-passport@1", None), ("EU@1", None)],
    )
    def test_which_countries_a_rule_concerns(self, rule, countries):
        row = asked_for(rule)
        assert (set(row.countries) if row.countries else row.countries) == countries

    def test_a_common_row_concerns_its_members(self):
        assert {"DE", "FR", "NO"} <= set(asked_for("schengen@1").countries)
        assert {"DE", "FR", "IE"} <= set(asked_for("eu-20@1").countries)

    def test_what_moved_is_kept_sealed_and_says_from_where_to_where(self, olga):
        """Sabotage: keep `moves` in a plain JSONField."""
        case = stayed(olga)
        case.refresh_deadlines(today=TODAY)
        stay = case.stays.get()
        stay.last_legal_day, stay.last_legal_day_source = DAY + timedelta(days=3), "letter"
        stay.save(by=olga)
        asked_for()
        recompute.work(NOW)
        row = RecomputedCase.objects.get()
        assert [(m["kind"], m["old"], m["new"]) for m in row.moves] == [
            ("stay_end", str(DAY), str(DAY + timedelta(days=3)))
        ]
        with connection.cursor() as cursor:
            cursor.execute("SELECT moves FROM cases_recomputedcase")
            assert str(DAY.year).encode() not in bytes(cursor.fetchone()[0])

    def test_what_did_not_move_leaves_no_row(self, olga):
        stayed(olga).refresh_deadlines(today=TODAY)
        row = asked_for()
        recompute.work(NOW)
        row.refresh_from_db()
        assert (row.total, row.done, row.percent, row.kept.count()) == (1, 1, 100, 0)
        assert row.finished_at == NOW

    def test_moved_dates_are_planned_and_the_bell_rings(self, olga, monkeypatch):
        """Sabotage: leave out `planning.plan`."""
        rung = []
        monkeypatch.setattr("reminders.doorbell.ring", lambda: rung.append(True))
        stayed(olga, last=TODAY + timedelta(days=1))
        asked_for()
        recompute.work(NOW)
        assert Reminder.objects.exists()
        assert rung == [True]

    def test_a_damaged_case_is_reported_and_the_others_go_on(self, olga):
        """Sabotage: let `_recompute_case` raise."""
        good, bad, worse = stayed(olga), stayed(olga), stayed(olga)
        bad.refresh_deadlines(today=TODAY)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cases_stay SET last_legal_day = %s WHERE case_id = %s",
                [b"\x01damage", bad.stays.get().case_id.hex if connection.vendor == "sqlite" else bad.pk],
            )
            cursor.execute(
                "UPDATE vault_recordkey SET wrapped = %s WHERE owner = %s",
                [b"\x01damage", worse.pk.hex if connection.vendor == "sqlite" else worse.pk],
            )
        row = asked_for()
        recompute.work(NOW)
        row.refresh_from_db()
        assert row.finished_at
        assert set(row.kept.filter(damaged=True).values_list("case", flat=True)) == {bad.pk, worse.pk}
        assert due(good) == due(bad) == [DAY]

    def test_one_case_that_fails_keeps_nothing_of_its_half(self, olga, monkeypatch):
        case = stayed(olga)

        def half(self, *, today):
            Deadline.objects.filter(case=self).update(state=DeadlineState.CANCELLED)
            raise KeyError("half way")

        case.refresh_deadlines(today=TODAY)
        monkeypatch.setattr(Case, "refresh_deadlines", half)
        asked_for()
        recompute.work(NOW)
        assert due(case) == [DAY]
        assert RecomputedCase.objects.get().damaged


@pytest.mark.django_db
class TestGoingOn:
    def test_a_batch_at_a_time_and_each_case_once(self, olga, monkeypatch):
        """Sabotage: leave the cursor out of step()."""
        cases = [stayed(olga) for _ in range(5)]
        seen = []
        before = Case.refresh_deadlines
        monkeypatch.setattr(
            Case, "refresh_deadlines",
            lambda self, *, today: (seen.append(self.pk), before(self, today=today))[1],
        )  # fmt: skip
        asked_for()
        row = Recomputation.objects.claim(NOW)
        assert [row.step(NOW, size=2).cases for _ in range(4)] == [2, 2, 1, 0]
        assert sorted(seen) == sorted(case.pk for case in cases)

    def test_a_round_of_the_chores_stops_and_says_that_there_is_more(self, olga, monkeypatch):
        monkeypatch.setattr(recompute, "BATCHES_A_ROUND", 1)
        stayed(olga)
        row = asked_for()
        assert recompute.go_on(NOW) is True
        row.refresh_from_db()
        assert (row.done, row.finished_at, row.lease) == (1, None, None)
        recompute.go_on(NOW)
        assert recompute.go_on(NOW) is False
        assert CHORES[0].do is recompute.go_on

    def test_who_works_holds_a_lease_and_a_dead_one_is_followed_when_it_ends(self):
        asked_for()
        first = Recomputation.objects.claim(NOW)
        assert Recomputation.objects.claim(NOW + timedelta(seconds=119)) is None
        second = Recomputation.objects.claim(NOW + timedelta(seconds=120))
        assert (first.pk, first.lease) != (second.pk, second.lease)

    def test_whoever_lost_the_lease_writes_nothing(self, olga):
        """Sabotage: look the row up without its lease."""
        case = stayed(olga)
        asked_for()
        first = Recomputation.objects.claim(NOW)
        second = Recomputation.objects.claim(NOW, take_over=True)
        with pytest.raises(LeaseLost):
            first.step(NOW)
        assert due(case) == []
        assert second.step(NOW).cases == 1

    def test_a_round_without_work_asks_little(self, django_assert_max_num_queries):
        recompute.go_on(NOW)
        with django_assert_max_num_queries(8):
            assert recompute.go_on(NOW) is False


@pytest.mark.django_db
class TestTheDayComes:
    def test_an_announced_version_is_derived_once_on_its_first_day_there(self, lena):
        """Almaty is five hours ahead. Sabotage: take `now.date()` for today."""
        LegalRule.objects.make(
            version_of("kz-2023@1", valid_from=date(2027, 3, 1)), by=lena, seen="kz-2023@1"
        )
        Recomputation.objects.all().delete()
        eve = datetime.fromisoformat("2027-02-28T18:59:59+00:00")
        assert Recomputation.objects.request_due(eve) == 0
        assert Recomputation.objects.request_due(eve + timedelta(seconds=1)) == 1
        assert Recomputation.objects.request_due(eve + timedelta(days=40)) == 0
        row = Recomputation.objects.get()
        assert (row.rule.ref, row.cause) == ("kz-2023@2", Cause.IN_FORCE)

    def test_a_rule_that_ends_is_derived_once_the_day_after(self, lena):
        draft = version_of("kz-2023@1", valid_to=date(2027, 3, 1), corrects=True)
        LegalRule.objects.make(draft, by=lena, seen="kz-2023@1")
        noon = datetime.fromisoformat("2027-03-01T12:00:00+00:00")
        assert Recomputation.objects.request_due(noon) == 0
        assert Recomputation.objects.request_due(noon + timedelta(days=1)) == 1

    def test_rules_of_the_past_are_no_news(self):
        assert Recomputation.objects.request_due(NOW) == 0


@pytest.mark.django_db
class TestActs:
    def test_a_new_version_is_on_the_trail(self, lena):
        rule = LegalRule.objects.make(version_of("kz-2023@1", corrects=True), by=lena, seen="kz-2023@1")
        assert rule.ref == "kz-2023@2"
        entry = TrailRow.objects.get(verb=trail.Verb.RULE_CHANGED)
        assert (entry.actor, entry.details) == (lena, {"reason": "kz-2023@2"})

    def test_so_is_a_confirmation(self, lena):
        rule = LegalRule.objects.version("kz-2023@1")
        rule.confirm(on=TODAY, source_seen="Law, art. 12", by=lena, today=TODAY, seen="kz-2023@1")
        assert TrailRow.objects.filter(verb=trail.Verb.RULE_CONFIRMED, actor=lena).count() == 1

    @pytest.mark.parametrize("who", ["olga", "petra", "oskar", "anton", "mark"])
    def test_only_a_lawyer_changes_and_confirms(self, who, request):
        """Sabotage: leave out `_require_lawyer`."""
        person, rule = request.getfixturevalue(who), LegalRule.objects.version("kz-2023@1")
        with pytest.raises(trail.Refused):
            LegalRule.objects.make(version_of("kz-2023@1", corrects=True), by=person, seen="kz-2023@1")
        with pytest.raises(trail.Refused):
            rule.confirm(on=TODAY, source_seen="Law", by=person, today=TODAY, seen="kz-2023@1")
        assert LegalRule.objects.filter(code="kz-2023").count() == 1
        assert not Recomputation.objects.exists()

    def test_the_slower_of_two_lawyers_is_told(self, lena):
        """Sabotage: leave out the comparison with `seen` in confirm(); make() is held by the number too."""
        draft = version_of("kz-2023@1", corrects=True)
        LegalRule.objects.make(draft, by=lena, seen="kz-2023@1")
        with pytest.raises(ValidationError, match="meanwhile"):
            LegalRule.objects.make(draft, by=lena, seen="kz-2023@1")
        with pytest.raises(ValidationError, match="meanwhile"):
            LegalRule.objects.version("kz-2023@1").confirm(
                on=TODAY, source_seen="Law", by=lena, today=TODAY, seen="kz-2023@1"
            )

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"row": {"country": "GE"}, "valid_from": None}, "valid_from"),
            ({"row": {"rule": {"kind": "sometimes"}}}, None),
            ({"row": {"sources": []}}, None),
        ],
    )
    def test_a_version_that_cannot_be_used_is_refused_in_words(self, lena, changes, field):
        with pytest.raises(ValidationError) as refused:
            LegalRule.objects.make(version_of("kz-2023@1", **changes), by=lena, seen="kz-2023@1")
        assert field is None or field in refused.value.message_dict
        assert LegalRule.objects.filter(code="kz-2023").count() == 1

    @pytest.mark.parametrize(("on", "source"), [(TODAY + timedelta(days=1), "Law"), (TODAY, "  ")])
    def test_a_confirmation_needs_a_day_that_has_come_and_a_source(self, lena, on, source):
        with pytest.raises(ValidationError):
            LegalRule.objects.version("kz-2023@1").confirm(
                on=on, source_seen=source, by=lena, today=TODAY, seen="kz-2023@1"
            )


@pytest.mark.django_db
def test_the_command_finishes_what_waits_and_says_how_far_it_is(olga, capsys):
    case = stayed(olga)
    asked_for()
    call_command("recompute_deadlines")
    out = capsys.readouterr().out
    assert "1 of 1 cases; dates moved in 1, damaged 0" in out
    assert "All dates are derived." in out
    assert case.code_name not in out
    assert due(case) == [DAY]


@pytest.mark.timeout(180)
@pytest.mark.processes
def test_killed_in_the_middle_it_goes_on_where_it_was(live_database):
    """Sabotage: save the cursor outside of step()'s transaction, before it."""
    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", "a-long-password-1", role="caseworker", team=team)
    cases = [stayed(olga) for _ in range(110)]
    row = asked_for()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "recompute_deadlines"],
        env=live_database.env | {"DESK_PREPARED": "1"},
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline().startswith("50 of 110")
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
    row.refresh_from_db()
    assert 50 <= row.done < 110
    assert row.finished_at is None
    assert sum(due(case) == [DAY] for case in cases) == row.done
    done = live_database.manage("recompute_deadlines", DESK_PREPARED="1")
    assert done.returncode == 0, done.stderr
    row.refresh_from_db()
    assert (row.done, row.total, row.kept.count()) == (110, 110, 110)
    assert all(due(case) == [DAY] for case in cases)
