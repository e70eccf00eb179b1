"""Log lines say where something broke, never what was in it."""

import logging
import sys
import traceback
from types import TracebackType


class QuietFormatter(logging.Formatter):
    """One line a record; of an exception its type and the places it passed, without message or values.

    An exception's message may hold a name (a database error quotes the row), so it is never printed.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatException(self, ei) -> str:  # noqa: N802 (the name is logging's)
        return describe(ei[1])

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (the name is logging's)
        return ""


class NotOnPurpose(logging.Filter):
    """Leaves out 503: a health page answers it on purpose, once a minute to whoever watches."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


def describe(error: BaseException | None) -> str:
    """`KeyError at board.py:41 in rows, query.py:9 in run`, the causes after it, each on its own line."""
    lines, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        places = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        lines.append(f"{type(error).__module__}.{type(error).__qualname__} at {', '.join(places) or '?'}")
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


def quiet_excepthook(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """For `sys.excepthook` of processes that nobody watches: the places, not the values."""
    sys.stderr.write(describe(error) + "\n")
