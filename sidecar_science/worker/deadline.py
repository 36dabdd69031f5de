"""Ending a replay at its deadline, even when its adapter ignores every timeout that it is given.

`DeadlineExceeded` is raised in the lane's thread from outside, which reaches any code between two steps of Python,
a drip-fed response included. Code that is stuck in C reaches no such step: its lane is given up (see `Worker`).
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from sidecar_science.clock import Clock
from sidecar_science.errors import DeadlineExceeded
from sidecar_science.routing.current import CurrentReplay

GRACE = 0.2
"""Seconds past the deadline that an adapter's own timeout has to end the call in its own way."""

# Looked up now: the guard refuses foreign symbols later.
_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class _Running:
    def __init__(self, thread: int, deadline: float) -> None:
        self.thread = thread
        self.deadline = deadline
        self.fired = False


class Deadlines:
    """The deadlines of all lanes of a process. ``enforce`` is called often, by a thread that is no lane."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}

    @contextlib.contextmanager
    def bound(self, replay: CurrentReplay) -> Iterator[None]:
        """Within the block, `DeadlineExceeded` is raised in this thread when the replay's deadline has passed."""
        thread = threading.get_ident()
        running = self._running[thread] = _Running(thread, replay.deadline)
        try:
            yield
        finally:
            self._release(running)

    def enforce(self) -> list[int]:
        """End what has run past its deadline; the threads that did not end when they were told to."""
        now = self._clock.monotonic()
        stuck = []
        with self._lock:
            for running in list(self._running.values()):
                if now < running.deadline + GRACE:
                    continue
                if not running.fired:
                    running.fired = True
                    _raise_in_thread(ctypes.c_ulong(running.thread), ctypes.py_object(DeadlineExceeded))
                elif now >= running.deadline + 10 * GRACE:
                    stuck.append(running.thread)
        return stuck

    def _release(self, running: _Running) -> None:
        """Nothing may be raised in the thread from here on, nor be on its way there."""
        while True:
            try:
                with self._lock:
                    self._running.pop(running.thread, None)
                    if running.fired:
                        _raise_in_thread(ctypes.c_ulong(running.thread), None)
                return
            except DeadlineExceeded:
                # It arrived just now, in the middle of taking it back.
                continue
