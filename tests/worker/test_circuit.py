"""A service that refuses connections, or of which too much goes wrong, is left alone until it answers well again."""

from __future__ import annotations

import pytest

from sidecar_science.testing import FakeClock
from sidecar_science.worker.circuit import Circuit
from sidecar_science.worker.endings import Resting


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def circuit(clock):
    return Circuit(clock)


def refused(circuit, clock):
    """The length of the rest after one more refused connection."""
    return circuit.refused(circuit.enter("shop")).until - clock.monotonic()


def resting(circuit, service="shop"):
    """Until when nothing is let through; None when something is."""
    try:
        circuit.leave(circuit.enter(service))
    except Resting as rest:
        return rest.until
    return None


def probed(circuit, clock):
    """The circuit after a rest that has ended."""
    clock.advance(refused(circuit, clock))
    return circuit


def room(circuit):
    """How many replays are let through at a time, up to a hundred."""
    inside = []
    try:
        while len(inside) < 100:
            inside.append(circuit.enter("shop"))
    except Resting:
        pass
    for each in inside:
        circuit.leave(each)
    return len(inside)


class TestRests:
    def test_they_grow_to_a_bound(self, circuit, clock):
        """Half a second at first, twice as long every time, thirty seconds at most."""
        lengths = []
        for _ in range(8):
            lengths.append(refused(circuit, clock))
            clock.advance(lengths[-1])

        assert lengths == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]

    def test_nothing_is_let_through_meanwhile(self, circuit, clock):
        """Whoever asks is told until when."""
        until = clock.monotonic() + refused(circuit, clock)

        assert resting(circuit) == until
        clock.advance(0.5)
        assert resting(circuit) is None

    def test_lanes_that_are_refused_at_once_share_one(self, circuit, clock):
        """Sixteen lanes that are refused in the same instant are one failure, not sixteen."""
        passes = [circuit.enter("shop") for _ in range(3)]

        rests = [circuit.refused(each) for each in passes]

        assert {rest.until for rest in rests} == {clock.monotonic() + 0.5}
        assert [rest.new for rest in rests] == [True, False, False]

    def test_services_rest_apart(self, circuit, clock):
        """One that is down says nothing about another, or about what belongs to none."""
        refused(circuit, clock)

        assert resting(circuit) is not None
        assert (resting(circuit, "other"), resting(circuit, None)) == (None, None)


class TestComingBack:
    def test_one_probe_at_a_time_then_twice_as_many_with_each_good_answer(self, circuit, clock):
        """A service that has just come back is not overrun."""
        probed(circuit, clock)
        rooms = [room(circuit)]

        for _ in range(6):
            circuit.answered(circuit.enter("shop"))
            rooms.append(room(circuit))

        assert rooms == [1, 2, 4, 8, 16, 32, 100]

    def test_it_is_said_once(self, circuit, clock):
        """With the first answer after a rest."""
        assert not circuit.answered(circuit.enter("shop"))
        probed(circuit, clock)

        assert circuit.answered(circuit.enter("shop"))
        assert not circuit.answered(circuit.enter("shop"))

    def test_a_probe_that_breaks_makes_the_rest_longer(self, circuit, clock):
        """It was too early."""
        probed(circuit, clock)

        rest = circuit.failed(circuit.enter("shop"))

        assert (rest.until - clock.monotonic(), rest.new) == (1.0, True)

    def test_a_failure_among_good_answers_is_none_of_the_service(self, circuit, clock):
        """It goes on opening."""
        probed(circuit, clock)
        for _ in range(2):
            circuit.answered(circuit.enter("shop"))

        assert circuit.failed(circuit.enter("shop")) is None
        assert room(circuit) == 4

    def test_rests_are_short_again_once_everybody_is_let_through(self, circuit, clock):
        """Not before: a service that flaps rests longer and longer."""
        probed(circuit, clock)
        circuit.answered(circuit.enter("shop"))
        assert refused(circuit, clock) == 1.0
        clock.advance(1.0)
        for _ in range(6):
            circuit.answered(circuit.enter("shop"))

        assert refused(circuit, clock) == 0.5

    def test_a_probe_that_says_nothing_makes_room_for_the_next(self, circuit, clock):
        """One that has timed out, or was not allowed to be sent."""
        probed(circuit, clock)
        given = circuit.enter("shop")
        assert resting(circuit) == clock.monotonic() + 0.2

        circuit.leave(given)

        assert resting(circuit) is None

    def test_what_was_under_way_before_the_rest_says_nothing_after_it(self, circuit, clock):
        """Good or bad, it is old news, and takes no room."""
        good, bad = circuit.enter("shop"), circuit.enter("shop")
        probed(circuit, clock)

        assert not circuit.answered(good)
        assert circuit.failed(bad) is None
        assert room(circuit) == 1


class TestRate:
    def spoil(self, circuit, endings):
        """The rests that come of these endings: ``x`` is a broken one, ``.`` a good one."""
        found = []
        for ending in endings:
            given = circuit.enter("shop")
            found.append(ending == "x" and circuit.failed(given) is not None)
            if ending == ".":
                circuit.answered(given)
        return found

    def test_ten_in_a_row_are_too_many(self, circuit):
        """Nine may be chance."""
        assert self.spoil(circuit, "x" * 10) == [False] * 9 + [True]

    def test_half_of_the_last_twenty_are_too_many(self, circuit):
        """However many were good before them."""
        assert not any(self.spoil(circuit, "." * 1000 + "x" * 9))
        assert self.spoil(circuit, "x") == [True]

    def test_fewer_than_half_are_not(self, circuit):
        """Such a service is compared, errors and all."""
        assert not any(self.spoil(circuit, "..x" * 100))

    def test_what_is_half_a_minute_old_does_not_count(self, circuit, clock):
        """A failure every few seconds is no outage."""
        assert not any(self.spoil(circuit, "x" * 9))
        clock.advance(31.0)

        assert not any(self.spoil(circuit, "x" * 9))
