"""Facets that most files have no row of: added by a button, saved with their history, cheap while empty."""

import html
import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import (
    Appeal,
    Application,
    Blocker,
    Case,
    ClockPause,
    Deadline,
    Hearing,
    Proceeding,
    Stay,
    TypedDeadline,
    WantedCheck,
)
from staff.trail import TrailRow
from tests.page import form_data

pytestmark = pytest.mark.django_db

DAY = date(2026, 9, 1)


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


def claim(case, by, **facts):
    facts = {"country": "KZ", "kind": "asylum_claim", "stage": "refused"} | facts
    return Application.objects.create(case=case, by=by, **facts)


def dues(case):
    return {(row.kind, row.due_on, row.rule or "") for row in Deadline.objects.open().filter(case=case)}


# -- the terms follow the rows


def test_service_starts_the_window_of_appeal_and_filing_an_appeal_is_a_row_of_its_own(case, olga):
    """Sabotage: swap served_on and decided_on in OF_APPLICATION."""
    application = claim(case, olga, decided_on=DAY - timedelta(9), served_on=DAY)
    case.refresh_deadlines(today=case.today())
    assert dues(case) == {("appeal_end", date(2026, 12, 1), "kz-05@1")}
    appeal = Appeal.objects.create(case=case, by=olga, application=application, filed_on=DAY)
    application.stage = "appeal_pending"
    application.save(by=olga)
    appeal.hearing_on = DAY + timedelta(60)
    appeal.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert dues(case) == {("hearing", DAY + timedelta(60), "")}
    assert {row.readable_record["facet"] for row in case.history.with_keys()} >= {"application", "appeal"}


def test_a_missing_day_of_service_is_asked_for_until_it_is_typed(case, olga):
    """Sabotage: leave write_questions out of apply_facts."""
    application = claim(case, olga, decided_on=DAY)
    case.refresh_deadlines(today=case.today())
    assert Application.objects.get().asks == "decision_served"
    assert dues(case) == set()
    application.served_on = DAY
    application.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert Application.objects.get().asks == ""
    assert dues(case)


def test_a_typed_day_is_compared_by_somebody_else(case, olga, petra):
    """Sabotage: take the comparison of compared_by and typed_by out of TypedDeadline.clean."""
    application = claim(case, olga, served_on=DAY)
    row = TypedDeadline(
        case=case, application=application, last_day=DAY + timedelta(14), page="p. 7", is_compared=True
    )
    with pytest.raises(ValidationError, match="Somebody else"):
        row.save(by=olga)
    row.is_compared = False
    row.save(by=olga)
    case.refresh_deadlines(today=DAY)
    assert {due_on for _kind, due_on, _rule in dues(case)} == {DAY + timedelta(14), date(2026, 12, 1)}
    row = TypedDeadline.objects.get()
    row.is_compared = True
    row.save(by=petra)
    case.refresh_deadlines(today=DAY)
    assert dues(case) == {("appeal_end", DAY + timedelta(14), "")}
    row = TypedDeadline.objects.get()
    assert (row.typed_by, row.compared_by) == (olga, petra)
    row.last_day = DAY + timedelta(30)
    row.save(by=petra)
    row = TypedDeadline.objects.get()
    assert (row.typed_by, row.compared_by, row.is_compared) == (petra, None, False)


def test_a_pause_moves_the_day_and_needs_its_source(case, olga):
    application = claim(case, olga, country="FR", served_on=DAY)
    facts = {"case": case, "application": application, "paused_on": DAY, "runs_on_from": DAY + timedelta(10)}
    with pytest.raises(ValidationError, match="Say where it stands"):
        ClockPause.objects.create(by=olga, **facts)
    ClockPause.objects.create(by=olga, source="letter of 3 September", **facts)
    case.refresh_deadlines(today=DAY)
    assert ("appeal_end", date(2026, 10, 11), "fr-30@1") in dues(case)


def test_a_row_of_another_case_is_refused(case, olga):
    """Sabotage: take the comparison of cases out of require_own_application."""
    other = Case.objects.open_case(by=olga, country="AM")
    application = claim(other, olga)
    with pytest.raises(ValidationError, match="another case"):
        Appeal.objects.create(case=case, by=olga, application=application)
    proceeding = Proceeding.objects.create(case=other, by=olga, article="337")
    with pytest.raises(ValidationError, match="another case"):
        Hearing.objects.create(case=case, by=olga, proceeding=proceeding, held_on=DAY)
    blocker = Blocker.objects.create(case=other, by=olga, what="appeal", by_what="fee")
    with pytest.raises(ValidationError, match="another case"):
        Blocker.objects.create(case=case, by=olga, what="fee", by_what="number", waits_for=blocker)


def test_a_damaged_day_of_service_keeps_the_day_that_was_counted(case, olga):
    """Sabotage: in DeadlineQuerySet.apply, look for the whole source among the unreadable."""
    claim(case, olga, served_on=DAY)
    case.refresh_deadlines(today=case.today())
    before = dues(case)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_application SET served_on = %s", [b"\x01damaged"])
    case.refresh_deadlines(today=case.today())
    assert dues(case) == before


# -- after arrival


def test_a_duty_after_arrival_is_due_until_it_is_done(case, olga):
    stay = Stay.objects.create(
        case=case, by=olga, country="RS", entered_on=DAY, registered_place_from=date(2026, 9, 2)
    )
    case.refresh_deadlines(today=DAY)
    assert ("obligation", date(2026, 9, 3), "rs-2009@1") in dues(case)
    stay.registration_done_on = date(2026, 9, 3)
    stay.save(by=olga)
    case.refresh_deadlines(today=DAY)
    assert not [due for due in dues(case) if due[0] == "obligation"]


def test_over_land_outside_a_border_post_is_irregular_too(case, olga):
    """Sabotage: IRREGULAR holds EntryKind.IRREGULAR alone."""
    Stay.objects.create(case=case, by=olga, country="GE", entered_on=DAY, entry_kind="irregular_land_border")
    case.refresh_deadlines(today=DAY)
    assert ("apply_by", DAY, "ge-06@1") in dues(case)


# -- proceedings at home


def test_hearings_and_checks_of_wanted_lists_are_dates_like_others(case, olga):
    """Sabotage: leave `home` out of CaseFacts in facts_in."""
    proceeding = Proceeding.objects.create(case=case, by=olga, article="337", part="5")
    hearing = Hearing.objects.create(case=case, by=olga, proceeding=proceeding, held_on=DAY)
    with pytest.raises(ValidationError, match="grows old"):
        WantedCheck.objects.create(
            case=case, by=olga, wanted_list="federal", finding="not_found", checked_on=DAY
        )
    check = WantedCheck.objects.create(
        case=case, by=olga, wanted_list="federal", finding="listed", checked_on=DAY,
        recheck_on=DAY + timedelta(30),
    )  # fmt: skip
    assert check.checked_by == olga
    case.refresh_deadlines(today=case.today())
    assert dues(case) == {("home_hearing", DAY, ""), ("wanted_check", DAY + timedelta(30), "")}
    hearing.is_over = True
    hearing.save(by=olga)
    case.refresh_deadlines(today=case.today())
    assert dues(case) == {("wanted_check", DAY + timedelta(30), "")}


def test_a_maximum_term_needs_its_source(case, olga):
    with pytest.raises(ValidationError, match="needs its source"):
        Proceeding.objects.create(case=case, by=olga, article="337", maximum_term="10 years")


def test_what_was_found_on_a_wanted_list_is_not_readable(case, olga):
    """Sabotage: make `finding` a plain column."""
    WantedCheck.objects.create(
        case=case, by=olga, wanted_list="federal", finding="listed", checked_on=DAY, recheck_on=DAY
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cases_wantedcheck")
        assert "listed" not in str(cursor.fetchall())


# -- blockers


def chain(case, olga):
    rows = {}
    for what, by_what, first in (
        ("passport", "it lies in the unit", None),
        ("tax number", "no passport", "passport"),
        ("fee", "no tax number", "tax number"),
        ("appeal", "fee not paid", "fee"),
    ):
        rows[what] = Blocker.objects.create(
            case=case, by=olga, what=what, by_what=by_what, remover="the lawyer", waits_for=rows.get(first)
        )
    return rows


def test_a_chain_of_blockers_frees_one_after_the_other(case, olga):
    """Sabotage: state() calls every open blocker free."""
    rows = chain(case, olga)
    (only,) = rows["passport"].remove(by=olga)
    assert only.what == "tax number"
    assert [row.what for row in Blocker.objects.get(pk=rows["tax number"].pk).remove(by=olga)] == ["fee"]


def test_a_circle_of_blockers_is_refused_with_what_to_do(case, olga):
    """Sabotage: leave _refuse_circles out of Blocker.clean."""
    rows = chain(case, olga)
    rows["passport"].waits_for = rows["appeal"]
    with pytest.raises(ValidationError, match="in a circle"):
        rows["passport"].save(by=olga)
    rows["passport"].waits_for = rows["passport"]
    with pytest.raises(ValidationError, match="in a circle"):
        rows["passport"].save(by=olga)


def test_the_head_of_the_case_shows_the_chain_from_what_can_be_done_now(case, olga, at_desk):
    """Sabotage: leave `blocked` out of the head."""
    chain(case, olga)
    text = at_desk(olga).get(address(case)).content.decode()
    blocked = text[text.index("case-head-blocked") :]
    head = re.sub(r"(<[^>]+>|\s)+", " ", blocked[: blocked.index("</div>")])
    places = [head.index(what) for what in ("passport (", "tax number (", "fee (", "appeal (")]
    assert places == sorted(places)
    assert head.count("can be worked on now") == 1


def test_a_colleague_without_the_case_removes_no_blocker(case, olga, oskar, mark):
    rows = chain(case, olga)
    for nobody in (oskar, mark):
        with pytest.raises(PermissionDenied, match="may not"):
            rows["passport"].remove(by=nobody)
    assert not Blocker.objects.get(pk=rows["passport"].pk).is_removed


@pytest.mark.speaks_sql
def test_the_button_beside_a_blocker_removes_it_and_says_what_is_free_now(case, olga, at_desk):
    """Sabotage: leave save_related out of CaseAdmin, or the trail out of Blocker.remove."""
    rows = chain(case, olga)
    desk = at_desk(olga)
    page = desk.get(address(case))
    (button,) = re.findall(r'<button[^>]* name="_removed" value="([^"]+)">', page.content.decode())
    assert button == str(rows["passport"].pk)
    sent = form_data(page, summary="typed before", _removed=button)
    answer = desk.post(address(case), sent, follow=True)
    text = " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())
    assert "Saved. 1 other blocker can be worked on now" in text
    assert "Blocked: tax number" in text
    assert answer.context["adminform"].form.initial["summary"] == "typed before"
    assert Blocker.objects.get(pk=button).is_removed
    assert "blocker.is_removed" in str([row.details for row in TrailRow.objects.of_case(case.pk)])
    # Pressed twice, or with a blocker of another case: nothing more happens, and nothing breaks.
    other = chain(Case.objects.open_case(by=olga, country="AM"), olga)["passport"]
    for stale in (button, str(other.pk), "nothing"):
        page = desk.get(address(case))
        answer = desk.post(address(case), form_data(page, _removed=stale), follow=True)
        assert "No other blocker waited" in answer.content.decode()
    assert not Blocker.objects.get(pk=other.pk).is_removed


def test_a_colleague_without_the_case_finds_no_button(case, olga, oskar, mark, sign_in):
    rows = chain(case, olga)
    for nobody, status in ((oskar, 404), (mark, 403)):
        answer = sign_in(nobody).post(address(case), {"_removed": str(rows["passport"].pk)})
        assert answer.status_code == status
    assert not Blocker.objects.get(pk=rows["passport"].pk).is_removed


# -- on the page


def test_the_button_saves_what_was_typed_and_comes_back_with_an_empty_row(case, olga, at_desk):
    """Sabotage: leave response_change out of CaseAdmin."""
    desk = at_desk(olga)
    application = claim(case, olga, served_on=DAY)
    page = desk.get(address(case))
    assert "appeals-0-filed_on" not in page.content.decode()
    answer = desk.post(address(case), form_data(page, summary="typed before", _add="appeals"))
    assert answer.url == f"{address(case)}?add=appeals#appeals-group"
    page = desk.get(answer.url)
    assert 'name="appeals-0-filed_on"' in page.content.decode()
    data = form_data(
        page, **{"appeals-0-application": str(application.pk), "appeals-0-filed_on": "2026-09-20"}
    )
    assert data["summary"] == "typed before"
    assert desk.post(address(case), data).status_code == 302
    assert Appeal.objects.get().filed_on == date(2026, 9, 20)


def test_an_empty_row_that_nobody_filled_in_is_not_stored(case, olga, at_desk):
    desk = at_desk(olga)
    for part in ("appeals", "typed_deadlines", "pauses", "proceedings", "hearings", "wanted_checks",
                 "extradition_notes", "blockers"):  # fmt: skip
        page = desk.get(f"{address(case)}?add={part}")
        assert f"{part}-0-" in page.content.decode()
        assert desk.post(address(case), form_data(page)).status_code == 302
    assert case.history.count() == 1


def test_a_typed_day_on_the_page_is_compared_by_the_next_person(case, olga, petra, at_desk, sign_in):
    """Sabotage: leave `acting` out of TypedForm: saving would be an error page."""
    application = claim(case, olga, served_on=DAY)
    desk = at_desk(olga)
    page = desk.get(f"{address(case)}?add=typed_deadlines")
    row = {
        "typed_deadlines-0-application": str(application.pk),
        "typed_deadlines-0-last_day": str(timezone.localdate() + timedelta(9)),
        "typed_deadlines-0-page": "page 7",
    }
    answer = desk.post(address(case), form_data(page, **row, **{"typed_deadlines-0-is_compared": "on"}))
    assert "Somebody else compares" in html.unescape(answer.content.decode())
    assert desk.post(address(case), form_data(page, **row)).status_code == 302
    desk = sign_in(petra)
    ticked = form_data(desk.get(address(case)), **{"typed_deadlines-0-is_compared": "on"})
    assert desk.post(address(case), ticked).status_code == 302
    assert TypedDeadline.objects.get().compared_by == petra


def test_kinds_of_procedure_are_offered_by_country_and_start_the_term(case, olga, at_desk):
    """Sabotage: offer no kinds in ApplicationForm."""
    claim(case, olga, country="NL", served_on=DAY)
    desk = at_desk(olga)
    page = desk.get(address(case))
    text = html.unescape(page.content.decode())
    assert "which of these is it?" in text
    offered = set(re.findall(r'name="applications-0-tags" value="([a-z_]+)"', text))
    assert {"nl_general_procedure", "other", "manifestly_unfounded"} <= offered
    assert "us_bia" not in offered
    data = form_data(page) | {"applications-0-tags": ["other", "inadmissible"]}
    assert desk.post(address(case), data).status_code == 302
    assert Application.objects.get().tags == ["inadmissible", "other"]
    assert dues(case) == {("term_passed", case.today(), "nl-32@1")}  # it was over on 8 September
    before = case.history.count()
    page = desk.get(address(case))
    assert desk.post(address(case), form_data(page)).status_code == 302
    assert case.history.count() == before
    shown = html.unescape(page.content.decode())
    assert "Shown beside an earlier day" in shown
    assert "nl-33@1" in shown
    assert "to be confirmed by a lawyer" in shown


@pytest.mark.speaks_sql
def test_an_ordinary_case_stays_light_and_takes_as_many_queries_as_a_full_one(case, olga, at_desk):
    """Sabotage: give AddedInline the template of the others, or ask for rules in each row's form."""
    claim(case, olga, served_on=DAY)
    Stay.objects.create(case=case, by=olga, country="KZ", entered_on=DAY)
    desk = at_desk(olga)
    counts, weights = [], []
    for more in (0, 1, 3):
        for _each in range(more):
            application = claim(case, olga, country="DE", stage="lodged")
            Appeal.objects.create(case=case, by=olga, application=application)
            chain(case, olga)
            proceeding = Proceeding.objects.create(case=case, by=olga, article="337")
            Hearing.objects.create(case=case, by=olga, proceeding=proceeding, held_on=DAY)
        desk.get(address(case))
        with CaptureQueriesContext(connection) as queries:
            weights.append(len(desk.get(address(case)).content))
        counts.append(len(queries))
    assert counts[1] == counts[2], counts
    assert weights[0] <= 100_000


def test_a_proceeding_shows_the_most_it_can_bring_with_its_source(case, olga, at_desk):
    """Sabotage: leave the source out of accused.html, or `is_confirmed` out of _accusation()."""
    Proceeding.objects.create(case=case, by=olga, article="ст. 337", part="ч. 5")
    Proceeding.objects.create(
        case=case, by=olga, article="338", maximum_term="up to 15 years", maximum_term_source="the charge"
    )
    Proceeding.objects.create(case=case, by=olga, article="999")
    text = html.unescape(at_desk(olga).get(address(case)).content.decode())
    panel = text[text.index("accused-heading") : text.index("</section>", text.index("accused-heading"))]
    words = " ".join(re.sub(r"<[^>]+>", " ", panel).split())
    assert "at most 10 years in prison" in words
    assert "Criminal Code of the Russian Federation, art. 337 part 5" in words
    assert "to be confirmed by a lawyer" in words
    assert "up to 15 years Source : the charge" in words.replace("Source:", "Source :")
    assert "no maximum term is known here" in words


def test_the_page_of_a_date_explains_how_it_was_counted(case, olga, oskar, at_desk, sign_in):
    """Facts, rule, version, source, who confirmed it, day. Sabotage: leave `told` out of the board's view."""
    application = claim(case, olga, served_on=DAY)
    case.refresh_deadlines(today=case.today())
    page = f"/desk/board/{Deadline.objects.get().pk}/"
    text = html.unescape(at_desk(olga).get(page).content.decode())
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "3 months, counted from 2026-09-01: the service of the decision." in words
    assert "Rule kz-05@1 , to be confirmed by a lawyer. Source:" in words
    assert "have changed since" not in words
    application.served_on = DAY + timedelta(3)
    application.save(by=olga)
    assert "have changed since" in sign_in(olga).get(page).content.decode()
    assert sign_in(oskar).get(page).status_code == 404
