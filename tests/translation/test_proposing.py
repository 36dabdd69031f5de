"""Places that look as if an id stood there."""

from __future__ import annotations

import random

from sidecar_science.translation.proposing import propose


def paths(answers, **more):
    return [proposal.path for proposal in propose(answers, **more)]


def test_what_always_differs_and_never_twice_the_same_is_proposed():
    """The number and the name that B gave; not what is equal, and not what only sometimes differs."""
    answers = [
        (
            {"id": n, "title": "x", "count": n, "state": "new", "links": [{"id": f"l{n}"}]},
            {"id": n + 7, "title": "x", "count": n + (n % 2), "state": "old", "links": [{"id": f"m{n}"}]},
        )
        for n in range(10)
    ]

    assert paths(answers) == ["$.id", "$.links[*].id"]


def test_one_id_for_two_is_none():
    """Random words on both sides pair up in every way."""
    chance = random.Random(7)
    answers = [({"color": chance.choice("abc")}, {"color": chance.choice("def")}) for _ in range(50)]

    assert paths(answers) == []


def test_the_same_thing_seen_again_is_no_objection():
    """An entity is read more than once."""
    assert paths([({"id": n % 3}, {"id": 10 + n % 3}) for n in range(9)]) == ["$.id"]


def test_a_few_answers_prove_nothing():
    """Nor does one thing alone, however often it is seen."""
    assert paths([({"id": n}, {"id": n + 1}) for n in range(4)]) == []
    assert paths([({"id": n}, {"id": n + 1}) for n in range(4)], fewest=4) == ["$.id"]
    assert paths([({"id": 1}, {"id": 2})] * 50) == []


def test_the_surest_comes_first():
    """By how many answers there were."""
    answers = [({"a": n}, {"a": n + 50}) for n in range(5)] + [({"b": n}, {"b": n + 50}) for n in range(8)]

    assert [(each.path, each.seen) for each in propose(answers)] == [("$.b", 8), ("$.a", 5)]


def test_answers_of_any_kind_can_be_looked_at():
    """Other types, other lengths, deep ones."""
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"a": deep}

    assert paths([(None, 5), ([1], [1, 2]), ({"a": 1}, [1]), (deep, deep), (True, False)] * 10) == []
