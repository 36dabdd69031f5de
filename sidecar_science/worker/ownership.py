"""Which partitions this worker works on: its share of them, held by leases that are renewed well before they end."""

from __future__ import annotations

import math
import random
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.journal.protocol import Journal, Lease
from sidecar_science.worker.queue import PartitionQueue

_BEAT_EVERY: Final = 1.0


class Ownership:
    """This worker's partitions. Its share follows the number of workers that live; times are seconds."""

    def __init__(
        self,
        *,
        journal: Journal,
        worker: str,
        lease: float,
        renew_every: float,
        window: float,
        clock: Clock,
        log: Any,
        chance: random.Random | None = None,
    ) -> None:
        self.queues: dict[int, PartitionQueue] = {}
        self._journal = journal
        self._worker = worker
        self._lease = lease
        self._renew_every = renew_every
        self._window = window
        self._clock = clock
        self._log = log
        self._chance = chance or random.Random()  # noqa: S311 - spreads workers over partitions, guards nothing
        self._beat_at = 0.0
        self._renew_at = 0.0
        self._share = 0

    def tend(self) -> list[PartitionQueue]:
        """Beat, renew, give up what is lost or too much, take what is free; the partitions that are new."""
        now = self._clock.monotonic()
        self._forget_lost()
        if now >= self._renew_at:
            self._renew(now)
        if now < self._beat_at:
            return []
        self._beat_at = now + _BEAT_EVERY
        live = self._journal.beat(self._worker, partitions=len(self.queues), ttl=self._lease)
        self._share = math.ceil(self._journal.partitions / max(1, live))
        self._give_up_surplus()
        return self._take_free()

    def give_up(self, queue: PartitionQueue) -> None:
        """Give a partition back: what it has not started goes to its next owner."""
        queue.lost = True
        self.queues.pop(queue.partition, None)
        self._journal.release(queue.lease)

    def leave(self) -> None:
        """Give everything back, and say goodbye."""
        for queue in list(self.queues.values()):
            self.give_up(queue)
        self._journal.leave(self._worker)

    def _renew(self, now: float) -> None:
        self._renew_at = now + self._renew_every
        lost = self._journal.renew([queue.lease for queue in self.queues.values()], self._lease)
        for partition in lost:
            self.queues[partition].lost = True
            self._log.warning("lease.lost", partition=partition)
        self._forget_lost()

    def _forget_lost(self) -> None:
        for partition, queue in list(self.queues.items()):
            if queue.lost and not queue.in_lane:
                del self.queues[partition]
                self._journal.release(queue.lease)

    def _give_up_surplus(self) -> None:
        surplus = len(self.queues) - self._share
        for queue in sorted(self.queues.values(), key=len):
            if surplus <= 0:
                return
            if not queue.in_lane:
                self.give_up(queue)
                surplus -= 1

    def _take_free(self) -> list[PartitionQueue]:
        wanted = self._share - len(self.queues)
        free = [partition for partition in range(self._journal.partitions) if partition not in self.queues]
        self._chance.shuffle(free)
        taken: list[PartitionQueue] = []
        for partition in free:
            if len(taken) >= wanted:
                break
            lease = self._journal.acquire(partition, self._worker, self._lease)
            if lease is not None:
                taken.append(self._own(lease))
        return taken

    def _own(self, lease: Lease) -> PartitionQueue:
        queue = self.queues[lease.partition] = PartitionQueue(lease, self._window)
        return queue
