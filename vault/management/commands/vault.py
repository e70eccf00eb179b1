"""`manage.py vault init | status | verify`: the keys and the integrity of what they seal."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vault import canaries, integrity, keyfiles
from vault.cipher import key_id
from vault.keyring import NAMES, KeyProblem, keyring, reset
from vault.models import HOUSE, Canary, RecordKey


class Command(BaseCommand):
    help = "Keys of the vault: init makes missing ones, status shows key ids, verify opens every cell."

    def add_arguments(self, parser: Any) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="action", required=True)
        init = commands.add_parser("init", help="make missing keys, the house's record key and the canaries")
        init.add_argument("--keys-only", action="store_true", help="touch key files only, not the database")
        commands.add_parser("status", help="which keys this process holds, by their ids")
        commands.add_parser("verify", help="open every cell, recompute every index, report what does not fit")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the sub-command; a key problem ends it with its own sentence."""
        try:
            {"init": self.init, "status": self.status, "verify": self.verify}[options["action"]](**options)
        except KeyProblem as problem:
            raise CommandError(str(problem)) from None

    def init(self, *, keys_only: bool = False, **_options: Any) -> None:
        """Make what is missing; nothing that exists is ever overwritten."""
        for name in NAMES:
            path = keyring().path(name)
            if path is not None and keyfiles.make(path):
                self.stdout.write(f"Made {path}. Keep a copy where this machine's loss cannot reach it.")
        reset()
        if keys_only:
            return
        for name in NAMES:
            if keyring().holds(name):
                canaries.place(name)
        if keyring().holds("root"):
            RecordKey.objects.make_house()
        canaries.require()
        self.stdout.write(f"The vault is ready ({RecordKey.objects.exclude(owner=HOUSE).count()} owners).")

    def status(self, **_options: Any) -> None:
        """Key ids, never keys; and how many record keys each root key wraps."""
        wrapped: Counter[str] = Counter()
        for blob in RecordKey.objects.exclude(wrapped=None).values_list("wrapped", flat=True).iterator():
            wrapped[key_id(bytes(blob or b"")).hex()] += 1
        placed = dict(Canary.objects.values_list("key_name", "sealed"))
        for name in NAMES:
            if not keyring().holds(name):
                self.stdout.write(f"{name:9} not held by this process")
                continue
            for place, key in enumerate(keyring().keys(name)):
                use = "encrypts and opens" if place == 0 else "opens"
                count = f", wraps {wrapped.pop(key.id.hex(), 0)} record keys" if name == "root" else ""
                self.stdout.write(f"{name:9} {key.id.hex()} {use}{count}")
            problem = (
                canaries.problem(name, bytes(placed[name])) if name in placed else "no canary: run vault init"
            )
            self.stdout.write(f"{name:9} {problem or 'its canary sings'}")
        for missing, needed in wrapped.items() if keyring().holds("root") else ():
            self.stdout.write(f"root      {missing} IS MISSING; {needed} record keys need it")

    def verify(self, **_options: Any) -> None:
        """Open everything; ends with an error if anything is not as it should be."""
        if not keyring().holds("root"):
            raise CommandError("This process holds no root key. Run this on the desk.")
        canaries.require()
        count, findings = integrity.Count(), 0
        for finding in integrity.verify(count):
            findings += 1
            self.stdout.write(str(finding))
        summary = f"{count.cells} cells in {count.rows} rows opened, {count.erased} of them erased"
        if findings:
            raise CommandError(f"{summary}; {findings} not as they should be. Restore them from a backup.")
        self.stdout.write(f"{summary}; everything is as it should be.")
