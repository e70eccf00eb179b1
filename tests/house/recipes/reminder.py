"""The new kind gives the case a deadline; it is on the board with its origin, is planned, has lead times."""

from datetime import timedelta

from tests.house.recipes import at_work


def prove() -> None:
    """Ends with an error where one of them does not hold."""
    at_work.begin()
    at_work.migrate()
    from django.utils import timezone

    from cases import provenance
    from cases.models import DeadlineKind
    from reminders.models import LeadTimes, Reminder

    _olga, desk = at_work.olga_at_her_desk()
    day = timezone.localdate() + timedelta(days=5)
    typed = {"country": "KZ", "applications-0-country": "FR", "applications-0-kind": "asylum_claim"}
    typed |= {"applications-0-stage": "lodged", "applications-0-fingerprints_on": str(day)}
    case = at_work.open_case(desk, **typed)
    due = case.deadlines.get(kind="fingerprints")
    assert due.due_on == day
    assert provenance.origins([due])[due.pk].anchor == "applications-group"
    board = desk.get("/desk/board/").content.decode()
    assert str(DeadlineKind.FINGERPRINTS.label) in board
    assert provenance.origins([due])[due.pk].text in board
    assert LeadTimes.objects.table()["fingerprints"]
    assert any(row.payload["deadline"] == str(due.pk) for row in Reminder.objects.all())


if __name__ == "__main__":
    prove()
