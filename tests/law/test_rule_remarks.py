"""Sources and remarks of rules: where each leads, in which language it is said, and marked as what it is."""

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import translation

from cases.models import Application, Deadline, Stay
from desk.templatetags.texts import written_in
from law.rules import reference
from law.words.remarks import SHIPPED, remark

DATA = Path(reference.__file__).parent.parent / "data"
CASE = "/desk/cases/case/{}/change/"


@pytest.fixture(autouse=True)
def english():
    """Pages set the language of their reader and leave it so."""
    with translation.override("en"):
        yield


def rows():
    for name, table in (
        ("stay_rules", "rules"),
        ("procedural_deadlines", "deadlines"),
        ("document_rules", "rules"),
        ("country_groups", "groups"),
    ):
        yield from json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))[table]


def test_every_remark_that_ships_is_said_in_russian():
    """A caseworker has to act on it. Sabotage: add a word to one note in stay_rules.json."""
    texts = set()
    for row in rows():
        texts |= {row.get(name) for name in ("note", "consequence", "counting_note")} - {None, ""}
        texts |= set(row.get("extension") or ())
    assert texts == SHIPPED
    with translation.override("ru"):
        for text in texts:
            assert written_in(remark(text)) == "ru", text
        assert remark("typed by a lawyer") == "typed by a lawyer"


@pytest.fixture
def told(case, olga, at_desk):
    """A case with a counted stay and a refusal, as Olga sees it in a language."""
    today = case.today()
    Stay.objects.create(case=case, by=olga, country="KZ", entered_on=today - timedelta(9))
    Application.objects.create(
        case=case, by=olga, country="KZ", kind="asylum_claim", stage="refused", evidence="paper_seen",
        served_on=today - timedelta(5),
    )  # fmt: skip
    case.refresh_deadlines(today=case.today())

    def pages(language):
        olga.language = language
        olga.save(update_fields=["language"])
        desk = at_desk(olga)
        named = {"case": CASE.format(case.pk)}
        for kind in ("stay_end", "appeal_end"):
            named[kind] = f"/desk/board/{Deadline.objects.get(case=case, kind=kind).pk}/"
        return desk, {name: desk.get(page).content.decode() for name, page in named.items()}

    return pages


@pytest.mark.django_db
def test_each_explained_date_leads_to_the_page_of_its_rule(told):
    """From the panel of stays, the list of terms and the page of a date.

    Sabotage: take the link out of parts/rule.html, or out of parts/told.html.
    """
    desk, pages = told("en")
    links = {name: set(re.findall(r'href="(/desk/rules/[^"]+)"', text)) for name, text in pages.items()}
    assert links["case"] >= {"/desk/rules/kz-2023/", "/desk/rules/kz-05/"}
    assert links["stay_end"] == {"/desk/rules/kz-2023/"}
    assert links["appeal_end"] == {"/desk/rules/kz-05/"}
    for link in set().union(*links.values()):
        assert desk.get(link).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_is_written_in_another_language_is_marked_so(told, language):
    """A screen reader reads English sources as English. Sabotage: let written_in() say "ru" always."""
    desk, pages = told(language)
    pages["rule"] = desk.get("/desk/rules/kz-2023/").content.decode()
    for name, text in pages.items():
        names = r"(?:commonspace\.eu|administrative code)"
        source = re.search(rf"(<(?:span|dd)[^>]*>)[^<]*{names}", html.unescape(text))
        assert source, name
        assert 'lang="en"' in source[1], name
    note = {"en": "criminal-law deportation possible", "ru": "возможна высылка по уголовному закону"}
    for name in ("case", "stay_end", "rule"):
        assert re.search(rf'lang="{language}">[^<]*{note[language]}', html.unescape(pages[name])), name
