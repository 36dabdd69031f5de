"""A service that refuses connections is left alone for longer and longer, until it answers."""

from __future__ import annotations

from sidecar_science.testing import FakeClock
from sidecar_science.worker.pause import Pauses


def test_pauses_grow_to_a_bound():
    """Half a second at first, twice as long every time, thirty seconds at most."""
    clock = FakeClock()
    pauses = Pauses(clock)
    lengths = []

    for _ in range(8):
        until, _ = pauses.lengthen("shop")
        lengths.append(until - clock.monotonic())
        clock.advance(until - clock.monotonic())

    assert lengths == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_lanes_that_fail_at_once_share_one_pause():
    """Sixteen lanes that are refused in the same instant are one failure, not sixteen."""
    clock = FakeClock()
    pauses = Pauses(clock)
    first, is_new = pauses.lengthen("shop")

    again, is_new_again = pauses.lengthen("shop")

    assert first == again == clock.monotonic() + 0.5
    assert (is_new, is_new_again) == (True, False)


def test_an_answer_ends_the_pause():
    """The next trouble begins with a short pause again."""
    clock = FakeClock()
    pauses = Pauses(clock)
    pauses.lengthen("shop")
    clock.advance(0.5)
    pauses.lengthen("shop")

    assert pauses.forget("shop")
    assert not pauses.forget("shop")
    assert pauses.lengthen("shop")[0] - clock.monotonic() == 0.5


def test_services_rest_apart():
    """One that is down says nothing about another."""
    clock = FakeClock()
    pauses = Pauses(clock)
    pauses.lengthen("shop")
    clock.advance(1.0)
    pauses.lengthen("shop")

    assert pauses.lengthen(None)[0] - clock.monotonic() == 0.5
