"""The only reader of time: wall, monotonic, CPU, and waiting, behind one Protocol.

Durations are float seconds. Tests hand in ``sidecar_science.testing.FakeClock``, which moves when it is told to.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What this package asks of time."""

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def cpu(self) -> float:
        """CPU seconds of the calling thread."""
        ...

    def process_cpu(self) -> float:
        """CPU seconds of the whole process, other threads included."""
        ...

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait until ``event`` is set or ``timeout`` seconds have passed; whether it is set."""
        ...


class SystemClock:
    """Time as the operating system tells it."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.perf_counter)
    cpu = staticmethod(time.thread_time)
    process_cpu = staticmethod(time.process_time)

    @staticmethod
    def wait(event: threading.Event, timeout: float) -> bool:
        return event.wait(timeout)


SYSTEM_CLOCK = SystemClock()
