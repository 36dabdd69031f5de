"""Data that wants to cost too much: the work is bounded, and counted rather than timed."""

from __future__ import annotations

import math
import tracemalloc

import pytest

from sidecar_science.comparison.applying import apply
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.rules import rule_from
from sidecar_science.comparison.sieve import RuleSet

EVERYWHERE = RuleSet(
    rule_from({"rule": verb, "path": "$", **more})
    for verb, more in [("case", {}), ("instant", {}), ("round", {"digits": 1}), ("pattern", {"regex": "[0-9]{4}"})]
)


def rows(count, size=0):
    return [{"id": n, "t": f"row {n} " + "x" * size, "tags": [n, n + 1]} for n in range(count)]


def test_ten_megabytes_with_three_differences_cost_little_memory():
    """Encoded forms of both sides are let go again; what is told is three differences."""
    control, candidate = rows(20_000, 450), rows(20_000, 450)
    for at in (5, 9_000, 19_999):
        candidate[at]["t"] = "other"

    tracemalloc.start()
    try:
        found = diff(control, candidate)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [one.path for one in found] == ["$[5].t", "$[9000].t", "$[19999].t"]
    assert found.looked < 25_000
    assert kept < 100_000
    assert peak < 64 * 1024 * 1024


def test_ten_megabytes_of_one_text_are_one_difference():
    """Nothing is copied into what is told."""
    control, candidate = {"a": "x" * 10_000_000}, {"a": "x" * 9_999_999 + "y"}

    (found,) = diff(control, candidate, sieve=RuleSet([rule_from({"rule": "ignore", "path": "$.b"})]).sieve())

    assert found.control is control["a"]


@pytest.mark.parametrize("sieve", [None, EVERYWHERE.sieve()])
@pytest.mark.parametrize("wrap", [lambda v: [v, 1], lambda v: {"a": v}, lambda v: [1, {"b": v}, 2]])
def test_depth_ten_thousand_is_walked_without_recursion_whatever_the_rules(wrap, sieve):
    """Rules that hold everywhere hold at the bottom too, and do not make the walk dearer than its bound."""
    control, candidate = "Bottom", "top"
    for _ in range(10_000):
        control, candidate = wrap(control), wrap(candidate)

    found = diff(control, candidate, sieve=sieve)

    assert [one.kind for one in found] == ["changed"]
    assert found.looked < 200_000


def test_lists_within_lists_that_all_differ_do_not_multiply():
    """Each level looks at its elements to align them; all levels together have one budget."""
    control, candidate = ["x"], ["y", "z"]
    for level in range(400):
        control, candidate = ["a", control, level, *range(5)], ["b", candidate, -level, *range(6)]

    found = diff(control, candidate)

    assert found
    assert found.looked <= 2_000_100


def test_nan_and_lone_surrogates_are_values_like_others():
    """In long lists too, where elements are told apart by their tokens."""
    odd = [math.nan, "\ud800", "\udfff!", math.inf, 2**70, b"\xff"] * 50

    assert diff(odd, list(odd)) == []
    assert [(one.kind, one.path) for one in diff(odd, ["new", *odd])] == [("length", "$")]
    assert [one.kind for one in diff(odd, odd[::-1])] == ["order"]
    found = diff(odd, ["\udc00", *odd[:-1]], sieve=EVERYWHERE.sieve())
    assert [(one.kind, one.path) for one in found] == [("missing", "$[299]"), ("extra", "$[0]")]
    assert apply(odd[1:], diff(odd[1:], [*odd[4:], "\ud800"]))[-1] == "\ud800"


def test_twenty_thousand_elements_in_any_order_are_matched_in_one_pass():
    """Without order, elements are found by their tokens, not by trying each against each."""
    control = rows(20_000)
    candidate = [{**row, "t": row["t"].upper()} for row in control[::-1]]
    sieve = RuleSet(
        [rule_from({"rule": "unordered", "path": "$"}), rule_from({"rule": "case", "path": "$[*].t"})]
    ).sieve()

    found = diff(control, candidate, sieve=sieve)

    assert found == []
    assert sieve.explained == {"unordered $": 1, "case $[*].t": 20_000}
    assert found.looked < 400_000


def test_many_explained_differences_deep_down_are_bounded_by_their_text():
    """Paths of explained differences are spelled to be explained; what that costs in all has a bound."""
    control, candidate = "x", "y"
    for level in range(9_000):
        control, candidate = {"n": level, "below": control}, {"n": -level - 1, "below": candidate}

    found = diff(control, candidate, sieve=RuleSet([rule_from({"rule": "ignore", "path": "$"})]).sieve())

    assert found.truncated
    assert [one.path for one in found] == ["$"]
