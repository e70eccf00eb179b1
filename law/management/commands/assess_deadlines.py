"""`manage.py assess_deadlines`: procedural deadlines and internal passports in, last days out."""

from typing import Any

from django.core.management.base import BaseCommand

from law.management.json_rows import answer_rows, long_integers, read_object, results, rows_of
from law.rules.wire import internal_passport_row, last_day_row


class Command(BaseCommand):
    help = (
        'Reads {"deadlines": [...], "internal_passport": [...]} on standard input, '
        'writes {"results": [...]}: the deadlines first, then the passports.'
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with long_integers():
            document = read_object()
            deadlines = rows_of(document, "deadlines", optional=True)
            passports = rows_of(document, "internal_passport", optional=True)
            lines = [*answer_rows(deadlines, last_day_row), *answer_rows(passports, internal_passport_row)]
        self.stdout.write(results(lines))
