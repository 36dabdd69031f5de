"""What rules by path ignore, and what they leave."""

from __future__ import annotations

from sidecar_science.comparison.compare import split_ignored
from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.paths import Pattern


def difference(path, kind="changed", where="value"):
    return Difference(where, path, kind)


def split(differences, *patterns):
    rules = [(Pattern.parse(text), values_only) for text, values_only in patterns]
    return tuple([d.path for d in part] for part in split_ignored(differences, rules))


def test_ignored_differences_are_those_at_or_below_a_pattern():
    """Presence is covered too, and nothing beside the place."""
    differences = [
        difference("$.updated_at"),
        difference("$.updated_at2"),
        difference("$.links[3].href", "missing"),
        difference("$.links", "order"),
    ]

    assert split(differences, ("$.updated_at", False), ("$.links[*]", False)) == (
        ["$.updated_at2", "$.links"],
        ["$.updated_at", "$.links[3].href"],
    )
    assert split(differences) == ([d.path for d in differences], [])


def test_a_pattern_for_values_only_leaves_presence_compared():
    """A timestamp that is there on both sides may differ; one that is gone is a difference."""
    differences = [
        difference("$.at"),
        difference("$.at", "missing"),
        difference("$.at", "extra"),
        difference("$.at", "type"),
    ]

    kept, ignored = split_ignored(differences, [(Pattern.parse("$.at"), True)])

    assert [d.kind for d in kept] == ["missing", "extra"]
    assert [d.kind for d in ignored] == ["changed", "type"]


def test_a_pattern_covers_its_place_in_values_errors_and_exchanges():
    """A rule does not say where: its path does."""
    differences = [difference("$[0].query.at", where="exchange"), difference("$.message", where="error")]

    assert split(differences, ("$[*].query", False)) == (["$.message"], ["$[0].query.at"])
