"""The new country can be chosen, its day is counted in its zone, and its rule gives the last legal day."""

from datetime import UTC, date, datetime, timedelta

from tests.house.recipes import at_work


def prove() -> None:
    """Ends with an error where one of them does not hold."""
    at_work.begin()
    from django.core.management import call_command
    from django.utils import timezone

    from law import countries
    from law.models import LegalRule

    assert not LegalRule.objects.filter(code="uy").exists()
    call_command("load_rules", write=True, verbosity=0)
    assert countries.today_in("UY", datetime(2026, 11, 23, 2, tzinfo=UTC)) == date(2026, 11, 22)
    entered = timezone.localdate() - timedelta(days=9)
    _olga, desk = at_work.olga_at_her_desk()
    typed = {"country": "Uruguay", "stays-0-country": "Uruguay", "stays-0-entered_on": str(entered)}
    case = at_work.open_case(desk, **typed)
    assert case.country == "UY"
    due = case.deadlines.get(kind="stay_end")
    assert (due.due_on, due.country, due.rule) == (entered + timedelta(days=89), "UY", "uy@1")


if __name__ == "__main__":
    prove()
