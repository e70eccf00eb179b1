"""`manage.py up` as a newcomer meets it: it starts, it mends itself, it stops, and it says what is wrong."""

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.supervisor import Child, Supervisor
from tests.brokers import broker
from tests.databases import compiled_files
from tests.house.tree import ROOT
from tests.machine import free_port
from vault.keyring import NEEDED

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]
PATIENCE_SECONDS = 120


@pytest.fixture
def var():
    """A DESK_VAR short enough for a socket; pytest's own folders may not be."""
    folder = Path(tempfile.mkdtemp(prefix="up-"))
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def installed():
    """An installation that was started once and stopped: keys, database, the demo; `log` beside it."""
    folder = Path(tempfile.mkdtemp(prefix="up-"))
    with running(folder / "var") as up:
        pass
    assert up.returncode == 0, up.log.read_text()
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def later(installed, var):
    """A copy of it, to break."""
    shutil.copytree(installed, var)
    return var


@pytest.fixture(scope="module")
def desk(installed):
    """A later start of an installation, running for several tests that only look."""
    folder = Path(tempfile.mkdtemp(prefix="up-"))
    shutil.copytree(installed, folder / "var")
    with running(folder / "var", ROOT_KEY_FILE=str(folder / "var" / "keys" / "root.key")) as up:
        eventually(lambda: len(processes(up.var)) >= 6, up)
        yield up
    shutil.rmtree(folder, ignore_errors=True)


def environment(var, **changes):
    env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return env | compiled_files() | {"DESK_VAR": str(var), "DESK_PREPARED": "1"} | changes


def command(*arguments):
    return [sys.executable, str(ROOT / "manage.py"), "up", *arguments]


@contextmanager
def running(var, *arguments, **changes):
    """A desk that answers; stopped by SIGTERM at the end."""
    port = free_port()
    log = var.parent / "log"
    with log.open("w") as out:
        up = subprocess.Popen(
            command("--port", str(port), *arguments),
            env=environment(var, **changes),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    up.port, up.log, up.var = port, log, var
    try:
        eventually(lambda: "Ctrl-C" in log.read_text(), up)
        yield up
    finally:
        up.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            up.wait(20)
        up.kill()
        up.wait()


def eventually(true, up=None, seconds=PATIENCE_SECONDS):
    until = time.monotonic() + seconds
    while not (found := true()):
        assert up is None or up.poll() is None, up.log.read_text()
        assert time.monotonic() < until, up.log.read_text() if up else "it never came"
        time.sleep(0.1)
    return found


def status(port, path="/healthz"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def processes(var):
    """pid and command line of all that works on `var`: by its environment, or by a path it was given."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            env = (folder / "environ").read_bytes().split(b"\0")
            if f"DESK_VAR={var}".encode() in env or f"{var}/" in line:
                found[int(folder.name)] = line
    return found


def pid_of(var, words):
    return next((pid for pid, line in sorted(processes(var).items()) if words in line), None)


def refused(*arguments, env):
    """The one line of a start that cannot be."""
    done = subprocess.run(
        command(*arguments), env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("usage:")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def refused_here(settings, var):
    """The line of a start that ends before it has begun, without a process of its own."""

    def line(*arguments):
        settings.VAR_DIR = var
        with pytest.raises(CommandError) as refusal:
            call_command("up", *arguments)
        assert "\n" not in str(refusal.value)
        return str(refusal.value)

    return line


linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")


@linux
def test_it_starts_mends_itself_and_leaves_nothing(later):
    """Sabotage: drop `look_after` from `run_until` and a killed worker stays dead."""
    var = later
    with running(var) as up:
        assert status(up.port, "/login/") == 200
        for words in ("celery", "gunicorn", "valkey-server"):
            killed = eventually(lambda words=words: pid_of(var, words), up)
            os.kill(killed, signal.SIGKILL)
            eventually(lambda words=words, killed=killed: (pid_of(var, words) or killed) != killed, up)
        eventually(lambda: status(up.port, "/login/") == 200, up)
        asked = time.monotonic()
    assert up.returncode == 0, up.log.read_text()
    assert time.monotonic() - asked < 15
    assert eventually(lambda: not processes(var))
    assert "Traceback" not in up.log.read_text()


@linux
def test_a_killed_supervisor_leaves_nothing_behind(later):
    """Sabotage: drop the prctl in supervisor.py and a second start finds a second broker."""
    var = later
    with running(var) as up:
        eventually(lambda: len(processes(var)) >= 6, up)
        up.kill()
        up.wait()
        eventually(lambda: not processes(var), seconds=20)


def test_everything_is_for_its_owner_only(desk):
    """Keys, mails, database, broker: nothing under var/ may be read by others."""
    found = [desk.var, *desk.var.rglob("*")]
    assert len(found) > 8
    # The public half of the mailbox is for the public form, which runs as somebody else.
    readable = {str(path.relative_to(desk.var)) for path in found if path.stat().st_mode & 0o077}
    assert readable <= {"public/mailbox.pub"}


@linux
def test_worker_and_timetable_are_given_no_key_of_a_name(desk):
    """Sabotage: pass os.environ on to the worker."""
    work = [pid for pid, line in processes(desk.var).items() if "celery" in line]
    assert len(work) >= 2
    for pid in work:
        env = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        assert "SITE=worker" in env
        assert not [line for line in env if line.startswith(("ROOT_", "INDEX_", "CODES_"))]


@linux
def test_the_web_server_listens_on_this_machine_only(desk):
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {fields[1] for fields in listening if fields[3] == "0A"}
    assert f"0100007F:{desk.port:04X}" in addresses
    assert f"00000000:{desk.port:04X}" not in addresses


def test_a_later_start_keeps_keys_and_says_little(desk, installed):
    for name in ("root.key", "session.key"):
        assert (desk.var / "keys" / name).read_bytes() == (installed / "keys" / name).read_bytes()
    said = desk.log.read_text().strip().splitlines()
    assert len(said) == 2, said
    assert f"127.0.0.1:{desk.port}" in said[0]
    assert "--new-passwords" in said[1]


def test_the_first_start_says_what_a_newcomer_needs(installed):
    """Who may sign in, where everything lies, what a seized machine gives, and the way to production."""
    said = (installed.parent / "log").read_text()
    accounts = re.findall(r"^  (\w+) +(\w+) +([\w-]{20})$", said, re.MULTILINE)
    assert {"administrator", "caseworker", "coordinator"} <= {role for role, _name, _password in accounts}
    assert len({password for _role, _name, password in accounts}) == len(accounts)
    assert str(installed) in said
    assert "Whoever takes this machine" in said
    assert "Production" in said


def test_no_demo_password_is_kept_anywhere(installed):
    """They are shown once; what is kept is their hash."""
    shown = re.findall(r" ([\w-]{20})$", (installed.parent / "log").read_text(), re.MULTILINE)
    kept = b"".join(path.read_bytes() for path in installed.rglob("*") if path.is_file())
    assert len(shown) > 3
    assert not [password for password in shown if password.encode() in kept]


def test_a_second_start_on_the_same_folder_is_refused(desk):
    """Sabotage: drop the lock."""
    line = refused("--port", str(free_port()), env=environment(desk.var))
    assert "already runs" in line
    assert "DESK_VAR" in line


class TestRefusals:
    """Each in one line: the thing, the cause, the next step."""

    def test_port_in_use(self, refused_here):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            line = refused_here("--no-demo", "--port", str(port))
        assert str(port) in line
        assert "--port" in line

    def test_no_port(self, var):
        """As whoever typed it sees it. Sabotage: a bare ValueError in _port()."""
        assert "--port" in refused("--port", "0", env=environment(var))

    @pytest.mark.parametrize("port", ["0", "65536", "http"])
    def test_no_such_port(self, refused_here, port):
        assert "--port" in refused_here("--port", port)

    def test_a_path_too_long_for_a_socket(self, var):
        line = refused("--no-demo", "--port", str(free_port()), env=environment(var / ("x" * 100)))
        assert "DESK_VAR" in line

    def test_a_folder_that_is_a_file(self, var):
        var.write_text("")
        assert str(var) in refused("--no-demo", "--port", str(free_port()), env=environment(var))

    def test_lost_keys_are_not_replaced_by_new_ones(self, later):
        """New keys would open nothing. Sabotage: run `vault init` at every start."""
        (later / "keys" / "root.key").unlink()
        line = refused("--port", str(free_port()), env=environment(later))
        assert "root" in line
        assert not (later / "keys" / "root.key").exists()

    def test_a_wrong_key(self, later):
        shutil.copy(later / "keys" / "index.key", later / "keys" / "calendar.key")
        line = refused("--port", str(free_port()), env=environment(later))
        assert "calendar" in line

    def test_a_database_that_is_none(self, var):
        var.mkdir()
        (var / "desk.sqlite3").write_bytes(b"this is not a database" * 100)
        line = refused("--no-demo", "--port", str(free_port()), env=environment(var))
        assert "not a database" in line

    def test_a_dropped_trigger(self, later):
        with contextlib.closing(sqlite3.connect(later / "desk.sqlite3")) as database:
            database.execute("DROP TRIGGER staff_trailrow_no_update")
        line = refused("--port", str(free_port()), env=environment(later))
        assert "staff_trailrow_no_update" in line

    def test_unreachable_database_and_broker(self, var):
        production = {
            "DATABASE_URL": f"postgres://desk:hushhush@127.0.0.1:{free_port()}/desk",
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "DEFAULT_FROM_EMAIL": "desk@localhost",
            "SECRET_KEY": "x7" * 40,
            "ALLOWED_HOSTS": "localhost",
            "FILES_DIR": str(var / "files"),
        } | {f"{key.upper()}_KEY_FILE": str(var / key) for key in NEEDED["desk"]}
        line = refused("--port", str(free_port()), env=environment(var, **production))
        assert "REDIS_URL" in line
        with broker() as production["REDIS_URL"]:
            line = refused("--port", str(free_port()), env=environment(var, **production))
        assert "DATABASE_URL" in line
        assert "hushhush" not in line

    def test_a_folder_that_may_not_be_written(self, var, monkeypatch):
        """Root may write everywhere, so the kernel's answer is played. Sabotage: catch KeyError instead."""
        from config import installation

        def denied(_var):
            raise PermissionError(errno.EACCES, "Permission denied", str(var))

        monkeypatch.setattr(installation, "only_start_on", denied)
        with pytest.raises(CommandError, match="Permission denied") as refusal:
            call_command("up", "--port", str(free_port()))
        assert str(var) in str(refusal.value)
        assert "DESK_VAR" in str(refusal.value)


class TestReadyFile:
    """`--json-ready`: how a program learns that the demo runs."""

    def test_it_refuses_a_path_that_exists(self, refused_here, var, tmp_path):
        taken = tmp_path / "ready.json"
        taken.write_text("mine")
        line = refused_here("--json-ready", str(taken), "--port", str(free_port()))
        assert str(taken) in line
        assert taken.read_text() == "mine"
        assert not (var / "desk.sqlite3").exists()

    def test_it_is_for_the_demo_only(self, refused_here, tmp_path):
        line = refused_here("--no-demo", "--json-ready", str(tmp_path / "ready.json"))
        assert "demo" in line

    def test_it_appears_whole_for_its_owner_and_goes(self, tmp_path):
        """Sabotage: write to the path itself and a reader may see half of it."""
        from config.installation import CannotStart
        from config.ready_file import ReadyFile

        path = tmp_path / "ready.json"
        ready = ReadyFile(path)
        with ready.holding({"url": "here"}):
            assert json.loads(path.read_text()) == {"url": "here"}
            assert path.stat().st_mode & 0o777 == 0o600
            assert [entry.name for entry in tmp_path.iterdir()] == ["ready.json"]
        assert list(tmp_path.iterdir()) == []
        path.write_text("meanwhile")
        with pytest.raises(CannotStart), ready.holding({}):
            pass
        assert path.read_text() == "meanwhile"


def test_waits_double_while_a_process_keeps_ending(capfd):
    """Sabotage: start again at once, and a broken worker takes a whole core."""
    failing = Child("worker", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
    with Supervisor([failing]) as supervisor:
        supervisor.run_until(lambda: failing.wait_seconds >= 0.8, 20)
    said = capfd.readouterr().err
    assert "exit code 3); starting it again in 0.2 s" in said
    assert "starting it again in 0.4 s" in said
    assert failing.wait_seconds >= 0.8
