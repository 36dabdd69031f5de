"""Properties of projection, whatever the value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.comparison.plain import SCALARS, is_plain
from sidecar_science.comparison.projection import project
from tests.comparison.test_diff_properties import PLAIN
from tests.comparison.test_projection import Client, Color, Level, Point, Text, Ticket


@given(PLAIN)
def test_projecting_plain_data_changes_nothing(value):
    """Plain data is its own projection."""
    assert project(value) is value


MIXED = st.recursive(
    st.one_of(
        PLAIN,
        st.dates(),
        st.uuids(),
        st.decimals(),
        st.timedeltas(),
        st.frozensets(st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=3), st.none())),
        st.sampled_from([Color.RED, Level.HIGH, Text("t"), object(), Client, Ticket(1)]),
    ),
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.tuples(below, below),
        st.dictionaries(st.one_of(st.integers(0, 9), st.sampled_from("0123456789"), st.none()), below, max_size=4),
        st.builds(Point, below, below),
    ),
    max_leaves=8,
)


@given(MIXED)
def test_projection_is_idempotent_and_gives_plain_data(value):
    """Projected once, a value stays as it is; and it holds nothing but plain data."""
    found = project(value)

    assert type(found) in SCALARS or is_plain(found, max_depth=100, max_nodes=100_000)
    assert project(found) is found


@given(MIXED)
def test_no_entry_of_a_dict_is_lost(value):
    """However keys collide once they are text, every value is there."""
    if isinstance(value, dict):
        assert len(project(value)) == len(value)
