"""The walk that comes before encoding."""

from __future__ import annotations

import time
from collections import OrderedDict
from decimal import Decimal

import ormsgpack
import pytest
from hypothesis import given, settings

from sidecar_science.codec.measure import AWKWARD, EXTENDED, KEYED, measure
from sidecar_science.codec.values import Codec
from sidecar_science.errors import TooLarge

from .sameness import EXACT
from .shop import CLASSES

BOUNDS = {"max_bytes": 1 << 20, "max_depth": 100, "max_nodes": 100_000}


def cheapest(function, times=5):
    """The least CPU seconds of several runs: what the code takes when nobody disturbs it."""
    best = float("inf")
    for _ in range(times):
        started = time.process_time()
        function()
        best = min(best, time.process_time() - started)
    return best


def refuse(value, bound):
    with pytest.raises(TooLarge) as raised:
        measure(value, **BOUNDS)
    assert raised.value.bound == bound


HUGE = {
    "a text": ("x" * 100_000_000, "bytes"),
    "bytes": (bytes(100_000_000), "bytes"),
    "a bytearray": (bytearray(100_000_000), "bytes"),
    "a list": ([None] * 1_000_000, "nodes"),
    "a tuple": ((None,) * 1_000_000, "nodes"),
    "a dict": (dict.fromkeys(range(1_000_000)), "nodes"),
    "an ordered dict": (OrderedDict.fromkeys(range(200_000)), "nodes"),
    "a set": (set(range(1_000_000)), "nodes"),
    "an integer": (1 << 800_000_000, "bytes"),
    "a decimal": (Decimal("1" * 3_000_000), "bytes"),
    "a key": ({"x" * 100_000_000: 1}, "bytes"),
    "a key that is bytes": ({bytes(100_000_000): 1}, "bytes"),
    "a long integer as a key": ({1 << 800_000_000: 1}, "bytes"),
    "a text of a subclass": (type("Safe", (str,), {})("x" * 2_000_000), "bytes"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_huge_is_refused_at_once(name):
    """A hundred megabytes or a million items cost less than two milliseconds, at any depth."""
    value, bound = HUGE[name]

    assert cheapest(lambda: refuse(value, bound)) < 0.002
    assert cheapest(lambda: refuse({"a": [(1, {"b": value})]}, bound)) < 0.002


def test_many_small_things_are_too_many():
    """Items of all containers count together."""
    refuse([[0] * 1000 for _ in range(101)], "nodes")
    refuse([(0,) * 1000 for _ in range(101)], "nodes")
    refuse([dict.fromkeys(range(1000), 0) for _ in range(101)], "nodes")
    refuse(["x" * 1000] * 1100, "bytes")


def test_a_graph_that_doubles_at_every_level_ends():
    """Shared parts are counted as often as they would be written."""
    value: list = []
    for _ in range(90):
        value = [value, value]

    refuse(value, "nodes")


def test_depth_is_counted_by_level():
    """A hundred lists in each other pass, one more does not; siblings do not add up."""
    value: object = None
    for _ in range(100):
        value = [value]

    assert measure(value, **BOUNDS) == 0
    assert measure([[]] * 50_000, **BOUNDS) == 0
    refuse([value], "depth")


@pytest.mark.parametrize(
    ("value", "needs"),
    [
        ({"a": [1, 2.5, None, True, "x", b"y", {}]}, 0),
        ([2**70], EXTENDED),
        ((), EXTENDED),
        ([{1}], EXTENDED),
        ([object()], EXTENDED),
        ({1: 2}, KEYED),
        ({None: 1, b"x": 2, 1.5: 3}, KEYED),
        ({(1,): 2}, KEYED | AWKWARD | EXTENDED),
        ({2**70: 2}, KEYED | AWKWARD),
        ([bytearray()], AWKWARD),
        ([memoryview(b"")], AWKWARD),
        ([ormsgpack.Ext(1, b"")], AWKWARD),
        (OrderedDict(a=1), EXTENDED | AWKWARD),
    ],
)
def test_it_says_what_encoding_will_need(value, needs):
    """Plain data needs nothing, and what ormsgpack would get wrong is found."""
    assert measure(value, **BOUNDS) == needs


@given(EXACT)
@settings(max_examples=150, deadline=None)
def test_the_measure_is_never_above_the_size(value):
    """Nothing that would fit is refused: what encodes to n bytes passes a bound of n."""
    size = len(Codec(classes=CLASSES).encode(value))

    Codec(max_bytes=size, classes=CLASSES).encode(value)
