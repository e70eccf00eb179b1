"""One person's story, and then a search for it everywhere but in the vault."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection

from tests.brokers import broker
from tests.end_to_end.browser import chromium, sign_in, sign_out
from tests.end_to_end.haystack import date_spellings, files_under, found_in, spellings, telling_dates
from tests.end_to_end.office import wait_for
from tests.end_to_end.running_desk import running_desk
from tests.writes import write

pytestmark = pytest.mark.processes
TODAY = datetime.now(UTC).date()

# Field of the case page: what is typed there. Twenty values that belong to one person.
PLANTED = {
    "summary": "Ушёл из части под Белозеркой-Ылгын весной",
    "identity-0-surname": "Щурыгинцев",
    "identity-0-given_name": "Архиппий",
    "identity-0-patronymic": "Евлампиевич",
    "identity-0-surname_latin": "Shchurygintsev",
    "identity-0-given_name_latin": "Arkhippiy",
    "identity-0-aliases": "Кочевник-Ыйбен",
    "stays-0-registered_place": "ул. Выдуманная-Жылкы 417, кв. 88",
    "stays-0-actual_place": "у Нурсултана Ыбышева в подвале",
    "stays-0-last_legal_day_source": "штамп Кордай-Ыргай в паспорте",
    "documents-0-number": "7719 4400931",
    "documents-0-remark": "корешок-утерян-у-Ызмайлова",
    "applications-0-authority": "Bundesamt-Außenstelle-Qzwyx",
    "applications-0-file_number": "AZ-99317745-Q",
    "applications-0-remark": "Anwältin Xylander-Quitzow begleitet",
    "contacts-0-value": "+77019930417",
    "contacts-0-safe_hours": "после намаза Ышык 21:47",
    "contacts-0-duress_word": "облепиховый-Ыкат",
    "notes-0-text": "Звонил человек, назвался майором Хрыпченко-Ы",
    "tasks-0-text": "Передать сим-карту через Ыдрисову",
}
COUNTRIES = {"country": "Kazakhstan", "stays-0-country": "Kazakhstan", "applications-0-country": "Germany"}
CHOICES = {
    "category": "contract_after",
    "documents-0-kind": "travel_passport_10",
    "applications-0-kind": "asylum_claim",
    "applications-0-stage": "interview_scheduled",
    "contacts-0-kind": "phone",
}


def ahead(days: int) -> date:
    return TODAY + timedelta(days=days)


DATES = {
    "identity-0-born_on": date(1993, 5, 17),
    "stays-0-entered_on": ahead(-71),
    "stays-0-last_legal_day": ahead(6),
    "documents-0-issued_on": ahead(-1201),
    "documents-0-valid_until": ahead(26),
    "applications-0-interview_on": ahead(13),
    "applications-0-lodged_on": ahead(-33),
    "applications-0-next_check_on": ahead(9),
    "contacts-0-rotation_on": ahead(19),
    "tasks-0-due_on": TODAY,
}


def zone_past_eight() -> str:
    """A zone in which it is about noon now, so that today's digest mail is due."""
    hours = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


@pytest.fixture
def people(live_database):
    """Olga and Petra with a second factor each, as accounts of the running desk."""
    from staff.models import Team, TotpDevice, User

    team = Team.objects.create(name="Astana")
    accounts = {}
    for name, role in (("olga", "caseworker"), ("petra", "coordinator")):
        password = f"{name}-has-a-long-password"
        user = User.objects.create_user(
            name, password, role=role, team=team, address=f"{name}@staff.invalid", time_zone=zone_past_eight()
        )
        # The desk is another process: it knows none but the real hasher.
        write(user, password=make_password(password, hasher="argon2"))
        secret = TotpDevice.enrol(user).secret_b32
        accounts[name] = {"username": name, "password": password, "role": role, "totp_secret": secret}
    return accounts


@contextmanager
def broker_of(database):
    """The REDIS_URL that production brings itself, if it does; with SQLite `up` starts its own."""
    if connection.vendor == "sqlite":
        yield {}
        return
    folder = database.var / "broker"
    folder.mkdir()
    with broker(folder=folder) as url:
        yield {"REDIS_URL": url}


def type_everything(page, desk) -> None:
    """Fill every planted field and save; the tabs only hide what the form holds."""
    page.goto(f"{desk.url}/desk/cases/case/add/")
    # Shows the fields of all tabs at once, so that each can be typed into.
    page.evaluate("document.querySelectorAll('[role=tabpanel]').forEach(panel => panel.hidden = false)")
    for name, choice in CHOICES.items():
        page.select_option(f"select[name='{name}']", choice)
    for name, country in COUNTRIES.items():
        page.fill(f"input[name='{name}']", country)
    for name, value in PLANTED.items():
        page.fill(f"[name='{name}']", value)
    for name, value in DATES.items():
        page.fill(f"[name='{name}']", value.isoformat())
    # A mistake first: what was typed comes back in the page and must be kept nowhere else.
    page.fill("[name='contacts-0-rotation_on']", "31.31.2031")
    page.click("input[name=_continue]")
    page.wait_for_load_state()
    assert "/add/" in page.url
    page.evaluate("document.querySelectorAll('[role=tabpanel]').forEach(panel => panel.hidden = false)")
    for name, value in PLANTED.items():
        assert page.input_value(f"[name='{name}']") == value, f"{name} was not kept"
    page.fill("[name='contacts-0-rotation_on']", DATES["contacts-0-rotation_on"].isoformat())
    page.click("input[name=_continue]")
    page.wait_for_url("**/change/**")


def everything_kept(database, desk) -> dict[str, bytes]:
    """Every byte that was left anywhere: database, broker, logs, mail, files; keys aside."""
    kept = files_under(database.var, leave_out=["keys"]) | {"output": desk.output.read_bytes()}
    kept |= {f"mail {n}": content for n, (_to, content) in enumerate(desk.mailroom.mails)}
    for room in ("staff", "cases", "intake", "templates"):
        for folder in (settings.ROOT / room / "static", settings.ROOT / room / "media"):
            kept |= {f"{room}/{name}": data for name, data in files_under(folder).items()}
    if connection.vendor == "postgresql":
        kept |= rows_of_postgres()
    return kept


def rows_of_postgres() -> dict[str, bytes]:
    """Every row of every table as text, bytea in hex as a dump has it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found[f"table {table}"] = "\n".join(row for (row,) in cursor.fetchall()).encode()
    return found


def files_of_postgres() -> dict[str, bytes]:
    """The server's own files, its write-ahead log among them, where we may read them."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT current_setting('data_directory')")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT pg_relation_filepath(c.oid) FROM pg_class c WHERE relkind IN ('r', 't', 'i')")
        paths = [folder / path for (path,) in cursor.fetchall() if path]
    paths += sorted((folder / "pg_wal").glob("0*"))[-2:]
    return {f"file {path.name}": path.read_bytes().rstrip(b"\0") for path in paths if path.is_file()}


def test_nothing_of_a_person_is_found_outside_the_vault(people, live_database, tmp_path):
    """Twenty values and ten dates are typed, reminded and signed for; then every kept byte is searched.

    Sabotage: `print(obj.summary)` in CaseAdmin.save_model; the web server's output gives it away.
    """
    options = ["--no-demo"]
    with (
        broker_of(live_database) as settings_of_broker,
        running_desk(
            tmp_path,
            *options,
            ready_file=False,
            database=live_database,
            SCAN_SECONDS="2",
            DRAIN_SECONDS="2",
            **settings_of_broker,
        ) as desk,
    ):
        with chromium(desk.url, width=1366) as browser:
            sign_in(browser.page, desk, people["olga"])
            type_everything(browser.page, desk)
            for path in ("board/", "cases/case/"):
                browser.page.goto(f"{desk.url}/desk/{path}")
            sign_out(browser.page)
            wait_for(
                lambda: {"olga@staff.invalid", "petra@staff.invalid"} <= set(desk.mailroom.to),
                seconds=60,
                what="Olga's reminder and Petra's daily digest arrive",
            )
            sign_in(browser.page, desk, people["petra"])
            browser.page.goto(f"{desk.url}/desk/digest/")
            browser.page.get_by_role("button", name="reviewed").click()
            browser.page.wait_for_load_state()
        kept = {f"while it ran: {name}": data for name, data in everything_kept(live_database, desk).items()}
    kept |= everything_kept(live_database, desk)

    assert_the_search_would_find(kept)
    needles = set().union(*(spellings(value) for value in PLANTED.values()))
    for day in telling_dates(DATES.values(), today=TODAY):
        needles |= date_spellings(day)
    # What did not change since the first look is searched once.
    once = {data: name for name, data in kept.items()}
    leaks = {name: hits for data, name in once.items() if (hits := found_in(data, needles))}
    if connection.vendor == "postgresql":
        # Raw pages: nothing in them is in base64 that is not in the rows' text too.
        files = files_of_postgres()
        leaks |= {name: hits for name, data in files.items() if (hits := found_in(data, needles, depth=0))}
    assert leaks == {}


def assert_the_search_would_find(kept: dict[str, bytes]) -> None:
    """The haystack is the right one: what may stand in clear is found in the database, and mails came."""
    from cases.models import Case

    case = Case.objects.get()
    assert any(found_in(data, spellings(case.code_name)) for data in kept.values())
    assert sum(name.startswith("mail ") for name in kept) >= 2
    assert case.identity.surname == PLANTED["identity-0-surname"], "the values were really kept, sealed"
