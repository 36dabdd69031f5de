"""Which mismatches have one cause."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.groups import MAX_DIFFERENCES, Shape, trait

from .bench import changed, mismatched, report_of


def shape(*differences, experiment="shop.get"):
    return Shape.of(experiment, map(trait, differences))


def test_indexes_and_values_do_not_make_another_group():
    """Two jobs that differ at the same pattern in the same way have one fingerprint."""
    assert shape(changed("$.a[0].b", 1, 2)).fingerprint == shape(changed("$.a[7].b", "x", "y")).fingerprint


def test_neither_order_nor_repetition_counts():
    """A shape is a set."""
    one, other = changed("$.a[0]"), changed("$.b")

    assert shape(one, other, changed("$.a[1]")) == shape(other, one)


@pytest.mark.parametrize(
    "other",
    [
        shape(changed("$.b")),
        shape(changed("$.a", kind="type")),
        shape(changed("$.a", where="exchange")),
        shape(changed("$.a"), changed("$.b")),
        shape(changed("$.a"), experiment="shop.put"),
    ],
)
def test_place_kind_path_and_experiment_make_another_group(other):
    """Each part of the shape tells groups apart."""
    assert shape(changed("$.a")).fingerprint != other.fingerprint


def test_a_fingerprint_is_sixteen_digits_and_stays():
    """Fingerprints outlive releases: people write them down."""
    assert shape(changed("$.a[3].b")).fingerprint == "3edd9d5ec647729f"


def test_thousands_of_patterns_are_one_bounded_group():
    """A shape keeps fifty traits and says that there are more."""
    many = shape(*(changed(f"$.k{n:04}") for n in range(3_000)))

    assert len(many.traits) == MAX_DIFFERENCES
    assert many.truncated
    assert many.fingerprint == shape(*(changed(f"$.k{n:04}") for n in range(2_000))).fingerprint


def test_a_long_path_is_cut_and_still_tells_groups_apart():
    """Of an endless path the beginning and a digest are kept."""
    deep = "$" + ".level" * 1_000
    one, other = shape(changed(deep)), shape(changed(deep + ".x"))

    assert len(one.traits[0][1]) < 500
    assert one.fingerprint != other.fingerprint


def test_a_shape_survives_being_written_down():
    """What `to_text` wrote `from_text` reads, names in any script included."""
    one = shape(changed('$["é|\ud800"]'), experiment="größe|1")

    assert Shape.from_text(one.to_text()) == one
    assert one.to_text().isascii()


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", '["x", 3, true]', '["x", [[1, 2]], true]'])
def test_garbage_is_no_shape(text):
    """Whatever else stands in the field raises ValueError."""
    with pytest.raises(ValueError):
        Shape.from_text(text)


def test_statuses_that_differ_tell_groups_apart():
    """A 404 and a 503 in place of a 200 have two causes, though their paths are one."""
    jobs = [
        mismatched(
            changed("$[0].status", 200, status, where="exchange"), changed("$.status", None, status, where="error")
        )
        for status in (404, 503, 503)
    ]

    groups = report_of(jobs, partitions=2).experiments[0].groups

    assert [(group.count, group.statuses) for group in groups] == [
        (2, ({"control": None, "candidate": 503}, {"control": 200, "candidate": 503})),
        (1, ({"control": None, "candidate": 404}, {"control": 200, "candidate": 404})),
    ]


def test_a_status_of_the_answer_s_own_is_a_value_like_any_other():
    """What a service calls its status is no HTTP status: such groups are of paths alone."""
    jobs = [mismatched(changed("$.status", "draft", one)) for one in ("live", "gone")]

    (group,) = report_of(jobs).experiments[0].groups

    assert (group.count, group.statuses) == (2, ())


def test_a_shape_survives_its_text():
    """With statuses and without; without them the text is what earlier releases wrote."""
    for statuses in ((), ((200, 503),), ((None, 404), (200, 404))):
        shape = Shape.of("shop.get", [("value", "$.a", "changed")], statuses)
        assert Shape.from_text(shape.to_text()) == shape
    assert Shape.of("x", []).to_text() == '["x",[],false]'


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda of: st.lists(of, max_size=4)))
def test_what_is_no_shape_is_refused(told):
    """Whatever stands in Redis, reading it raises nothing but ValueError."""
    try:
        Shape.from_text(json.dumps(told))
    except ValueError:
        return
    assert isinstance(told, list)
