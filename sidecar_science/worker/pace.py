"""At most so many replays a second, for all lanes of a process together."""

from __future__ import annotations

import threading

from sidecar_science.clock import Clock


class Pace:
    """Lets ``rate`` replays a second begin, evenly spaced."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._gap = 1.0 / rate
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, ending: threading.Event) -> None:
        """Wait for this replay's turn, or until ``ending`` is set."""
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._clock.wait(ending, turn - now)
