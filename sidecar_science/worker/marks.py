"""Starts of reads, marked a few at a time: one trip to the journal for a read and for the next ones behind it.

A write is marked by itself, right before it is sent. A read that was marked and not sent, since its worker died or gave
the partition away, has had one of its two attempts: it is never sent more often than it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sidecar_science.clock import Clock
from sidecar_science.journal.job import Job
from sidecar_science.journal.protocol import Journal, Start, Started
from sidecar_science.worker.attempts import MOST, insisting
from sidecar_science.worker.plan import Plan
from sidecar_science.worker.queue import PartitionQueue, Waiting

AHEAD: Final = 4
"""How many of the jobs that stand behind one are marked with it."""


class Marks:
    """The starts that one lane has marked in its turn. ``reads`` tells whether a job certainly only reads."""

    def __init__(self, journal: Journal, clock: Clock, reads: Callable[[Job], bool]) -> None:
        self._journal = journal
        self._clock = clock
        self._reads = reads
        self._marked: dict[str, Started] = {}

    def forget(self) -> None:
        """A turn begins: what another lane has done in the partition since is not known here."""
        self._marked = {}

    def start(self, queue: PartitionQueue, waiting: Waiting, plan: Plan, made: int) -> Started:
        """Mark one more attempt at ``waiting`` after the ``made`` ones, unless it is marked already.

        Raises `JournalError`.
        """
        known = self._marked.pop(waiting.claimed.entry, None)
        if known is not None and known.attempt > made and plan.repeatable:
            return known
        behind = () if plan.writes or made else self._behind(queue, waiting.job.key)
        starts = [_start(waiting, MOST if plan.repeatable else 1, made), *(_start(each, MOST, 0) for each in behind)]
        first, *others = insisting(lambda: self._journal.start_all(queue.lease, starts), queue, self._clock)
        marked = zip(behind, others, strict=True)
        self._marked = {waiting.claimed.entry: started for waiting, started in marked if started.go}
        return first

    def _behind(self, queue: PartitionQueue, key: str | None) -> Sequence[Waiting]:
        """The reads that follow at once, up to the first job that is none.

        One that has been marked before, by whomever, has one attempt left: nobody uses that up by dying. One mark for
        a key at a time: a mark says that the key has come as far as this, and what stands before it would be late.
        """
        found, keys = [], {key}
        for each in queue.next_due(AHEAD, self._clock.monotonic()):
            claimed = each.claimed
            if each.made or claimed.attempts or claimed.is_guilty or each.lacks or not self._reads(each.job):
                break
            if each.job.key is not None and each.job.key in keys:
                break
            keys.add(each.job.key)
            found.append(each)
        return found


def _start(waiting: Waiting, limit: int, made: int) -> Start:
    job = waiting.job
    return Start(entry=waiting.claimed.entry, limit=limit, after=made, key=job.key, completed_at=job.completed_at)
