"""Russian is complete: every string of ours has its words, and no English is left on the pages.

To bring the catalogue up to date: `.venv/bin/python -m tests.house.catalogue` (see there).
"""

import io
import re
import zipfile
from html.parser import HTMLParser
from zoneinfo import available_timezones

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from tests.house.catalogue import MO, PO, compiled, entries, gather, opened
from tests.house.tree import ROOT
from tests.machine import need
from tests.page import form_data

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^>]+>")
REFRESH = "Run `.venv/bin/python -m tests.house.catalogue`"
SPOKEN = {"title", "aria-label", "placeholder", "alt", "label"}
SPOKEN |= {"data-overview", "data-parts", "data-wrong"}
# Written in Latin letters in Russian too.
LATIN = {"Desk", "English", "SIM", "QR", "Aegis", "FreeOTP", "RU", "KZ", "UTC"}
LATIN |= {"Signal", "Telegram", "WhatsApp", "Matrix"}
# Django's own icons for yes and no.
LATIN |= {"True", "False"}
ZONES = available_timezones()


@pytest.fixture(scope="module")
def committed():
    """The messages of the committed .po, by name."""
    return entries((ROOT / PO).read_text())


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """The messages of today's code, by name, with the committed words where they still fit."""
    need("msgfmt")
    return entries(gather(tmp_path_factory.mktemp("strings")))


def test_every_string_of_the_code_is_in_the_catalogue(committed, gathered):
    """Sabotage: `_("Good night")` in a view."""
    missing = sorted(gathered.keys() - committed.keys())
    assert not missing, f"New strings. {REFRESH} and translate them in {PO}: {missing}"


def test_the_catalogue_has_nothing_that_the_code_no_longer_says(committed, gathered):
    """Sabotage: a message in the .po that nothing uses."""
    unused = sorted(committed.keys() - gathered.keys())
    assert not unused, f"Strings that nothing uses. {REFRESH}; it takes them away: {unused}"


def test_no_string_is_left_empty_or_guessed(committed):
    """Sabotage: `#, fuzzy` above a message, or `msgstr ""`."""
    assert len(committed) > 500
    todo = [key for key, entry in committed.items() if not all(entry.russian) or "fuzzy" in entry.flags]
    assert not todo, f"Write the Russian in {PO}, and take the word fuzzy away: {todo}"


def test_plurals_have_the_forms_of_russian(committed):
    """1 день, 2 дня, 5 дней, and the fourth for fractions. Sabotage: leave out a msgstr[3]."""
    wrong = [key for key, entry in committed.items() if len(entry.russian) != (4 if entry.plural else 1)]
    assert not wrong


def test_placeholders_are_the_same_in_both_languages(committed):
    """Sabotage: write %(day)s as %(день)s, or leave out a </strong>."""
    wrong = []
    for key, entry in committed.items():
        wanted = sorted(PLACEHOLDER.findall(entry.plural or entry.english))
        wrong += [key for russian in entry.russian if sorted(PLACEHOLDER.findall(russian)) != wanted]
    assert not wrong, f"Keep what is filled in, letter by letter: {wrong}"


def test_russian_ends_as_english_does_and_does_not_shout(committed):
    """A sentence stays a sentence, a heading a heading. Sabotage: a full stop less, or an "!"."""
    odd = {
        key: russian
        for key, entry in committed.items()
        for russian in entry.russian
        if "!" in russian or (entry.english[-1] in ".:?…") != (russian[-1] in ".:?…")
    }
    assert not odd


def test_a_refused_travel_document_never_reads_as_refused_asylum(committed):
    """Sabotage: translate "Travel document refused" as "Отказано"."""
    refused = committed["Travel document refused"].russian[0]
    asylum = committed["[stage of an application] Refused"].russian[0]
    assert "проездном документе" in refused
    assert "убежищ" not in refused
    assert refused != asylum


def test_the_compiled_catalogue_is_that_of_the_text(tmp_path):
    """Sabotage: change a word in the .po without compiling it."""
    need("msgfmt")
    fresh = compiled(ROOT / PO, tmp_path / "fresh.mo")
    assert fresh._catalog == opened(ROOT / MO)._catalog, f"The .mo is old. {REFRESH} and commit both."


def test_the_catalogue_carries_no_day():
    """Else every refresh would show as a change. Sabotage: commit the file as makemessages leaves it."""
    assert "POT-Creation-Date" not in (ROOT / PO).read_text()


# -- the pages


class Reader(HTMLParser):
    """Collects what a person sees or hears of a page."""

    def __init__(self):
        super().__init__()
        self.heard, self._silent = [], 0

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style", "svg"):
            self._silent += 1
        given = dict(attributes)
        self.heard += [value for name, value in attributes if name in SPOKEN]
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.heard.append(given.get("value", ""))

    def handle_endtag(self, tag):
        if tag in ("script", "style", "svg"):
            self._silent -= 1

    def handle_data(self, data):
        if not self._silent:
            self.heard.append(data)


def english_on(page, *allowed):
    """Words in Latin letters that a reader of the page meets, but for names and what is `allowed`."""
    reader = Reader()
    reader.feed(page.content.decode())
    names = LATIN | {word for text in allowed for word in re.findall(r"[A-Za-z]+", text)}
    texts = (" ".join(text.split()) for text in reader.heard if text)
    return [
        text
        for text in texts
        if text.replace(" ", "_") not in ZONES
        and any(word not in names for word in re.findall(r"[A-Za-z]{2,}", text))
    ]


@pytest.fixture
def in_russian(sign_in):
    """`in_russian(olga)`: her client, with Russian chosen on her account."""

    def come(person):
        person.language = "ru"
        person.save(update_fields=["language"])
        return sign_in(person)

    return come


@pytest.fixture
def full_case(olga):
    """A case of Olga's with one row of everything that has a deadline, seen and unseen."""
    from cases.models import Application, Case, Task
    from law.stages import ApplicationKind, Stage

    today = timezone.localdate()
    case = Case.objects.open_case(by=olga, country="KZ")
    Task(case=case, text="Позвонить", due_on=today).save(by=olga)
    Application(
        case=case,
        country="DE",
        kind=ApplicationKind.TRAVEL_DOCUMENT,
        stage=Stage.TRAVEL_REFUSED,
        next_check_on=today,
    ).save(by=olga)
    case.refresh_deadlines(today=case.today())
    return case


@pytest.mark.django_db
def test_the_way_in_speaks_russian(client):
    """Sabotage: a bare English heading in templates/staff/login.html."""
    for name in ("login", "invitation"):
        page = client.get(reverse(name), headers={"accept-language": "ru"})
        assert page.status_code == 200
        assert english_on(page) == [], name


@pytest.mark.parametrize("name", ["board", "admin:cases_case_changelist", "admin:cases_case_add"])
def test_the_desk_of_a_caseworker_speaks_russian(name, olga, full_case, in_russian):
    """Sabotage: take the gettext away from a heading of the board."""
    page = in_russian(olga).get(reverse(name))
    assert page.status_code == 200
    assert english_on(page, "olga", "Astana", full_case.code_name) == []


def test_the_pages_of_one_case_speak_russian(olga, full_case, in_russian):
    """Sabotage: take the gettext away from a tab."""
    from cases.models import Deadline

    client = in_russian(olga)
    key = Deadline.objects.filter(case=full_case).first().pk
    for address in (reverse("admin:cases_case_change", args=[full_case.pk]), reverse("deadline", args=[key])):
        page = client.get(address)
        assert page.status_code == 200
        assert english_on(page, "olga", "Astana", full_case.code_name) == []


def test_saving_a_case_answers_in_russian_that_agrees(olga, full_case, in_russian):
    """Django says «дело был изменен». Sabotage: drop DJANGO_SAYS in staff/sites.py and refresh."""
    client, address = in_russian(olga), reverse("admin:cases_case_change", args=[full_case.pk])
    page = client.post(address, form_data(client.get(address), summary="Позвонил сам."), follow=True)
    said = [str(message) for message in page.context["messages"]]
    assert [re.sub("<[^>]+>", "", text) for text in said] == [f"Сохранено: дело «{full_case.code_name}»."]


def test_a_file_of_ours_is_never_called_a_criminal_case(olga, full_case, in_russian):
    """«Возбуждено» is what a prosecutor does: nowhere on the page or in the person's archive without one.

    Sabotage: give Case.opened_on the context "proceeding".
    """
    from cases.models import Proceeding

    desk = in_russian(olga)

    def told():
        page = desk.get(reverse("admin:cases_case_change", args=[full_case.pk]))
        export = desk.post(reverse("case_export", args=[full_case.pk]), {"reason": "Просит сам, по Signal."})
        archive = zipfile.ZipFile(io.BytesIO(b"".join(export.streaming_content)))
        return page.content.decode(), " ".join(archive.read(name).decode() for name in archive.namelist())

    assert "дело заведено" in told()[1]
    assert not [text for text in told() if "возбужден" in text.lower()]
    Proceeding.objects.create(case=full_case, article="337", opened_on=timezone.localdate(), by=olga)
    assert all("возбуждено" in text.lower() for text in told())


def test_the_digest_speaks_russian(petra, full_case, in_russian):
    """Sabotage: take the gettext away from a section of the digest."""
    page = in_russian(petra).get(reverse("digest"))
    assert page.status_code == 200
    assert english_on(page, "petra", "olga", "Astana", full_case.code_name) == []


def test_the_accounts_speak_russian(anton, olga, mark, in_russian):
    """Sabotage: take the gettext away from a column of the accounts."""
    client = in_russian(anton)
    for name in ("admin:staff_user_changelist", "admin:staff_rolegrant_changelist", "admin:staff_user_add"):
        page = client.get(reverse(name))
        assert page.status_code == 200
        assert english_on(page, "anton olga mark", "Astana") == [], name


@pytest.mark.parametrize("name", ["account", "password", "end_sessions", "panic", "backup_codes"])
def test_ones_own_account_speaks_russian(name, olga, in_russian):
    """Sabotage: a bare English heading in templates/staff/account.html."""
    page = in_russian(olga).get(reverse(name))
    assert page.status_code == 200
    assert english_on(page, "olga", "Astana") == []


def test_refusals_speak_russian(client, db):
    """Sabotage: a bare English title in config/errors.py."""
    page = client.get("/desk/nothing-here/", headers={"accept-language": "ru"}, follow=True)
    assert english_on(page) == []


def test_days_are_counted_as_russian_counts_them():
    """Sabotage: swap two plural forms of "%(n)d day left"."""
    wanted = {1: "остался 1 день", 3: "осталось 3 дня", 11: "осталось 11 дней", 21: "остался 21 день"}
    with translation.override("ru"):
        said = {n: translation.ngettext("%(n)d day left", "%(n)d days left", n) % {"n": n} for n in wanted}
    assert said == wanted
