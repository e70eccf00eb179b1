"""Maximum terms of criminal articles, as data with a source: what a proceeding at home threatens with."""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from law.rules.values import as_count, as_list, as_object, as_text, optional_date, required

FILE = Path(__file__).parent.parent / "data" / "criminal_articles.json"


@dataclass(frozen=True, slots=True)
class Article:
    """One part of an article: at most so many years in prison. Both `verified` fields are set, or neither."""

    id: str
    country: str
    article: str
    part: str
    maximum_years: int
    source: str
    confidence: str
    verified_on: date | None
    verified_by: str | None


def maximum(country: str, article: str, part: str) -> Article | None:
    """The row of an article as people type it ("ст. 337", "337"); None: not known, type the term by hand."""
    return _table().get((country, number(article), number(part)))


def number(typed: str) -> str:
    """The number in what was typed, without "art.", "ч." and the like; "" where there is none."""
    found = re.search(r"\d+(\.\d+)?", typed)
    return found[0] if found else ""


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str, str], Article]:
    document = as_object(json.loads(FILE.read_text(encoding="utf-8")), "The table")
    rows = [_article(as_object(row, "A row")) for row in as_list(required(document, "articles"), "articles")]
    return {(row.country, row.article, row.part): row for row in rows}


def _article(row: dict[str, object]) -> Article:
    on, by = optional_date(required(row, "verified_on"), "verified_on"), required(row, "verified_by")
    return Article(
        id=as_text(required(row, "id"), "id"),
        country=as_text(required(row, "country"), "country"),
        article=as_text(required(row, "article"), "article"),
        part=as_text(required(row, "part"), "part"),
        maximum_years=as_count(required(row, "maximum_years"), "maximum_years"),
        source=as_text(required(row, "source"), "source"),
        confidence=as_text(required(row, "confidence"), "confidence"),
        verified_on=on,
        verified_by=None if by is None else as_text(by, "verified_by"),
    )
