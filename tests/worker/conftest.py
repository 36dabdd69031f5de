"""A bench for every test that needs one and has none of its own."""

from __future__ import annotations

import pytest

from tests.worker.bench import Bench


@pytest.fixture
def bench():
    return Bench()
