"""Which partitions this worker works on: its share of them, held by leases that are renewed well before they end."""

from __future__ import annotations

import math
import random
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.journal.protocol import Journal
from sidecar_science.worker.queue import PartitionQueue

_BEAT_EVERY: Final = 1.0
_LOOK_EVERY: Final = 0.2
"""Seconds after which somebody's coming or leaving is noticed: what was handed over shall not lie about for a beat."""


class Ownership:
    """This worker's partitions. Its share follows the number of workers that live; times are seconds.

    One thread tends it. A partition that a lane works on is never given back under the lane's hands: it is marked as
    lost, and goes when the lane has left it.
    """

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
        self._beat_at = -math.inf
        self._look_at = -math.inf
        self._crew = 0
        self._renew_at = -math.inf
        self._share = 0

    def tend(self) -> None:
        """Beat, renew, give up what is lost or too much, take what is free."""
        now = self._clock.monotonic()
        self.keep()
        if now < self._beat_at and not self._has_crew_changed(now):
            return
        self._beat_at = now + _BEAT_EVERY
        self._crew = live = self._journal.beat(self._worker, partitions=len(self.queues), ttl=self._lease)
        self._share = math.ceil(self._journal.partitions / max(1, live))
        self._give_up_surplus()
        self._take_free()

    def _has_crew_changed(self, now: float) -> bool:
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY
        return self._journal.crew() != self._crew

    def keep(self) -> None:
        """Renew the leases when it is time, and give back what is lost and no lane works on."""
        now = self._clock.monotonic()
        if now >= self._renew_at:
            self._renew(now)
        self._forget_lost()

    def forget(self) -> None:
        """Mark everything as lost: after an error our own state is unknown, and is read again from the journal."""
        for queue in self.queues.values():
            queue.lost = True

    def leave(self) -> None:
        """Give everything back, and say goodbye. The lease of what a lane still works on ends by itself: somebody who
        began there now would be in that lane's way."""
        for queue in list(self.queues.values()):
            queue.lost = True
            if not queue.in_lane:
                self._give_back(queue)
        self._journal.leave(self._worker)

    def _renew(self, now: float) -> None:
        held = list(self.queues.values())
        lost = self._journal.renew([queue.lease for queue in held], self._lease)
        self._renew_at = now + self._renew_every
        for queue in held:
            if queue.partition not in lost:
                queue.held_until = now + self._lease
            elif not queue.lost:
                queue.lost = True
                self._log.warning("lease.lost", partition=queue.partition)

    def _forget_lost(self) -> None:
        for queue in [queue for queue in self.queues.values() if queue.lost and not queue.in_lane]:
            self._give_back(queue)

    def _give_back(self, queue: PartitionQueue) -> None:
        del self.queues[queue.partition]
        self._journal.release(queue.lease)

    def _give_up_surplus(self) -> None:
        """What exceeds our share goes, chosen by chance: a newcomer shall have its part of the work, not of the idle
        partitions alone. What a lane works on goes when it has done its job."""
        held = [queue for queue in self.queues.values() if not queue.lost]
        for queue in self._chance.sample(held, max(0, len(held) - self._share)):
            queue.lost = True
        self._forget_lost()

    def _take_free(self) -> None:
        wanted = self._share - len(self.queues)
        free = [partition for partition in range(self._journal.partitions) if partition not in self.queues]
        self._chance.shuffle(free)
        for partition in free:
            if wanted <= 0:
                return
            now = self._clock.monotonic()
            lease = self._journal.acquire(partition, self._worker, self._lease)
            if lease is not None:
                self.queues[partition] = PartitionQueue(
                    lease, self._window, now + self._lease, self._journal.dispatched(lease)
                )
                wanted -= 1
