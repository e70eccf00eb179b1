"""Every address, asked for by everybody with every method; what each of them gets stands in `urls.txt`.

A new address without a line there fails, and says which line to add; the walk then says which letters differ.
"""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from intake.models import HelpRequest, Photograph
from staff.models import DeviceReset, RoleGrant, TotpDevice, User
from tests.staff.flow import password_step, signed_in
from tests.staff.test_default_deny import UUID, pages
from vault import dropbox

# Who gets where does not hang on the database, and the walk is long.
pytestmark = pytest.mark.only_on("sqlite")
TABLE = Path(__file__).with_name("urls.txt")
# The order of the letters in the table.
PEOPLE = ("nobody", "half", "mark", "olga", "oskar", "lena", "petra", "anton", "vera")
OTHER_METHODS = ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
# Where an address holds a word that is not any word.
WORDS = {
    "/closed/word/": "/closed/identity/",
    "/statistics/csv/word/": "/statistics/csv/requests/",
    "/publish/word/word/": "/publish/requests/2025Q4/",
}
CLOSED = set("LCAF0M")


def address(path):
    """The address as the table writes it: ids as a star."""
    return path.replace(UUID, "*")


def written():
    """{address: (GET, POST, whether it asks for a fresh code)} as the table says."""
    lines = [line.split("#")[0].split() for line in TABLE.read_text().splitlines()]
    return {line[0]: (line[1], line[2], "fresh" in line[3:]) for line in lines if line}


def letter(answer):
    """What somebody got, as the table writes it."""
    if answer.status_code in (301, 302):
        place = answer["Location"].partition("?")[0]
        known = {"/login/": "L", "/second-factor/": "C", "/second-factor/set-up/": "C", "/account/": "A"}
        return known.get(place, ">")
    return {200: ".", 400: "E", 403: "F", 404: "0", 405: "M", 422: "E", 503: "."}[answer.status_code]


@pytest.fixture
def records(olga, anton, team, settings, tmp_path):
    """A record for each kind of address; the default is the case, which Olga works on."""
    from cases.deadlines import DerivedDeadline
    from cases.models import Attachment, Case, Deadline

    settings.FILES_DIR = tmp_path / "files"
    settings.DROPBOX_PRIVATE_FILE, settings.DROPBOX_PUBLIC_FILE = tmp_path / "mail" / "key", tmp_path / "pub"
    dropbox.turn(date(2026, 3, 2))
    asked = HelpRequest.objects.receive(
        {"text": "…"},
        at=datetime(2026, 3, 2, 12, tzinfo=UTC),
        lookup="a" * 32,
        public_key=bytes(range(32)),
        colour=3,
        language="ru",
        photographs=[b"picture"],
    )
    nina = User.objects.create_user("nina", team=team)
    case = Case.objects.open_case(by=olga, country="KZ")
    Deadline.objects.apply(
        case, [DerivedDeadline("task", "task:1", date(2030, 1, 1), "KZ")], unreadable=(), today=None
    )
    TotpDevice.enrol(nina)
    file = Attachment.objects.keep(case, b"%PDF-1.7", name="a.pdf", kind="other", remark="", by=olga)
    return {
        "/desk/file/": file.pk,
        "/desk/staff/team/": team.pk,
        "/desk/staff/user/": nina.pk,
        "/desk/staff/rolegrant/": RoleGrant.objects.request(nina, "caseworker", by=anton).pk,
        "/desk/staff/devicereset/": DeviceReset.objects.request(nina, by=anton, reason="called back").pk,
        "/desk/access/hand-over/": olga.pk,
        "/desk/inbox/photograph/": Photograph.objects.get().pk,
        "/desk/inbox/": asked.pk,
        "/desk/board/": Deadline.objects.get(case=case).pk,
        "": case.pk,
    }


def target(path, records):
    """`path` with the id of a record that exists."""
    key = next(key for start, key in records.items() if path.startswith(start))
    for word, real in WORDS.items():
        path = path.replace(word, real)
    return path.replace(UUID, str(key))


@pytest.fixture
def visitor(request, client):
    """A function: the client of one of PEOPLE, signed in as far as they get."""

    def come(name):
        if name == "nobody":
            return client
        if name == "half":
            person = request.getfixturevalue("paula")
            TotpDevice.enrol(person)
            password_step(client, person)
            return client
        return signed_in(client, request.getfixturevalue(name))

    return come


def ask(client, method, path):
    """The answer, as if nobody had asked: whatever it changed is taken back."""
    fresh = Client(raise_request_exception=False)
    fresh.cookies = client.cookies.copy()
    fresh.handler = client.handler  # the house itself is not built anew for each question
    with transaction.atomic():
        answer = fresh.generic(method, path) if method != "POST" else fresh.post(path, {})
        transaction.set_rollback(True)
    return answer


def test_every_address_has_its_line():
    """Done when nothing is mounted that the table does not know, and nothing stands there that is gone."""
    known, mounted = written(), [address(path) for _name, path in pages()]
    missing = [path for path in mounted if path not in known]
    wanted = "\n".join(f"{path}   LCAFFFFFF   FFFFFFFFF" for path in missing)
    assert not missing, f"Add to tests/staff/urls.txt, with the letters for those who may:\n{wanted}"
    assert set(known) <= set(mounted)
    for path, (asked, sent, _fresh) in known.items():
        assert len(asked) == len(sent) == len(PEOPLE), path


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.slow
def test_everybody_gets_what_the_table_says(name, visitor, records):
    """Done when each address answers each person as written. Sabotage: drop visible_to() from any door."""
    column, client, wrong = PEOPLE.index(name), visitor(name), []
    for path, (asked, sent, _fresh) in written().items():
        real = target(path.replace("*", UUID), records)
        got = letter(ask(client, "GET", real)), letter(ask(client, "POST", real))
        if got != (asked[column], sent[column]):
            wrong.append(
                f"{path} for {name}: GET and POST gave {got}, the table says {asked[column], sent[column]}"
            )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.slow
def test_no_other_method_opens_what_is_closed(name, visitor, records):
    """PUT, DELETE and the like get no further than GET. Sabotage: ask for the sign-in at GET and POST
    only.
    """
    column, client, wrong = PEOPLE.index(name), visitor(name), []
    for path, (asked, _sent, _fresh) in written().items():
        if asked[column] not in CLOSED:
            continue
        real = target(path.replace("*", UUID), records)
        for method in OTHER_METHODS:
            answer = ask(client, method, real)
            # Django answers OPTIONS by itself with the names of methods, and nothing else.
            if letter(answer) not in CLOSED and (answer.content or method != "OPTIONS"):
                wrong.append(f"{method} {path} for {name}: {letter(answer)}")
    assert wrong == []


@pytest.mark.parametrize("name", ["olga", "petra", "anton"])
@pytest.mark.slow
def test_what_could_do_harm_asks_for_a_fresh_code(name, visitor, records, clock):
    """Done when each act that is marked asks, and no other. Sabotage: drop @step_up_required from one
    of them.
    """
    column, client, wrong = PEOPLE.index(name), visitor(name), []
    clock.forward(minutes=6)
    for path, (asked, sent, fresh) in written().items():
        if asked[column] not in ".>E" or path in ("/second-factor/", "/login/", "/desk/login/"):
            continue
        real = target(path.replace("*", UUID), records)
        got = {letter(ask(client, "GET", real))}
        # Where nothing can be sent, there is nothing to ask for.
        got |= {letter(ask(client, "POST", real))} if sent[column] != "M" else set()
        if ("C" in got) != fresh or fresh and got != {"C"}:
            wrong.append(
                f"{path} for {name}: {'is marked fresh' if fresh else 'is not marked fresh'}, gave {got}"
            )
    assert not wrong, "\n".join(wrong)


ACTS_WITH_A_FRESH_CODE = {
    "staff changes": r"^/desk/staff/user/(add|\*/(change|role|invite|close|reopen))/$",
    "compartments": r"^/desk/case/\*/closed/word/$",
    "break-glass": r"^/desk/emergency/$",
    "hand-over": r"^/desk/access/hand-over/\*/$",
    "device reset": r"^/desk/staff/(user/\*/reset|devicereset/\*/decide)/$",
    "roles decided": r"^/desk/staff/rolegrant/\*/decide/$",
    "erasure": r"^/desk/case/\*/erase/$",
    "import of a sheet": r"^/desk/import/$",
    "export": r"^/desk/case/\*/export/$",
    "own password and devices": r"^/account/(password|backup-codes|backup-codes/void|new-phone)/$",
}


def test_every_act_that_must_ask_is_marked():
    """The list of acts, against the table. Sabotage: take the word fresh from the line of erasure."""
    marked = {path for path, (_asked, _sent, fresh) in written().items() if fresh}
    for act, pattern in ACTS_WITH_A_FRESH_CODE.items():
        found = {path for path in written() if re.search(pattern, path)}
        assert found, act
        assert found <= marked, act
