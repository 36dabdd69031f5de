"""What may be an id, and where in a text one stands."""

from __future__ import annotations

from uuid import UUID

import pytest

from sidecar_science.translation.texts import is_telling, like, same_words, text_of, with_segments

A_UUID = "d1b1c2e0-5ee9-4b8c-9d7e-0a5c3a1f2b3c"


@pytest.mark.parametrize(("value", "text"), [(5, "5"), ("5", "5"), (UUID(A_UUID), A_UUID), (-1, "-1")])
def test_numbers_texts_and_uuids_may_be_ids(value, text):
    """And come back in the type that they had."""
    assert text_of(value) == text
    assert like(value, text) == value
    assert type(like(value, text)) is type(value)


@pytest.mark.parametrize("value", [None, True, 1.5, "", "x" * 201, 2**70, b"5", [5], {"id": 5}])
def test_nothing_else_is_one(value):
    """A truth is a number only to Python."""
    assert text_of(value) is None


def test_what_does_not_fit_the_type_stays_text():
    """B may have gone over from numbers to names."""
    assert like(5, "abc") == "abc"
    assert like(UUID(A_UUID), "7") == "7"


@pytest.mark.parametrize("text", [A_UUID, "507f1f77bcf86cd799439011", "123456789012345678", "cus_NffrFeUfNV2Hib"])
def test_some_texts_can_be_nothing_but_ids(text):
    """UUIDs, object ids, snowflakes."""
    assert is_telling(text)


@pytest.mark.parametrize("text", ["5", "2026", "ministry-of-defence", "1700000000", "0000000000000000a", "a 1" * 9])
def test_others_may_be_anything(text):
    """They are ids only where that is declared."""
    assert not is_telling(text)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("/subscribers/5", "/subscribers/9"),
        ("/subscribers/5/lists/55?id=5&5=1&x=15", "/subscribers/9/lists/55?id=9&5=1&x=15"),
        ("https://b.test:5/v5/5#5", "https://b.test:5/v5/9#9"),
        ("/subscribers/5.json", "/subscribers/5.json"),
        ("/subscribers/%35", "/subscribers/9"),
    ],
)
def test_segments_are_changed_as_a_whole(text, changed):
    """Never a part of one, and never a name in a query."""
    assert with_segments(text, {"5": "9"}.get) == changed


def test_a_new_segment_is_escaped():
    """An id may hold a slash."""
    assert with_segments("/x/5", {"5": "a/b c"}.get) == "/x/a%2Fb%20c"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("no subscriber 5.", "no subscriber 9.", True),
        ("no subscriber 5.", "no subscriber 8.", False),
        ("no subscriber 15", "no subscriber 19", False),
        ("subscriber 5 is gone", "subscriber 9 is not gone", False),
        ("/a/5?b=5", "/a/9?b=9", True),
        ("/a/5", "/a/9/", False),
        ("5", "9", True),
    ],
)
def test_texts_are_the_same_but_for_whole_words(one, other, same):
    """Everything between the words has to be equal."""
    assert same_words(one, other, lambda a, b: (a, b) == ("5", "9")) is same
