"""Fixtures of the fault rig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An app, a journal in a Redis that keeps it on disk, a B-branch and workers: none runs yet but Redis and B."""
    with Rig(tmp_path) as rig:
        yield rig
