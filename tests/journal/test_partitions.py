"""Keys become text, digests and partitions, the same in every process and release."""

from __future__ import annotations

import enum
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.journal.partitions import key_digest, key_text, partition_of, sample_point


class Size(enum.Enum):
    SMALL = "small"
    OTHER = object()


class Level(enum.IntEnum):
    ONE = 1


class Word(str):
    """A text that tells something else about itself."""

    def __str__(self) -> str:
        return "no"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (1, "1"),
        ("1", "1"),
        (True, "1"),
        (Level.ONE, "1"),
        (Size.SMALL, "small"),
        (Size.OTHER, "OTHER"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (b"abc", "abc"),
        (bytearray(b"\xff"), "\udcff"),
        (Word("yes"), "yes"),
        ((1, "b"), "(1:11:b)"),
        (("1b",), "(2:1b)"),
        ((1, (2, 3)), "(1:18:(1:21:3))"),
    ],
)
def test_keys_have_one_canonical_text(key: object, text: str) -> None:
    """A key is the same whether it came as a number, a text, bytes or an Enum member."""
    assert key_text(key) == text


def test_tuples_with_other_boundaries_are_other_keys() -> None:
    """Joining parts loses no boundary."""
    keys = [("a", "b,c"), ("a,b", "c"), ("a", "b", "c"), ("ab", "c"), ("a", ("b", "c"))]

    assert len({key_text(key) for key in keys}) == len(keys)


@pytest.mark.parametrize("key", [None, 1.0, [1], {"a": 1}, ("a", None)])
def test_anything_else_is_refused_by_the_name_of_its_type(key: object) -> None:
    """A key that has no canonical text is an error that says what would have one."""
    with pytest.raises(TypeError, match=r"a key of type (NoneType|float|list|dict) .* expected str, int, UUID"):
        key_text(key)


def test_digests_and_partitions_never_change() -> None:
    """These values are part of the layout: jobs of an older release must land where they always did."""
    digest = key_digest("shop", "orders", "42")

    assert digest == "32c241ba41bd1d7fee2e4abee75b0e39"
    assert partition_of("orders", digest, 64) == 28
    assert sample_point("shop", "42") == 0.5778219128622895


def test_a_digest_depends_on_all_three_parts() -> None:
    """Equal keys of other namespaces or services are other keys, and no boundary is lost."""
    parts = [("n", "s", "k"), ("m", "s", "k"), ("n", "t", "k"), ("n", "s", "l"), ("ns", "", "k"), ("n", None, "sk")]

    digests = {key_digest(*each) for each in parts}

    assert len(digests) == len(parts)
    assert all(len(digest) == 32 and set(digest) <= set("0123456789abcdef") for digest in digests)


def test_keys_spread_over_all_partitions() -> None:
    """No partition gets more than its share of many keys."""
    spread = Counter(partition_of("orders", key_digest("shop", "orders", str(n)), 64) for n in range(6400))

    assert set(spread) == set(range(64))
    assert max(spread.values()) < 150


@given(st.text(), st.text())
def test_any_text_has_a_place(namespace: str, text: str) -> None:
    """Whatever a key holds, half a surrogate pair included, it has one partition and one sampling point."""
    digest = key_digest(namespace, "s", text)

    assert 0 <= partition_of("s", digest, 7) < 7
    assert 0.0 <= sample_point(namespace, text) < 1.0


def test_a_higher_rate_only_adds_entities() -> None:
    """Who is in at one rate is in at every higher one, and a rate takes its share."""
    points = [sample_point("shop", str(n)) for n in range(4000)]

    chosen = {rate: {n for n, point in enumerate(points) if point < rate} for rate in (0.1, 0.5, 1.0)}

    assert chosen[0.1] < chosen[0.5] < chosen[1.0]
    assert 300 < len(chosen[0.1]) < 500
    assert len(chosen[1.0]) == 4000
