"""The search for leaks proves itself first: whatever it is meant to find is planted and found."""

import base64
import json
import quopri
import zlib
from datetime import date
from urllib.parse import quote

import pytest

from tests.end_to_end.haystack import date_spellings, found_in, spellings, telling_dates

NAME = "Ыргызбаев Тестомир"
PLAIN = NAME.encode()


@pytest.mark.parametrize(
    "hidden",
    [
        PLAIN,
        json.dumps(NAME).encode(),
        base64.b64encode(b"x" * 1 + PLAIN),
        base64.b64encode(b"xy" + PLAIN),
        base64.urlsafe_b64encode(zlib.compress(b'{"name": "' + PLAIN + b'"}')).rstrip(b"="),
        b"\\x" + PLAIN.hex().encode(),
        quopri.encodestring(PLAIN),
        quote(NAME).encode(),
        zlib.compress(PLAIN),
        json.dumps({"body": base64.b64encode(json.dumps([NAME]).encode()).decode()}).encode(),
    ],
)
def test_a_planted_value_is_found_in_whatever_hides_it(hidden):
    """Sabotage: let `layers` yield only `data`."""
    assert found_in(b"\x00noise " + hidden + b" noise\xff", spellings(NAME))


def test_nothing_is_found_where_nothing_was_planted():
    assert not found_in(base64.b64encode(bytes(range(256)) * 40), spellings(NAME))


@pytest.mark.parametrize(
    "text",
    ["2027-03-09", "20270309", "09.03.2027", "9/3/2027", "03/09/2027", "9 March 2027", "March 9, 2027"]
    + ["9 марта 2027", "1804550400", "2027-068"],
)
def test_a_date_is_found_in_every_usual_notation(text):
    assert found_in(b"due " + text.encode() + b";", date_spellings(date(2027, 3, 9)))


def test_dates_around_today_are_not_searched_because_every_log_line_has_them():
    today = date(2026, 11, 23)
    assert telling_dates([today, date(2026, 11, 25), date(2026, 11, 26)], today=today) == {date(2026, 11, 26)}
