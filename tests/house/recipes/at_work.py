"""What the three proofs share: Django in the changed copy, on a database of before, and Olga at her desk."""

from typing import Any


def begin() -> None:
    """Start Django here."""
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()


def migrate() -> None:
    """Make the migration, as the recipe says, and bring the database of before to it."""
    import importlib

    from django.core.management import call_command

    call_command("makemigrations", verbosity=0)
    importlib.invalidate_caches()
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def olga_at_her_desk() -> tuple[Any, Any]:
    """A caseworker, and her browser behind the second factor."""
    from django.test import Client

    from staff.models import Team, User
    from tests.staff.flow import signed_in

    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", "olga-long-password-1", role="caseworker", team=team)
    return olga, signed_in(Client(SERVER_NAME="localhost"), olga)


def open_case(desk: Any, **typed: str) -> Any:
    """Type a new case into the page, as a person does, and save it."""
    from cases.models import Case
    from tests.page import form_data

    address = "/desk/cases/case/add/"
    answer = desk.post(address, form_data(desk.get(address)) | typed)
    assert answer.status_code == 302, answer.context["errors"]
    return Case.objects.get()
