"""Suspects, tried one at a time in a process that does nothing else: whatever brings it down is guilty."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.journal.protocol import Journal, Lease
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.ownership import Ownership
from sidecar_science.worker.queue import PartitionQueue


class Quarantine(Ownership):
    """Stands where a worker's ownership and its intake stand: one partition of the quarantine at a time, and of that
    only the suspects. It has no share of the partitions, and is no member of the crew."""

    def __init__(
        self,
        *,
        journal: Journal,
        intake: Intake,
        worker: str,
        lease: float,
        renew_every: float,
        clock: Clock,
        log: Any,
    ) -> None:
        super().__init__(
            journal=journal, worker=worker, lease=lease, renew_every=renew_every, window=0.0, clock=clock, log=log
        )
        self._intake = intake
        self._tried: set[Lease] = set()
        self._swept = False
        self._never: Final = threading.Event()

    def tend(self) -> None:
        """Give back what has been tried; take what waits to be."""
        for queue in self.queues.values():
            if queue.lease in self._tried and not len(queue) and not queue.in_lane:
                queue.lost = True
        self.keep()
        if not self.queues:
            self._take_one()

    def is_drained(self) -> bool:
        """Whether nothing is left to be tried."""
        return self._swept and not self.queues

    def fill(self, queues: Sequence[PartitionQueue], block: float) -> int:
        """Read the suspects of each partition, once; how many there are to be run."""
        came = 0
        for queue in queues:
            if queue.lease not in self._tried:
                came += self._read(queue)
        if not came and block:
            self._clock.wait(self._never, block)
        return came

    def _read(self, queue: PartitionQueue) -> int:
        suspects = [each for each in self._journal.recover(queue.lease) if each.is_suspect or each.is_guilty]
        now = self._clock.monotonic()
        opened = self._intake.open(queue, suspects, now)
        # What was being read, and was not admitted, is read and no more: its turn is not before that of others.
        waiting = [one for one in opened if one.claimed.state == "crashed"]
        queue.add(waiting, read_until=now)
        self._tried.add(queue.lease)
        return len(waiting)

    def _take_one(self) -> None:
        for partition in range(self._journal.partitions):
            now = self._clock.monotonic()
            lease = self._journal.acquire(partition, self._worker, self._lease, quarantine=True)
            if lease is not None:
                self._log.info("quarantine.entered", partition=partition)
                self.queues[partition] = PartitionQueue(lease, 0.0, now + self._lease, self._journal.dispatched(lease))
                return
        self._swept = True
