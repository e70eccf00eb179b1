"""`manage.py vault`: keys (init, status, rotate; more in by_hand.py) and what they seal (verify, reindex)."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from vault import canaries, integrity, keyfiles, rotation
from vault.cipher import key_id
from vault.keyring import NAMES, KeyProblem, keyring, reset
from vault.management.by_hand import ByHand
from vault.models import HOUSE, Canary, RecordKey


class Command(ByHand):
    help = "Keys of the vault: init makes missing ones, status shows key ids, verify opens every cell."

    def add_arguments(self, parser: Any) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="action", required=True)
        init = commands.add_parser("init", help="make missing keys, the house's record key and the canaries")
        init.add_argument("--keys-only", action="store_true", help="touch key files only, not the database")
        commands.add_parser("status", help="which keys this process holds, by their ids")
        rotate = commands.add_parser(
            "rotate", help="move everything to a new key; may be killed and repeated"
        )
        rotate.add_argument("key", choices=rotation.ROTATED)
        step = rotate.add_mutually_exclusive_group()
        step.add_argument(
            "--add", action="store_true", help="first: put a new key into the file, to open only"
        )
        step.add_argument(
            "--retire", action="store_true", help="last: destroy the old key; old backups need it"
        )
        commands.add_parser("verify", help="open every cell, recompute every index, report what does not fit")
        commands.add_parser("reindex", help="after an update: recompute every index; may be repeated")
        self.add_by_hand(commands)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the sub-command; a key problem ends it with its own sentence."""
        try:
            getattr(self, options["action"].replace("-", "_"))(**options)
        except KeyProblem as problem:
            raise CommandError(str(problem)) from None

    def init(self, *, keys_only: bool = False, **_options: Any) -> None:
        """Make what is missing; nothing that exists is ever overwritten, no key replaced that data needs."""
        if not keys_only:
            self._refuse_to_replace()
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

    def _refuse_to_replace(self) -> None:
        """A key whose file is gone while data needs it is put back; a new one would be in the way."""
        for name, sealed in Canary.objects.values_list("key_name", "sealed"):
            path = keyring().path(name)
            if path is not None and not path.exists():
                raise KeyProblem(
                    f"No keys were made: the {name} key {key_id(bytes(sealed)).hex()} is missing, the data "
                    f"was sealed with it. Put that key back in {path}"
                    + (", or run: manage.py vault unlock" if name == "root" else "")
                )

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

    def reindex(self, **_options: Any) -> None:
        """Make every index what today's rules make of what it points at."""
        if not keyring().holds("root"):
            raise CommandError("This process holds no root key. Run this on the desk.")
        canaries.require()
        done = rotation.reindex()
        for finding in done.unreadable:
            self.stdout.write(str(finding))
        self.stdout.write(
            f"Renewed {done.indexes} indexes; {len(done.unreadable)} belong to values that do not open."
        )

    def rotate(self, *, key: str, add: bool = False, retire: bool = False, **_options: Any) -> None:
        """One of the three steps of changing a key (see vault.rotation)."""
        if not keyring().holds("root"):
            raise CommandError("This process holds no root key. Run this on the desk.")
        canaries.require()
        if add:
            self.stdout.write(f"The {key} key {rotation.add(key)} opens from now on.")
            self.stdout.write("Give this key file to every process that has it and restart them all.")
            self.stdout.write(f"Then run: manage.py vault rotate {key}")
            return
        if retire:
            self.stdout.write(
                f"Destroyed the {key} key: {', '.join(rotation.retire(key)) or 'there was no old one'}."
            )
            self.stdout.write("Give this key file to every process that has it and restart them all.")
            return
        moved = rotation.rotate(key)
        for finding in moved.unreadable:
            self.stdout.write(str(finding))
        self.stdout.write(
            f"Moved {moved.cells} sealed values and {moved.indexes} indexes to the {key} key "
            f"{keyring().keys(key)[0].id.hex()}; {len(moved.unreadable)} do not open and stay as they are."
        )
        self.stdout.write("Give this key file to every process that has it and restart them all.")
        self.stdout.write(f"When no backup needs the old key any more: manage.py vault rotate {key} --retire")
