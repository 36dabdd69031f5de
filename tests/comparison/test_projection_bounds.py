"""Projection of what is hostile: cycles, depth, bombs and stubs all come to an end."""

from __future__ import annotations

from typing import Any
from unittest import mock

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison.projection import project


class Holds:
    def __init__(self, answer):
        self.answer = answer

    def to_dict(self):
        return self.answer


def test_what_holds_itself_is_marked_where_it_does():
    """Cycles through containers and through objects end with a marker."""
    container: dict[str, Any] = {"t": (1,)}
    container["self"] = container
    looped = Holds({})
    looped.answer["again"] = looped

    assert project(container) == {"t": [1], "self": Opaque("dict that holds itself")}
    assert project(looped) == {"again": Opaque(f"{__name__}.Holds that holds itself")}


def test_the_same_object_twice_is_no_cycle():
    """Two references to one list are two lists."""
    shared = [(1,)]

    assert project({"a": shared, "b": shared}) == {"a": [[1]], "b": [[1]]}


def test_what_lies_too_deep_is_marked():
    """Below a hundred levels nothing is looked at any more, whatever shape it has."""
    deep: Any = "bottom"
    for _ in range(10_000):
        deep = [deep]

    found, levels = project(deep), 0
    while type(found) is list:
        found, levels = found[0], levels + 1

    assert found == Opaque("list below 100 levels")
    assert levels == 100


def test_what_has_too_many_values_is_marked():
    """A bomb of shared references is stopped by counting what is visited, and the rest is kept."""
    bomb: Any = ("x",) * 10
    for _ in range(20):
        bomb = (bomb,) * 10

    found = project({"first": 1, "bomb": bomb}, max_nodes=1_000)

    assert found["first"] == 1
    assert "Opaque(type_name='list beyond 1,000 values')" in repr(found["bomb"])
    assert project({str(n): n for n in range(2_000)}, max_nodes=1_000) == Opaque("dict beyond 1,000 values")
    assert project(set(range(2_000)), max_nodes=1_000) == Opaque("list beyond 1,000 values")


def test_a_stub_that_invents_attributes_comes_to_an_end():
    """A stub whose every method gives another stub is opaque at once."""
    assert type(project(mock.MagicMock(name="client"))) is Opaque
