"""Faults on demand: what can be asked for, and what cannot."""

from __future__ import annotations

import random

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.testing import FakeClock
from sidecar_science.worker.failpoints import FailpointReached, failpoints, no_failpoint


def test_without_any_nothing_happens():
    """And nothing is looked up."""
    assert failpoints("", FakeClock()) is no_failpoint
    assert no_failpoint("before_send") is None


def test_a_pause_takes_its_time_at_its_point_alone():
    """By the clock that it was given."""
    clock = FakeClock()
    reach = failpoints("before_send=pause:7.5, after_settle=raise", clock)
    before = clock.monotonic()

    reach("before_start")
    assert clock.monotonic() == before
    reach("before_send")
    assert clock.monotonic() == before + 7.5
    with pytest.raises(FailpointReached):
        reach("after_settle")


def test_a_probability_is_a_share_of_the_times():
    """The same in every run with the same chance."""
    reach = failpoints("before_send=pause:1@0.25", clock := FakeClock(), random.Random(5))
    before = clock.monotonic()

    for _ in range(400):
        reach("before_send")

    assert 70 < clock.monotonic() - before < 130


@pytest.mark.parametrize(
    "text",
    ["before_send", "nowhere=exit", "before_send=explode", "before_send=pause", "before_send=pause:long",
     "before_send=exit@0", "before_send=exit@2", "before_send=exit@often", "before_send=exit,"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text):
    """A rig that injects nothing proves nothing."""
    with pytest.raises(UsageError, match=r"expected NAME=ACTION\[@PROBABILITY\] with one of before_start"):
        failpoints(text, FakeClock())
