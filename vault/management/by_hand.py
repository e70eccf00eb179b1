"""Keys by hand: `manage.py vault export-recovery | split | join | lock | unlock | mailbox`.

Passphrases are asked for and never shown; key ids are, keys never, and word lists only by `split`.
"""

import getpass
import sys
import warnings
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vault import dropbox, keyfiles, locking, recovery
from vault.keyring import KeyProblem, encode, keyring, read_secrets


class ByHand(BaseCommand):
    """The sub-commands for recovery and locking, mixed into `manage.py vault`."""

    def add_by_hand(self, commands: Any) -> None:
        """Add the sub-commands to the parser's."""
        export = commands.add_parser(
            "export-recovery", help="all key files as one age file, for safe keeping"
        )
        export.add_argument("file", type=Path)
        export.add_argument("--to", action="append", default=[], metavar="age1...", help="who may open it")
        commands.add_parser("split", help="print 3 word lists; any 2 rebuild the root")
        commands.add_parser("join", help="rebuild the root from 2 word lists, typed in")
        lock = commands.add_parser("lock", help="seal the root under a passphrase, destroy the clear one")
        lock.add_argument("file", type=Path, help="the locked file, on a disk")
        lock.add_argument("--keep", action="store_true", help="leave the clear root (after a rotation)")
        unlock = commands.add_parser("unlock", help="put the root into memory; asks for the passphrase")
        unlock.add_argument("file", type=Path, help="the locked file")
        mailbox = commands.add_parser(
            "mailbox", help="daily: a new mailbox key each week, old ones destroyed"
        )
        mailbox.add_argument("--window-days", type=int, default=dropbox.BACKUP_WINDOW_DAYS, metavar="DAYS")

    def export_recovery(self, *, file: Path, to: list[str], **_options: Any) -> None:
        """Write the age file; never over another file."""
        try:
            sealed, names = recovery.export(keyring(), to)
            keyfiles.write(file, sealed, replace=False)
        except recovery.WrongRecipient as problem:
            raise CommandError(str(problem)) from None
        except FileExistsError:
            raise CommandError(f"There is already a file {file}. Give another name.") from None
        self.stdout.write(
            f"{file} holds {', '.join(names)}. Open it with: age --decrypt -i IDENTITY {file} | tar x"
        )

    def split(self, **_options: Any) -> None:
        """Print the lists for three people."""
        secrets = read_secrets(_root())
        for number, words in enumerate(recovery.split(secrets), 1):
            self.stdout.write(
                f"\nList {number} of {recovery.LISTS}, root {' '.join(recovery.key_ids(secrets))}\n\n"
            )
            rows = [f"{place:3}. {word:10}" for place, word in enumerate(words.split(), 1)]
            self.stdout.write("\n".join("".join(rows[at : at + 5]).rstrip() for at in range(0, len(rows), 5)))
        self.stderr.write(
            "\nWrite each list on a paper of its own, for three people; any two papers are enough. "
            "Try two of them now (vault join on another machine), then close this terminal."
        )

    def join(self, **_options: Any) -> None:
        """Ask for the lists and write the root key file; never over another one."""
        root, lists = _root(), []
        for number in range(1, recovery.LISTS + 1):
            self.stdout.write(
                f"List {number}, then an empty line{' (empty: no third list)' if number == 3 else ''}:"
            )
            self.stdout.flush()
            lines = list(iter(lambda: sys.stdin.readline().strip(), ""))
            if lines:
                lists.append(" ".join(lines))
        try:
            secrets = recovery.join(lists)
            keyfiles.write(root, encode(secrets), replace=False)
        except recovery.WrongLists as problem:
            raise CommandError(str(problem)) from None
        except FileExistsError:
            raise CommandError(f"There is already a key file {root}. Move it away first.") from None
        ids = " ".join(recovery.key_ids(secrets))
        self.stdout.write(
            f"{root} holds the root {ids}. Compare it with the papers; then: manage.py vault status"
        )

    def lock(self, *, file: Path, keep: bool, **_options: Any) -> None:
        """Lock the root; running processes keep it in memory until they are stopped."""
        root = _root()
        try:
            locking.lock(root, file, _passphrase(twice=not file.exists()), keep=keep)
        except locking.LockProblem as problem:
            raise CommandError(str(problem)) from None
        if keep:
            self.stdout.write(f"{file} holds the root as it is now; {root} stays.")
            return
        self.stdout.write(
            f"{file} holds the root, {root} is destroyed. Stop the desk now: running processes still know "
            "it. Remember copies in backups."
        )

    def unlock(self, *, file: Path, **_options: Any) -> None:
        """Unlock the root into ROOT_KEY_FILE, if that lies in memory."""
        root = _root()
        try:
            folder = locking.prepared_folder(root)
            locking.unlock(file, root, _passphrase())
        except locking.LockProblem as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"The root is unlocked in {root} until this machine is switched off.")
        if locking.may_be_swapped(folder):
            self.stderr.write(
                "This machine swaps memory to a disk, where the root may stay. Turn swap off: swapoff -a"
            )

    def mailbox(self, *, window_days: int, **_options: Any) -> None:
        """The mailbox key of the week, and the end of old ones."""
        if window_days < 0:
            raise CommandError("The window has at least 0 days.")
        today = timezone.now().date()
        made, destroyed = dropbox.turn(today), dropbox.destroy_old(today, window_days=window_days)
        new = "A new mailbox key is in service" if made else "The mailbox key stays in service"
        self.stdout.write(f"{new}; {destroyed} old ones destroyed.")


def _root() -> Path:
    path = keyring().path("root")
    if path is None:
        raise KeyProblem("This process has no root key file: it holds no root, or a provider keeps it.")
    return path


def _passphrase(*, twice: bool = False) -> str:
    """The passphrase, typed without being shown; twice where a mistake would lock everybody out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            typed = getpass.getpass("Passphrase: ")
            again = getpass.getpass("Once more: ") if twice else typed
        except getpass.GetPassWarning:
            raise CommandError("This terminal would show the passphrase. Use one that does not.") from None
        except EOFError:
            raise CommandError("No passphrase was given.") from None
    if typed != again:
        raise CommandError("The two passphrases differ. Nothing was changed; try again.")
    return typed
