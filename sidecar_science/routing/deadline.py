"""How long a request may still wait: what its adapter says, and never longer than its replay may last."""

from __future__ import annotations

import threading
from typing import Any

from urllib3.util import Timeout

from sidecar_science.clock import Clock
from sidecar_science.errors import DeadlineExceeded
from sidecar_science.routing.current import CurrentReplay


def remaining_of(replay: CurrentReplay, clock: Clock) -> float:
    """Seconds that ``replay`` has left; raises `DeadlineExceeded` when there are none."""
    remaining = replay.remaining(clock)
    if remaining <= 0:
        raise DeadlineExceeded(
            "the replay's time was over before this request could be sent; "
            "if B is expected to take that long, declare the experiment with a longer `timeout`"
        )
    return remaining


def bounded(timeout: Any, remaining: float) -> Any:
    """``timeout``, in whichever of the forms ``requests`` takes, with no part of it above ``remaining``
    seconds."""
    if isinstance(timeout, Timeout):
        timeout = timeout.clone()
        timeout.total = least(timeout.total, remaining)
        return timeout
    if isinstance(timeout, tuple):
        return tuple(least(part, remaining) for part in timeout)
    return least(timeout, remaining)


def least(timeout: Any, remaining: float) -> float | None:
    """The smaller of ``timeout`` and ``remaining``; what is not a number sets no bound, and None is no
    bound at all."""
    seconds = min(float(timeout), remaining) if isinstance(timeout, int | float) else remaining
    return None if seconds > threading.TIMEOUT_MAX else seconds
