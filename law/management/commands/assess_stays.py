"""`manage.py assess_stays`: legal stays in, assessments out, without database, keys or network."""

from typing import Any

from django.core.management.base import BaseCommand

from law.management.json_rows import answer_rows, long_integers, read_object, results, rows_of
from law.rules.wire import assess_stay_row


class Command(BaseCommand):
    help = 'Reads {"vectors": [...]} on standard input, writes {"results": [...]}: one assessment each.'
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with long_integers():
            vectors = rows_of(read_object(), "vectors")
            lines = list(answer_rows(vectors, assess_stay_row))
        self.stdout.write(results(lines))
