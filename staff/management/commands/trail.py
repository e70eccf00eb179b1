"""`manage.py trail`: link, check and export the chain over the trail; put its triggers back."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from staff import append_only, chain


class Command(BaseCommand):
    help = "Check that nobody rewrote the trail, or export it for somebody outside who checks it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="walk the chain and name the first row that does not hold")
        verify.add_argument("--checkpoint", help="POSITION:HASH, written down earlier")
        verify.add_argument("--file", type=Path, help="an export, instead of the database")
        export = acts.add_parser("export", help="write the chain as JSON lines; details stay sealed")
        export.add_argument("path", type=Path)
        acts.add_parser("link", help="link what waits (the worker does this every 15 seconds)")
        acts.add_parser("guard", help="put back the triggers that keep the trail append-only")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["act"])(**options)

    def verify(self, checkpoint: str | None = None, file: Path | None = None, **_options: Any) -> None:
        """Raises CommandError with the first fault."""
        wanted = _checkpoint(checkpoint) if checkpoint else None
        try:
            if file:
                with file.open(encoding="utf-8") as lines:
                    end = chain.verify(lines, checkpoint=wanted)
            else:
                end = chain.verify(checkpoint=wanted)
        except (chain.Broken, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"The chain holds. Write this down elsewhere: {end}")
        if not file and (late := chain.late_rows()):
            raise CommandError(
                f"{late} rows wait for their link for more than five minutes. Is the worker running? "
                "Then: manage.py trail link"
            )

    def export(self, path: Path, **_options: Any) -> None:
        """Refuses to write over an earlier export."""
        try:
            with path.open("x", encoding="utf-8") as out:
                for line in chain.export():
                    out.write(line + "\n")
        except OSError as problem:
            raise CommandError(f"{path.name}: {problem.strerror}. Give another path.") from problem
        self.stdout.write(f"Exported up to {chain.head()}")

    def link(self, **_options: Any) -> None:
        """Until nothing waits."""
        count = 0
        while linked := chain.extend():
            count += linked
        self.stdout.write(f"{count} rows linked; the chain ends at {chain.head()}")

    def guard(self, **_options: Any) -> None:
        """Says which triggers were missing: somebody removed them."""
        gone = append_only.missing(connection)
        for table in append_only.TABLES:
            append_only.install(connection, table)
        self.stdout.write(
            f"Put back: {', '.join(gone)}. Find out who removed them." if gone else "All stand."
        )


def _checkpoint(text: str) -> chain.Head:
    position, _colon, digest = text.partition(":")
    if not position.isdigit() or len(digest) != len(chain.START):
        raise CommandError("--checkpoint is written POSITION:HASH, as `trail verify` prints it.")
    return chain.Head(int(position), digest)
