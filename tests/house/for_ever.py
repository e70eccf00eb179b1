"""Tests that end by a signal only. Not collected by itself: tests/house/test_signals.py names its path."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.brokers import broker
from tests.machine import free_port, need


def wait(name):
    (Path(os.environ["FOR_EVER"]) / name).touch()
    time.sleep(600)


@pytest.fixture
def own_database():
    """Instead of the one that takes half a minute; it brings its test into the lanes with real commits."""


@pytest.mark.processes
def test_processes():
    """A broker, a web server in a session of its own, and an orphan that nobody knows any more."""
    orphan = "setsid sleep 601 & echo gone"
    subprocess.run(["sh", "-c", orphan], stdout=subprocess.DEVNULL, check=True)
    page = "def application(environ, start): start('200 OK', []); return [b'']"
    app = Path(os.environ["FOR_EVER"]) / "page.py"
    app.write_text(page)
    gunicorn = [sys.executable, "-m", "gunicorn", f"--chdir={app.parent}", f"--bind=127.0.0.1:{free_port()}"]
    subprocess.Popen([*gunicorn, "page"], start_new_session=True)
    with broker():
        wait("processes")


@pytest.mark.browser
def test_browser():
    from playwright.sync_api import sync_playwright

    from tests.end_to_end.browser import QUIET

    with sync_playwright() as playwright:
        playwright.chromium.launch(executable_path=need("chromium"), args=QUIET).new_page()
        wait("browser")


@pytest.mark.only_on("postgresql")
def test_postgres(own_database):
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]):
        wait("postgres")
