"""The claimed jobs of one partition, in the order in which their controls completed."""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Iterable

import attrs

from sidecar_science.journal.job import Job, Stamp
from sidecar_science.journal.protocol import Claimed, Lease

_REMEMBERED_KEYS = 10_000


@attrs.frozen(kw_only=True)
class Waiting:
    """A claimed job: when, by the monotonic clock, it ``arrived`` in the journal, and how many attempts at it sent
    nothing."""

    claimed: Claimed
    job: Job
    stamp: Stamp
    key_id: bytes
    arrived: float
    unsent: int = 0

    @property
    def order(self) -> tuple[float, str, int]:
        return (self.job.completed_at, self.stamp.producer, self.stamp.sequence)


class PartitionQueue:
    """What waits in one partition; one lane at a time takes from it.

    Several processes of an application append to a partition, so jobs may arrive slightly out of order: each waits
    until everything that arrived within ``window`` seconds after it has been seen, and they leave sorted.
    """

    def __init__(self, lease: Lease, window: float) -> None:
        self.lease = lease
        self.partition = lease.partition
        self.resume_at = 0.0
        self.in_lane = False
        self.lost = False
        self._window = window
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._read_until = 0.0
        self._started: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, arrivals: Iterable[Waiting], *, read_until: float) -> None:
        """Take in what was claimed; everything that arrived before ``read_until`` (monotonic) is known now."""
        with self._lock:
            for arrival in arrivals:
                bisect.insort(self._waiting, arrival, key=lambda waiting: waiting.order)
            self._read_until = max(self._read_until, read_until)

    def ready(self, now: float) -> bool:
        """Whether the next job may be started at ``now``."""
        with self._lock:
            return not self.lost and now >= self.resume_at and self._is_due(now)

    def take(self, now: float) -> Waiting | None:
        """The next job, or None when none may be started yet."""
        with self._lock:
            if self.lost or not self._is_due(now):
                return None
            return self._waiting.pop(0)

    def put_back(self, waiting: Waiting, resume_at: float) -> None:
        """It was not sent after all: it stays first, and the partition rests until ``resume_at`` (monotonic)."""
        with self._lock:
            self._waiting.insert(0, waiting)
            self.resume_at = resume_at

    def is_late(self, job: Job) -> bool:
        """Whether a later job of its key has been started; notes this one as started."""
        if job.key is None:
            return False
        latest = self._started.pop(job.key, 0.0)
        self._started[job.key] = max(latest, job.completed_at)
        if len(self._started) > _REMEMBERED_KEYS:
            self._started.popitem(last=False)
        return job.completed_at < latest

    def next_instant(self, now: float) -> float | None:
        """When, by the monotonic clock, the next job may be started; None when nothing waits."""
        with self._lock:
            if not self._waiting or self.lost:
                return None
            return max(now, self.resume_at, self._waiting[0].arrived + self._window)

    def _is_due(self, now: float) -> bool:
        if not self._waiting:
            return False
        settled_order = self._waiting[0].arrived + self._window
        return settled_order <= now and settled_order <= self._read_until
