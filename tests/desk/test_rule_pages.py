"""The legal rules on the desk: everybody who reads cases reads them, a lawyer changes and confirms them."""

import re
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone, translation

from cases.models import Cause, Recomputation, Stay
from desk import law_book, recompute
from desk.law_book import Waiting
from desk.views.rule_forms import FORMS
from law.models import LegalRule, RuleConfirmation
from law.rules.stay import AllOf, PerEntry, Rolling
from law.rules.versions import Table, shipped_versions
from staff import trail
from staff.models import TrailRow
from tests.desk.test_recomputation import stayed, version_of

pytestmark = pytest.mark.django_db

RULES = reverse("rules")
KZ = reverse("rule", args=["kz-2023"])
CONFIRM = reverse("rule_confirm", args=["kz-2023", 1])
REPLACE = reverse("rule_new_version", args=["kz-2023", 1])


@pytest.fixture
def today():
    return timezone.localdate()


def unconfirmed(today):
    """How many shipped rules wait for a lawyer: all but those that are over, for a file confirms none."""
    return sum(each.valid_to is None or each.valid_to >= today for each in shipped_versions())


def read(answer):
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def typed(client, address):
    """What the form holds when it is opened, as a browser would send it back."""
    form = client.get(address).context["form"]
    found = {}
    for field in form:
        value = field.value()
        found[field.html_name] = "" if value is None else value
    return {name: value for name, value in found.items() if value is not False}


def post(client, address, **changes):
    return client.post(address, typed(client, address) | changes)


# -- who may


@pytest.mark.parametrize("who", ["olga", "oskar", "petra", "lena"])
def test_whoever_reads_cases_reads_the_rules(who, request, at_desk):
    client = at_desk(request.getfixturevalue(who))
    assert "kz-2023" in read(client.get(RULES))
    text = read(client.get(KZ))
    assert "At most 90 days within any 180 days in a row" in text
    assert "to be confirmed by a lawyer" in text
    assert "commonspace.eu 2023-01-18" in text


@pytest.mark.parametrize("who", ["mark", "anton"])
@pytest.mark.parametrize("address", [RULES, KZ, CONFIRM, REPLACE])
def test_others_see_nothing_of_them(who, address, request, at_desk):
    """Sabotage: leave `_reader` out of a view."""
    answer = at_desk(request.getfixturevalue(who)).get(address)
    assert answer.status_code in (302, 403, 404)
    assert "kz-2023" not in answer.content.decode()


@pytest.mark.parametrize("who", ["olga", "petra"])
def test_a_caseworker_sees_and_cannot_change(who, request, at_desk):
    """Sabotage: call `_reader` instead of `_lawyer` in confirm()."""
    person = request.getfixturevalue(who)
    client = at_desk(person)
    assert reverse("rule_confirm", args=["kz-2023", 1]) not in client.get(KZ).content.decode()
    for address in (CONFIRM, REPLACE, reverse("rule_add", args=["stay"])):
        assert client.get(address).status_code == 403
        assert client.post(address, {"seen": "kz-2023@1"}).status_code == 403
    assert not RuleConfirmation.objects.exists()
    assert LegalRule.objects.filter(code="kz-2023").count() == 1
    assert TrailRow.objects.filter(verb=trail.Verb.REFUSED, actor=person).exists()


def test_a_rule_that_is_none_is_not_found(lena, at_desk):
    client = at_desk(lena)
    for address in (
        reverse("rule", args=["xx-1"]),
        reverse("rule_confirm", args=["kz-2023", 9]),
        reverse("rule_new_version", args=["kz-2023", 9]),
        reverse("rule_add", args=["group"]),
        reverse("recomputation", args=["00000000-0000-4000-8000-000000000000"]),
    ):
        assert client.get(address).status_code == 404


# -- the list


@pytest.mark.speaks_sql
def test_the_list_is_filtered_by_country_kind_and_what_waits(lena, at_desk):
    client = at_desk(lena)

    def codes(**asked):
        return {entry.code for entry in client.get(RULES, asked).context["page"].paginator.object_list}

    assert len(codes()) == len(shipped_versions())
    assert codes(country="KZ", table="stay") == {"kz-2012", "kz-2023"}
    assert codes(country="KZ", table="stay", state="unconfirmed") == {"kz-2023"}
    assert codes(state="stale") == set()
    assert codes(country="nowhere") == codes()
    assert "No rule fits this" in read(client.get(RULES, {"country": "CL"}))


@pytest.mark.speaks_sql
def test_the_number_of_questions_does_not_grow_with_the_rules(lena, at_desk, django_assert_max_num_queries):
    client = at_desk(lena)
    client.get(RULES)
    with django_assert_max_num_queries(30):
        client.get(RULES)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_rule_that_ships_can_be_said_and_opened(language, lena, at_desk, today):
    """Every one with its source, and that a lawyer has to confirm it."""
    lena.language = language
    lena.save(update_fields=["language"])
    client = at_desk(lena)
    for version in shipped_versions()[::6]:
        answer = client.get(reverse("rule", args=[version.code]))
        text = read(answer)
        assert "None" not in text, version.code
        with translation.override(language):
            assert str(law_book.confirmation_in_words(None, None)) in text
        assert len(answer.content) < 100_000
    assert all(told.told.words for told in law_book.entries(today))


# -- confirming


def test_a_lawyer_confirms_a_version(lena, at_desk, today):
    """Sabotage: leave out `Recomputation.objects.request` in rules.confirm."""
    client = at_desk(lena)
    assert post(client, CONFIRM, source_seen="Law of 22 July 2011, art. 12").status_code == 302
    row = RuleConfirmation.objects.get()
    assert (row.rule.ref, row.by, row.verified_on) == ("kz-2023@1", lena, today)
    asked = Recomputation.objects.get()
    assert (asked.rule, asked.cause, asked.requested_by) == (row.rule, Cause.CONFIRMED, lena)
    text = read(client.get(KZ))
    assert "confirmed by lena on" in text
    assert "Law of 22 July 2011, art. 12" in text
    assert "to be confirmed by a lawyer" not in text
    assert Waiting.UNCONFIRMED not in next(e.waiting for e in law_book.entries(today) if e.code == "kz-2023")


def test_a_confirmation_of_a_day_to_come_or_without_source_is_refused(lena, at_desk, today):
    client = at_desk(lena)
    ahead = post(client, CONFIRM, source_seen="Law", on=str(today + timedelta(days=1)))
    assert ahead.status_code == 422
    assert "This day lies ahead" in ahead.content.decode()
    assert post(client, CONFIRM, source_seen=" ").status_code == 422
    assert not RuleConfirmation.objects.exists()


def test_a_confirmation_grows_stale_and_says_so(lena, at_desk, today):
    """Sabotage: `>=` instead of `>` in Told.stale."""
    rule = LegalRule.objects.version("kz-2023@1")
    rule.confirm(on=today - timedelta(days=180), source_seen="Law", by=lena, today=today, seen="kz-2023@1")
    stale = {e.code for e in law_book.waiting(today)[Waiting.STALE]}
    later = {e.code for e in law_book.waiting(today + timedelta(days=1))[Waiting.STALE]}
    assert (stale, later) == (set(), {"kz-2023"})


def test_likely_changes_come_first_in_the_queue(today):
    first = law_book.waiting(today)[Waiting.UNCONFIRMED][:2]
    assert {entry.code for entry in first} == {"me-2008", "th-2024"}


# -- a new version


def test_a_lawyer_makes_a_version_that_follows(lena, at_desk):
    client = at_desk(lena)
    answer = post(
        client, REPLACE, valid_from="2027-01-01", limit1_kind="per_entry", limit1_days="30",
        limit1_window="", sources="Law 5, art. 3\nadilet.zan.kz",
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["form"].errors
    rule = LegalRule.objects.version("kz-2023@2")
    assert (rule.valid_from, rule.made_by, rule.corrects) == (date(2027, 1, 1), lena, False)
    assert rule.row["sources"] == ["Law 5, art. 3", "adilet.zan.kz"]
    assert rule.row["obligations"] == LegalRule.objects.version("kz-2023@1").row["obligations"]
    found = {r.version: r for r in LegalRule.objects.stay_rows() if r.id == "kz-2023"}
    assert found["1"].valid_to == date(2026, 12, 31)
    assert found["2"].rule.limit == PerEntry(30)
    text = read(client.get(KZ))
    assert "comes into force on 2027-01-01" in text
    assert "until 2026-12-31" in text
    assert "About to change" in read(client.get(RULES, {"country": "KZ"}))


def test_several_limits_hold_at_once(lena, at_desk):
    client = at_desk(lena)
    answer = post(
        client, REPLACE, change="corrects", limit2_kind="per_entry", limit2_days="30",
        stricter_kind="per_entry", stricter_days="20",
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["form"].errors
    row = next(r for r in LegalRule.objects.stay_rows() if r.id == "kz-2023")
    assert row.rule.limit == AllOf((PerEntry(30), Rolling(90, 180))) or row.rule.limit == AllOf(
        (Rolling(90, 180), PerEntry(30))
    )
    assert row.conservative_rule.limit == PerEntry(20)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sources": " "}, "sources"),
        ({"valid_from": ""}, "valid_from"),
        ({"valid_from": "2023-01-27"}, "valid_from"),
        ({"valid_from": "2027-02-30"}, "valid_from"),
        ({"valid_from": "2027-01-02", "valid_to": "2027-01-01"}, "valid_to"),
        ({"valid_from": "2250-01-01"}, "valid_from"),
        ({"limit1_kind": ""}, "limit1_kind"),
        ({"limit1_kind": "sometimes"}, "limit1_kind"),
        ({"limit1_days": ""}, "limit1_days"),
        ({"limit1_days": "0"}, "limit1_days"),
        ({"limit1_window": ""}, "limit1_window"),
        ({"change": "corrects", "valid_from": "2022-01-01"}, "valid_from"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(lena, at_desk, changes, field):
    client = at_desk(lena)
    answer = post(client, REPLACE, **{"valid_from": "2027-01-01"} | changes)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors, answer.context["form"].errors
    assert "Nothing was saved yet" in answer.content.decode()
    assert LegalRule.objects.filter(code="kz-2023").count() == 1


def test_the_slower_of_two_lawyers_sees_what_the_other_did(lena, at_desk):
    """Sabotage: fill `seen` in the view instead of the form."""
    client = at_desk(lena)
    mine = typed(client, REPLACE)
    LegalRule.objects.make(version_of("kz-2023@1", corrects=True), by=lena, seen="kz-2023@1")
    answer = client.post(REPLACE, mine | {"valid_from": "2027-01-01"})
    assert answer.status_code == 422
    assert "Somebody made a new version of this rule meanwhile" in answer.content.decode()
    confirmed = client.post(CONFIRM, {"seen": "kz-2023@1", "on": "2026-11-01", "source_seen": "Law"})
    assert confirmed.status_code == 422
    assert LegalRule.objects.filter(code="kz-2023").count() == 2


@pytest.mark.parametrize("version", shipped_versions(), ids=lambda version: version.code)
def test_a_version_saved_as_it_is_says_the_same(version):
    """Whatever ships goes through its form and comes out unchanged, but for what a save adds."""
    form_class = FORMS[version.table]
    opened = form_class(before=version)
    data = {field.html_name: field.value() for field in opened if field.value() not in (None, False)}
    form = form_class(data | {"change": "corrects"}, before=version)
    assert form.is_valid(), form.errors
    row = form.draft(version.code, 2).row
    same = {key: row.get(key) for key in version.row}
    if version.table == Table.PROCEDURE:
        same["source_seen"] = version.row["source_seen"]
    if version.table == Table.GROUP:
        assert set(same.pop("members")) == set(version.row["members"])
    expected = {key: value for key, value in version.row.items() if key in same}
    if "members" in same:
        same["members"], expected["members"] = sorted(same["members"]), sorted(expected["members"])
    assert same == expected


def test_a_country_without_rules_gets_one(lena, at_desk):
    client = at_desk(lena)
    address = reverse("rule_add", args=["stay"])
    form = {
        "code": "cl-2026", "country": "CL", "basis": "visa_free", "counted_bases": ["visa_free"],
        "limit1_kind": "per_entry", "limit1_days": "90", "sources": "Law 21325", "confidence": "medium",
    }  # fmt: skip
    assert client.post(address, form).status_code == 302
    row = next(r for r in LegalRule.objects.stay_rows() if r.id == "cl-2026")
    assert (row.country, row.rule.limit, row.version) == ("CL", PerEntry(90), "1")
    again = client.post(address, form)
    assert again.status_code == 422


def test_a_term_for_a_new_country_is_checked_as_a_whole(lena, at_desk):
    client = at_desk(lena)
    address = reverse("rule_add", args=["procedure"])
    form = {
        "code": "cl-50", "country": "CL", "deadline": "appeal", "who": "person", "amount": "10",
        "unit": "working_days", "trigger": "application", "stage": "refused", "holidays": "CL",
        "from_events": ["decision_served"], "sources": "Law 20430", "confidence": "low",
    }  # fmt: skip
    wrong = client.post(address, form | {"stage": "", "pick": "latest", "from_events": []})
    assert {"stage", "pick", "from_events"} <= set(wrong.context["form"].errors)
    # It would wait for what no case holds, and never run.
    for unknown in (
        {"from_events": ["irregular_entry"]},
        {"from_events": ["decision_served"], "trigger": "stay", "stage": ""},
        {"from_events": ["stay_entered"], "trigger": "stay", "stage": "", "applies_to": ["detained"]},
    ):
        refused = client.post(address, form | unknown)
        assert set(refused.context["form"].errors) <= {"from_events", "applies_to"}
        assert refused.status_code == 422
    assert client.post(address, form).status_code == 302
    assert "cl-50" in {row.id for row in LegalRule.objects.procedural_rows()}


# -- what follows


def test_moved_dates_are_named_only_to_whoever_may_open_the_case(lena, olga, oskar, sign_in):
    """Sabotage: leave `case__in=visible` out of recomputation()."""
    case, foreign = stayed(olga), stayed(oskar)
    row = Recomputation.objects.request(LegalRule.objects.version("kz-2023@1"), "by_hand")
    address = reverse("recomputation", args=[row.pk])
    olgas = sign_in(olga)
    assert "waits for its turn" in read(olgas.get(address))
    recompute.work(timezone.now())
    answer = olgas.get(address)
    text = read(answer)
    assert case.code_name in text
    assert foreign.code_name not in text
    assert "And 1 case that is not yours to open." in text
    assert str(case.stays.get().last_legal_day) in text
    assert "And 2 cases" in read(sign_in(lena).get(address))
    assert "no-store" in answer["Cache-Control"]


def test_a_shorter_rule_moves_the_date_of_whoever_is_there(lena, olga, sign_in, today):
    """From the lawyer's form to the page that says which date moved, and by which rule it is counted now.

    Sabotage: leave out `Recomputation.objects.request` in rules._make_version.
    """
    from cases.models import Case, Deadline

    case = Case.objects.open_case(by=olga, country="KZ")
    entered = today - timedelta(days=10)
    Stay.objects.create(by=olga, case=case, country="KZ", entered_on=entered)
    case.refresh_deadlines(today=case.today())
    before, after = entered + timedelta(days=89), entered + timedelta(days=29)
    sent = post(
        sign_in(lena), REPLACE, change="corrects", limit1_kind="per_entry", limit1_days="30", limit1_window=""
    )
    assert sent.status_code == 302, sent.context["form"].errors
    recompute.work(timezone.now())
    deadline = Deadline.objects.get(case=case, kind="stay_end")
    assert (deadline.due_on, deadline.rule) == (after, "kz-2023@2")
    text = read(sign_in(olga).get(reverse("recomputation", args=[Recomputation.objects.get().pk])))
    assert f"Legal stay ends: {before} → {after}" in text


def test_a_rule_says_how_many_dates_rest_on_it(olga, oskar, sign_in):
    from cases.models import Case

    case = Case.objects.open_case(by=olga, country="KZ")
    Stay.objects.create(
        by=olga, case=case, country="KZ", entered_on=timezone.localdate() - timedelta(days=10)
    )
    case.refresh_deadlines(today=case.today())
    assert "1 open date of the cases you may open rests on this rule." in read(sign_in(olga).get(KZ))
    assert "No open date of the cases you may open" in read(sign_in(oskar).get(KZ))


# -- the queue, where people look anyway


def test_a_lawyer_is_told_on_the_landing_page_and_a_caseworker_is_not(lena, olga, sign_in, today):
    """Sabotage: return the queue to everybody in _rules_waiting."""
    words = f"Rules that wait for a lawyer: To be confirmed by a lawyer {unconfirmed(today)}"
    assert words in read(sign_in(lena).get(reverse("board")))
    assert "Rules that wait for a lawyer" not in read(sign_in(olga).get(reverse("board")))


def test_the_digest_names_the_rules_that_wait_and_leads_there(petra, lena, at_desk, today):
    """Sabotage: leave the section out of the template."""
    LegalRule.objects.make(
        version_of("kz-2023@1", valid_from=today + timedelta(days=30)), by=lena, seen="kz-2023@1"
    )
    answer = at_desk(petra).get(reverse("digest"))
    text = read(answer)
    assert re.search(rf"To be confirmed by a lawyer : {unconfirmed(today)} \( ?(Montenegro|Thailand)", text)
    assert "About to change : 1 (Kazakhstan)" in text
    assert f"{RULES}?state=unconfirmed" in answer.content.decode()


# -- later files


def test_a_later_file_comes_in_only_when_told_and_only_once(capsys, monkeypatch, case):
    """Sabotage: write without --write."""
    from dataclasses import replace

    from law.rules import versions

    newer = [
        replace(each, row={**each.row, "note": "seen again"}) if each.code == "tj" else each
        for each in shipped_versions()
    ]
    monkeypatch.setattr(versions, "shipped_versions", lambda: tuple(newer))
    call_command("load_rules")
    assert "tj@2: new version of the file" in capsys.readouterr().out
    assert LegalRule.objects.count() == len(shipped_versions())
    call_command("load_rules", "--write")
    assert LegalRule.objects.version("tj@2").corrects
    assert Recomputation.objects.get().rule.ref == "tj@2"
    capsys.readouterr()
    call_command("load_rules", "--write")
    assert "Nothing new" in capsys.readouterr().out


def test_a_file_never_overwrites_a_lawyer(lena, capsys):
    """Sabotage: leave out `by_hand`."""
    LegalRule.objects.make(
        version_of("kz-2023@1", corrects=True, row={"note": "x"}), by=lena, seen="kz-2023@1"
    )
    call_command("load_rules", "--write")
    out = capsys.readouterr().out
    assert "kz-2023: the file differs, but a lawyer has changed it on the desk; left alone" in out
    assert LegalRule.objects.filter(code="kz-2023").count() == 2
