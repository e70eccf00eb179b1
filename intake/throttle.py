"""What keeps the public form alive under many or hostile visitors, without knowing who they are.

Nothing here is told an address: over an onion service everybody has the same one, and a lock by address would
let one attacker keep everybody out. What costs the server most is done by a few at a time, in the order of
their coming; what fills its disk has an allowance an hour. Both count within one process.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class Busy(Exception):
    """Too many at once. What was sent is not kept; the person is asked to send it again."""


class Gate:
    """Lets `at_once` through together; the others wait in line, no longer than `patience_seconds`."""

    def __init__(self, *, at_once: int, longest_line: int, patience_seconds: float) -> None:
        self._free, self._lock = at_once, threading.Lock()
        self._line: deque[threading.Event] = deque()
        self._longest_line, self._patience_seconds = longest_line, patience_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and give it on when done. Raises Busy."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if self._free and not self._line:
                self._free -= 1
                return
            if len(self._line) >= self._longest_line:
                raise Busy
            mine = threading.Event()
            self._line.append(mine)
        if mine.wait(self._patience_seconds):
            return
        with self._lock:
            # The turn may have been given in the moment after the wait.
            if mine.is_set():
                return
            self._line.remove(mine)
        raise Busy

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1


class Allowance:
    """So much an hour, refilled evenly: after a quiet hour all of it may be taken at once."""

    def __init__(self, an_hour: int) -> None:
        self._an_hour, self._left = an_hour, float(an_hour)
        self._seen: float | None = None
        self._lock = threading.Lock()

    def take(self, amount: int, *, now: float) -> None:
        """Take `amount` at `now` (seconds of a clock that only goes forward). Raises Busy, taking nothing."""
        with self._lock:
            if self._seen is not None:
                gained = (now - self._seen) * self._an_hour / 3600
                self._left = min(float(self._an_hour), self._left + gained)
            self._seen = now
            if amount > self._left:
                raise Busy
            self._left -= amount


# One Argon2id keeps a core busy and 19 MB for 13 ms; more than the cores at once makes nobody faster.
DERIVATIONS: Final = Gate(at_once=2, longest_line=200, patience_seconds=20)
# A picture of 40 million pixels needs up to 240 MB for a moment.
PICTURES: Final = Gate(at_once=1, longest_line=20, patience_seconds=20)
# What one process keeps in an hour: far above what help desks see, far below what fills a disk in a night.
REQUESTS: Final = Allowance(2000)
PICTURE_BYTES: Final = Allowance(500_000_000)
