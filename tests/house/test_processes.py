"""Desk, chores, worker and timetable as docker-compose.yml starts them, with real Postgres and Redis.

Where no container engine is at hand, this is what says that the compose file works.
"""

import base64
import contextlib
import http.client
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from tests import machine
from tests.cluster import NoCluster, cluster
from tests.databases import compiled_files
from tests.house.test_compose import MAILBOX, sources
from tests.house.tree import ROOT
from tests.machine import free_port

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
HOST = "desk.example.org"
PUBLIC_HOST = "notes.example.org"
VARIABLES = {"DESK_HOST": HOST, "DESK_MAIL_FROM": "desk@example.org", "PUBLIC_HOST": PUBLIC_HOST}
OF_THE_DESK = ("desk", "chores", "worker", "beat")


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)


def filled_in(text):
    """Compose's `${NAME:?message}` and `${NAME:-default}`."""
    return re.sub(
        r"\$\{(\w+)(?::([?-])([^}]*))?\}",
        lambda found: VARIABLES.get(found[1], found[3] if found[2] == "-" else ""),
        str(text),
    )


class Installation:
    """What README's steps 2 and 3 make: a folder of secrets, and each service's environment from the file."""

    def __init__(self, folder, database_url, redis_url):
        self.folder, self.port = folder, free_port()
        self.compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        made = folder / "secrets"
        made.mkdir(mode=0o700)
        for key in ("root", "index", "calendar", "address", "codes", "signing"):
            write(made / f"{key}.key", base64.b64encode(secrets.token_bytes(32)).decode())
        for site in ("desk", "worker", "public"):
            write(made / f"{site}_secret_key", base64.b64encode(secrets.token_bytes(48)).decode())
        write(made / "database_url", database_url)
        write(made / "public_database_url", database_url.replace("//desk@", "//public_form@"))
        write(made / "redis_url", redis_url)
        write(made / "email_url", f"smtp://127.0.0.1:{free_port()}")

    def environment(self, name):
        """Only what the compose file gives to the service, with its paths put under our folder."""
        service = self.compose["services"][name]
        files = {
            path: str(self.folder / self.compose["secrets"][source]["file"])
            for source, path in sources(service).items()
        }
        env = {key: filled_in(value) for key, value in service["environment"].items()}
        env = {key: files.get(value, value) for key, value in env.items()}
        env["DESK_VAR"] = str(self.folder / "var" / name)
        if "FILES_DIR" in env:
            env["FILES_DIR"] = str(self.folder / "files")
        for key in MAILBOX:
            if key in env:
                env[key] = f"{self.folder}{env[key]}"
        # The image's own environment, and rounds that a test can wait for.
        return env | {
            "DESK_PREPARED": "1",
            "PATH": os.environ["PATH"],
            **compiled_files(),
            "SCAN_SECONDS": "2",
            "DRAIN_SECONDS": "2",
        }

    def command(self, name, port=None):
        program, *arguments = self.compose["services"][name]["command"]
        bind = f"127.0.0.1:{port or self.port}"
        arguments = [argument.replace("0.0.0.0:8000", bind) for argument in arguments]
        return [sys.executable, *(() if program == "python" else ("-m", program)), *arguments]

    def manage(self, name, *arguments, typed=None, **changes):
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment(name) | changes,
            cwd=ROOT, input=typed or "", capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def ask(self, path, host=HOST, scheme="https"):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            asked.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": scheme})
            answer = asked.getresponse()
            answer.read()
            return answer
        finally:
            asked.close()

    def healthcheck(self, name):
        """The container's own health check."""
        test = self.compose["services"][name]["healthcheck"]["test"]
        assert test[:4] == ["CMD", "python", "-m", "config.healthcheck"]
        return subprocess.run(
            [sys.executable, *test[2:4], f"127.0.0.1:{self.port}"],
            env=self.environment(name), cwd=ROOT, capture_output=True, timeout=30,
        ).returncode  # fmt: skip


@pytest.fixture(scope="module")
def servers():
    """A Postgres cluster and a Redis with a password, as in the README."""
    redis_server = machine.need("redis")
    bin_folder = machine.postgres_bin()
    if not bin_folder:
        machine.do_without(machine.lacking("Postgres 15 or newer", "postgresql"))
    folder, port, word = Path(tempfile.mkdtemp(prefix="redis-")), free_port(), secrets.token_hex(24)
    write(
        folder / "redis.conf",
        f"requirepass {word}\nappendonly yes\nmaxmemory-policy noeviction\ndir {folder}\n"
        f"bind 127.0.0.1\nport {port}\nlogfile {folder}/log\n",
    )
    server = subprocess.Popen([redis_server, str(folder / "redis.conf")], stdin=subprocess.DEVNULL)
    try:
        with cluster(bin_folder) as database_url:
            yield database_url, f"redis://:{word}@127.0.0.1:{port}/0"
    except NoCluster as problem:
        machine.do_without(f"Postgres does not start here: {problem}")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def installation(servers, tmp_path_factory):
    """Prepared by the commands of the README, in their order."""
    made = Installation(tmp_path_factory.mktemp("compose"), *servers)
    for command in (["migrate", "--verbosity", "0"], ["vault", "init"]):
        done = made.manage("desk", *command)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def running(installation):
    """The four services, until the last test of this module."""
    (installation.folder / "logs").mkdir()
    processes = {}
    for name in OF_THE_DESK:
        with (installation.folder / "logs" / name).open("wb") as log:
            processes[name] = subprocess.Popen(
                installation.command(name), env=installation.environment(name), cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
    try:
        until = time.monotonic() + 90
        while True:
            assert all(process.poll() is None for process in processes.values()), logs(installation)
            with contextlib.suppress(OSError):
                if installation.ask("/healthz").status == 200:
                    break
            assert time.monotonic() < until, logs(installation)
            time.sleep(0.2)
        yield installation
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


def logs(installation):
    return {path.name: path.read_text() for path in (installation.folder / "logs").iterdir()}


def test_it_passes_its_own_deploy_check(installation):
    """README, step 3. Sabotage: drop BEHIND_TLS_PROXY from the compose file."""
    done = installation.manage(
        "desk", "check", "--deploy", "--database", "default", "--fail-level", "WARNING"
    )
    assert done.returncode == 0, done.stderr


def test_reminders_work_with_two_keys_and_every_health_check_is_green(running):
    """Beat rings, the worker answers, chores are at work, the desk says 200.

    Sabotage: drop REDIS_URL_FILE from the worker.
    """
    assert [running.healthcheck(name) for name in OF_THE_DESK] == [0, 0, 0, 0]


def test_the_worker_opens_no_name(installation):
    """Sabotage: give root_key to the worker; then its own settings refuse to start."""
    code = "from vault.keyring import keyring; print([name for name in ('root', 'index', 'codes') "
    code += "if keyring().holds(name)]); keyring().keys('calendar'); keyring().keys('root')"
    done = installation.manage("worker", "shell", "-v", "0", "-c", code)
    assert done.stdout.strip() == "[]"
    assert "holds no root key" in done.stderr
    given = installation.manage("worker", "check", ROOT_KEY_FILE="/keys/root.key")
    assert given.stderr.startswith("ROOT_KEY_FILE")


def test_pages_come_over_https_only_and_for_our_name_only(running):
    page = running.ask("/login/")
    assert page.status == 200
    assert "includeSubDomains" in page.headers["Strict-Transport-Security"]
    assert page.headers["Set-Cookie"].startswith("__Host-")
    assert "Secure" in page.headers["Set-Cookie"]
    plain = running.ask("/login/", scheme="http")
    assert plain.status == 301
    assert plain.headers["Location"] == f"https://{HOST}/login/"
    assert running.ask("/login/", host="evil.example").status == 400


def test_a_worker_serves_no_page(installation):
    """SITE=worker has no addresses at all."""
    code = "from django.test import Client; from django.conf import settings; "
    code += f"print(Client(headers={{'host': '{HOST}'}}).get('/login/', secure=True).status_code)"
    assert installation.manage("worker", "shell", "-v", "0", "-c", code).stdout.strip() == "404"


@pytest.mark.parametrize("name", OF_THE_DESK)
def test_a_wrong_key_refuses_to_serve(installation, name, tmp_path):
    """In one line, before anything is served. Sabotage: drop `canaries.require` from config/startup.py."""
    wrong = tmp_path / "calendar.key"
    write(wrong, base64.b64encode(secrets.token_bytes(32)).decode())
    env = installation.environment(name) | {"CALENDAR_KEY_FILE": str(wrong)}
    done = subprocess.run(
        installation.command(name, free_port()), env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "Refusing to serve: the calendar key" in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_hold_no_query_no_secret_and_no_address(running):
    running.ask("/login/?next=/desk/&q=Petrov")
    text = "".join(logs(running).values())
    assert "GET /login/ 200" in text
    assert "Petrov" not in text
    assert "127.0.0.1" not in text
    for path in (running.folder / "secrets").iterdir():
        assert path.read_text().strip() not in text, path.name
