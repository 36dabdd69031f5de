"""What several commands understand in the same way."""

from __future__ import annotations

import pytest

from sidecar_science.cli import options
from sidecar_science.errors import UsageError


def test_routes_are_pairs():
    """SERVICE=URL, given several times; an equals sign in the URL belongs to the URL."""
    assert options.routes(["a=http://b.test", "c=http://b.test/x?y=z"]) == {
        "a": "http://b.test",
        "c": "http://b.test/x?y=z",
    }


@pytest.mark.parametrize("pair", ["http://b.test", "=http://b.test", "a=", ""])
def test_what_is_no_pair_is_told_with_an_example(pair):
    """A route that cannot be read is shown, with what was expected."""
    with pytest.raises(UsageError, match="expected SERVICE=URL"):
        options.routes([pair])


def test_a_service_has_one_route():
    """Two routes for one service are a mistake, not a choice."""
    with pytest.raises(UsageError, match="twice"):
        options.routes(["a=http://b.test", "a=http://c.test"])


def test_names_may_be_given_together_or_apart():
    """Commas and repetition mean the same."""
    assert options.names(["a, b", "c", ""]) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "position"),
    [("earliest", "earliest"), ("latest", "latest"), ("2026-11-23T02:00Z", 1795399200.0)],
)
def test_a_start_is_a_word_or_an_instant(text, position):
    """``--from`` takes earliest, latest, or an instant with its zone."""
    assert options.position(text) == position


def test_an_instant_without_a_zone_is_refused():
    """Which two o'clock was meant, nobody could say."""
    with pytest.raises(UsageError, match="no zone; write 2026-11-23T02:00"):
        options.position("2026-11-23T02:00")


def test_a_start_that_cannot_be_read_is_told_with_an_example():
    """Anything else is shown, with what was expected."""
    with pytest.raises(UsageError, match="expected earliest, latest or an instant"):
        options.position("yesterday")
