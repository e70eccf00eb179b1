"""A few at a time, in the order of their coming, and a calm refusal after that; nobody's address is asked."""

import inspect
import threading
import time

import pytest

from intake import throttle
from intake.throttle import Allowance, Busy, Gate


def run(gate, count, work):
    """`count` threads through the gate; what each gave, in the order of their coming."""
    found = [None] * count

    def one(number):
        try:
            with gate.turn():
                found[number] = work(number)
        except Busy:
            found[number] = Busy

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return found


def test_no_more_at_once_than_allowed_and_none_is_forgotten():
    """Sabotage: `self._free += 1` also when the turn is handed on."""
    inside, most, lock = [0], [0], threading.Lock()

    def work(number):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        with lock:
            inside[0] -= 1
        return number

    gate = Gate(at_once=2, longest_line=100, patience_seconds=20)
    assert run(gate, 60, work) == list(range(60))
    assert most[0] == 2
    with gate.turn(), gate.turn():
        pass


def line_up(gate, done, name):
    """A thread that stands in line before this returns."""
    before = len(gate._line)

    def one():
        try:
            with gate.turn():
                done.append(name)
        except Busy:
            done.append(f"{name} refused")

    thread = threading.Thread(target=one)
    thread.start()
    while len(gate._line) == before and thread.is_alive():
        time.sleep(0.001)
    return thread


def test_whoever_came_first_goes_first():
    """Sabotage: `self._line.pop()`."""
    gate, done = Gate(at_once=1, longest_line=10, patience_seconds=20), []
    with gate.turn():
        threads = [line_up(gate, done, name) for name in "abcd"]
    for thread in threads:
        thread.join(20)
    assert done == list("abcd")


def test_a_full_line_is_refused_at_once_and_a_long_wait_after_its_patience():
    """And neither costs the others their turn. Sabotage: leave the refused in the line."""
    gate, done = Gate(at_once=1, longest_line=1, patience_seconds=0.05), []
    with gate.turn():
        thread = line_up(gate, done, "patient")
        with pytest.raises(Busy), gate.turn():
            pass
        thread.join(20)
    assert done == ["patient refused"]
    with gate.turn():
        pass


def test_an_error_inside_gives_the_turn_on():
    """Sabotage: leave out the `finally`."""
    gate = Gate(at_once=1, longest_line=0, patience_seconds=0)
    with pytest.raises(ZeroDivisionError), gate.turn():
        raise ZeroDivisionError
    with gate.turn():
        pass


def test_an_allowance_is_refilled_evenly():
    """Sabotage: refill without the upper bound."""
    allowance = Allowance(3600)
    allowance.take(3600, now=0)
    with pytest.raises(Busy):
        allowance.take(1, now=0.5)
    allowance.take(10, now=10.5)
    with pytest.raises(Busy):
        allowance.take(3601, now=1_000_000)
    allowance.take(3600, now=1_000_000)


def test_nothing_in_it_can_be_told_an_address():
    """Neither a request nor a key by which one visitor is told from another."""
    for name in ("turn", "take"):
        owner = Gate if name == "turn" else Allowance
        assert set(inspect.signature(getattr(owner, name)).parameters) <= {"self", "amount", "now"}
    assert "request" not in inspect.getsource(throttle).replace("REQUESTS", "")
