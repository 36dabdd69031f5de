"""Where captures wait for the drain thread, bounded by bytes; and the counts of what became of every call.

A caller takes one re-entrant lock for a handful of steps and makes no wake-up call: a ``Queue`` or an ``Event`` was
seen to deadlock under signals and forks. The drain thread holds the lock just as shortly, and polls.
"""

from __future__ import annotations

import threading
from collections import Counter, deque

from sidecar_science.recording.capture import Capture

_MAX_LOST_KEYS = 10_000


class Buffer:
    """Captures on their way out. ``capacity`` is in bytes and covers what is being shipped as well."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._captures: deque[tuple[Capture, int]] = deque()
        self._held = 0
        self.full_reason = "buffer_full"
        self.called = 0
        self.sampled_out = 0
        self.recorded = 0
        self.dropped: Counter[str] = Counter()
        self._lost: list[Capture] = []
        self._lost_all = False

    reset_after_fork = _reset

    @property
    def has_room(self) -> bool:
        """Whether another capture would be taken: asked before anything is encoded."""
        return self._held < self.capacity

    @property
    def is_empty(self) -> bool:
        return self._held == 0

    def put(self, capture: Capture) -> None:
        """Count a call; keep its capture, unless there is no room or it carries a reason to be dropped."""
        size = capture.size
        with self._lock:
            self.called += 1
            if capture.dropped is None and self._held + size > self.capacity:
                capture.dropped = self.full_reason
            if capture.dropped is not None:
                self._drop(capture, capture.dropped)
                return
            self._held += size
            self._captures.append((capture, size))

    def count_sampled_out(self) -> None:
        with self._lock:
            self.called += 1
            self.sampled_out += 1

    def count_dropped(self, reason: str) -> None:
        """Count a call of which not even its key is known."""
        with self._lock:
            self.called += 1
            self.dropped[reason] += 1

    def drop(self, capture: Capture, reason: str) -> None:
        """Count a capture that was taken, and cannot be shipped."""
        with self._lock:
            self._drop(capture, reason)

    def _drop(self, capture: Capture, reason: str) -> None:
        self.dropped[reason] += 1
        if len(self._lost) < _MAX_LOST_KEYS:
            capture.arguments = capture.value = capture.error = None
            capture.exchanges = []
            self._lost.append(capture)
        else:
            self._lost_all = True

    def take(self, max_count: int, max_bytes: int) -> list[tuple[Capture, int]]:
        """The oldest captures; they count against the capacity until `done` is told their sizes."""
        taken: list[tuple[Capture, int]] = []
        with self._lock:
            while self._captures and len(taken) < max_count and max_bytes > 0:
                taken.append(self._captures.popleft())
                max_bytes -= taken[-1][1]
        return taken

    def take_lost(self) -> tuple[list[Capture], bool]:
        """What was dropped since the last time (its keys have a gap), and whether there was more than is kept."""
        with self._lock:
            lost, self._lost = self._lost, []
            beyond, self._lost_all = self._lost_all, False
        return lost, beyond

    def done(self, size: int, recorded: int) -> None:
        """Give ``size`` bytes back: ``recorded`` of what was taken are in the journal now."""
        with self._lock:
            self._held -= size
            self.recorded += recorded

    def abandon(self, reason: str) -> None:
        """Drop whatever waits: there is nobody left to ship it."""
        with self._lock:
            self.dropped[reason] += len(self._captures)
            self._held -= sum(size for _, size in self._captures)
            self._captures.clear()

    def counts(self) -> dict[str, int | dict[str, int]]:
        """One consistent reading: called = sampled_out + recorded + sum(dropped) + buffered."""
        with self._lock:
            settled = self.sampled_out + self.recorded + self.dropped.total()
            return {
                "called": self.called,
                "sampled_out": self.sampled_out,
                "recorded": self.recorded,
                "dropped": dict(self.dropped),
                "buffered": self.called - settled,
            }
