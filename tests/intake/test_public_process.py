"""The public process as docker-compose.yml starts it: its own key file, its own database role, and no more.

A real gunicorn on a real Postgres, asked over a real socket.
"""

import contextlib
import subprocess
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests import machine
from tests.cluster import NoCluster, cluster
from tests.house.test_processes import PUBLIC_HOST, Installation
from tests.house.tree import ROOT
from tests.intake.pictures import jpeg
from tests.intake.visitor import Visitor
from tests.machine import free_port
from vault import dropbox

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]
CLIENT = "203.0.113.77"
WORDS = "Приходили вчера, спрашивали про меня"
OPEN = (
    "from intake.models import HelpRequest; "
    "print([request.open_content()['text'] for request in HelpRequest.objects.all()])"
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A migrated Postgres with the role of the public process, by the commands of the README."""
    bin_folder = machine.postgres_bin()
    if not bin_folder:
        machine.do_without(machine.lacking("Postgres 15 or newer", "postgresql"))
    try:
        with cluster(bin_folder) as url:
            made = Installation(tmp_path_factory.mktemp("public"), url, "redis://127.0.0.1:1/0")
            for command, typed in (
                (["migrate", "--verbosity", "0"], None),
                (["vault", "init"], None),
                (["vault", "mailbox"], None),
                (["intake_role", "public_form"], "a password of enough letters\n"),
            ):
                done = made.manage("desk", *command, typed=typed)
                assert done.returncode == 0, done.stderr
            yield made
    except NoCluster as problem:
        machine.do_without(f"Postgres does not start here: {problem}")


@pytest.fixture(scope="module")
def running(installation):
    """The public process, until the last test of this module; its log is in the folder."""
    log = installation.folder / "public.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            installation.command("public"), env=installation.environment("public"), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until = time.monotonic() + 90
        while installation.healthcheck("public"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield installation
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()


@pytest.fixture
def visitor(running):
    """Comes through the proxy, which here tells more than ours does."""
    told = {"X-Forwarded-For": CLIENT, "X-Real-IP": CLIENT, "User-Agent": "Telltale/7"}
    return Visitor(running.port, host=PUBLIC_HOST, https=True, **told)


def database(installation, role="desk"):
    url = (installation.folder / "secrets" / "database_url").read_text()
    return psycopg.connect(url.replace("//desk@", f"//{role}@"), autocommit=True)


def dump(installation):
    """Every row of every table, as text."""
    with database(installation) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [connection.execute(f'SELECT t::text FROM "{name}" t').fetchall() for (name,) in names]
    return "\n".join(row for table in rows for (row,) in table)


def as_public(installation, code):
    """What Python code does in a process with the public environment."""
    return installation.manage("public", "shell", "-v", "0", "-c", code)


# -- what it does


def test_ask_come_back_read_add_and_withdraw(running, visitor):
    """All of it under the role that may insert, find and delete. Sabotage: leave DELETE out of GRANTS."""
    phrase = visitor.ask_for_help(text=WORDS, dangers="visit", photographs=[jpeg()])
    code = "from intake.models import HelpRequest; from django.utils import timezone; "
    code += "r = HelpRequest.objects.get(); r.answer('Не открывайте дверь.', at=timezone.now()); "
    code += "print(r.open_content()['text'], r.photographs.count(), r.get_colour_display())"
    done = running.manage("desk", "shell", "-v", "0", "-c", code)
    assert done.stdout.strip() == f"{WORDS} 1 Red: now", done.stderr
    page = visitor.open_mailbox(phrase)
    assert "Не открывайте дверь." in page
    assert WORDS not in page
    visitor.do(page, act="add", text="Ушли.")
    assert "Не открывайте дверь." in visitor.open_mailbox(phrase)
    with database(running) as connection:
        boxes = [connection.execute(f"SELECT box FROM intake_{table}").fetchone()[0][:60].hex()
                 for table in ("helprequest", "message", "photograph", "answer")]  # fmt: skip
    assert all(box in dump(running) for box in boxes)
    visitor.do(visitor.open_mailbox(phrase), act="withdraw", sure="yes")
    assert not any(box in dump(running) for box in boxes)
    assert "Не открывайте дверь." not in visitor.open_mailbox(phrase)
    assert visitor.cookies == []


def test_it_knows_no_page_and_no_file_of_the_desk(visitor):
    """Sabotage: `ROOT_URLCONF = "config.urls"` for every SITE."""
    for path in ("login/", "desk/", "desk/board/", "static/desk/base.css", "static/admin/css/base.css"):
        status, text, headers = visitor.get(path)
        assert (path, status) == (path, 404)
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert visitor.get("static/intake/public.css")[0] == 200
    assert visitor.cookies == []


def test_its_headers_allow_no_script(visitor):
    for path in ("", "en/", "ru/mailbox/", "nothing", "static/intake/public.css"):
        _status, _text, headers = visitor.get(path)
        assert "script-src" not in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
        assert "max-age=63072000" in headers["Strict-Transport-Security"]
        assert headers["Server"] in (None, "gunicorn")


# -- what it cannot do


def test_with_all_that_the_public_host_holds_no_request_can_be_read(running, visitor):
    """Done when the database, all key files of the public host and its memory-backed storage open nothing.

    Sabotage: give DROPBOX_PRIVATE_FILE to the service `public`, and let settings allow it.
    """
    visitor.ask_for_help(text=WORDS)
    told = running.environment("public")
    url = (running.folder / "secrets" / "database_url").read_text()
    # The thief has the whole database too: the owner's address instead of the role's.
    env = {"DATABASE_URL": url, "DATABASE_URL_FILE": ""}
    done = running.manage("public", "shell", "-v", "0", "-c", OPEN, **env)
    assert "This process has no mailbox key of that kind" in done.stderr
    assert WORDS not in done.stdout
    held = [path for name, path in told.items() if name.endswith("_FILE")]
    assert sorted(path.rpartition("/")[2] for path in held) == [
        "mailbox.pub", "public_database_url", "public_secret_key",
    ]  # fmt: skip
    material = b"".join(Path(path).read_bytes() for path in held)
    private = (running.folder / "mailbox" / "private" / "mailbox.key").read_text().split()
    assert not any(half.encode() in material for half in private if len(half) > 40)
    # The desk opens it: the words are there to be opened.
    assert WORDS in running.manage("desk", "shell", "-v", "0", "-c", OPEN).stdout


def test_with_the_desks_ring_and_without_the_phrase_no_answer_can_be_read(running, visitor):
    """Sabotage: seal answers with `dropbox.seal`."""
    phrase = visitor.ask_for_help(text="Когда ответите?")
    lookup, pair = dropbox.phrase_keys(phrase)
    code = "from intake.models import *; from vault import dropbox; from django.utils import timezone; "
    code += f"a = HelpRequest.objects.get(lookup='{lookup}').answer('Завтра.', at=timezone.now()); "
    code += "ring = dropbox.ring(); print(ring.open(a.box))"
    done = running.manage("desk", "shell", "-v", "0", "-c", code)
    assert "not in the key file" in done.stderr
    assert "Завтра." not in done.stdout + done.stderr
    with database(running) as connection:
        statement = "SELECT a.id, a.box FROM intake_answer a, intake_helprequest r WHERE r.id = a.request_id"
        box = connection.execute(statement + " AND r.lookup = %s", [lookup]).fetchone()
    assert "Завтра." in pair.open(box[1], bound_to=b"v1|intake.answer|" + box[0].bytes).decode()


FORBIDDEN = [
    "SELECT * FROM intake_helprequest",
    "SELECT box FROM intake_helprequest",
    "SELECT received_at, colour FROM intake_helprequest",
    "SELECT content FROM intake_helprequest",
    "SELECT box FROM intake_message",
    "SELECT box FROM intake_photograph",
    "SELECT * FROM intake_withdrawal",
    "UPDATE intake_helprequest SET state = 'spam'",
    "UPDATE intake_answer SET box = ''",
    "UPDATE intake_reading SET read_on = '2026-01-01'",
    "DELETE FROM intake_withdrawal",
    "INSERT INTO intake_answer (id, request_id, box) VALUES (gen_random_uuid(), gen_random_uuid(), '')",
    "DELETE FROM intake_helprequest WHERE state = 'new'",
    "TRUNCATE intake_answer",
    "SELECT * FROM cases_case",
    "SELECT username FROM staff_user",
    "SELECT * FROM vault_recordkey",
    "DELETE FROM vault_recordkey",
    "SELECT * FROM staff_trailrow",
    "SELECT * FROM staff_session",
    "SELECT * FROM django_migrations",
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "DROP TABLE intake_answer",
    "CREATE ROLE another",
    "COPY intake_helprequest TO '/tmp/out'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_its_database_role_may_do_no_more(installation, statement):
    """Done when forbidden statements fail. Sabotage: GRANT SELECT of the whole table in roles.grant."""
    with (
        database(installation, "public_form") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_it_may_do_no_more_in_any_table_of_today(installation):
    """Also in tables that nobody thought of. Sabotage: leave the REVOKE out and GRANT ALL once by hand."""
    code = (
        "from intake.roles import excess; from django.db import connection; print(list(excess(connection)))"
    )
    assert as_public(installation, code).stdout.strip() == "[]"
    assert "superuser" in installation.manage("desk", "shell", "-v", "0", "-c", code).stdout


def test_granting_again_takes_away_what_was_given_by_hand(installation):
    with database(installation) as connection:
        connection.execute("GRANT SELECT ON intake_helprequest, cases_case TO public_form")
    started = as_public(installation, "from config.startup import refuse_unless_safe; refuse_unless_safe()")
    assert "may do too much (SELECT cases_case)" in started.stderr
    done = installation.manage("desk", "intake_role", "public_form")
    assert done.returncode == 0, done.stderr
    started = as_public(installation, "from config.startup import refuse_unless_safe; refuse_unless_safe()")
    assert started.returncode == 0, started.stderr


def refused(installation, **changes):
    done = subprocess.run(
        installation.command("public", free_port()), env=installation.environment("public") | changes,
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_refuses_to_serve_with_the_desks_role_or_without_the_key_to_seal_to(installation):
    """Sabotage: `return` at the top of public_role_problems."""
    owner = str(installation.folder / "secrets" / "database_url")
    assert "may do too much" in refused(installation, DATABASE_URL_FILE=owner)
    assert "no public mailbox key" in refused(installation, DROPBOX_PUBLIC_FILE="/nonexistent/mailbox.pub")
    assert refused(installation, ROOT_KEY_FILE="/keys/root.key").startswith("ROOT_KEY_FILE")


@pytest.mark.parametrize("typed", ["", "short\n"])
def test_a_role_without_a_good_password_is_not_made(installation, typed):
    done = installation.manage("desk", "intake_role", "another", typed=typed)
    assert "openssl rand -hex 24" in done.stderr
    assert "Traceback" not in done.stderr


# -- under load


def test_200_at_once_lose_none(running, visitor):
    """Done when 200 parallel submissions lose none, the slow hash on. Sabotage: `patience_seconds=0.01`."""
    with database(running) as connection:
        before = connection.execute("SELECT count(*) FROM intake_helprequest").fetchone()[0]
    found, start = [], threading.Barrier(200)

    def one(number):
        mine = Visitor(running.port, host=PUBLIC_HOST, https=True)
        start.wait(60)
        with contextlib.suppress(Exception):
            found.append(mine.ask_for_help(text=f"Номер {number}"))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert len(set(found)) == 200
    code = "from intake.models import HelpRequest; from vault import dropbox; ring = dropbox.ring(); "
    code += "told = [r.open_content(ring)['text'] for r in HelpRequest.objects.all()]; "
    code += "print(len({text for text in told if text.startswith('Номер')}))"
    assert running.manage("desk", "shell", "-v", "0", "-c", code).stdout.strip() == "200"
    with database(running) as connection:
        after = connection.execute("SELECT count(*) FROM intake_helprequest").fetchone()[0]
    assert after - before == 200


def test_no_address_of_a_client_is_kept_anywhere(running, visitor):
    """Done when neither database nor log holds it. Sabotage: `ACCESS_LOG: "true"` and %(h)s in its format."""
    phrase = visitor.ask_for_help(text="Кто меня видит?", photographs=[jpeg()])
    visitor.open_mailbox(phrase)
    visitor.get("nothing-here")
    Visitor(running.port, host="evil.example", https=True, **{"X-Forwarded-For": CLIENT}).get("")
    everything = dump(running) + (running.folder / "public.log").read_text(errors="replace")
    everything += "".join(
        path.read_text(errors="replace") for path in (running.folder / "var").rglob("*") if path.is_file()
    )
    assert "intake" in everything or phrase
    for trace in (CLIENT, "127.0.0.1", "Telltale", phrase.split()[0], "Кто меня видит"):
        assert trace not in everything, trace
