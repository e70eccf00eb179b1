"""Keeps a few processes running: starts again what dies, stops all, leaves nothing behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 30.0
# Whoever ran this long is well again: the next wait is the first one.
WELL_AFTER_SECONDS = 20.0
STOP_WITHIN_SECONDS = 5.0


@dataclass
class Child:
    """One process: what to run, in which environment, and what must be done before each start."""

    name: str
    command: list[str]
    env: dict[str, str]
    before: Callable[[], None] = lambda: None
    process: subprocess.Popen | None = None
    wait_seconds: float = FIRST_WAIT_SECONDS
    started_at: float = 0.0
    start_again_at: float = field(default=0.0)

    def start(self) -> None:
        """In a session of its own: Ctrl-C reaches the supervisor only, which stops things in order."""
        self.before()
        self.process = subprocess.Popen(
            self.command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_supervisor,
        )
        self.started_at, self.start_again_at = time.monotonic(), 0.0

    def look_after(self) -> None:
        """Notice an end, and start again after a wait that doubles while it keeps ending."""
        now = time.monotonic()
        if self.process and self.process.poll() is not None:
            if now - self.started_at > WELL_AFTER_SECONDS:
                self.wait_seconds = FIRST_WAIT_SECONDS
            sys.stderr.write(
                f"The {self.name} ended ({_how(self.process.returncode)}); "
                f"starting it again in {self.wait_seconds:.1f} s.\n"
            )
            # What it had started itself goes with it, or it would work beside the new one.
            self.signal(signal.SIGKILL)
            self.process, self.start_again_at = None, now + self.wait_seconds
            self.wait_seconds = min(LONGEST_WAIT_SECONDS, self.wait_seconds * 2)
        if self.process is None and now >= self.start_again_at:
            self.start()

    def signal(self, number: int) -> None:
        """To the process and all it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def running(self) -> bool:
        """Whether the process itself is alive."""
        return bool(self.process and self.process.poll() is None)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _die_with_supervisor() -> None:
    """The kernel kills the child when the supervisor is killed (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Looks after its children until SIGTERM or Ctrl-C; the first child is started first and stopped last."""

    def __init__(self, children: Iterable[Child]) -> None:
        self.children = list(children)
        self.stopping = False

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        return self

    def __exit__(self, *_exception: object) -> None:
        first, *others = self.children
        for group in (others, [first]):
            for child in group:
                if child.running():
                    # A worker's helpers end with it; they must not hear the signal twice.
                    child.process.terminate()
            until = time.monotonic() + STOP_WITHIN_SECONDS
            while any(child.running() for child in group) and time.monotonic() < until:
                time.sleep(0.05)
            for child in group:
                child.signal(signal.SIGKILL)
                if child.process:
                    child.process.wait()

    def _stop(self, *_signal: object) -> None:
        self.stopping = True

    def run_until(self, done: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Look after the children until `done()` is true; False if stopped or `seconds` went by first."""
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            for child in self.children:
                child.look_after()
            if done():
                return True
            time.sleep(0.2)
        return False
