"""Every sentence about law on the desk stands beside its source, or beside "to be confirmed by a lawyer".

Two nets. Each sentence of the catalogue that speaks of law has been read and stands in
sentences_about_law.txt: a new one fails until somebody has said there what it is. And those that state law
are looked for on the pages of a case that has everything: the block around each names who confirmed it.
"""

import html
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.utils import translation

from cases.models import (
    Appeal,
    Application,
    Blocker,
    Deadline,
    ExtraditionNote,
    Identity,
    IdentityDocument,
    Proceeding,
    Stay,
    WantedCheck,
)
from law.models import LegalRule
from law.words.remarks import SHIPPED
from tests.house.catalogue import PO, entries
from tests.house.tree import ROOT
from tests.page import form_data

TABLE = Path(__file__).parent / "sentences_about_law.txt"
SPEAKS_OF_LAW = re.compile(
    r"\b(un)?lawful|\blegal|\bthe law\b|\basylum\b|\bappeal|\bvisa|\bremoval|\bdeport|extradit|hand[- ]over"
    r"|\bregist(er|ration)|\bprison|\bcourt|\bborder|\bauthority|\bterm\b|\bentry\b|\bstay\b"
    r"|last day|passport|wanted|recommend",
    re.IGNORECASE,
)
# What makes a sentence and not a label: a stop in it and a few words.
SENTENCE_WORDS = 5
CHECKED = ("to be confirmed by a lawyer", "confirmed by lena on")


def catalogue():
    """Every sentence there is, with its plural ("" where it has none)."""
    found = entries((ROOT / PO).read_text(encoding="utf-8"))
    return {entry.english: entry.plural for entry in found.values()}


def about_law():
    """The sentences of the catalogue that speak of law, without the remarks that ship with a rule."""
    return {
        text
        for text in catalogue()
        if text not in SHIPPED
        and SPEAKS_OF_LAW.search(text)
        and re.search(r"[.?!:]", text)
        and len(text.split()) >= SENTENCE_WORDS
    }


def table():
    """The reviewed sentences by their section: states, asks, other."""
    found, section = {}, None
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), set())
        elif line and not line.startswith("#"):
            section.add(line.replace("\\n", "\n"))
    return found


def test_every_sentence_about_law_has_been_read():
    """Sabotage: put "At most 30 days in this country." into a template."""
    sections = table()
    assert set(sections) == {"states", "asks", "other"}
    known = set().union(*sections.values())
    assert about_law() - known == set(), f"Read these and say in {TABLE.name} what they are."
    assert known - about_law() == set(), f"These are gone: take them out of {TABLE.name}."


class Blocks(HTMLParser):
    """The blocks of a page that may hold a source: the text of each, and of the blocks around it."""

    VOID = frozenset({"input", "br", "link", "meta", "rect", "img", "hr", "path", "option", "source"})

    def __init__(self, page):
        super().__init__()
        self.open, self.blocks = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in self.VOID:
            return
        classes = set((dict(attrs).get("class") or "").split())
        block = tag in {"article", "li"} or bool(classes & {"answer", "law", "explanation", "one-rule"})
        block = block or (tag == "section" and {"module", "terms"} <= classes)
        self.open.append((tag, block, []))

    def handle_data(self, data):
        for _tag, block, texts in self.open:
            if block:
                texts.append(data)

    def handle_endtag(self, tag):
        while tag in {name for name, _block, _texts in self.open}:
            name, block, texts = self.open.pop()
            if block:
                around = [outer for _tag, holds, outer in self.open if holds]
                self.blocks.append((texts, around))
            if name == tag:
                break


def joined(texts):
    return " ".join(" ".join(texts).split())


def pattern(*forms):
    """The sentence as it is shown, in one of its forms, whatever stands in its places."""
    places = [re.split(r"%\(\w+\)[sd]", " ".join(text.split())) for text in forms if text]
    return re.compile("|".join(".{0,400}?".join(map(re.escape, parts)) for parts in places))


@pytest.fixture
def everything(case, olga):
    """A case in which all that the rules know is to be said."""
    today = case.today()

    def add(model, **facts):
        return model.objects.create(case=case, by=olga, **facts)

    add(Stay, country="KZ", entered_on=today - timedelta(60), left_on=today - timedelta(30))
    add(Stay, country="KZ", entered_on=today - timedelta(9), registered_place_from=today)
    add(Stay, country="BY", entered_on=today - timedelta(80), left_on=today - timedelta(70), basis="permit")
    add(Identity, born_on=today - timedelta(365 * 30))
    add(IdentityDocument, kind="internal_passport", issued_on=today - timedelta(3000))
    add(IdentityDocument, kind="travel_passport_10", issued_on=today - timedelta(3000))
    add(IdentityDocument, kind="travel_passport_5", custody="unit")
    refused = add(
        Application, country="KZ", kind="asylum_claim", stage="refused", served_on=today - timedelta(5)
    )
    add(Application, country="FR", kind="asylum_claim", stage="refused", served_on=today - timedelta(500))
    add(Application, country="NL", kind="asylum_claim", stage="refused", served_on=today - timedelta(2))
    add(Appeal, application=refused)
    add(Proceeding, article="337", part="5")
    add(WantedCheck, wanted_list="federal", finding="listed", checked_on=today, recheck_on=today)
    add(ExtraditionNote, country="KZ", text="hands over on request", source="a lawyer")
    add(Blocker, what="the appeal", by_what="the fee")
    case.refresh_deadlines(today=case.today())
    return case


@pytest.mark.django_db
@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.slow
def test_what_states_law_stands_beside_its_source(everything, olga, lena, petra, sign_in, confirmed):
    """Sabotage: take rule.check out of parts/rule.html, line.told.check out of terms.html, or give _borders()
    another check.
    """
    today = everything.today()
    if confirmed:
        for ref in ("kz-2023@1", "kz-05@1"):
            rule = LegalRule.objects.version(ref)
            rule.confirm(on=today, source_seen="the gazette", by=lena, today=today, seen=ref)
    desk = sign_in(olga)
    address = f"/desk/cases/case/{everything.pk}/change/"
    page = desk.get(address)
    asked = {"what_if-leaves": str(today + timedelta(1)), "what_if-returns": str(today + timedelta(9))}
    pages = {
        "case": page,
        "what if": desk.post(address, form_data(page, **asked, _what_if="1")),
        "board": desk.get("/desk/board/"),
        "applications": desk.get("/desk/applications/"),
        "rule": desk.get("/desk/rules/kz-2023/"),
        "digest": sign_in(petra).get("/desk/digest/"),
        "public form": desk.get("/help/en/"),
    }
    desk = sign_in(olga)
    for row in Deadline.objects.open().filter(case=everything):
        pages[f"date {row.kind}"] = desk.get(f"/desk/board/{row.pk}/")
    plurals = catalogue()
    states = {text: pattern(text, plurals[text]) for text in table()["states"]}
    met = set()
    for name, answer in pages.items():
        text = html.unescape(answer.content.decode())
        blocks = [(joined(texts), around) for texts, around in Blocks(text).blocks]
        plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
        for sentence, shape in states.items():
            holding = [(block, around) for block, around in blocks if shape.search(block)]
            if any(word in sentence for word in CHECKED):
                continue
            if not holding:
                assert not shape.search(plain), (name, sentence)
                continue
            met.add(sentence)
            for block, around in holding:
                # Steps stand in a list of their own, in the article that names the rule once.
                near = " ".join([block, *map(joined, around)])
                assert any(word in near for word in CHECKED), (name, sentence, block)
    assert len(met) >= 10, sorted(met)


@pytest.fixture(autouse=True)
def english():
    """Pages set the language of their reader and leave it so."""
    with translation.override("en"):
        yield
