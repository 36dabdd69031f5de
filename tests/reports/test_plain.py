"""Recorded values as JSON data for a person to look at."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.reports.plain import MORE, DoesNotFit, common, cut, encoded, fitted, whole

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters())
    | st.binary()
    | st.just(Secret("ab"))
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet=st.characters()), inner), max_leaves=60
)


@given(VALUES, st.integers(min_value=10, max_value=400))
def test_anything_fits(value, limit):
    """Whatever the value, its JSON takes at most the bytes that it may take, and is JSON."""
    data = encoded(fitted(value, limit))

    assert len(data) <= limit
    json.loads(data)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("é", "é"),
        ([1, (2, 3)], [1, [2, 3]]),
        ({"a": {1: 2}}, {"a": {"1": 2}}),
        (math.nan, {"float": "nan"}),
        (-math.inf, {"float": "-inf"}),
        (Decimal("1.10"), "1.10"),
        (date(2026, 11, 23), "2026-11-23"),
        (datetime(2026, 11, 23, 2, tzinfo=UTC), "2026-11-23 02:00:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Secret("1a2b"), {"secret": "1a2b"}),
        (Opaque("shop.Money"), {"opaque": "shop.Money"}),
        (Oversize("d1", 5_000, "begins"), {"oversize": 5_000, "digest": "d1", "preview": "begins"}),
        (object(), {"opaque": "object"}),
    ],
)
def test_each_kind_of_value_keeps_its_sense(value, plain):
    """What JSON has no word for is told by name; nothing is shown by its repr."""
    assert fitted(value, 4_096) == plain


def test_bytes_are_told_by_size_digest_and_beginning():
    """Text bytes are shown as text, others as hexadecimal digits, both cut."""
    text, binary = fitted(b"hello", 4_096), fitted(b"\xff" * 500, 4_096)

    assert text == {
        "bytes": 5,
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "text": "hello",
    }
    assert binary["bytes"] == 500
    assert binary["hex"] == "ff" * 100 + "… (400 bytes more)"


def test_an_integer_of_thousands_of_digits_is_told_by_its_size():
    """Python would refuse to print it."""
    plain = fitted(10**5_000, 4_096)

    assert plain["bits"] == 16_610
    assert plain["int"].startswith("0x")


def test_a_long_text_says_how_much_is_missing():
    """The cut is visible and counts bytes, not characters."""
    assert fitted("é" * 5_000, 4_096) == "é" * 1_000 + "… (8000 bytes more)"


def test_a_wide_value_says_how_much_is_missing():
    """Items and keys that were left out are counted."""
    assert fitted(list(range(5_000)), 1_000)[-1] == "… (4900 more)"
    assert fitted({str(n): n for n in range(5_000)}, 2_000)[MORE] == "4900 more"


def test_a_deep_value_says_where_it_was_cut():
    """Below the last level that is shown, containers are told by their size."""
    deep: list = []
    for _ in range(150):
        deep = [deep]

    assert "… (1 items)" in encoded(fitted(deep, 4_096)).decode()


def test_a_value_that_holds_itself_many_times_over_costs_little():
    """Ninety levels of pairs would be 2**90 leaves; the walk gives up early."""
    pair: list = []
    for _ in range(90):
        pair = [pair, pair]

    assert len(encoded(fitted(pair, 4_096))) <= 4_096


def test_where_nothing_fits_a_sign_is_left():
    """Even the tightest bounds may be too wide."""
    assert fitted([["x" * 50] * 9] * 9, 10) == MORE


def test_whole_is_all_or_nothing():
    """`whole` cuts nothing; it raises."""
    assert whole({"a": [1]}, 100) == {"a": [1]}
    with pytest.raises(DoesNotFit):
        whole("x" * 101, 100)


def test_a_text_that_fits_is_not_cut():
    """Up to the length nothing is said."""
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… (1 bytes more)"


@given(st.text(), st.text(), st.text())
def test_the_common_beginning_is_found(start, one, other):
    """It is as long as it can be, and no longer."""
    n = common(start + one, start + other)

    assert n >= len(start)
    assert (start + one)[:n] == (start + other)[:n]
    assert (start + one)[n : n + 1] != (start + other)[n : n + 1] or not (start + one)[n : n + 1]
