"""Ending a replay at its deadline, even when its adapter ignores every timeout that it is given.

`DeadlineExceeded` is raised in the lane's thread from outside, which reaches any code between two steps of Python,
a drip-fed response included. Code that is stuck in C reaches no such step: its lane is given up (see `Worker`).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Final

from sidecar_science.clock import Clock
from sidecar_science.errors import DeadlineExceeded

GRACE: Final = 0.2
"""Seconds past the deadline that an adapter's own timeout has to end the call in its own way."""

STUCK: Final = 2.0
"""Seconds past the deadline after which a thread is taken not to end at all."""

_EVERY: Final = 0.05

# Looked up now: the guard refuses foreign symbols later.
_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class _Running:
    __slots__ = ("deadline", "fired", "job", "thread")

    def __init__(self, job: str, thread: int, deadline: float) -> None:
        self.job = job
        self.thread = thread
        self.deadline = deadline
        self.fired = False


class Deadlines:
    """The deadlines of all lanes of a process, kept by a thread of their own: nothing that the journal does, or fails
    to do, may hold them up."""

    def __init__(self, clock: Clock, *, pulse: Callable[[], object] = lambda: None) -> None:
        """``pulse`` is called all the time, as long as this process can do anything at all."""
        self._clock = clock
        self._pulse = pulse
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Keep the deadlines from here on."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._keep, name="sidecar-deadlines", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Keep them no longer."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def bound(self, job: str, deadline: float) -> Bound:
        """Within the block, `DeadlineExceeded` is raised in this thread when ``deadline`` (monotonic) has passed."""
        return Bound(self, _Running(job, threading.get_ident(), deadline))

    def enforce(self) -> None:
        """End what has run past its deadline."""
        now = self._clock.monotonic()
        with self._lock:
            for running in self._running.values():
                if not running.fired and now >= running.deadline + GRACE:
                    running.fired = True
                    _raise_in_thread(ctypes.c_ulong(running.thread), ctypes.py_object(DeadlineExceeded))

    def stuck(self) -> list[tuple[int, str]]:
        """Thread and job of each that did not end when it was told to."""
        now = self._clock.monotonic()
        with self._lock:
            late = [one for one in self._running.values() if one.fired and now >= one.deadline + STUCK]
        return [(one.thread, one.job) for one in late]

    def _hold(self, running: _Running) -> None:
        with self._lock:
            self._running[running.thread] = running

    def _keep(self) -> None:
        while not self._clock.wait(self._ending, _EVERY):
            self._pulse()
            self.enforce()

    def _release(self, running: _Running) -> None:
        """Nothing may be raised in the thread from here on, nor be on its way there."""
        drained = False
        while True:
            try:
                with self._lock:
                    self._running.pop(running.thread, None)
                if running.fired and not drained:
                    drained = True
                    # One more takes the place of any that is still on its way, and arrives here and now. Taking that
                    # one back would leave the interpreter looking for it for ever (CPython 3.11: under a tracer it
                    # then looks for nothing else).
                    _raise_in_thread(ctypes.c_ulong(running.thread), ctypes.py_object(DeadlineExceeded))
                    _let_it_arrive()
                return
            except DeadlineExceeded:
                continue


class Bound:
    """The block of `Deadlines.bound`: a class, since several of them are entered for each job."""

    __slots__ = ("_deadlines", "_running")

    def __init__(self, deadlines: Deadlines, running: _Running) -> None:
        self._deadlines = deadlines
        self._running = running

    def __enter__(self) -> None:
        self._deadlines._hold(self._running)

    def __exit__(self, *_: object) -> None:
        self._deadlines._release(self._running)


def _let_it_arrive() -> None:
    for _ in range(100):
        pass
