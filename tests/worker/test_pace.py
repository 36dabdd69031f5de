"""All lanes together begin at most so many replays a second."""

from __future__ import annotations

import threading

from sidecar_science.testing import FakeClock
from sidecar_science.worker.pace import Pace


def test_replays_begin_evenly_spaced():
    """Ten a second: one every tenth of a second, the first at once."""
    clock = FakeClock()
    pace = Pace(10.0, clock)
    began = clock.monotonic()
    times = []

    for _ in range(4):
        pace.wait(threading.Event())
        times.append(round(clock.monotonic() - began, 6))

    assert times == [0.0, 0.1, 0.2, 0.3]


def test_a_quiet_time_is_not_made_up_for():
    """After a rest there is no burst."""
    clock = FakeClock()
    pace = Pace(10.0, clock)
    pace.wait(threading.Event())
    clock.advance(5.0)
    began = clock.monotonic()

    pace.wait(threading.Event())
    pace.wait(threading.Event())

    assert round(clock.monotonic() - began, 6) == 0.1


def test_nobody_waits_for_a_turn_when_the_worker_ends():
    """A slow pace does not hold up the end."""
    clock = FakeClock()
    pace = Pace(0.001, clock)
    ending = threading.Event()
    pace.wait(ending)
    ending.set()
    began = clock.monotonic()

    pace.wait(ending)

    assert clock.monotonic() == began
