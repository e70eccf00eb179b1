"""JSON nested deeper than the interpreter's own parser can go, read without recursion."""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

_WHITESPACE = re.compile(r"[ \t\n\r]*")
_BEGUN = object()


def refuse_constant(name: str) -> NoReturn:
    """For `parse_constant`: NaN and Infinity are not JSON."""
    raise ValueError(f"{name} is not JSON.")


def decode_deep(text: str) -> Any:
    """As json.loads, for any depth. ValueError if `text` is not JSON.

    One row nested without end must not silence the rows beside it.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._scalar: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(
            parse_constant=refuse_constant
        ).raw_decode
        self._open: list[tuple[Any, str | None]] = []  # each with the key that waits

    def read(self) -> Any:
        while True:
            value = self._value()
            while value is not _BEGUN:
                if not self._open:
                    if self._mark():
                        raise ValueError("Something follows the end.")
                    return value
                value = self._place(value)

    def _value(self) -> Any:
        """A scalar or an empty container; _BEGUN after the opening bracket of any other."""
        begins = self._mark()
        if begins not in ("[", "{"):
            value, self._at = self._scalar(self._text, self._at)
            return value
        self._at += 1
        container: Any = [] if begins == "[" else {}
        if self._mark() == ("]" if begins == "[" else "}"):
            self._at += 1
            return container
        self._open.append((container, None if begins == "[" else self._key()))
        return _BEGUN

    def _place(self, value: Any) -> Any:
        """Put a value into the innermost container; that container if it ends here, else _BEGUN."""
        container, name = self._open.pop()
        if name is None:
            container.append(value)
        else:
            container[name] = value
        mark = self._mark()
        self._at += 1
        if mark == ",":
            self._open.append((container, None if name is None else self._key()))
            return _BEGUN
        if mark != ("]" if name is None else "}"):
            raise ValueError("A comma or a bracket is missing.")
        return container

    def _key(self) -> str:
        if self._mark() != '"':
            raise ValueError("A key is missing.")
        name, self._at = self._scalar(self._text, self._at)
        if self._mark() != ":":
            raise ValueError("A colon is missing.")
        self._at += 1
        return str(name)

    def _mark(self) -> str:
        """The next character that is no white space, not yet consumed; empty at the end."""
        space = _WHITESPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]
