"""Every process that a test run starts, and theirs: none outlives it, whatever ends the run (Linux only)."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Stopped(KeyboardInterrupt):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


def die_with_us(number: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the child `number` when the thread that started it ends."""

    def ask() -> None:
        _prctl(PR_SET_PDEATHSIG, number)

    return ask


@contextmanager
def ended_with_us() -> Iterator[None]:
    """Inside, orphans become our children, and both signals raise `Stopped`; at the end none is left."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number in before:  # a second Ctrl-C must not leave half of them
            signal.signal(number, signal.SIG_IGN)
        kill_all()
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_all(patience_seconds: float = 10) -> None:
    """Kill what descends from this process until nothing does."""
    until = time.monotonic() + patience_seconds
    while (left := descendants(os.getpid())) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        bury()
        time.sleep(0.05)


def bury(but: tuple[int, ...] = ()) -> None:
    """Take leave of children that have ended, so that they do not seem alive; `but` have a Popen for that."""
    for pid in _children(os.getpid()):
        if pid not in but and _state(pid) == "Z":
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, the oldest first."""
    found = _children(pid)
    for child in found:
        found.extend(_children(child))
    return found


def _children(pid: int) -> list[int]:
    """Of all its threads; none where the kernel does not say."""
    found: list[int] = []
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, told.read_text().split())
    return found


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
