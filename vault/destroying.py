"""Destroy secrets on disk: what a file held is written over before its blocks are given back.

A best effort. Flash memory, snapshots and journals may keep what was written over: the disk itself must be
encrypted (docs/RUNBOOK.md), and backups of key files have their own short life.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE = 1 << 20


@contextmanager
def overwritten(path: Path) -> Iterator[None]:
    """Leaving the block, what `path` held on entering is written over, though the name is gone or replaced.

    After an error in the block nothing is touched. FileNotFoundError if there is no such file.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        yield
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= os.write(descriptor, os.urandom(min(left, _PIECE)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def destroy(path: Path) -> None:
    """Remove the file `path` and write over what it held."""
    with overwritten(path):
        path.unlink()
