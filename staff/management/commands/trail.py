"""`manage.py trail`: link, sign, check, export and cut the chain over the trail; put its triggers back."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from staff import append_only, chain, checkpoints, retention
from staff.checkpoints import Checkpoint, SignedCheckpoint, WrongCheckpoint
from vault import signing
from vault.keyring import KeyProblem

PROBLEMS = (chain.BrokenChain, retention.CannotCut, WrongCheckpoint, KeyProblem)


class Command(BaseCommand):
    help = "Check that nobody rewrote the trail, or export it for somebody outside who checks it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="walk the chain and name the first row that does not hold")
        verify.add_argument("--checkpoint", help="a checkpoint's file, or POSITION:HASH, kept from earlier")
        verify.add_argument("--file", type=Path, help="an export, instead of the database")
        verify.add_argument(
            "--public-key", help="whose signatures count, in hex; ours count where we hold the key"
        )
        export = acts.add_parser("export", help="write the chain as JSON lines; details stay sealed")
        export.add_argument("path", type=Path)
        checkpoint = acts.add_parser(
            "checkpoint", help="print a freshly signed checkpoint, to keep elsewhere"
        )
        checkpoint.add_argument("--into", type=Path, help="write it into this new file instead")
        acts.add_parser(
            "public-key", help="print the key that checkpoints are checked with; note it elsewhere"
        )
        cut = acts.add_parser(
            "cut", help="remove old rows; the rest stays verifiable from a signed checkpoint on"
        )
        cut.add_argument("--before", required=True, help="YYYY-MM-DD; this day (UTC) itself stays")
        cut.add_argument("--reason", required=True, help="stands on the trail, sealed")
        cut.add_argument("--export", type=Path, help="write what is removed into this new file first")
        acts.add_parser("link", help="link what waits (the worker does this every 15 seconds)")
        acts.add_parser("guard", help="put back the triggers that keep the trail append-only")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["act"].replace("-", "_"))(**options)
        except PROBLEMS as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            name = Path(problem.filename).name if problem.filename else "The file"
            raise CommandError(f"{name}: {problem.strerror}. Give another path.") from problem

    def verify(
        self,
        checkpoint: str | None = None,
        file: Path | None = None,
        public_key: str | None = None,
        **_options: Any,
    ) -> None:
        """Raises CommandError with the first fault."""
        noted = _parse_checkpoint(checkpoint) if checkpoint else None
        extra = [_public(public_key)] if public_key else []
        if file:
            with file.open(encoding="utf-8") as lines:
                end = checkpoints.verify_lines(lines, extra=extra, noted=noted)
        else:
            end = checkpoints.verify_all(extra=extra, noted=noted)
        self.stdout.write(f"The chain holds. Write this down elsewhere: {end}")
        if not checkpoints.trusted_keys(extra):
            self.stdout.write("Signatures were not checked: no signing key here, and no --public-key given.")
        if not file and (late := chain.late_rows()):
            raise CommandError(
                f"{late} rows wait for their link for more than five minutes. Is the worker running? "
                "Then: manage.py trail link"
            )

    def export(self, path: Path, **_options: Any) -> None:
        """Refuses to write over an earlier export."""
        with _new_file(path) as write:
            for line in checkpoints.export_lines():
                write(line)
        self.stdout.write(f"Exported up to {chain.head()}")

    def checkpoint(self, into: Path | None = None, **_options: Any) -> None:
        """The newest checkpoint; a fresh one where something was linked since."""
        chain.extend_all()
        row = checkpoints.sign_new(every=timedelta(0)) or Checkpoint.objects.newest()
        if row is None:
            raise CommandError("The trail is empty: there is nothing to sign yet.")
        if into is None:
            self.stdout.write(str(row.as_signed), ending="")
            return
        with _new_file(into) as write:
            write(str(row.as_signed).rstrip("\n"))
        self.stdout.write(f"Written: {row}")

    def public_key(self, **_options: Any) -> None:
        """In hex for `--public-key`, and as PEM for OpenSSL."""
        for public in signing.public_keys(checkpoints.PURPOSE):
            self.stdout.write(f"{public.hex()}\n{signing.pem(public)}", ending="")

    def cut(self, before: str, reason: str, export: Path | None = None, **_options: Any) -> None:
        """Says what is gone and what to keep."""
        try:
            day = date.fromisoformat(before)
        except ValueError:
            raise CommandError("--before is a day: YYYY-MM-DD.") from None
        now = timezone.now()
        if export is None:
            done = retention.cut(day, today=now.date(), reason=reason, now=now)
        else:
            with _new_file(export) as write:
                done = retention.cut(day, today=now.date(), reason=reason, save=write, now=now)
        self.stdout.write(
            f"Removed {done.rows} rows. Keep this checkpoint elsewhere:\n{done.checkpoint.as_signed}"
        )

    def link(self, **_options: Any) -> None:
        """Until nothing waits."""
        count = chain.extend_all()
        self.stdout.write(f"{count} rows linked; the chain ends at {chain.head()}")

    def guard(self, **_options: Any) -> None:
        """Says which triggers were missing: somebody removed them."""
        gone = append_only.missing(connection)
        for table in append_only.TABLES:
            append_only.install(connection, table)
        self.stdout.write(
            f"Put back: {', '.join(gone)}. Find out who removed them." if gone else "All stand."
        )


@contextmanager
def _new_file(path: Path) -> Iterator[Any]:
    """A function that writes a line into a file of ours alone; a file that is there stays as it is."""
    with path.open("x", encoding="utf-8") as out:
        path.chmod(0o600)
        try:
            yield lambda line: out.write(line + "\n")
        except BaseException:
            path.unlink()
            raise


def _parse_checkpoint(text: str) -> SignedCheckpoint | chain.Head:
    position, _colon, digest = text.partition(":")
    if position.isdigit() and len(digest) == len(chain.START):
        return chain.Head(int(position), digest)
    if not Path(text).is_file():
        raise CommandError(
            "--checkpoint is a checkpoint's file, or POSITION:HASH as `trail verify` prints it."
        )
    return checkpoints.read(Path(text).read_text(encoding="utf-8"))


def _public(text: str) -> bytes:
    try:
        public = bytes.fromhex(text.strip())
    except ValueError:
        public = b""
    if len(public) != signing.PUBLIC_BYTES:
        raise CommandError("--public-key is 64 hex digits, as `trail public-key` prints it.")
    return public
