"""Two people edit one case: nothing is saved over a colleague, nothing typed is lost."""

import html

import pytest

from cases.models import Case, Stay
from tests.page import form_data

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql]


@pytest.fixture
def address(case):
    """The case page."""
    return f"/desk/cases/case/{case.pk}/change/"


@pytest.fixture
def stay(case, olga):
    """A stay whose place and source Olga typed yesterday."""
    return Stay.objects.create(
        case=case, country="KZ", by=olga, actual_place="with friends", registered_place="Main street 1"
    )


def petra_changes(stay, petra, **facts):
    row = Stay.objects.get(pk=stay.pk)
    for name, value in facts.items():
        setattr(row, name, value)
    row.save(by=petra)


def test_a_change_made_meanwhile_stops_the_save_and_shows_both(case, stay, olga, petra, at_desk, address):
    """Sabotage: `return None` at the top of lock.changed_meanwhile."""
    desk = at_desk(olga)
    page = desk.get(address)
    petra_changes(stay, petra, actual_place="in a hostel")
    typed = form_data(page, **{"stays-0-actual_place": "with a cousin", "summary": "new words of Olga"})
    answer = desk.post(address, typed)
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 200
    assert "changed by petra meanwhile" in text
    assert "In the file now: “in a hostel”. You typed: “with a cousin”" in text
    assert "new words of Olga" in text
    assert Stay.objects.get().actual_place == "in a hostel"
    assert Case.objects.get().summary == "Left the unit in spring."


def test_saving_again_keeps_what_was_typed_after_seeing_both(case, stay, olga, petra, at_desk, address):
    """Sabotage: leave `self.data["version_seen"] = …` out of CaseForm."""
    desk = at_desk(olga)
    page = desk.get(address)
    petra_changes(stay, petra, actual_place="in a hostel")
    refused = desk.post(address, form_data(page, **{"stays-0-actual_place": "with a cousin"}))
    answer = desk.post(address, form_data(refused))
    assert answer.status_code == 302
    assert Stay.objects.get().actual_place == "with a cousin"
    assert [row.record["before"] for row in case.history.all() if row.record["before"]] != []


def test_a_colleagues_change_of_a_field_left_alone_is_taken_over(case, stay, olga, petra, at_desk, address):
    """Otherwise the second save would put the old value back. Sabotage: `return` at the top of lock._take."""
    desk = at_desk(olga)
    page = desk.get(address)
    petra_changes(stay, petra, registered_place="Long road 7", country="AM")
    refused = desk.post(address, form_data(page, **{"stays-0-actual_place": "with a cousin"}))
    assert "Changed by petra meanwhile; shown here" in refused.content.decode()
    assert desk.post(address, form_data(refused)).status_code == 302
    stored = Stay.objects.get()
    assert (stored.registered_place, stored.country) == ("Long road 7", "AM")
    assert stored.actual_place == "with a cousin"


def test_the_overview_is_locked_too(case, olga, petra, at_desk, address):
    """Sabotage: take lock.reconcile out of CaseForm.__init__."""
    desk = at_desk(olga)
    page = desk.get(address)
    theirs = Case.objects.get()
    theirs.colour, theirs.category = "red", "officer"
    theirs.save(by=petra)
    refused = desk.post(address, form_data(page, colour="yellow"))
    text = html.unescape(refused.content.decode())
    assert "In the file now: “Red: now”. You typed: “Yellow: within 3 days”" in text
    assert desk.post(address, form_data(refused)).status_code == 302
    stored = Case.objects.get()
    assert (stored.colour, stored.category) == ("yellow", "officer")


def test_a_row_added_meanwhile_is_named_and_kept(case, stay, olga, petra, at_desk, address):
    """Sabotage: take the `added` branch out of lock.changed_meanwhile."""
    desk = at_desk(olga)
    page = desk.get(address)
    Stay.objects.create(case=case, country="GE", by=petra)
    refused = desk.post(address, form_data(page, colour="yellow"))
    assert "Added meanwhile: stay." in refused.content.decode()
    assert desk.post(address, form_data(refused)).status_code == 302
    assert case.stays.count() == 2


def test_a_form_without_its_version_saves_nothing(case, stay, olga, at_desk, address):
    """Sabotage: take a missing version_seen for the current one."""
    desk = at_desk(olga)
    data = form_data(desk.get(address), colour="yellow")
    for forged in ("", "x", "-1", "9" * 30):
        desk.post(address, data | {"version_seen": forged})
        assert Case.objects.get().colour == "green" or forged == "9" * 30
