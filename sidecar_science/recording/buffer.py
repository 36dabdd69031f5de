"""Where captures wait for the drain thread, bounded by bytes; and the counts of what became of every call.

A caller takes one re-entrant lock for a handful of steps and makes no wake-up call: a ``Queue`` or an ``Event`` was
seen to deadlock under signals and forks. The drain thread holds the lock just as shortly, and polls.

How many calls there were is not counted by itself but summed up from where they are, so that a signal handler or an
exception from outside, which may come between any two steps, cannot make the sum wrong.
"""

from __future__ import annotations

import threading
from collections import deque

from sidecar_science.recording.capture import Capture

_MAX_LOST_KEYS = 10_000

Taken = tuple[Capture, int]


class Buffer:
    """Captures on their way out. ``capacity`` is in bytes and covers what is being shipped as well."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._waiting: deque[Taken] = deque()
        self._under_way = 0
        self._held = 0
        self.has_room = True
        self._closed: str | None = None
        self.full_reason = "buffer_full"
        self.sampled_out = 0
        self.recorded = 0
        self.dropped: dict[str, int] = {}
        self.left = 0
        # Reasons of calls that could not even be counted when they were lost, for want of room on the stack.
        self.strays: deque[str] = deque()
        self._lost: list[Capture] = []
        self._lost_more = False

    reset_after_fork = _reset

    @property
    def called(self) -> int:
        """How many calls there were."""
        with self._lock:
            self._count_strays()
            return self.sampled_out + self.recorded + sum(self.dropped.values()) + self._inside()

    @property
    def entered(self) -> int:
        """How many captures were ever taken in; ``left`` of them have left, shipped or lost."""
        with self._lock:
            return self.left + self._inside()

    def put(self, capture: Capture) -> None:
        """Count a call; keep its capture, unless there is no room or it carries a reason to be dropped."""
        size = capture.size
        with self._lock:
            reason = capture.dropped or self._closed
            if reason is None and self._held + size > self.capacity:
                reason = self.full_reason
                # Whoever comes next need not encode anything, until something has left.
                self.has_room = self._held == 0
            if reason is not None:
                self._drop(capture, reason)
                return
            self._waiting.append((capture, size))
            self._held += size

    def count_sampled_out(self) -> None:
        with self._lock:
            self.sampled_out += 1

    def count_dropped(self, reason: str) -> None:
        """Count a call of which not even its key is known."""
        with self._lock:
            self._count(reason, 1)

    def drop(self, capture: Capture, size: int, reason: str) -> None:
        """Count a capture that was taken, and cannot be shipped."""
        with self._lock:
            self._leave(1, size)
            self._drop(capture, reason)

    def take(self, max_count: int, max_bytes: int) -> list[Taken]:
        """The oldest captures; they count against the capacity until they are told to be shipped, dropped or lost."""
        taken: list[Taken] = []
        with self._lock:
            while self._waiting and len(taken) < max_count and max_bytes > 0:
                taken.append(self._waiting.popleft())
                max_bytes -= taken[-1][1]
            self._under_way += len(taken)
        return taken

    def take_lost(self) -> tuple[list[Capture], bool]:
        """What was dropped since the last time (its keys have a gap), and whether there was more than is kept."""
        with self._lock:
            lost, self._lost = self._lost, []
            more, self._lost_more = self._lost_more, False
        return lost, more

    def shipped(self, count: int, size: int) -> None:
        """``count`` captures of ``size`` bytes that were taken are in the journal now."""
        with self._lock:
            self._leave(count, size)
            self.recorded += count

    def give_up(self, count: int, size: int) -> None:
        """Count what was taken and may have arrived, or not: nobody is left to find out."""
        with self._lock:
            self._leave(count, size)
            self._count("gave_up", count)

    def abandon(self, reason: str) -> None:
        """Drop whatever waits. Nobody knows any more which keys have a gap: all of them."""
        with self._lock:
            count, size = len(self._waiting), sum(size for _, size in self._waiting)
            self._waiting.clear()
            self._under_way += count
            self._leave(count, size)
            self._count(reason, count)
            self._lost_more = self._lost_more or count > 0

    def close(self, reason: str) -> None:
        """Take no capture from here on: each is dropped for ``reason``."""
        self._closed = reason

    def lose_track(self) -> None:
        """Calls were made that nobody counted: any key may have a gap."""
        self._lost_more = True

    def counts(self) -> dict[str, int | dict[str, int]]:
        """One consistent reading: called = sampled_out + recorded + sum(dropped) + buffered."""
        with self._lock:
            return {
                "called": self.called,
                "sampled_out": self.sampled_out,
                "recorded": self.recorded,
                "dropped": dict(self.dropped),
                "buffered": self._inside(),
            }

    def _inside(self) -> int:
        return len(self._waiting) + self._under_way

    def _leave(self, count: int, size: int) -> None:
        self._under_way -= count
        # Exact again whenever it is empty, should an exception from outside have come between two steps.
        self._held = self._held - size if self._inside() else 0
        self.has_room = True
        self.left += count

    def _drop(self, capture: Capture, reason: str) -> None:
        if len(self._lost) < _MAX_LOST_KEYS:
            capture.forget()
            self._lost.append(capture)
        else:
            self._lost_more = True
        self._count(reason, 1)

    def _count_strays(self) -> None:
        while self.strays:
            self._count(self.strays.popleft(), 1)
            self._lost_more = True

    def _count(self, reason: str, count: int) -> None:
        if not count:
            return
        # No call in between: nothing else of this thread, such as a signal handler, can come between the two steps.
        try:
            self.dropped[reason] += count
        except KeyError:
            self.dropped[reason] = count
