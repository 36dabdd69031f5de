"""One worker thread: it takes a partition with work, replays its jobs one after the other, and settles each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalError, LeaseLost
from sidecar_science.journal.protocol import Journal, Settlement
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.tally import tally
from sidecar_science.worker.pause import Pauses
from sidecar_science.worker.plan import Ended, Plan
from sidecar_science.worker.queue import PartitionQueue, Waiting
from sidecar_science.worker.replay import Broken, NotSent, Replay, Ticket

TURN: Final = 32
"""How many jobs of one partition a lane does before it looks whether others wait longer."""

_MAX_READS: Final = 2


class Lane:
    """A thread with its own adapters. ``next_partition`` gives it work, or None when it should end."""

    def __init__(
        self,
        *,
        number: int,
        journal: Journal,
        replay: Replay,
        pauses: Pauses,
        clock: Clock,
        log: Any,
        next_partition: Callable[[], PartitionQueue | None],
        done: Callable[[PartitionQueue], None],
        progress: Callable[[Replayed], None],
        quiet: threading.Event,
        pace: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._replay = replay
        self._pauses = pauses
        self._clock = clock
        self._log = log
        self._next_partition = next_partition
        self._done = done
        self._progress = progress
        self._quiet = quiet
        self._pace = pace
        self._lock = threading.Lock()
        self._at: tuple[PartitionQueue, Waiting] | None = None
        self._abandoned = False
        self.thread = threading.Thread(target=self.run, name=f"sidecar-lane-{number}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def abandon(self) -> bool:
        """Settle what this lane is stuck in, from another thread, as a timeout; whether it was stuck in anything.

        Whatever the lane still does is its own affair: it settles nothing any more.
        """
        with self._lock:
            if self._at is None or self._abandoned:
                return False
            self._abandoned = True
        queue, waiting = self._at
        late = Replayed(
            job=waiting.job.id,
            experiment=waiting.job.experiment,
            outcome=Outcome.FAILED,
            reason="timeout",
            detail="the call did not end when its time had passed",
            settled_at=self._clock.wall(),
        )
        self._settle(queue, waiting, late)
        self._done(queue)
        return True

    def run(self) -> None:
        """Work until there is nothing to give."""
        while not self._abandoned and (queue := self._next_partition()) is not None:
            try:
                self._work(queue)
            finally:
                if not self._abandoned:
                    self._done(queue)
        self._replay.close()

    def _work(self, queue: PartitionQueue) -> None:
        for _ in range(TURN):
            waiting = None if self._quiet.is_set() else queue.take(self._clock.monotonic())
            if waiting is None:
                return
            self._pace()
            try:
                if not self._job(queue, waiting) or self._abandoned:
                    return
            except LeaseLost:
                queue.lost = True
                self._log.warning("partition.lost", partition=queue.partition, job=waiting.job.id)
                return
            except JournalError as error:
                # Our own state is unknown now: give the partition up, and let its next owner read what is left.
                queue.lost = True
                self._log.warning("journal.trouble", partition=queue.partition, detail=str(error))
                return

    def _job(self, queue: PartitionQueue, waiting: Waiting) -> bool:
        """Replay and settle one job; False when the partition has to rest first."""
        ticket = Ticket(job=waiting.job, key_id=waiting.key_id, late=queue.is_late(waiting.job))
        attempts = _Attempts(self._journal, queue, waiting)
        self._at = (queue, waiting)
        while True:
            try:
                replayed = self._replay.replay(ticket, attempts.dispatch)
            except NotSent as error:
                resume_at = self._pauses.lengthen(attempts.service)
                queue.put_back(attrs.evolve(waiting, unsent=attempts.made), resume_at)
                self._log.info("lane.paused", service=attempts.service, job=waiting.job.id, reason=str(error))
                return False
            except Broken as error:
                if attempts.may_repeat():
                    continue
                replayed = attempts.broken(waiting, str(error), self._clock.wall())
            except Exception as error:  # noqa: BLE001 - a defect of ours is an outcome too, and the partition goes on
                self._log.error("replay.failed", job=waiting.job.id, error=type(error).__name__, exc_info=True)
                replayed = _worker_error(waiting, error, self._clock.wall())
            break
        with self._lock:
            if self._abandoned:
                return False
            self._at = None
        self._pauses.forget(attempts.service)
        self._settle(queue, waiting, replayed)
        return True

    def _settle(self, queue: PartitionQueue, waiting: Waiting, replayed: Replayed) -> None:
        kept = tally(replayed)
        settlement = Settlement(
            entry=waiting.claimed.entry, add=kept.add, first=kept.first, last=kept.last, samples=kept.samples
        )
        self._journal.settle(queue.lease, [settlement])
        self._log.debug(
            "job.settled",
            job=replayed.job,
            experiment=replayed.experiment,
            outcome=replayed.outcome.value,
            reason=replayed.reason,
        )
        self._progress(replayed)


class _Attempts:
    """The attempts at one job: marked in the journal before anything is sent, and bounded by what it does to B."""

    def __init__(self, journal: Journal, queue: PartitionQueue, waiting: Waiting) -> None:
        self.service: str | None = waiting.job.service
        self._journal = journal
        self._queue = queue
        self._waiting = waiting
        self._plan: Plan | None = None
        self.made = 0
        self._allowed = 1

    def dispatch(self, plan: Plan) -> None:
        """Mark the job as dispatched. Raises `Ended` as ``unknown`` when an earlier attempt's end is not known."""
        self._plan = plan
        self.service = plan.service
        once = plan.writes and not plan.experiment.idempotent
        unsent = self._waiting.unsent
        limit = (1 if once else _MAX_READS) + unsent
        self._allowed = limit
        started = self._journal.start(
            self._queue.lease, self._waiting.claimed.entry, limit=limit, after=self.made or unsent
        )
        if not started.go:
            raise Ended(
                Outcome.UNKNOWN if once else Outcome.FAILED,
                None if once else "worker_error",
                "an earlier attempt was interrupted, and nobody knows how it ended",
            )
        self.made = started.attempt

    def may_repeat(self) -> bool:
        """Whether one more attempt is allowed: a read's, or that of a write that B recognizes."""
        return self.made < self._allowed

    def broken(self, waiting: Waiting, reason: str, now: float) -> Replayed:
        """How a broken attempt ends: a write may have happened."""
        unknown = self._plan is not None and self._plan.writes
        return Replayed(
            job=waiting.job.id,
            experiment=waiting.job.experiment,
            outcome=Outcome.UNKNOWN if unknown else Outcome.FAILED,
            reason=None if unknown else "unreachable",
            detail=f"the connection broke after the request was sent ({reason})",
            settled_at=now,
        )


def _worker_error(waiting: Waiting, error: Exception, now: float) -> Replayed:
    return Replayed(
        job=waiting.job.id,
        experiment=waiting.job.experiment,
        outcome=Outcome.FAILED,
        reason="worker_error",
        detail=f"{type(error).__name__} in the worker itself; see its log",
        settled_at=now,
    )
