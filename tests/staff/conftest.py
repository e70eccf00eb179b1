"""A clock for sessions and codes."""

import time

import pytest


class Clock:
    """Stands in for the module `time`: starts now, and moves only when told."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now

    def forward(self, *, seconds=0, minutes=0, hours=0):
        self.now += seconds + 60 * minutes + 3600 * hours


@pytest.fixture
def clock(monkeypatch):
    moved = Clock()
    for module in ("staff.middleware", "staff.stepup", "staff.kept", "staff.models.devices"):
        monkeypatch.setattr(f"{module}.time", moved)
    return moved
