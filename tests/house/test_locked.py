"""A desk whose root is not unlocked yet: one calm page, reminders go on, and it opens without a restart."""

import contextlib
import http.client
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.databases import ROOT
from tests.machine import do_without, free_port
from vault import keyfiles
from vault.locking import Cost, is_locked, lock, unlock

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]
PASSPHRASE = "six words drawn by dice"
MEMORY = Path("/dev/shm")
NOTE = "Call the person on duty: extension 12 <b>"


@pytest.fixture
def memory():
    """A folder of our own in memory, gone afterwards."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        do_without("There is no /dev/shm to write to on this machine: mount a tmpfs there.")
    folder = MEMORY / f"desk-test-{secrets.token_hex(6)}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class Desk:
    """A web server on the database, with its root in a folder in memory that does not exist yet."""

    def __init__(self, database, memory, folder):
        self.database, self.folder, self.port = database, folder, free_port()
        self.root, self.locked_file = memory / "root.key", folder / "root.locked"
        clear = folder / "root.key"
        shutil.copyfile(database.env["ROOT_KEY_FILE"], clear)
        clear.chmod(0o600)
        lock(clear, self.locked_file, PASSPHRASE, cost=Cost(8, 1, 1))
        self.env = database.env | {
            "ROOT_KEY_FILE": str(self.root), "DESK_PREPARED": "1", "LOCKED_NOTE": NOTE,
        }  # fmt: skip

    @contextlib.contextmanager
    def served(self):
        command = [sys.executable, "-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi"]
        with (self.folder / "log").open("w") as log:
            server = subprocess.Popen(
                [*command, f"--bind=127.0.0.1:{self.port}"], env=self.env, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            self.wait_for(server)
            yield self
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(15)
            server.kill()

    def wait_for(self, server):
        until = time.monotonic() + 90
        while time.monotonic() < until and server.poll() is None:
            with contextlib.suppress(OSError):
                self.ask("/healthz")
                return
            time.sleep(0.2)
        raise AssertionError(self.log)

    def ask(self, path, language="en"):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            asked.request("GET", path, headers={"Accept-Language": language})
            answer = asked.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            asked.close()

    @property
    def log(self):
        return (self.folder / "log").read_text()


@pytest.fixture
def desk(own_database, memory, tmp_path):
    return Desk(own_database, memory, tmp_path)


def work_as_the_worker(desk):
    """A round of planning and sending, with the worker's two keys only."""
    code = "from django.conf import settings; from reminders import tasks; tasks.scan(); tasks.drain(); "
    code += "print(sorted(name for name, path in settings.VAULT_KEY_FILES.items() if path))"
    kept = {"CALENDAR_KEY_FILE", "ADDRESS_KEY_FILE"}
    env = {name: value for name, value in desk.env.items() if not name.endswith("_KEY_FILE") or name in kept}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", code],
        env=env | {"SITE": "worker"}, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("['address', 'calendar']")


def signs_of_life(desk):
    """The chores' sign of life; they wait for the key beside the web server."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "chores", "--forever"],
        env=desk.env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_locked_desk_shows_one_page_and_opens_without_a_restart(desk):
    """Sabotage: refuse_unless_safe() without may_be_locked in config/wsgi.py; take the middleware out."""
    with desk.served():
        for path in ("/", "/login/", "/desk/cases/case/", "/nowhere"):
            page = desk.ask(path)
            assert (path, page.status) == (path, 503)
            assert "The desk is locked" in page.text
            assert "Call the person on duty: extension 12 &lt;b&gt;" in page.text
            assert page.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            for word in ("root", "key", str(desk.root.parent), "Traceback"):
                assert word not in page.text.partition("<body")[2]
        assert "заблокирована" in desk.ask("/", language="ru,en;q=0.5").text
        assert desk.ask("/static/desk/base.css").status == 200
        unlock(desk.locked_file, desk.root, PASSPHRASE)
        assert desk.ask("/login/").status == 200
        assert desk.ask("/").headers["Location"] == "/login/"
        assert "locked" not in desk.ask("/healthz").text
    assert "Traceback" not in desk.log


def test_reminders_go_on_and_the_monitor_is_told_so(desk):
    """Sabotage: let the chores refuse to start; ask for a session before the middleware."""
    chores = signs_of_life(desk)
    try:
        with desk.served():
            work_as_the_worker(desk)
            until = time.monotonic() + 60
            while "Reminders go out" not in desk.ask("/healthz").text and time.monotonic() < until:
                time.sleep(0.5)
            answer = desk.ask("/healthz")
            assert answer.status == 503
            assert answer.text == "The desk is locked until somebody unlocks it. Reminders go out.\n"
            assert chores.poll() is None
    finally:
        chores.terminate()
        said = chores.communicate(timeout=20)[1]
    assert "Traceback" not in said


def test_the_wrong_root_opens_nothing_and_is_named_in_the_log_once(desk):
    """Sabotage: `self.locked = False` before refuse_unless_safe() in _opens()."""
    with desk.served():
        assert desk.ask("/").status == 503
        keyfiles.make(desk.root)
        for _click in range(3):
            assert desk.ask("/").status == 503
    assert "The desk stays locked. Refusing to serve: the root key" in desk.log
    assert desk.log.count("stays locked") <= 2  # once in each of two processes
    assert "Traceback" not in desk.log


def test_a_root_that_belongs_on_a_disk_and_is_lost_still_refuses_to_start(desk, tmp_path):
    """It is no lock that somebody forgot. Sabotage: `return not target.exists()` in is_locked()."""
    env = desk.env | {"ROOT_KEY_FILE": str(tmp_path / "lost.key")}
    assert not is_locked(tmp_path / "lost.key")
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "There is no key file" in done.stderr


def test_what_counts_as_locked(memory):
    assert is_locked(memory / "root.key")
    assert is_locked(memory / "deeper" / "root.key")
    keyfiles.make(memory / "root.key")
    assert not is_locked(memory / "root.key")
