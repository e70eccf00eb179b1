"""`manage.py up`: from an empty folder to a running desk, and everything looked after until Ctrl-C."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config import demo, installation, startup
from config.ready_file import ReadyFile
from config.supervisor import Supervisor

READY_WITHIN_SECONDS = 120.0


class Command(BaseCommand):
    help = "Start the desk: database, keys, broker, worker, beat, chores and web server, on this machine only"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Few, because the rest is settings."""
        parser.add_argument("--port", default="8000", help="on 127.0.0.1 (default 8000)")
        parser.add_argument("--no-demo", action="store_true", help="leave a new database empty")
        parser.add_argument(
            "--new-passwords", action="store_true", help="give the demo accounts new passwords"
        )
        parser.add_argument(
            "--json-ready",
            type=Path,
            metavar="PATH",
            help="for programs, demo only: once everything answers, write the address, new demo passwords "
            "and TOTP secrets to PATH; deleted at the end",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Whatever stops the start ends it with one line: the thing, the cause, the next step."""
        try:
            with installation.only_start_on(settings.VAR_DIR):
                self.start(**options)
        except (ImproperlyConfigured, installation.CannotStart) as problem:
            raise CommandError(str(problem)) from None
        except DatabaseError as error:
            raise CommandError(installation.database_trouble(error)) from None
        except OSError as error:
            what = error.filename or settings.VAR_DIR
            raise CommandError(
                f"{what}: {error.strerror}. Give this user the folder and space, or set DESK_VAR."
            ) from None

    def start(
        self, *, port: str, no_demo: bool, new_passwords: bool, json_ready: Path | None, **_o: Any
    ) -> None:
        """Prepare, then look after the processes until somebody stops them."""
        number = _port(port)
        ready = ReadyFile(json_ready) if json_ready else None
        if ready and (no_demo or not settings.EMBEDDED):
            raise CommandError("--json-ready writes passwords: it works with the demo only. Leave it out.")
        installation.require_free(number)
        first = installation.prepare()
        loaded = settings.EMBEDDED and not no_demo and demo.load()
        accounts = demo.renew(enrolled=bool(ready)) if (loaded or new_passwords or ready) else []
        url = f"http://127.0.0.1:{number}/"
        with Supervisor(installation.children(number)) as supervisor:
            if not supervisor.run_until(lambda: installation.answers(number), READY_WITHIN_SECONDS):
                self.give_up(supervisor)
                return
            self.stdout.write(self.welcome(url, [] if ready else accounts, first))
            self.stdout.flush()
            if not ready:
                supervisor.run_until(lambda: False)
                return
            if not supervisor.run_until(lambda: installation.healthy(number), READY_WITHIN_SECONDS):
                self.give_up(supervisor)
                return
            with ready.holding(
                {"url": url.rstrip("/"), "accounts": accounts, "data_dir": str(settings.VAR_DIR)}
            ):
                supervisor.run_until(lambda: False)

    def give_up(self, supervisor: Supervisor) -> None:
        """A stop asked for is no failure; silence is."""
        if not supervisor.stopping:
            raise CommandError(
                f"The desk does not answer after {READY_WITHIN_SECONDS:.0f} seconds. Read the lines above, "
                "mend the first thing they name and start it again."
            )

    def welcome(self, url: str, accounts: list[dict[str, str]], first: bool) -> str:
        """What a person needs to know now: more at the first start, one line later."""
        lines = ["", f"The desk runs on {url} and on this machine only. Stop it with Ctrl-C."]
        if startup.is_locked():
            lines += ["It is locked: unlock it with `manage.py vault unlock FILE`, from another terminal."]
        if accounts:
            lines += ["", "Demo accounts (fictional people; these passwords are shown now and never again):"]
            lines += [f"  {a['role']:14} {a['username']:12} {a['password']}" for a in accounts]
            lines += [
                "Each sets up its second factor at the first sign-in: have an authenticator app at hand."
            ]
        elif settings.EMBEDDED and not first and demo.accounts().exists():
            lines += [
                "The demo passwords were shown at the first start. New ones: manage.py up --new-passwords"
            ]
        if first and settings.EMBEDDED:
            lines += [
                "",
                f"Keys, database and mails lie in {settings.VAR_DIR} (keys/, desk.sqlite3, mail/).",
                "Whoever takes this machine in this mode can read everything. Enter no real person here.",
                "For real work follow README.md, “Production”: Postgres, Redis, HTTPS, keys kept elsewhere.",
            ]
        return "\n".join(lines)


def _port(text: str) -> int:
    """Checked here and not by argparse, which would print the whole usage before the reason."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise CommandError(f"--port {text}: not a port. Give a number, such as --port 8000.")
    return int(text)
