"""The names under which a partition's hash holds what came of its jobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.fields import name, parts


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_can_be_part_of_a_name(given_parts):
    """What went into a name comes out of it, separators and all."""
    assert parts(name(*given_parts)) == given_parts


def test_names_are_readable_and_carry_a_version():
    """A plain name is spelled as it is, after the version of the layout."""
    assert name("outcome", "matched", "shop.get") == "1|outcome|matched|shop.get"
    assert name("places", "ab", 3) == "1|places|ab|3"


def test_a_name_can_always_be_sent():
    """A lone surrogate, which has no UTF-8 form, is spelled out."""
    assert name("outcome", "\ud800").encode() == rb"1|outcome|\ud800"


@pytest.mark.parametrize("field", ["2|outcome|matched|x", "@settled", "1", ""])
def test_names_of_another_version_are_told_apart(field):
    """What this release did not write it does not read."""
    with pytest.raises(ValueError, match="not of version 1"):
        parts(field)
