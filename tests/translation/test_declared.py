"""Where ids may be declared, and what is refused where it is written."""

from __future__ import annotations

import pytest

from sidecar_science.errors import DeclarationError
from sidecar_science.translation.declared import Ids


def test_places_are_in_the_result_or_in_the_call():
    """What starts with a dollar is in the result, anything else begins with a parameter."""
    ids = Ids.declare(
        "experiment 'x'",
        {"$.id": "subscriber", "subscriber_id": "subscriber", 'payload.lists[*]["the id"]': "list"},
        drop=("payload.previous_version", "if_match"),
    )

    assert [(place.steps, place.kind) for place in ids.answers] == [(("id",), "subscriber")]
    assert [(place.steps, place.kind) for place in ids.arguments] == [
        (("subscriber_id",), "subscriber"),
        (("payload", "lists", None, "the id"), "list"),
    ]
    assert ids.dropped == (("payload", "previous_version"), ("if_match",))
    assert ids.kinds == {"subscriber", "list"}
    assert ids.parameters == ("subscriber_id", "payload", "if_match")
    assert ids


def test_nothing_declared_is_nothing():
    """Then nothing is looked for."""
    assert not Ids.declare("experiment 'x'")
    assert not Ids()


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["$.id"], "is no mapping"),
        ({"$id": "subscriber"}, "cannot be read at position 1"),
        ({"$.id": ""}, "the kind ''"),
        ({"$.id": "a|b"}, "the kind 'a|b'"),
        ({"[3]": "subscriber"}, "is no place in a call"),
        ({3: "subscriber"}, "is no place in a call"),
        ({"payload..id": "subscriber"}, "cannot be read"),
    ],
)
def test_what_cannot_be_a_place_is_refused(ids, told):
    """With what was seen."""
    with pytest.raises(DeclarationError, match=told.replace("[", r"\[").replace("$", r"\$").replace("|", r"\|")):
        Ids.declare("experiment 'x'", ids)


def test_one_name_to_drop_is_no_list_of_its_letters():
    """A text is a sequence, too."""
    with pytest.raises(DeclarationError, match="drop takes several names"):
        Ids.declare("experiment 'x'", drop="version")


def test_a_kind_per_key_is_another_one_for_each_key():
    """A version says nothing without the document that it is one of."""
    [place] = Ids.declare("experiment 'x'", {"$.version": "version per key"}).answers

    assert place.kind_for("d1") != place.kind_for("d2")
    assert place.kind_for(None) == "version per key"
