"""Settlements on their way to the journal: those of reads a few at a time, that of a write at once.

A settlement costs as much as the rest of what a worker does of its own for a job, and several cost hardly more. What is
not yet settled when its worker dies is taken for interrupted: a read is then made once more, which it may be; a write's
end would be unknown.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.journal.protocol import Journal, Settlement
from sidecar_science.reports.outcome import Replayed
from sidecar_science.worker.attempts import insisting
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.queue import PartitionQueue

MOST: Final = 16
"""How many settlements of reads wait at most."""

LONGEST: Final = 0.05
"""Seconds after which the first of them is not kept waiting by one more read."""


@attrs.frozen
class _Due:
    settlement: Settlement
    replayed: Replayed


class Settling:
    """The settlements of one lane, all of one partition. ``told`` is given each ending once it is in the journal."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        told: Callable[[Replayed], None],
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._told = told
        self._failpoint = failpoint
        self._lock = threading.Lock()
        self._due: list[_Due] = []
        self._since = math.inf

    def add(self, queue: PartitionQueue, settlement: Settlement, replayed: Replayed, *, wait: bool) -> None:
        """Settle, now or, with ``wait``, soon. Raises `JournalError`."""
        with self._lock:
            self._due.append(_Due(settlement, replayed))
            self._since = min(self._since, self._clock.monotonic())
        if not wait or len(self._due) >= MOST:
            self.flush(queue)

    def before_sending(self, queue: PartitionQueue, *, writes: bool) -> None:
        """Settle what has waited long enough; before a write is sent, everything."""
        if writes or self._clock.monotonic() >= self._since + LONGEST:
            self.flush(queue)

    def flush(self, queue: PartitionQueue) -> None:
        """Settle all that waits. Raises `JournalError`; what was not settled is its next owner's to find out."""
        with self._lock:
            due, self._due, self._since = self._due, [], math.inf
        if not due:
            return
        settlements = [one.settlement for one in due]
        self._failpoint("before_settle")
        insisting(lambda: self._journal.settle(queue.lease, settlements), queue, self._clock)
        self._failpoint("after_settle")
        for one in due:
            self._told(one.replayed)

    def forget(self) -> None:
        """The partition is lost, and with it what was not settled."""
        with self._lock:
            self._due, self._since = [], math.inf
