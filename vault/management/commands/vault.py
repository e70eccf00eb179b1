"""`manage.py vault init | status | verify`: the keys and the integrity of what they seal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vault import canaries, keyfiles
from vault.keyring import NAMES, KeyProblem, keyring, reset
from vault.models import HOUSE, RecordKey


class Command(BaseCommand):
    help = "Keys of the vault: init makes missing ones, status shows key ids, verify opens every cell."

    def add_arguments(self, parser: Any) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="action", required=True)
        init = commands.add_parser("init", help="make missing keys, the house's record key and the canaries")
        init.add_argument("--keys-only", action="store_true", help="touch key files only, not the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the sub-command; a key problem ends it with its own sentence."""
        try:
            getattr(self, options["action"])(**options)
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
