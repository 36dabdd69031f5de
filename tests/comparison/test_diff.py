"""The walk over two trees: what differs, where, and how it is called."""

from __future__ import annotations

import math
import time

import pytest

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.comparison.diff import diff


def told(control, candidate, **options):
    return [(difference.kind, difference.path) for difference in diff(control, candidate, **options)]


@pytest.mark.parametrize(
    ("control", "candidate", "kind"),
    [
        ("a", "b", "changed"),
        (1, 2, "changed"),
        (1.5, 2, "changed"),
        (True, False, "changed"),
        (b"a", b"b", "changed"),
        (math.nan, 0.0, "changed"),
        (2**53 + 1, float(2**53), "changed"),
        (3, "3", "type"),
        (True, 1, "type"),
        (0, False, "type"),
        (1.0, True, "type"),
        (None, [], "type"),
        ([], {}, "type"),
        ("a", b"a", "type"),
        (None, "", "type"),
        (None, 0, "type"),
        ({}, None, "type"),
        (("a",), ["a"], "type"),
    ],
)
def test_values_differ_by_type_or_by_content(control, candidate, kind):
    """Another JSON type is a `type` difference, another value of the same type a `changed` one."""
    assert told(control, candidate) == [(kind, "$")]
    assert told({"a": [control]}, {"a": [candidate]}) == [(kind, "$.a[0]")]


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (1, 1.0),
        (0.0, -0.0),
        (math.nan, float("nan")),
        (math.inf, math.inf),
        (10**30, 10**30),
        ({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}),
        ([math.nan, {"x": math.nan}], [math.nan, {"x": float("nan")}]),
        ("\ud800", "\ud800"),
        ({"a": {"b": 10**30}}, {"a": {"b": 10**30}}),
        ({}, {}),
        ([], []),
        (b"\x00", b"\x00"),
    ],
)
def test_equal_values_do_not_differ(control, candidate):
    """Numbers are equal by value whatever their type, NaN equals NaN, and the order of keys means nothing."""
    assert told(control, candidate) == []


def test_true_is_not_one_deep_inside_equal_data():
    """Where Python calls two trees equal, a boolean in place of a number is still found."""
    control = {"a": [{"flag": True, "n": 1}, {"flag": False, "n": 0}]}
    candidate = {"a": [{"flag": 1, "n": 1}, {"flag": False, "n": 0.0}]}

    assert control == candidate
    assert told(control, candidate) == [("type", "$.a[0].flag")]


def test_missing_is_what_only_a_has_and_extra_what_only_b_has():
    """null is a value: a key that holds it is present."""
    control, candidate = {"both": 1, "gone": None, "x y": 1}, {"both": 1, "new": None}

    found = diff(control, candidate)

    assert [(d.kind, d.path, d.control, d.candidate) for d in found] == [
        ("missing", "$.gone", None, None),
        ("missing", '$["x y"]', 1, None),
        ("extra", "$.new", None, None),
    ]


def test_differences_come_in_the_order_of_the_document():
    """A reader meets the differences as they stand in A's answer, and what only B has after them."""
    control = {"a": {"z": 1, "y": [1, {"q": 1}]}, "b": 1, "c": {"d": 1}}
    candidate = {"new": 1, "c": {"d": 2}, "b": 2, "a": {"y": [2, {"q": 2}], "z": 2}}

    assert [path for _, path in told(control, candidate)] == [
        "$.a.z",
        "$.a.y[0]",
        "$.a.y[1].q",
        "$.b",
        "$.c.d",
        "$.new",
    ]


def test_lists_of_other_length_are_told_once_and_their_common_part_is_compared():
    """The surplus of the longer list is in the one `length` difference, at the list."""
    assert told({"a": [1, 2, 3]}, {"a": [1, 9]}) == [("length", "$.a"), ("changed", "$.a[1]")]
    assert told([], [1, 2]) == [("length", "$")]
    assert diff([1], [])[0].control == [1]


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        ([1, 2, 3], [3, 1, 2]),
        (["a", "a", "b"], ["b", "a", "a"]),
        ([{"id": 1, "t": [1]}, {"id": 2, "t": [2]}], [{"t": [2], "id": 2}, {"id": 1, "t": [1]}]),
        ([1, 2.0, True, None], [None, True, 2, 1.0]),
        ([math.nan, 1], [1, math.nan]),
        ([b"a", "a"], ["a", b"a"]),
        ([True, 1], [1, True]),
        ([Secret("aa"), Secret("bb")], [Secret("bb"), Secret("aa")]),
        ([Oversize("aa", 1, ""), 2], [2, Oversize("aa", 1, "")]),
    ],
)
def test_a_permutation_is_one_difference(control, candidate):
    """The same elements, as often, in another order: `order` at the list and nothing about its elements."""
    assert told({"a": control}, {"a": candidate}) == [("order", "$.a")]


@pytest.mark.parametrize(
    ("control", "candidate", "count"),
    [
        (["a", "a", "b"], ["a", "b", "b"], 1),
        (["a", "b"], ["b", "c"], 2),
        ([True, True], [1, 1], 2),
        ([1, 0], [False, True], 2),
        ([{"a": 1, "b": 2}], [{"a": 2, "b": 1}], 2),
        ([Opaque("x"), 1], [1, Opaque("x")], 2),
        ([Oversize(None, 1, ""), 1], [1, Oversize(None, 1, "")], 2),
    ],
)
def test_other_elements_are_not_a_permutation(control, candidate, count):
    """Multiplicity and types count, and what equals nothing is nowhere found again."""
    found = told(control, candidate)

    assert len(found) == count
    assert "order" not in {kind for kind, _ in found}


def test_an_outer_permutation_takes_the_place_of_inner_differences():
    """Of nested lists that are reordered together, the outermost is told."""
    control = {"rows": [[1, 2], [3, 4]], "other": [[1, 2], 5]}
    candidate = {"rows": [[3, 4], [1, 2]], "other": [[2, 1], 5]}

    assert told(control, candidate) == [("order", "$.rows"), ("order", "$.other[0]")]


def test_secrets_are_compared_by_fingerprint():
    """Equal secrets are equal though nobody knows them; a secret is never the same as a readable value."""
    assert told({"p": Secret("aa")}, {"p": Secret("aa")}) == []
    assert told({"p": Secret("aa")}, {"p": Secret("ab")}) == [("changed", "$.p")]
    assert told({"p": Secret("aa")}, {"p": "aa"}) == [("type", "$.p")]


@pytest.mark.parametrize(
    ("control", "candidate", "kind"),
    [
        (Oversize("d1", 9, "x"), Oversize("d1", 9, "x"), None),
        (Oversize("d1", 9, "x"), Oversize("d1", 9, "y"), None),
        (Oversize("d1", 9, "x"), Oversize("d2", 9, "x"), "changed"),
        (Oversize(None, 9, "x"), Oversize(None, 9, "x"), "changed"),
        (Oversize("d1", 9, "x"), Oversize(None, 9, "x"), "changed"),
        (Oversize("d1", 9, "x"), "x", "changed"),
        (None, Oversize("d1", 9, "x"), "changed"),
        (Oversize("d1", 9, "x"), Opaque("t"), "type"),
    ],
)
def test_what_was_too_large_is_compared_by_digest(control, candidate, kind):
    """The same digest is the same value; without one nothing is known, and that is never called the same."""
    assert told([control], [candidate]) == ([] if kind is None else [(kind, "$[0]")])


@pytest.mark.parametrize("value", [Opaque("gitlab.Client"), object(), {1, 2}])
def test_what_nobody_can_look_into_is_never_the_same(value):
    """An opaque object differs even from itself, as a `type` difference at its own path."""
    assert told({"a": [value]}, {"a": [value]}) == [("type", "$.a[0]")]


def test_a_difference_says_where_it_was_seen_and_holds_both_values():
    """`where` is handed through; the values at the path are there for samples."""
    (found,) = diff({"status": 200}, {"status": 500}, where="exchange")

    assert (found.where, found.control, found.candidate, found.pattern) == ("exchange", 200, 500, "$.status")


def test_at_most_limit_differences_are_told_and_truncated_says_so():
    """A thousand differences of an answer say no more than the first few."""
    control, candidate = {f"k{n}": n for n in range(50)}, {f"k{n}": -1 for n in range(50)}

    found = diff(control, candidate, limit=10)

    assert len(found) == 10
    assert found.truncated
    assert not diff(control, candidate).truncated


def test_a_long_permutation_is_recognized_though_its_elements_exceed_the_limit():
    """A reversed list of many elements is one difference, wherever the limit is; the rest is still compared."""
    control = {"first": 1, "rows": [{"n": n} for n in range(300)], "last": 1}
    candidate = {"first": 2, "rows": control["rows"][::-1], "last": 2}

    found = diff(control, candidate, limit=10)

    assert [(d.kind, d.path) for d in found] == [("changed", "$.first"), ("order", "$.rows"), ("changed", "$.last")]
    assert not found.truncated


def test_what_goes_past_the_node_bound_is_never_called_the_same():
    """When the walk ends early without a difference, there is one at the root, and `truncated` says why."""
    control = {"a": [[n, 1.0] for n in range(1_000)]}
    candidate = {"a": [[n, 1] for n in range(1_000)]}

    found = diff(control, candidate, max_nodes=100)

    assert [(d.kind, d.path) for d in found] == [("changed", "$")]
    assert found.truncated
    assert diff(control, candidate) == []


def nested(depth, leaf, wrap):
    value = leaf
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: [1, v, 2], lambda v: {"a": [v, v]}])
def test_depth_ten_thousand_does_not_crash(wrap):
    """A tree ten thousand levels deep is compared without recursion, and its one difference is found."""
    depth = 10_000 if wrap(0) != {"a": [0, 0]} else 10
    control, same, other = (nested(depth, leaf, wrap) for leaf in ("x", "x", "y"))

    assert diff(control, same) == []
    found = diff(control, other)

    assert found[0].kind == "changed"
    assert found[0].path.count("[") + found[0].path.count(".") >= depth


def test_deep_lists_with_differences_on_every_level_are_bounded_in_time():
    """Looking for permutations on every level of a deep nest has a budget."""
    control = nested(3_000, ["x"], lambda v: ["left", v, 1])
    candidate = nested(3_000, ["x"], lambda v: ["right", v, 2])

    start = time.perf_counter()
    found = diff(control, candidate)

    assert found.truncated
    assert sum(len(d.path) for d in found) < 2 * 1024 * 1024
    assert time.perf_counter() - start < 20


def test_data_that_holds_itself_comes_to_an_end():
    """A cycle, which projection never lets through, is stopped by the bound on nodes."""
    control, candidate = {"n": 1}, {"n": 1}
    control["self"], candidate["self"] = control, candidate

    found = diff(control, candidate, max_nodes=5_000)

    assert found.truncated
    assert len(found) == 1


def test_twenty_thousand_elements_are_compared_in_reasonable_time():
    """Long lists, equal, reversed or all different, cost milliseconds and not minutes."""
    control = [{"n": n, "t": str(n)} for n in range(20_000)]
    start = time.perf_counter()

    reversed_ = diff(control, control[::-1])
    different = diff(control, [{"n": -n - 1, "t": ""} for n in range(20_000)])

    assert [(d.kind, d.path) for d in reversed_] == [("order", "$")]
    assert different.truncated
    assert time.perf_counter() - start < 20
