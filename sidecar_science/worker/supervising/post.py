"""A place that a process is to fill."""

from __future__ import annotations

from typing import Final

from sidecar_science.worker.supervising.child import Child

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_GROWN_UP: Final = 10.0
"""After so many seconds of life a death is no reason to wait longer than after the one before."""


class Post:
    """It has a ``child``, or is to be filled when it is ``due`` (monotonic), or stays empty."""

    def __init__(self, *, quarantine: bool = False) -> None:
        self.quarantine = quarantine
        self.child: Child | None = None
        self.due: float | None = None
        self._pause = 0.0
        self._born = 0.0

    def take(self, child: Child) -> None:
        """Be filled."""
        self.child, self.due, self._born = child, None, child.born

    def fill_at(self, now: float) -> None:
        """Have it filled at once, if nobody is there."""
        if self.child is None:
            self.due = now

    def rest(self, now: float) -> None:
        """Have it filled after a while, which is longer each time."""
        if now - self._born > _GROWN_UP:
            self._pause = 0.0
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2))
        self.due = now + self._pause
