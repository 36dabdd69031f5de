"""Lists that were lengthened, shortened or shifted: few differences, at bounded cost, from which B can be made again."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.comparison.alignment import Alignment, gaps_by_index, gaps_of
from sidecar_science.comparison.applying import apply
from sidecar_science.comparison.diff import diff


def told(control, candidate, **options):
    return [(difference.kind, difference.path) for difference in diff(control, candidate, **options)]


def articles(*numbers):
    return [{"content_id": f"id-{n}", "title": f"Title {n}", "tags": [n, n + 1]} for n in numbers]


def test_an_insertion_at_the_front_of_a_thousand_is_one_difference():
    """A new first element is told once, at the list, and none of the thousand that moved."""
    control, candidate = articles(*range(1000)), articles(-1, *range(1000))

    (found,) = diff({"items": control}, {"items": candidate})

    assert (found.kind, found.path) == ("length", "$.items")
    assert found.surplus == ((), (range(1),))
    assert told(candidate, control) == [("length", "$")]


def test_scattered_insertions_are_told_at_the_list_and_changes_beside_them_at_their_element():
    """What was inserted does not hide what was changed: that has the index it has in A."""
    control = articles(*range(300))
    candidate = articles(*range(300))
    candidate[200]["title"] = "Another"
    for at in (250, 120, 7):
        candidate.insert(at, {"content_id": f"new-{at}"})

    assert told(control, candidate) == [("length", "$"), ("changed", "$[200].title")]


def test_a_list_that_moved_on_has_one_missing_and_one_extra():
    """The newest ten of a list: one came in at the front, one went out at the end; the other nine did not differ."""
    assert told(articles(*range(10)), articles(-1, *range(9))) == [("missing", "$[9]"), ("extra", "$[0]")]


def test_surplus_on_both_sides_of_lists_of_other_length_is_told_element_by_element():
    """`length` alone would hide that A has elements which B has not, while B is the longer one."""
    control, candidate = articles(*range(50)), articles(-3, -2, -1, *range(49))

    assert told(control, candidate) == [
        ("length", "$"),
        ("missing", "$[49]"),
        ("extra", "$[0]"),
        ("extra", "$[1]"),
        ("extra", "$[2]"),
    ]


def test_elements_that_all_changed_are_partners_by_what_names_them():
    """An insertion is seen although a clock stands in every element: a column of unique texts says who is who."""
    control = [{**each, "updated_at": "10:00"} for each in articles(*range(100))]
    candidate = [{**each, "updated_at": "10:05"} for each in articles(-1, *range(100))]

    found = diff(control, candidate)

    assert [(d.kind, d.path) for d in found[:3]] == [
        ("length", "$"),
        ("changed", "$[0].updated_at"),
        ("changed", "$[1].updated_at"),
    ]
    assert {d.path.rpartition(".")[2] for d in found[1:]} == {"updated_at"}
    assert len(found) == 101


def test_a_column_that_merely_counts_does_not_make_partners():
    """Positions agree index by index: then index by index is how they are compared."""
    control = [{"position": n, "label": label} for n, label in enumerate("abcd")]
    candidate = [{"position": n, "label": label} for n, label in enumerate("wxyz")]

    assert told(control, candidate) == [("changed", f"$[{n}].label") for n in range(4)]


def test_index_by_index_is_kept_where_alignment_finds_no_fewer():
    """Two of two elements: told where they stand."""
    assert told(["a", "b"], ["b", "c"]) == [("changed", "$[0]"), ("changed", "$[1]")]


def test_numbers_of_one_value_are_the_same_however_they_are_written():
    """An insertion among 1, 1.0 and true is one, and never a false match."""
    assert told([1, 1.0, 1, 2, 3.0], [9, 1.0, 1, 1, 2.0, 3]) == [("length", "$")]
    assert told([1, 1.0, 1], [1.0, 1, 1.0]) == []
    assert told([True, 2, 3, 4], [1, 2, 3, 4]) == [("type", "$[0]")]


@pytest.mark.parametrize("kind", ["equal", "shifted", "reversed", "other", "few", "shuffled"])
def test_twenty_thousand_elements_cost_a_bounded_number_of_looks(kind):
    """However two long lists differ, the work grows with their length and not with its square."""
    size = 20_000
    control = [{"n": n, "t": str(n)} for n in range(size)]
    candidate = {
        "equal": lambda: copy.deepcopy(control),
        "shifted": lambda: [{"n": -1, "t": "new"}, *control],
        "reversed": lambda: control[::-1],
        "other": lambda: [{"n": -n - 1, "t": ""} for n in range(size)],
        "few": lambda: [{"n": n % 7, "t": str(n % 3)} for n in range(size)],
        "shuffled": lambda: [{"n": n, "t": "x"} for n in random.Random(1).sample(range(size), size)],
    }[kind]()

    found = diff(control, candidate)

    assert found.looked < 20 * size
    assert len(found) == {"equal": 0, "shifted": 1, "reversed": 1}.get(kind, 1000)


def test_long_lists_of_few_values_are_aligned_without_a_table():
    """Tokens that occur thousands of times over are no anchors; the ends and their numbering are."""
    left = [n % 5 for n in range(20_000)]

    assert gaps_of(left, [9, *left]) == [(0, 0, 0, 1)]
    assert len(gaps_of(left, [9, *left[:10_000], 8, *left[10_000:]])) < 10


TOKENS = st.lists(st.integers(0, 6), max_size=40)


@given(TOKENS, TOKENS)
def test_what_lies_between_gaps_is_the_same_on_both_sides(left, right):
    """Gaps rise on both sides, and between them both lists hold the same."""
    row = column = 0
    for begin, end, start, stop in [*gaps_of(left, right), (len(left), len(left), len(right), len(right))]:
        assert left[row:begin] == right[column:start]
        row, column = end, stop


@given(TOKENS, TOKENS)
def test_every_element_is_same_or_partner_or_surplus(left, right):
    """No element is lost between two lists, however they are laid side by side."""
    unlike = [at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other]

    for gaps in (gaps_of(left, right), gaps_by_index(unlike, len(left), len(right))):
        aligned = Alignment.of(left, right, gaps)
        missing = [at for each in aligned.missing for at in each]
        extra = [at for each in aligned.extra for at in each]
        assert len(left) - len(missing) == len(right) - len(extra)
        for one, other in aligned.pairs:
            assert one not in missing
            assert other not in extra


def test_applying_leaves_the_control_alone():
    """What B answered is made anew; A's answer stays as it was."""
    control = {"a": [1, {"b": 2}], "c": 3}
    before = copy.deepcopy(control)

    made = apply(control, diff(control, {"a": [1, {"b": 3}, 4], "d": 5}))

    assert made == {"a": [1, {"b": 3}, 4], "d": 5}
    assert control == before


def test_a_key_that_was_cut_is_found_by_its_digest_where_a_has_it():
    """A long key is known by its beginning and digest; one that only B has cannot be made up."""
    long = "k" * 300
    control, candidate = {long: 1, "a": 1}, {long: 2, "a": 1}

    assert apply(control, diff(control, candidate)) == candidate
    with pytest.raises(ValueError, match="was cut"):
        apply({}, diff({}, candidate))
