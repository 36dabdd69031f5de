"""The claimed jobs of one partition, in the order in which their controls completed."""

from __future__ import annotations

import bisect
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from sidecar_science.journal.job import Job, Stamp
from sidecar_science.journal.protocol import Claimed, Lease

LOW_WATER: Final = 32
"""With fewer jobs than that a partition wants more."""

_MOST: Final = 5000
_REMEMBERED_KEYS: Final = 10_000


@attrs.frozen(kw_only=True)
class Waiting:
    """A claimed job, and when, by the monotonic clock, it ``arrived`` in the journal.

    ``made`` is how many attempts at it have been sent under the lease of its queue; ``lacks`` tells what is
    missing to read all of it.
    """

    claimed: Claimed
    job: Job
    stamp: Stamp
    arrived: float
    made: int = 0
    lacks: str | None = None

    @property
    def order(self) -> tuple[float, str, int]:
        return (self.job.completed_at, self.stamp.producer, self.stamp.sequence)


class PartitionQueue:
    """What waits in one partition; one lane at a time takes from it.

    Several processes of an application append to a partition, so jobs may arrive slightly out of order: each waits
    until everything that arrived within ``window`` seconds after it has been read, and they leave sorted.

    The lease is held until ``held_until`` (monotonic) at least. A queue that is ``lost`` gives out no more jobs: its
    owner gives the lease back as soon as no lane works on it, and whoever takes it next reads the journal again.

    ``dispatched`` is what its earlier owners have dispatched: of each key, when the latest job's control completed.
    """

    def __init__(
        self, lease: Lease, window: float, held_until: float = math.inf, dispatched: Mapping[str, float] | None = None
    ) -> None:
        self.lease = lease
        self.partition = lease.partition
        self.held_until = held_until
        self.resume_at = 0.0
        self.in_lane = False
        self.lost = False
        self._window = window
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._read_until = -math.inf
        self._started: OrderedDict[str, float] = OrderedDict(dispatched or {})

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, arrivals: Iterable[Waiting], *, read_until: float) -> None:
        """Take in what was claimed; everything that arrived before ``read_until`` (monotonic) is known now."""
        with self._lock:
            for arrival in arrivals:
                self._insert(arrival)
            self._read_until = max(self._read_until, read_until)

    def wants_more(self) -> bool:
        """Whether more should be read: few jobs wait, or what arrived right after the next one is not known yet."""
        with self._lock:
            return len(self._waiting) < LOW_WATER or not self._is_known()

    def ready(self, now: float) -> bool:
        """Whether the next job may be started at ``now``."""
        with self._lock:
            return self._is_due(now)

    def take(self, now: float) -> Waiting | None:
        """The next job, or None when none may be started yet."""
        with self._lock:
            return self._waiting.pop(0) if self._is_due(now) else None

    def next_due(self, count: int, now: float) -> list[Waiting]:
        """Up to ``count`` of the jobs that would be given out next, as far as that is known at ``now``."""
        with self._lock:
            known = min(now, self._read_until) - self._window
            due = self._waiting[:count] if self._is_due(now) else []
            return list(itertools.takewhile(lambda each: each.arrived <= known, due))

    def put_back(self, waiting: Waiting, resume_at: float) -> None:
        """Nothing of it was sent: it waits again, and the partition rests until ``resume_at`` (monotonic)."""
        with self._lock:
            self._insert(waiting)
            self.resume_at = resume_at

    def is_late(self, job: Job) -> bool:
        """Whether a later job of its key has been dispatched.

        That is known of the last ten thousand keys, and of what earlier owners of the partition told the journal.
        """
        return job.key is not None and job.completed_at < self._started.get(job.key, -math.inf)

    def dispatched(self, job: Job) -> None:
        """Note that something of ``job`` may have reached B."""
        if job.key is None:
            return
        self._started[job.key] = max(job.completed_at, self._started.pop(job.key, -math.inf))
        if len(self._started) > _REMEMBERED_KEYS:
            self._started.popitem(last=False)

    def _insert(self, waiting: Waiting) -> None:
        bisect.insort(self._waiting, waiting, key=lambda one: one.order)

    def _is_due(self, now: float) -> bool:
        if not self._waiting or self.lost or now < self.resume_at:
            return False
        return self._order_known_at() <= now and self._is_known()

    def _is_known(self) -> bool:
        # So many within one window are more than an order is worth: their memory has a bound.
        return self._order_known_at() <= self._read_until or len(self._waiting) >= _MOST

    def _order_known_at(self) -> float:
        """From when on nothing can arrive any more that should have gone before the next job."""
        return self._waiting[0].arrived + self._window if self._waiting else -math.inf
