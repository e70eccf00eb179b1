"""Every kind of date says on the board where it comes from."""

from datetime import timedelta

import pytest

from cases import provenance
from cases.models import (
    Application,
    Consent,
    Deadline,
    DeadlineKind,
    Hearing,
    IdentityDocument,
    Proceeding,
    Stay,
    Stops,
    Task,
    TypedDeadline,
    WantedCheck,
)
from desk.admin import procedure_tabs
from vault.show import UNREADABLE

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything(case, olga):
    """A file with one fact at least for every kind there is; what an application waits for it says itself."""
    today = case.today()
    soon = today + timedelta(days=4)

    def add(model, **facts):
        return model.objects.create(case=case, by=olga, **facts)

    add(Stay, country="KZ", entered_on=today - timedelta(2), registered_place_from=today)
    add(Stay, country="UZ", entered_on=today - timedelta(40))
    add(Stay, country="AM")
    add(IdentityDocument, kind="travel_passport_10", valid_until=soon)
    ahead = dict.fromkeys(Application.days_ahead.values(), soon)
    application = add(Application, country="FR", kind="asylum_claim", stage="lodged", **ahead)
    for term in Stops.values:
        add(TypedDeadline, application=application, term=term, last_day=soon, page="2")
    add(Task, text="Call the lawyer.", due_on=soon)
    add(Hearing, proceeding=add(Proceeding, article="337"), held_on=soon)
    add(WantedCheck, wanted_list="federal", finding="not_found", checked_on=today, recheck_on=soon)
    add(Consent, purpose="keep", given_on=today, given_how="call", language="ru", valid_until=soon)
    case.refresh_deadlines(today=today)
    return Deadline.objects.filter(case=case).select_related("case").with_keys()


def test_every_kind_has_an_origin_that_the_board_shows(everything, olga, at_desk):
    """Fails for a kind that no fact here gives, or whose fact the board cannot name.

    Sabotage: take "consent" out of provenance.TABLES.
    """
    assert {row.kind for row in everything} == set(DeadlineKind.values)
    parts = {f"{part.prefix()}-group" for part in procedure_tabs.INLINES if hasattr(part, "prefix")}
    parts |= {f"{name}-group" for name in ("stays", "documents", "applications", "tasks")}
    origins = provenance.origins(everything)
    desk = at_desk(olga)
    for row in everything:
        origin = origins[row.pk]
        assert origin.anchor in parts, row.kind
        assert str(UNREADABLE) not in origin.text, row.kind
        assert "no longer in the file" not in origin.text, row.kind
        line = desk.get(f"/desk/board/{row.pk}/").context["line"]
        assert (line.why, line.anchor) == (origin.text, origin.anchor), row.kind
