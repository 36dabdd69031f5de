"""Code that runs past its deadline is ended from outside, and nothing of that reaches what comes after."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded
from sidecar_science.testing import FakeClock
from sidecar_science.worker.deadline import GRACE, STUCK, Deadlines


@pytest.fixture
def deadlines():
    """Deadlines that are kept by their own thread."""
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()
    yield deadlines
    deadlines.stop()


def spin(seconds=20.0):
    """Work in Python for that long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))


def test_what_runs_past_its_deadline_is_ended(deadlines):
    """A loop that heeds no timeout is interrupted all the same."""
    with pytest.raises(DeadlineExceeded), deadlines.bound("job", SYSTEM_CLOCK.monotonic()):
        spin()


def test_what_ends_in_time_is_left_alone(deadlines):
    """The exception of a deadline that was not needed never comes."""
    with deadlines.bound("job", SYSTEM_CLOCK.monotonic() + 60.0):
        spin(0.01)

    spin(2 * GRACE)


def test_an_exception_that_was_swallowed_is_told_as_stuck():
    """A bare except keeps the first one; it is not sent twice, and whoever looks learns of it."""
    clock = FakeClock()
    deadlines = Deadlines(clock)
    swallowed = []
    with deadlines.bound("job", clock.monotonic()):
        clock.advance(GRACE)
        try:
            deadlines.enforce()
            spin(1.0)
        except BaseException as error:
            swallowed.append(type(error))
        deadlines.enforce()
        spin(0.05)
        early = deadlines.stuck()
        clock.advance(STUCK)
        late = deadlines.stuck()

    assert swallowed == [DeadlineExceeded]
    assert early == []
    assert late == [(threading.get_ident(), "job")]
    assert deadlines.stuck() == []


def test_nothing_is_raised_before_the_grace_is_over():
    """An adapter whose own timeout is the same may end the call in its own way."""
    clock = FakeClock()
    deadlines = Deadlines(clock)

    with deadlines.bound("job", clock.monotonic()):
        clock.advance(GRACE - 0.01)
        deadlines.enforce()
        spin(0.05)

    assert deadlines.stuck() == []


def test_each_thread_has_its_own_deadline(deadlines):
    """Ending one leaves its neighbors at work."""
    results = {}

    def work(name, seconds):
        try:
            with deadlines.bound(name, SYSTEM_CLOCK.monotonic() + seconds):
                spin(0.8)
            results[name] = "ended"
        except DeadlineExceeded:
            results[name] = "was ended"

    threads = [threading.Thread(target=work, args=each) for each in (("short", 0.0), ("long", 60.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert results == {"short": "was ended", "long": "ended"}


def test_an_exception_never_arrives_after_its_block():
    """Thousands of blocks that end just as they are told to: it comes within its block, or not at all."""
    deadlines = Deadlines(SYSTEM_CLOCK)
    over, counts = threading.Event(), {"within": 0, "in peace": 0, "outside": 0}

    def hammer():
        while not over.is_set():
            deadlines.enforce()
            time.sleep(0)

    thread = threading.Thread(target=hammer, daemon=True)
    thread.start()
    for _ in range(3000):
        try:
            try:
                with deadlines.bound("job", 0.0):
                    time.sleep(0)  # lets the other thread in
                counts["in peace"] += 1
            except DeadlineExceeded:
                counts["within"] += 1
            sum(range(1000))
        except DeadlineExceeded:
            counts["outside"] += 1
    over.set()
    thread.join(20)

    assert counts["outside"] == 0
    assert counts["within"] > 0
    assert deadlines.stuck() == []


def test_deadlines_come_and_go_while_they_are_enforced():
    """Lanes begin and end their calls whenever they like: looking through them must not trip over that."""
    deadlines = Deadlines(SYSTEM_CLOCK)
    far = SYSTEM_CLOCK.monotonic() + 1000.0

    def lane():
        for _ in range(300):
            with deadlines.bound("job", far):
                time.sleep(0)

    lanes = [threading.Thread(target=lane, daemon=True) for _ in range(8)]
    for thread in lanes:
        thread.start()
    while any(thread.is_alive() for thread in lanes):
        deadlines.enforce()
        assert deadlines.stuck() == []

    assert deadlines._running == {}


@pytest.mark.timeout(30)
def test_a_traced_program_goes_on_after_a_deadline(deadlines):
    """Debuggers and coverage look at every step: taking an exception back had them look for it for ever."""
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        with pytest.raises(DeadlineExceeded), deadlines.bound("job", SYSTEM_CLOCK.monotonic()):
            spin()
        spin(0.05)
    finally:
        sys.settrace(before)

    assert deadlines.stuck() == []


def test_stopping_without_having_started_does_nothing():
    """A worker that never ran can end."""
    Deadlines(SYSTEM_CLOCK).stop()
