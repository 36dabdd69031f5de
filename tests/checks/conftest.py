"""Fixtures of the checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checks.site import Site
from tests.desk import desk

__all__ = ["desk"]


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site of one's own."""
    made = Site()
    yield made
    made.close()
