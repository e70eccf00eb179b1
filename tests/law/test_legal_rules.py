"""Rules in the database: versions that are never changed, read as the tables that the pure rules know."""

import copy
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from law.models import LegalRule, RuleConfirmation
from law.rules import versions
from law.rules.reference import in_force
from law.rules.stay import PerEntry
from staff.append_only import KeptForGood

pytestmark = pytest.mark.django_db


def next_version(ref, *, corrects=False, valid_from=None, **changes):
    """A new version of the rule `ref`, with these changes of its row."""
    before = LegalRule.objects.version(ref)
    row = copy.deepcopy(before.row) | changes
    return LegalRule.objects.create(
        table=before.table, code=before.code, version=before.version + 1, row=row,
        valid_from=valid_from or before.valid_from, replaces=before, corrects=corrects,
    )  # fmt: skip


def kazakhstan(on=date(2026, 11, 23)):
    return in_force(LegalRule.objects.stay_rows(), country="KZ", basis="visa_free", on=on)


def test_the_rules_that_ship_are_the_first_versions():
    assert LegalRule.objects.count() == len(versions.shipped_versions())
    assert LegalRule.objects.tables() == versions.tables_of(versions.shipped_versions())


def test_a_new_version_is_seen_at_once_and_the_old_one_stays_readable():
    """Sabotage: let `_state` return a constant."""
    assert kazakhstan().version == "1"
    next_version("kz-2023@1", valid_from=date(2026, 6, 1), rule={"kind": "per_entry", "days": 60})
    assert kazakhstan().version == "2"
    assert kazakhstan().rule.limit == PerEntry(60)
    assert kazakhstan(date(2026, 5, 31)).version == "1"
    assert LegalRule.objects.version("kz-2023@1").row["rule"]["kind"] == "rolling"
    assert LegalRule.objects.version("kz-2023@2").replaces.ref == "kz-2023@1"


def test_a_version_that_never_was_is_not_found():
    with pytest.raises(LegalRule.DoesNotExist):
        LegalRule.objects.version("kz-2023@7")


def test_a_confirmation_is_read_with_the_row(lena):
    """Sabotage: leave the confirmations out of `_state`."""
    assert kazakhstan().check.verified_on is None
    rule = LegalRule.objects.version("kz-2023@1")
    for on in (date(2026, 10, 1), date(2026, 11, 1)):
        RuleConfirmation.objects.create(rule=rule, by=lena, verified_on=on, source_seen="Law, art. 12")
    assert kazakhstan().check.verified_on == date(2026, 11, 1)
    assert kazakhstan().check.verified_by == "lena"
    assert rule.last_confirmation.verified_on == date(2026, 11, 1)
    next_version("kz-2023@1", corrects=True)
    assert kazakhstan().check.verified_on is None


def test_what_was_rolled_back_is_forgotten():
    """The next version of another test may have the same id."""
    with transaction.atomic():
        next_version("kz-2023@1", corrects=True, rule={"kind": "unknown"})
        assert kazakhstan().version == "2"
        transaction.set_rollback(True)
    assert kazakhstan().version == "1"
    next_version("kz-2023@1", corrects=True, rule={"kind": "per_entry", "days": 5})
    assert kazakhstan().rule.limit == PerEntry(5)


def test_reading_the_rules_again_asks_two_small_questions(django_assert_num_queries):
    LegalRule.objects.stay_rows()
    with django_assert_num_queries(2):
        LegalRule.objects.stay_rows()


def test_python_refuses_to_change_a_version(lena):
    rule = LegalRule.objects.version("kz-2023@1")
    for act in (rule.save, rule.delete, LegalRule.objects.all().delete):
        with pytest.raises(KeptForGood):
            act()
    with pytest.raises(KeptForGood):
        LegalRule.objects.update(valid_to=date(2026, 1, 1))


@pytest.mark.parametrize("table", ["law_legalrule", "law_ruleconfirmation"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_it_too(table, statement, lena):
    """Sabotage: take the table out of staff/append_only.py."""
    rule = LegalRule.objects.version("kz-2023@1")
    RuleConfirmation.objects.create(rule=rule, by=lena, verified_on=date(2026, 10, 1), source_seen="Law")
    with (
        pytest.raises(IntegrityError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.parametrize(
    "facts",
    [
        {"version": 1, "code": "kz-2023"},
        {"table": "weather"},
        {"valid_from": date(2027, 1, 2), "valid_to": date(2027, 1, 1)},
        {"version": 2, "code": "new"},
        {"corrects": True},
    ],
)
def test_the_database_refuses_versions_without_sense(facts):
    good = {"table": "stay", "code": "new", "version": 1, "row": {}}
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalRule.objects.create(**good | facts)


def test_a_confirmation_needs_its_source(lena):
    rule = LegalRule.objects.version("kz-2023@1")
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleConfirmation.objects.create(rule=rule, by=lena, verified_on=date(2026, 10, 1), source_seen="")
