"""The glance that comes before the walk: most values are plain and small, and that is seen at half the cost."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec.measure import is_light, measure
from sidecar_science.codec.values import Codec
from sidecar_science.errors import TooLarge

MOST, DEPTH = 100_000, 100
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=30,
)


def light(value):
    return is_light(value, MOST, DEPTH)


def nested(levels):
    value = None
    for _ in range(levels):
        value = [value]
    return value


@given(PLAIN)
@settings(max_examples=150, deadline=None)
def test_what_is_light_is_plain_and_within_every_bound(value):
    """So it needs no walk."""
    assert light(value)
    assert measure(value, max_bytes=MOST, max_depth=DEPTH, max_nodes=MOST) == 0


@pytest.mark.parametrize("value", [(), b"", {1}, dt.date(2026, 1, 1), object(), type("Text", (str,), {})("x")])
def test_what_json_has_no_type_for_is_for_the_walk(value):
    """Anywhere in the value."""
    assert not light(value)
    assert not light([{"a": [value]}])


@pytest.mark.parametrize("value", ["x" * (MOST + 1), [None] * (MOST + 1), ["x" * 1000] * 101, [[]] * 5000])
def test_what_may_be_large_is_for_the_walk(value):
    """Text, items and containers count together."""
    assert not light(value)


def test_depth_is_bounded_whatever_the_number_of_containers():
    """A hundred levels pass, one more does not, and siblings do not add up."""
    assert light(nested(100))
    assert not light(nested(101))
    assert light([[[]] for _ in range(200)])
    assert not light([nested(100)] + [[] for _ in range(200)])


def test_what_contains_itself_is_for_the_walk():
    """It is seen at once, and refused as too deep."""
    value: list = []
    value.append(value)
    started = time.process_time()

    assert not light(value)
    assert time.process_time() - started < 0.1
    with pytest.raises(TooLarge):
        Codec().encode(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {b"b": 1}}, [2**70], ["\ud800"], {"\udfff": 1}])
def test_what_only_ormsgpack_refuses_is_encoded_all_the_same(value):
    """Keys that are no text, long integers and half characters look light, and take the long way."""
    codec = Codec()

    assert light(value)
    assert codec.decode(codec.encode(value)) == value


def test_a_long_key_is_refused_although_the_glance_does_not_see_it():
    """The length of what came out is looked at."""
    with pytest.raises(TooLarge):
        Codec(max_bytes=1000).encode({"k" * 2000: 1})
