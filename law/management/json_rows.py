"""Standard input and output of the two assessing commands: JSON in, one result per row out."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.management.base import CommandError

from law.management.deep_json import decode_deep, refuse_constant
from law.rules.values import BadValue


def read_object() -> dict[str, Any]:
    """The JSON object on standard input (a BOM is ignored); CommandError with status 2 if there is none."""
    if sys.stdin is None:  # closed by whoever started the command
        _refuse("There is no standard input. Send one JSON object on it.")
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
        try:
            value = json.loads(text, parse_constant=refuse_constant)
        except RecursionError:
            value = decode_deep(text)
    except ValueError:
        _refuse("The input is not JSON in UTF-8. Send one JSON object on standard input.")
    if not isinstance(value, dict):
        _refuse("The input is not a JSON object. Send one JSON object on standard input.")
    return value


def rows_of(document: dict[str, Any], key: str, *, optional: bool = False) -> list[Any]:
    """The list under `key`; CommandError with status 2 if it is no list, or is missing and not optional."""
    rows = document.get(key, [] if optional else None)
    if not isinstance(rows, list):
        _refuse(f'The input has no list "{key}". Send {{"{key}": [...]}}.')
    return rows


def answer_rows(rows: list[Any], answer: Callable[[Any], dict[str, Any]]) -> Iterator[str]:
    """Each row's result as a line of JSON, in input order; a bad row gives its id and a short sentence."""
    for row in rows:
        row_id = row.get("id") if isinstance(row, dict) else None
        try:
            result = {"id": row_id, **answer(row)}
        except BadValue as problem:
            result = {"id": row_id, "error": str(problem)}
        yield _encode(result)


def results(lines: list[str]) -> str:
    """The whole output."""
    return '{"results": [' + ",\n".join(lines) + "]}"


@contextmanager
def long_integers() -> Iterator[None]:
    """Let integers of any length through, so that one number in one row cannot refuse the whole input."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def _encode(result: dict[str, Any]) -> str:
    # ASCII only, so that a lone surrogate in an id leaves as the escape it came as.
    try:
        return json.dumps(result, allow_nan=False)
    except (ValueError, RecursionError):  # 1e999, or an id nested deeper than the encoder can go
        return json.dumps({"id": None, "error": "id cannot be written back."})


def _refuse(message: str) -> NoReturn:
    raise CommandError(message, returncode=2) from None
