"""Paths and patterns: how a place in an answer is spelled, and what a rule covers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.comparison.difference import Difference, side_of
from sidecar_science.comparison.paths import Pattern, join, to_pattern
from sidecar_science.errors import DeclarationError

STEPS = st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=12)), max_size=6)


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([], "$"),
        (["a", "b", 3, "c"], "$.a.b[3].c"),
        (["a b"], '$["a b"]'),
        (["a", "x.y"], '$.a["x.y"]'),
        (["content-type"], '$["content-type"]'),
        ([""], '$[""]'),
        (['say "hi"\\'], '$["say \\"hi\\"\\\\"]'),
        (["3"], '$["3"]'),
        (["teitl_Cymraeg", "é"], "$.teitl_Cymraeg.é"),
        (["[*]"], '$["[*]"]'),
    ],
)
def test_every_place_has_one_spelling(steps, path):
    """Plain names follow a dot, other keys stand in brackets as JSON strings, indexes in brackets as they are."""
    assert join(steps) == path


@pytest.mark.parametrize("key", ["a\nb", "\x1b[31m", "\u2028", "\ud800", "\x85"])
def test_a_key_that_cannot_be_printed_is_escaped(key):
    """What a terminal would obey, or UTF-8 has no form for, never gets into a path as it is."""
    path = join([key])

    assert path.isascii()
    assert path.isprintable()
    assert json.loads(path[2:-1]) == key


def test_a_very_long_key_is_cut_and_still_told_from_others():
    """A key above 200 characters is shown by its beginning and a digest of the whole."""
    first, second = join(["x" * 5_000 + "1"]), join(["x" * 5_000 + "2"])

    assert first != second
    assert len(first) < 120
    assert Pattern.parse(join(["x" * 5_000 + "1"])).covers(first)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("$", "$"),
        ("$.a.b", "$.a.b"),
        ("$.a[0].b[12]", "$.a[*].b[*]"),
        ('$["a[3]"][3]', '$["a[3]"][*]'),
        ('$["a\\"[1]"][1]', '$["a\\"[1]"][*]'),
    ],
)
def test_a_pattern_of_a_path_has_any_index_for_every_index(path, pattern):
    """Indexes become [*]; digits inside a quoted key stay as they are."""
    assert to_pattern(path) == pattern


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("$", "$"),
        ("$", "$.a"),
        ("$", "$[0]"),
        ("$.a", "$.a"),
        ("$.a", "$.a.b[3]"),
        ("$.a", '$.a["b c"]'),
        ("$.a[*].b", "$.a[17].b.c"),
        ("$.a[*]", "$.a[*].b"),
        ("$.a[3]", "$.a[3].b"),
        ('$["a"]', "$.a"),
        ('$["x.y"].z', '$["x.y"].z[1]'),
        ('$["caf\\u00e9"]', "$.café"),
    ],
)
def test_a_pattern_covers_what_is_at_or_below_its_place(pattern, path):
    """The place itself and everything below is covered, however the pattern is spelled."""
    assert Pattern.parse(pattern).covers(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("$.a", "$"),
        ("$.a", "$.ab"),
        ("$.a", '$["a b"]'),
        ("$.a", "$.b.a"),
        ("$.a[*]", "$.a"),
        ("$.a[*]", "$.a.b"),
        ("$.a[3]", "$.a[31]"),
        ("$.a[3]", "$.a[*]"),
        ("$.a.b", "$.a[0].b"),
    ],
)
def test_a_pattern_covers_nothing_beside_its_place(pattern, path):
    """A longer name, a sibling, a parent and another index are not covered."""
    assert not Pattern.parse(pattern).covers(path)


@given(STEPS)
def test_every_path_is_a_pattern_that_covers_itself_and_its_pattern_covers_it(steps):
    """What a report shows can be pasted into a rule."""
    path = join(steps)

    assert Pattern.parse(path).covers(path)
    assert Pattern.parse(path).text == path
    assert Pattern.parse(to_pattern(path)).covers(path)


@given(STEPS, st.text(max_size=6))
def test_a_pattern_never_covers_a_sibling(steps, key):
    """Whatever the keys are, the place beside is not covered."""
    covered, beside = [*steps, key], [*steps, key + "2"]

    assert not Pattern.parse(join(covered)).covers(join(beside))


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("$.content-type", 9, '$["content-type"]'),
        ("$..a", 1, "'..' is not known"),
        ("$.a[b]", 3, "in brackets stands"),
        ("$.a['b']", 3, "double quotes"),
        ("$.a[-1]", 3, "in brackets stands"),
        ("$.a.", 3, "expected"),
        ("$a", 1, "expected"),
        ("$.a ", 3, "expected"),
        ('$["a"', 1, "in brackets stands"),
        ('$["a\\q"]', 2, "not a JSON string"),
        ("$[9999999999999999999999]", 1, "in brackets stands"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_where_and_what_to_write(text, position, says):
    """The error names the text, the position, what was expected, and how to write it."""
    with pytest.raises(DeclarationError) as raised:
        Pattern.parse(text)

    assert repr(text) in str(raised.value)
    assert f"position {position}" in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize("text", ["", "updated_at", ".a", None, 3])
def test_a_pattern_that_does_not_start_at_the_root_says_so(text):
    """A name alone is not taken for a path."""
    with pytest.raises(DeclarationError, match=r"does not start with '\$'"):
        Pattern.parse(text)


def test_a_pattern_prints_as_it_is_spelled():
    """Reports show the canonical spelling of a rule."""
    assert str(Pattern.parse('$["a"]["b c"][*]')) == '$.a["b c"][*]'


@pytest.mark.parametrize(
    ("where", "path", "side"),
    [
        ("exchange", "$[0].body.at", "request"),
        ("exchange", "$[*].query.page", "request"),
        ("exchange", "$[2].path", "request"),
        ("exchange", "$", "request"),
        ("exchange", "$[0].statuses", "request"),
        ("exchange", "$[0].body.status", "request"),
        ("exchange", "$[0].status", "response"),
        ("exchange", "$[*].status", "response"),
        ("value", "$[0].body", "response"),
        ("error", "$", "response"),
    ],
)
def test_another_request_is_told_apart_from_another_answer(where, path, side):
    """Clocks, chance and the current user are in what is sent; B answers for the rest."""
    assert side_of(where, path) == side
    assert Difference(where, path, "changed").side == side
