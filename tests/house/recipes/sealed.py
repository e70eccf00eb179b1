"""The new field lies sealed in the database, and search finds the case by another spelling of it."""

from django.core.management import call_command
from django.db import connection

from tests.house.recipes import at_work


def prove() -> None:
    """Ends with an error where one of them does not hold."""
    at_work.begin()
    at_work.migrate()
    _olga, desk = at_work.olga_at_her_desk()
    case = at_work.open_case(desk, **{"country": "KZ", "identity-0-tag_number": "АВ 123-456"})
    assert case.identity.tag_number == "АВ 123-456"
    with connection.cursor() as cursor:
        cursor.execute("SELECT tag_number, tag_index FROM cases_identity")
        ((cell, token),) = cursor.fetchall()
    assert "123" not in bytes(cell).decode("latin-1")
    assert token is not None
    found = desk.post("/desk/search/", {"q": "ab 123456"}, follow=True)
    assert case.code_name in found.content.decode()
    call_command("vault", "verify", verbosity=0)


if __name__ == "__main__":
    prove()
