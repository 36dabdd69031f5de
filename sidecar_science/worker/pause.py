"""How long a service rests after a refused connection: longer each time, and no time at all after an answer."""

from __future__ import annotations

import threading

from sidecar_science.clock import Clock

FIRST = 0.5
LONGEST = 30.0


class Pauses:
    """The pauses of every service, shared by all lanes of a process; seconds."""

    def __init__(self, clock: Clock, *, first: float = FIRST, longest: float = LONGEST) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._lock = threading.Lock()
        self._pauses: dict[str | None, tuple[float, float]] = {}

    def lengthen(self, service: str | None) -> tuple[float, bool]:
        """Note a refused connection: the instant (monotonic) at which the service may be tried again, and whether
        this is a new pause."""
        now = self._clock.monotonic()
        with self._lock:
            length, until = self._pauses.get(service, (0.0, 0.0))
            # Lanes that fail while the service rests already make its rest no longer.
            new = until <= now
            if new:
                length = min(self._longest, max(self._first, length * 2))
                until = now + length
                self._pauses[service] = (length, until)
            return until, new

    def forget(self, service: str | None) -> bool:
        """Note an answer; whether the service was resting."""
        if service not in self._pauses:
            return False
        with self._lock:
            return self._pauses.pop(service, None) is not None
