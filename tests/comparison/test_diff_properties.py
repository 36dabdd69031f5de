"""Properties of the diff, whatever the data."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.comparison.applying import apply
from sidecar_science.comparison.diff import diff
from tests.comparison.walks import told_by_index

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 2),
    st.floats(),
    st.sampled_from([0.0, 1.0, -1.0]),
    st.text(max_size=4),
    st.binary(max_size=3),
)
PLAIN = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=4),
        st.dictionaries(st.sampled_from("abcd"), below, max_size=4),
    ),
    max_leaves=12,
)

LEAN = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=1),
        st.dictionaries(st.sampled_from("abcd"), below, max_size=4),
    ),
    max_leaves=12,
)


def canonical(value):
    """A text that two values share exactly when they are the same to us."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{type(value).__name__} {value!r}"
    if value != value:
        return "nan"
    return f"number {int(value) if value == value // 1 and abs(value) != float('inf') else value}"


@given(PLAIN)
def test_nothing_differs_from_itself(value):
    """diff(x, x) is empty, for the same object and for a copy with its keys in another order."""
    reordered = copy.deepcopy(value)
    if isinstance(reordered, dict):
        reordered = dict(reversed(reordered.items()))

    assert diff(value, value) == []
    assert diff(value, copy.deepcopy(value)) == []
    assert diff(value, reordered) == []


@given(PLAIN, PLAIN)
def test_what_is_not_the_same_differs_and_what_is_does_not(control, candidate):
    """There is a difference exactly when the values are not the same, types included."""
    assert bool(diff(control, candidate)) == (canonical(control) != canonical(candidate))


@given(PLAIN, PLAIN)
def test_a_difference_has_its_mirror_image(control, candidate):
    """Exchanging the sides exchanges missing and extra, and changes nothing else."""
    mirrored = {"missing": "extra", "extra": "missing"}

    there = {(mirrored.get(d.kind, d.kind), d.path) for d in diff(control, candidate)}
    back = {(d.kind, d.path) for d in diff(candidate, control)}

    assert there == back


@given(LEAN, LEAN)
def test_where_no_list_can_be_aligned_it_agrees_with_a_plain_walk(control, candidate):
    """Of lists of one element at most, an independent walk finds the same differences of the same kinds."""
    words = {"missing": "removed", "extra": "added"}

    found = [(words.get(d.kind, d.kind), d.path.removeprefix("$").removeprefix(".")) for d in diff(control, candidate)]

    assert sorted(found) == sorted(told_by_index(control, candidate))


@given(PLAIN, PLAIN)
def test_the_differences_applied_to_a_give_b(control, candidate):
    """Nothing that differs is left untold, however lists were aligned."""
    assert canonical(apply(control, diff(control, candidate))) == canonical(candidate)


ROWS = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 9), "t": st.sampled_from(["x", "y", 1, 1.0])})
    | st.integers(0, 3)
    | st.just(1.0),
    max_size=12,
)


@given(ROWS, ROWS)
def test_the_differences_of_lists_of_rows_applied_to_a_give_b(control, candidate):
    """Long lists of few rows are shifted, permuted and repeated in every way; B can be made of A in each."""
    assert canonical(apply(control, diff(control, candidate))) == canonical(candidate)
    assert bool(diff(control, candidate)) == (canonical(control) != canonical(candidate))


@given(st.lists(PLAIN, max_size=6).flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_a_permutation_is_nothing_or_one_difference(lists):
    """A list against any permutation of itself differs in order alone, or not at all."""
    found = diff(*lists)

    assert [(d.kind, d.path) for d in found] in ([], [("order", "$")])


@given(PLAIN, PLAIN, st.integers(1, 3), st.integers(1, 30))
def test_bounds_hold_and_never_turn_a_difference_into_none(control, candidate, limit, max_nodes):
    """However tight the bounds are, there are at most `limit` differences, and at least one where there was one."""
    full, bounded = diff(control, candidate), diff(control, candidate, limit=limit, max_nodes=max_nodes)

    assert len(bounded) <= limit
    assert bool(bounded) >= bool(full)
    assert bounded.truncated or bool(bounded) == bool(full)
