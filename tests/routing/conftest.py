"""A and B for every test that wants them, and a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar_science.clock import SystemClock
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.routes import Routes

from .places import Place


class StillClock(SystemClock):
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:  # type: ignore[override]
        return self.now


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def current() -> Current:
    return Current()


@pytest.fixture
def replay() -> CurrentReplay:
    return CurrentReplay(job="job-1", environment="b-42", service="api")


@pytest.fixture
def a() -> Iterator[Place]:
    place = Place("A")
    yield place
    place.close()


@pytest.fixture
def b() -> Iterator[Place]:
    place = Place("B")
    yield place
    place.close()


@pytest.fixture
def routes(a: Place, b: Place) -> Routes:
    return Routes({"api": [a.url]}, {"api": b.url})
