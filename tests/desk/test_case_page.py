"""The case page, through the client, as a browser sends it."""

import html
import re
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.html import parse_html
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import (
    Application,
    Case,
    ContactChannel,
    Deadline,
    Identity,
    IdentityDocument,
    Note,
    Stay,
    Task,
)
from desk.templatetags.case_page import control
from law.stages import Stage
from staff.models import TrailRow
from staff.trail import Verb
from tests.page import form_data, new_row

pytestmark = pytest.mark.django_db

ADD, LIST = "/desk/cases/case/add/", "/desk/cases/case/"


def address(case):
    return f"/desk/cases/case/{case.pk}/change/"


@pytest.mark.speaks_sql
def test_a_case_with_a_stay_a_passport_and_two_applications_is_saved_once(olga, at_desk):
    """Sabotage: take `self.id = self.id or uuid4()` out of Case.open, or the refresh out of log_change."""
    desk = at_desk(olga)
    page = desk.get(ADD)
    today = timezone.localdate()
    data = form_data(page, country="KZ", colour="orange", summary="Came by train.")
    data |= {
        "stays-0-country": "KZ",
        "stays-0-entered_on": str(today - timedelta(60)),
        "stays-0-last_legal_day": str(today + timedelta(30)),
        "stays-0-last_legal_day_source": "stamp",
        "documents-0-kind": "travel_passport_10",
        "documents-0-number": "75 1234567",
        "documents-0-valid_until": (today + timedelta(200)).strftime("%d.%m.%Y"),
        "applications-0-country": "DE",
        "applications-0-kind": "humanitarian_visa",
        "applications-0-stage": "lodged",
        "identity-0-surname": "Нестеров",
        "notes-0-text": "First talk.",
    }
    data |= new_row(
        page,
        "applications",
        country="FR",
        kind="asylum_claim",
        stage="status_unknown",
        next_check_on=str(today),
    )
    answer = desk.post(ADD, data)
    assert answer.status_code == 302, answer.context["errors"]
    case = Case.objects.get()
    assert case.caseworker == olga
    assert case.stays.get().last_legal_day_by == olga
    assert case.documents.get().number == "75 1234567"
    assert case.applications.count() == 2
    assert case.identity.surname == "Нестеров"
    assert case.notes.get().author == olga
    kinds = sorted(Deadline.objects.open().values_list("kind", flat=True))
    assert kinds == ["application_check", "document_end", "stay_end", "term_passed"]


def test_a_new_case_with_a_stay_needs_no_name(olga, at_desk):
    """Sabotage: reach for the keys of rows that were never stored, in vault.opening.reach."""
    desk = at_desk(olga)
    data = form_data(desk.get(ADD), country="KZ")
    data |= {"stays-0-country": "KZ", "stays-0-entered_on": str(timezone.localdate() - timedelta(9))}
    assert desk.post(ADD, data).status_code == 302
    assert Deadline.objects.open().filter(kind="stay_end").exists()


def test_names_of_changed_fields_stand_on_the_trail_and_values_do_not(case, olga, at_desk):
    """Sabotage: leave trail.append out of CaseAdmin.log_change, or write form.cleaned_data."""
    desk = at_desk(olga)
    Stay.objects.create(case=case, country="KZ", by=olga)
    data = form_data(desk.get(address(case)), colour="red", **{"stays-0-entered_on": "2026-01-02"})
    assert desk.post(address(case), data).status_code == 302
    row = TrailRow.objects.get(verb=Verb.CASE_CHANGED)
    assert (row.actor, row.case) == (olga, case.pk)
    assert row.details == {"fields": ["case.colour", "stay.entered_on"]}
    assert not LogEntry.objects.exists()


def test_saving_an_untouched_page_changes_nothing(case, olga, at_desk):
    """Sabotage: empty text areas give "" where the record holds None (drop empty_value)."""
    desk = at_desk(olga)
    Stay.objects.create(case=case, country="KZ", by=olga, entered_on=date(2026, 1, 2))
    IdentityDocument.objects.create(case=case, by=olga, kind="military_id", number="1")
    Identity.objects.create(case=case, by=olga, citizenships=["RU", "KZ"])
    before = case.history.count()
    assert desk.post(address(case), form_data(desk.get(address(case)))).status_code == 302
    assert case.history.count() == before
    assert not TrailRow.objects.filter(verb=Verb.CASE_CHANGED).exists()


def test_a_wrong_field_keeps_everything_typed_and_says_beside_it_what_to_do(case, olga, at_desk):
    """Sabotage: raise the refusal in Stay.clean without its field."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    data = form_data(page, summary="long story")
    data |= new_row(
        page,
        "stays",
        country="Kazakhstan",
        entered_on="31.02.2026",
        last_legal_day="2026-05-01",
        actual_place="here",
    )
    answer = desk.post(address(case), data)
    text = html.unescape(answer.content.decode())
    row = answer.context["inline_admin_formsets"][0].formset.forms[0]
    assert answer.status_code == 200
    assert row.errors["entered_on"] == ["Type the day as year-month-day, such as 2026-11-22."]
    assert "Say where it comes from" in row.errors["last_legal_day_source"][0]
    for typed in ("long story", "31.02.2026", "2026-05-01", "here"):
        assert typed in text
    assert not case.stays.exists()


@pytest.mark.parametrize("typed", ["2026-01-02", "20260102", "02.01.2026"])
def test_days_are_typed_in_three_ways_and_shown_in_one(case, olga, at_desk, typed):
    """Sabotage: take a format out of DayField."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    desk.post(address(case), form_data(page) | new_row(page, "stays", country="KZ", entered_on=typed))
    text = desk.get(address(case)).content.decode()
    assert 'value="2026-01-02"' in text
    assert "Friday, " in text


@pytest.mark.parametrize("typed", ["0026-01-02", "2926-01-02"])
def test_a_mistyped_century_is_refused(case, olga, at_desk, typed):
    """Sabotage: take the check of the year out of DayField."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    answer = desk.post(
        address(case), form_data(page) | new_row(page, "stays", country="KZ", entered_on=typed)
    )
    assert "Check the year" in answer.content.decode()


def test_a_country_is_typed_by_name_or_code_and_nothing_else(case, olga, at_desk):
    """Sabotage: return the typed text from CountryField.to_python."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    assert desk.post(address(case), form_data(page, country="armenia")).status_code == 302
    assert Case.objects.get().country == "AM"
    refused = desk.post(address(case), form_data(desk.get(address(case)), country="Narnia"))
    assert "does not know this country" in refused.content.decode()
    assert "Narnia" in refused.content.decode()


def test_a_case_is_closed_and_taken_up_again_on_the_page(case, olga, at_desk):
    """Sabotage: obj.save() for every change in CaseAdmin.save_model."""
    desk = at_desk(olga)
    Stay.objects.create(
        case=case, by=olga, country="KZ", last_legal_day=timezone.localdate(), last_legal_day_source="x"
    )
    case.refresh_deadlines(today=case.today())
    refused = desk.post(address(case), form_data(desk.get(address(case)), status="closed"))
    assert "on which day and why" in refused.content.decode()
    today = str(timezone.localdate())
    data = form_data(refused, closed_on=today, closing_reason="Recognised in Germany")
    assert desk.post(address(case), data).status_code == 302
    assert TrailRow.objects.get(verb=Verb.CASE_CLOSED).details["reason"] == "Recognised in Germany"
    assert not Deadline.objects.open().exists()
    desk.post(address(case), form_data(desk.get(address(case)), status="open"))
    assert TrailRow.objects.filter(verb=Verb.CASE_REOPENED).exists()
    assert Deadline.objects.open().count() == 1


def test_a_wrong_stage_is_corrected_with_a_tick(case, olga, at_desk):
    """Sabotage: take ApplicationForm.clean out."""
    desk = at_desk(olga)
    Application.objects.create(case=case, by=olga, country="DE", kind="asylum_claim", stage=Stage.DRAFT)
    wrong = form_data(desk.get(address(case)), **{"applications-0-stage": "refused"})
    answer = desk.post(address(case), wrong)
    assert "tick “Correction”" in html.unescape(answer.content.decode())
    assert desk.post(address(case), wrong | {"applications-0-correction": "on"}).status_code == 302
    assert Application.objects.get().stage == Stage.REFUSED


def test_a_case_is_shared_on_the_page_until_a_day(case, olga, oskar, mark, anton, at_desk):
    """Sabotage: `user.queryset = User.objects.all()` in ShareForm."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    until = timezone.localdate() + timedelta(7)
    for nobody in (mark, anton):
        data = form_data(page) | new_row(page, "shares", user=str(nobody.pk), until_on=str(until))
        assert desk.post(address(case), data).status_code == 200
    desk.post(
        address(case), form_data(page) | new_row(page, "shares", user=str(oskar.pk), until_on=str(until))
    )
    assert Case.objects.visible_to(oskar).get() == case
    assert TrailRow.objects.filter(verb=Verb.CASE_SHARED, actor=olga).count() == 1


@pytest.mark.slow
def test_a_very_large_case_is_shown_by_the_page_and_can_be_saved(case, olga, at_desk, settings):
    """Sabotage: leave out the slice in FacetFormSet.get_queryset."""
    Stay.objects.bulk_create(
        [Stay(case=case, country="KZ", actual_place=f"place {n}") for n in range(60)], by=olga
    )
    Application.objects.bulk_create(
        [Application(case=case, country="DE", kind="asylum_claim", stage="lodged") for _ in range(40)],
        by=olga,
    )
    for model in (IdentityDocument, ContactChannel, Task):
        facts = {"kind": "phone", "value": "1"} if model is ContactChannel else {}
        facts |= {"kind": "military_id"} if model is IdentityDocument else {}
        facts |= {"text": "call"} if model is Task else {}
        model.objects.bulk_create([model(case=case, **facts) for _ in range(40)], by=olga)
    Note.objects.bulk_create([Note(case=case, text=f"note {n}") for n in range(200)], by=olga)
    desk = at_desk(olga)
    page = desk.get(address(case))
    data = form_data(page, colour="red")
    assert len(data) < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    assert desk.post(address(case), data).status_code == 302
    text = page.content.decode()
    assert "?page-stay=6" in text
    assert "170 older entries are not shown" in text
    assert len(desk.get(address(case) + "?past=all").context["notes"].rows) == 200
    later = desk.get(address(case) + "?page-stay=6")
    assert len(later.context["inline_admin_formsets"][0].formset.forms) == 10
    typed = form_data(later, **{"stays-3-actual_place": "found on page six"})
    assert desk.post(address(case), typed).status_code == 302
    assert "found on page six" in {stay.actual_place for stay in case.stays.with_keys()}


@pytest.mark.speaks_sql
def test_the_page_needs_the_same_queries_for_one_row_and_for_ten(case, olga, at_desk):
    """Sabotage: take select_related out of NoteQuerySet.of."""
    desk = at_desk(olga)
    counts = []
    for more in (1, 9):
        for number in range(more):
            Stay.objects.create(case=case, by=olga, country="KZ", actual_place=str(number))
            Task.objects.create(case=case, by=olga, text="call", assignee=olga)
            Note.objects.create(case=case, by=olga, text="called")
        desk.get(address(case))
        with CaptureQueriesContext(connection) as queries:
            desk.get(address(case))
        counts.append(len(queries))
    assert counts[0] == counts[1], [query["sql"][:120] for query in queries]


def test_typed_markup_is_shown_as_text_and_no_page_breaks_the_content_policy(case, olga, at_desk):
    """Sabotage: mark_safe around the note's text, or style= in a template."""
    Note.objects.create(case=case, by=olga, text="<script>alert(1)</script>")
    Stay.objects.create(case=case, by=olga, country="KZ", actual_place="</textarea><script>alert(2)</script>")
    desk = at_desk(olga)
    for path in (address(case), LIST, ADD):
        text = desk.get(path).content.decode()
        assert "<script>alert" not in text
        assert not re.search(r"<[^>]+ (style|on[a-z]+)=", text)
        assert not re.search(r"<script(?![^>]*src=)[^>]*>\s*\S", text)
        assert "<style" not in text


def test_every_input_of_a_row_has_a_name_for_a_screen_reader(case, olga, at_desk):
    """Sabotage: leave the label out of _box in case_page.py."""
    Stay.objects.create(case=case, by=olga, country="KZ")
    text = at_desk(olga).get(address(case)).content.decode()
    form = text[text.index('id="case_form"') :]
    labelled = set(re.findall(r'<label for="([^"]+)"', form))
    inputs = re.findall(r"<(?:input|select|textarea)[^>]*>", form)
    ids = [
        re.search(r'id="([^"]+)"', tag)
        for tag in inputs
        if 'type="hidden"' not in tag and "submit" not in tag
    ]
    assert len(ids) > 80
    assert all(found and found[1] in labelled for found in ids)


def test_the_page_draws_what_django_would_draw(case, olga, at_desk):
    """Sabotage: leave `checked` or `selected` out of case_page.py."""
    Stay.objects.create(
        case=case, by=olga, country="KZ", entered_on=date(2026, 1, 2), actual_place='a "b" <c>'
    )
    IdentityDocument.objects.create(case=case, by=olga, kind="military_id", custody="unit")
    Task.objects.create(case=case, by=olga, text="call", assignee=olga, done=True)
    ContactChannel.objects.create(case=case, by=olga, kind="signal", value="+999 00 1")
    page = at_desk(olga).get(address(case))
    forms = [page.context["adminform"].form]
    forms += [form for inline in page.context["inline_admin_formsets"] for form in inline.formset.forms]
    drawn = 0
    for form in forms:
        for bound in form:
            ours, theirs = parse_html(control(bound)), parse_html(bound.as_widget())
            assert ours == theirs, bound.html_name
            drawn += 1
    assert drawn > 50


def test_the_title_is_the_code_name_and_no_message_says_more(case, olga, at_desk):
    """Sabotage: __str__ of Case gives the summary."""
    desk = at_desk(olga)
    page = desk.get(address(case))
    assert re.search(rf"<title>\s*{case.code_name} \| Desk\s*</title>", page.content.decode())
    answer = desk.post(address(case), form_data(page, summary="the secret words"), follow=True)
    said = " ".join(str(message) for message in answer.context["messages"])
    assert case.code_name in said
    assert "secret" not in said
