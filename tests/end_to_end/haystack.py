"""Search bytes for planted values, also where an encoding hides them.

A leak seldom looks like the value that was typed: a session is zlib in base64, a broker message is base64 in
JSON, Postgres prints bytea as hex, a mail body is quoted-printable. `layers` unwraps those, several deep, and
`spellings` says how one value may look in clear.
"""

import base64
import binascii
import json
import quopri
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_to_bytes

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9_-]{16,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
# Stands in no spelling of a text.
_APART = b"\xff\xff\0\xff\xff\0\xff\xff"
_MONTHS = (
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ],
)


def spellings(value: str) -> set[bytes]:
    """How a text may stand in a dump: plain encodings, JSON and URL escapes; either case."""
    texts = {value, value.lower(), value.upper()}
    found: set[bytes] = set()
    for text in texts:
        found |= {text.encode(), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()}
        found |= {quote(text).encode(), quote_plus(text).encode()}
        if not text.isascii():
            found |= {text.encode("cp1251", "ignore"), text.encode("koi8-r", "ignore")}
    return {spelling for spelling in found if len(spelling) >= 5}


def date_spellings(day: date) -> set[bytes]:
    """A date in every usual notation, English and Russian, and as the numbers computers write."""
    y, m, d = day.year, day.month, day.day
    short, shorter = f"{d:02d}", str(d)
    texts = {f"{y}-{m:02d}-{short}", f"{y}{m:02d}{short}", f"{y}/{m:02d}/{short}", f"{y}.{m:02d}.{short}"}
    for sep in ".-/ ":
        texts |= {f"{short}{sep}{m:02d}{sep}{y}", f"{m:02d}{sep}{short}{sep}{y}"}
        texts |= {f"{shorter}{sep}{m}{sep}{y}", f"{m}{sep}{shorter}{sep}{y}"}
    for names in _MONTHS:
        for name in (names[m - 1], names[m - 1][:3]):
            texts |= {f"{shorter} {name} {y}", f"{short} {name} {y}", f"{name} {shorter}, {y}"}
            texts |= {f"{name} {shorter} {y}", f"{shorter}-{name}-{y}"}
    midnight = datetime(y, m, d, tzinfo=UTC)
    texts |= {str(int(midnight.timestamp())), f"{y}-{day:%j}", f"ordinal:{day.toordinal()}"}
    return {text.encode() for text in texts} | {text.lower().encode() for text in texts}


def layers(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes, and what base64, hex, zlib, percent and quoted-printable encodings in them hide; each once.

    The outer ones first: what stands in two depths is unwrapped from the lesser one.
    """
    level, seen = [data], {data}
    yield data
    for _depth in range(depth):
        found = {inner for outer in level for inner in _unwrap(outer) if len(inner) >= 5} - seen
        seen |= found
        level = list(found)
        yield from level


def _unwrap(data: bytes) -> Iterator[bytes]:
    for match in _HEX.finditer(data):
        yield binascii.unhexlify(match.group())
    for match in _BASE64.finditer(data):
        run = match.group().rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        # A run may begin in the middle of a group of four: try each of the four shifts.
        for shift in range(4):
            part = run[shift:]
            part = part[: len(part) - (1 if len(part) % 4 == 1 else 0)]
            yield base64.b64decode(part + b"=" * (-len(part) % 4))
    for match in _ZLIB.finditer(data):
        inflate = zlib.decompressobj(31 if data[match.start()] == 0x1F else 15)
        try:
            yield inflate.decompress(data[match.start() :], 1 << 22)
        except zlib.error:
            continue
    if b"%" in data:
        yield unquote_to_bytes(data)
    if b"=\n" in data or re.search(rb"=[0-9A-F]{2}", data):
        yield quopri.decodestring(data)


def found_in(data: bytes, needles: Iterable[bytes], depth: int = 3) -> set[bytes]:
    """Those of `needles` that stand in `data` or in anything it hides."""
    # Most layers are a few bytes long, and needles are hundreds: one search through all of them together.
    together = _APART.join(layers(data, depth))
    return {needle for needle in needles if needle in together}


def files_under(folder: Path, *, leave_out: Iterable[str] = ()) -> dict[str, bytes]:
    """Each file below `folder` by its relative name, without those under a folder in `leave_out`."""
    skipped = set(leave_out)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not skipped & set(path.relative_to(folder).parts)
    }


def telling_dates(days: Iterable[date], *, today: date) -> set[date]:
    """Dates worth searching: today and the two days around it stand in every log line and session."""
    return {day for day in days if abs(day - today) > timedelta(days=2)}
