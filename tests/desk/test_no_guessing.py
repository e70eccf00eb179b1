"""Ids of somebody else's case in every address and form of the desk: nothing of it comes back."""

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.models import (
    Attachment,
    Case,
    CaseLink,
    CaseShare,
    Deadline,
    Identity,
    LinkKind,
    RouteNote,
    Stay,
    Task,
)
from tests.page import form_data
from tests.staff.test_default_deny import UUID, pages

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql]

SECRET = "Нестеров-of-the-foreign-case"
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')


@pytest.fixture
def foreign(olga):
    """A case of Olga's with something of every kind, and the ids of it."""
    case = Case.objects.open_case(by=olga, country="KZ", summary=SECRET)
    other = Case.objects.open_case(by=olga, country="KZ")
    Identity.objects.create(case=case, surname=SECRET, by=olga)
    stay = Stay.objects.create(case=case, country="KZ", entered_on=date(2026, 1, 2), by=olga)
    Task.objects.create(case=case, text=SECRET, due_on=timezone.localdate() + timedelta(3), by=olga)
    case.refresh_deadlines(today=case.today())
    CaseLink.objects.join(case, other, kind=LinkKind.SPOUSE, remark=SECRET, by=olga)
    RouteNote(case=case, text=SECRET).save(by=olga)
    rows = [
        case,
        stay,
        Deadline.objects.filter(case=case).first(),
        CaseLink.objects.filter(case=case).first(),
    ]
    rows += [RouteNote.objects.get(), Attachment(case=case)]
    return case, [row.pk for row in rows]


def answers(desk, path, key):
    """What comes back for that id, by either method, as far as it could tell something."""
    for send in (desk.get, desk.post):
        answer = send(path.replace(UUID, str(key)))
        body = b"" if answer.streaming else TOKEN.sub(b"", answer.content)
        yield (
            answer.status_code,
            answer.get("Location", "").replace(str(key), "ID"),
            body.replace(str(key).encode(), b"ID"),
        )


@pytest.mark.parametrize("who", ["oskar", "lena"])
def test_no_address_tells_a_foreign_id_from_one_that_never_was(who, foreign, request, at_desk):
    """Done when no identifier can be guessed: the same status, the same page, no title, no count.

    Sabotage: Case.objects.all() in CaseAdmin.get_queryset, in case_or_404(), or in board.readable().
    """
    case, ids = foreign
    desk = at_desk(request.getfixturevalue(who))
    asked = 0
    for name, path in pages():
        if UUID not in path or "staff" in name or not path.startswith("/desk/"):
            continue
        absent = list(answers(desk, path, uuid4()))
        # The walk is long: whole for Oskar, with the case's own id for the lawyer.
        for key in ids if who == "oskar" else ids[:1]:
            for answer, never in zip(answers(desk, path, key), absent, strict=True):
                assert answer == never, (name, path, key)
                for told in (case.code_name, SECRET, str(case.pk)):
                    assert told.encode() not in answer[2], name
                asked += 1
    assert asked > 15


@pytest.mark.parametrize(
    "query", ["q", "case", "id", "id__exact", "case__id", "pk", "past", "whose", "part", "day"]
)
def test_no_list_or_board_answers_to_a_foreign_id(query, foreign, oskar, at_desk):
    """Sabotage: a lookup by `id` allowed in the list's filters."""
    case, _ids = foreign
    desk = at_desk(oskar)
    for page in ("/desk/cases/case/", "/desk/board/", "/desk/access/"):
        shown = desk.get(page, {query: str(case.pk)})
        assert case.code_name.encode() not in shown.content


def test_no_form_takes_a_foreign_id(foreign, oskar, at_desk, other_team):
    """In inlines and posted keys. Sabotage: take FacetFormSet.full_clean out."""
    case, ids = foreign
    own = Case.objects.open_case(by=oskar, country="GE")
    desk = at_desk(oskar)
    address = f"/desk/cases/case/{own.pk}/change/"
    page = desk.get(address)
    kept = form_data(page)
    forms = {inline.formset.prefix: inline.formset for inline in page.context["inline_admin_formsets"]}
    assert {f"{prefix}-TOTAL_FORMS" for prefix in forms} == {n for n in kept if n.endswith("-TOTAL_FORMS")}
    tried = 0
    for prefix, form in sorted(forms.items()):
        # A row of another kind is, to this form, as one that never was: the case's own id stands for both.
        theirs = form.model._base_manager.filter(**{form.fk.name: case})
        for key in (case.pk, *theirs.values_list("pk", flat=True)):
            sent = kept | {
                f"{prefix}-TOTAL_FORMS": "1",
                f"{prefix}-INITIAL_FORMS": "1",
                f"{prefix}-0-id": str(key),
            }
            answer = desk.post(address, sent)
            tried += 1
            for told in (case.code_name, SECRET):
                assert told.encode() not in answer.content, prefix
    assert tried >= len(forms) + 2, "the stay and the task of the case were tried too"
    for key in ids:
        rows = {f"{prefix}-{name}": "1" for prefix in forms for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
        answer = desk.post(address, kept | rows | {f"{prefix}-0-id": str(key) for prefix in forms})
        for told in (case.code_name, SECRET):
            assert told.encode() not in answer.content
    for act in ("give_back", "end_deputy", "approve", "refuse", "close_emergency"):
        for key in ids:
            desk.post("/desk/access/", {"act": act, "key": str(key)})
    stored = Case._base_manager.get(pk=case.pk)
    assert (stored.caseworker_id, stored.version) == (case.caseworker_id, case.version)
    assert not CaseShare.objects.exists()
