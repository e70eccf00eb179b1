"""What people write into cells, as the desk stores it: days, countries by name, choices by their word.

Every function raises ValidationError with the cause and the next step; an empty cell never gets here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils import translation
from django.utils.translation import gettext as _

from law import countries

YEARS: Final = (1900, 2199)
LANGUAGES: Final = ("en", "ru")
# How many choices an error lists; the rest stands in the documentation.
LISTED: Final = 12
_MONTHS: Final = (
    "янв jan", "фев feb", "мар mar", "апр apr", "май мая may", "июн jun",
    "июл jul", "авг aug", "сен sep", "окт oct", "ноя nov", "дек dec",
)  # fmt: skip
_OTHER_NAMES: Final = {
    "AE": ("оаэ", "эмираты", "uae"),
    "BY": ("белоруссия", "рб"),
    "CZ": ("czech republic", "чешская республика"),
    "DE": ("фрг",),
    "GB": ("великобритания", "англия", "британия", "uk", "england", "great britain"),
    "KG": ("киргизия", "киргизстан", "kyrgyz republic"),
    "KR": ("корея", "республика корея", "korea"),
    "KZ": ("рк", "республика казахстан"),
    "MD": ("молдавия",),
    "MK": ("македония", "macedonia"),
    "NL": ("голландия", "holland"),
    "RU": ("рф", "российская федерация", "russian federation"),
    "TM": ("туркмения",),
    "TR": ("turkey", "turkiye"),
    "US": ("сша", "usa", "америка", "united states of america"),
}


def key(text: object) -> str:
    """A word as it is compared: without case, marks around it and double blanks; ё is е."""
    return re.sub(r"[\s_]+", " ", str(text)).strip(" *:;.,?!\"'«»“”()").casefold().replace("ё", "е")


def day(text: str) -> date:
    """2026-11-22, 22.11.2026, 22/11/2026 or 22 November 2026; the day stands before the month."""
    written = text.strip()
    try:
        if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]0?0:00(?::00)?)?", written, re.ASCII):
            return _in_bounds(date(*map(int, found.groups())))
        if found := re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})\s*г?\.?", written, re.ASCII):
            return _in_bounds(date(*map(int, reversed(found.groups()))))
        if found := re.fullmatch(r"(\d{1,2})\.?\s+([^\W\d]+)\.?\s+(\d{4})\s*г?\.?", written):
            return _in_bounds(date(int(found[3]), _month(found[2]), int(found[1])))
    except ValueError:
        pass
    raise ValidationError(
        _("This is no date. Write it as 2026-11-22 or 22.11.2026, with four digits of the year.")
    )


def _in_bounds(found: date) -> date:
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise ValueError
    return found


def _month(word: str) -> int:
    for number, beginnings in enumerate(_MONTHS, start=1):
        if any(word.casefold().startswith(each) for each in beginnings.split()):
            return number
    raise ValueError


@functools.cache
def _country_names() -> dict[str, str]:
    found = {}
    for code, row in countries.COUNTRIES.items():
        found[key(code)] = code
        for language in LANGUAGES:
            with translation.override(language):
                found[key(row.name)] = code
    for code, names in _OTHER_NAMES.items():
        found.update(dict.fromkeys(names, code))
    return found


def country(text: str) -> str:
    """A country's code, from its code or its name in English or Russian."""
    code = _country_names().get(key(text))
    if code is None:
        raise ValidationError(
            _("This country is not known. Write its name in English or Russian, or two letters such as KZ.")
        )
    return code


@functools.cache
def words_of(choices: type[TextChoices]) -> Mapping[str, str]:
    """The stored values of `choices` by what may be written for them, in both languages."""
    found = {}
    for each in choices:
        found[key(each.value)] = str(each.value)
        for language in LANGUAGES:
            with translation.override(language):
                found[key(each.label)] = str(each.value)
                found.setdefault(key(str(each.label).partition(":")[0]), str(each.value))
    return found


def choice(text: str, choices: type[TextChoices]) -> str:
    """The stored value of one of `choices`, by its value or its words in English or Russian."""
    return one_of(text, words_of(choices), [str(each.label) for each in choices])


def one_of(text: str, words: Mapping[str, str], labels: list[str]) -> str:
    """The value that `words` has for `text`; the error lists `labels`."""
    found = words.get(key(text))
    if found is None:
        raise ValidationError(
            _("This word is not known here. Write one of: %(words)s.") % {"words": "; ".join(labels[:LISTED])}
        )
    return found


def several(text: str) -> list[str]:
    """The parts of a cell that holds several things, divided by commas, semicolons or lines."""
    return [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]


def texts_of(problem: ValidationError) -> Any:
    """(field or "", sentence) for everything that an error says."""
    if hasattr(problem, "error_dict"):
        return [(name, text) for name, texts in problem.message_dict.items() for text in texts]
    return [("", text) for text in problem.messages]
