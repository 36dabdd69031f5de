"""One worker thread: it takes a partition with work, replays its jobs one after the other, and settles each."""

from __future__ import annotations

import functools
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import EgressRefused, JournalError, LeaseLost
from sidecar_science.journal.protocol import Journal, Settlement
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.tally import tally
from sidecar_science.worker import poison
from sidecar_science.worker.attempts import Attempts, insisting
from sidecar_science.worker.circuit import Circuit, Rest
from sidecar_science.worker.endings import Broken, NotSent, Resting
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.marks import Marks
from sidecar_science.worker.pace import Pace
from sidecar_science.worker.queue import PartitionQueue, Waiting
from sidecar_science.worker.replay import Replay, Ticket
from sidecar_science.worker.settling import Settling
from sidecar_science.worker.supervising.slots import Slot, Slots
from sidecar_science.worker.taint import buried, heals, judged, taints

TURN: Final = 32
"""How many jobs of one partition a lane does before it looks whether others wait longer."""


class Lane:
    """A thread with its own adapters. ``next_partition`` gives it work, or None when it should end.

    ``done`` takes the partition back, ``progress`` is told of every job that was settled, ``quiet`` is set when
    nothing new may be taken. ``lease`` is in seconds. ``slot`` is where it notes what it has in hand, ``exhausted`` is
    called when a replay has used up the process's memory.
    """

    def __init__(
        self,
        *,
        number: int,
        journal: Journal,
        replay: Replay,
        circuit: Circuit,
        clock: Clock,
        log: Any,
        next_partition: Callable[[], PartitionQueue | None],
        done: Callable[[PartitionQueue], None],
        progress: Callable[[Replayed], None],
        quiet: threading.Event,
        pace: Pace | None,
        lease: float,
        slot: Slot | None = None,
        failpoint: Failpoint = no_failpoint,
        exhausted: Callable[[], object] = lambda: None,
    ) -> None:
        self._journal = journal
        self._replay = replay
        self._circuit = circuit
        self._clock = clock
        self._log = log
        self._next_partition = next_partition
        self._done = done
        self._progress = progress
        self._quiet = quiet
        self._pace = pace
        self._lease = lease
        self._slot = slot or Slots(1).slot(0)
        self._failpoint = failpoint
        self._exhausted = exhausted
        self._settling = Settling(journal, clock, self._settled, failpoint)
        self._marks = Marks(journal, clock, replay.reads)
        self._lock = threading.Lock()
        self._at: tuple[PartitionQueue, Waiting, Attempts] | None = None
        self._abandoned = False
        self.thread = threading.Thread(target=self.run, name=f"sidecar-lane-{number}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def run(self) -> None:
        """Work until there is nothing to give."""
        while not self._abandoned and (queue := self._next_partition()) is not None:
            try:
                self._work(queue)
                self._end_turn(queue)
            except Exception as error:  # noqa: BLE001 - a defect of ours must not cost a lane and a partition
                queue.lost = True
                self._settling.forget()
                self._log.error("lane.failed", partition=queue.partition, error=type(error).__name__, at=_places())
            if not self._abandoned:
                self._done(queue)
        self._replay.close()

    def abandon(self, job: str) -> bool:
        """Settle ``job``, in which this lane is stuck, from another thread, as a timeout; whether it was stuck in it.

        Whatever the lane still does is its own affair: it settles nothing any more, and its time to send is over.
        """
        with self._lock:
            if self._abandoned or self._at is None or self._at[1].job.id != job:
                return False
            self._abandoned = True
            queue, waiting, attempts = self._at
        attempts.leave()
        queue.dispatched(waiting.job)
        try:
            detail = "the call did not end when its time had passed"
            self._settle(queue, waiting, attempts, self._ended(waiting, Outcome.FAILED, "timeout", detail))
            self._settling.flush(queue)
        except JournalError as error:
            self._give_up(queue, waiting, error)
        self._done(queue)
        return True

    def _work(self, queue: PartitionQueue) -> None:
        self._marks.forget()
        for _ in range(TURN):
            if self._quiet.is_set() or not queue.ready(self._clock.monotonic()):
                return
            if self._pace is not None and not self._paced(self._pace, queue):
                return
            waiting = None if self._quiet.is_set() else queue.take(self._clock.monotonic())
            if waiting is None:
                return
            self._slot.take(queue.partition, waiting.claimed.entry)
            try:
                if not self._job(queue, waiting):
                    return
            except JournalError as error:
                self._give_up(queue, waiting, error)
                return
            finally:
                if not self._abandoned:  # else the slot is another lane's by now
                    self._slot.clear()

    def _paced(self, pace: Pace, queue: PartitionQueue) -> bool:
        """Wait for the next one's turn, with nothing left to settle; False when the partition is lost."""
        if not self._end_turn(queue):
            return False
        pace.wait(self._quiet)
        return True

    def _end_turn(self, queue: PartitionQueue) -> bool:
        """Settle all that was done; whether it is. Nobody else is given the partition before that."""
        if self._abandoned:
            return False
        try:
            self._settling.flush(queue)
        except JournalError as error:
            self._lose(queue, error)
            return False
        return True

    def _job(self, queue: PartitionQueue, waiting: Waiting) -> bool:
        """Replay and settle one job; False when this lane has to leave the partition for now."""
        attempts = Attempts(
            self._journal, queue, waiting,
            circuit=self._circuit, lease=self._lease, clock=self._clock, failpoint=self._failpoint,
            mark=self._marks.start, before_sending=self._settling.before_sending,
        )  # fmt: skip
        if waiting.claimed.is_guilty:
            self._convict(queue, waiting, attempts)
            return True
        if waiting.lacks is not None:
            self._bury(queue, waiting, f"unknown_dictionary: {waiting.lacks}", writes=waiting.job.effect == "write")
            return True
        self._at = (queue, waiting, attempts)
        try:
            replayed = self._asked(attempts, self._replayed(queue, waiting, attempts))
        except (NotSent, Resting) as error:
            if self._is_still_mine():
                self._put_back(queue, waiting, attempts, error)
            return False
        except JournalError:
            if self._is_still_mine():
                raise
            return False
        finally:
            attempts.leave()
        if not self._is_still_mine():
            return False
        if attempts.made:
            queue.dispatched(waiting.job)
        self._tell_of_service(waiting, attempts)
        self._settle(queue, waiting, attempts, replayed)
        return True

    def _replayed(self, queue: PartitionQueue, waiting: Waiting, attempts: Attempts) -> Replayed:
        """What came of one job, after as many attempts as it may have."""
        ticket = Ticket(
            job=waiting.job,
            key_id=waiting.stamp.key_id,
            late=queue.is_late(waiting.job),
            answered=attempts.answered,
        )
        while True:
            try:
                return self._replay.replay(ticket, attempts.dispatch)
            except (NotSent, Resting, JournalError):
                raise
            except Broken as error:
                attempts.broke()
                if attempts.may_repeat() and not self._abandoned:
                    continue
                detail = f"the connection broke after the request was sent ({error})"
                return self._ended(waiting, *attempts.broken(), detail)
            except EgressRefused as error:
                return self._ended(waiting, Outcome.REFUSED, None, str(error))
            except BaseException as error:  # noqa: BLE001 - a defect is an outcome too, and the partition goes on
                if isinstance(error, MemoryError):
                    # Whatever the other lanes saw meanwhile is no answer of B either: this process ends here.
                    self._exhausted()
                kind = type(error).__name__
                self._log.error("replay.failed", job=waiting.job.id, error=kind, at=_places())
                return self._ended(waiting, Outcome.FAILED, "worker_error", f"{kind} in the worker itself; see its log")

    def _asked(self, attempts: Attempts, replayed: Replayed) -> Replayed:
        """Of a write of which nobody knows how it ended, whether B says that it happened."""
        plan = attempts.plan
        if replayed.outcome is not Outcome.UNKNOWN or plan is None or plan.experiment.reconcile is None:
            return replayed
        attempts.hold(plan)
        attempts.has_happened = not self._abandoned and self._replay.has_happened(plan.job)
        said = "has it" if attempts.has_happened else "does not say that it has it"
        return attrs.evolve(replayed, detail=f"{replayed.detail}; asked afterwards, B {said}")

    def _convict(self, queue: PartitionQueue, waiting: Waiting, attempts: Attempts) -> None:
        """End a job that brings processes down: it is not run again."""
        job, claimed = waiting.job, waiting.claimed
        self._log.warning("job.guilty", job=job.id, partition=queue.partition, started=bool(claimed.attempts))
        writes = not self._replay.reads(job)
        if claimed.attempts:
            queue.dispatched(job)
            ended = self._ended(waiting, *poison.ending(writes), poison.TOLD)
            self._settle(queue, waiting, attempts, ended, writes=writes)
        else:
            self._bury(queue, waiting, poison.REASON, writes=writes)

    def _bury(self, queue: PartitionQueue, waiting: Waiting, why: str, *, writes: bool) -> None:
        """What cannot be run is kept to be looked at, in its turn: an earlier write must not heal what it taints."""
        job, claimed = waiting.job, waiting.claimed
        told, taint = (why, claimed.data, job.id), buried(job, writes=writes)
        bury = functools.partial(self._journal.bury, queue.lease, claimed.entry, *told, taint=taint)
        self._settling.flush(queue)
        insisting(bury, queue, self._clock)
        self._log.warning("job.buried", partition=queue.partition, job=job.id, reason=why)

    def _is_still_mine(self) -> bool:
        """Whether the job is this lane's to settle, and from here on no other thread's."""
        with self._lock:
            self._at = None
            return not self._abandoned

    def _put_back(self, queue: PartitionQueue, waiting: Waiting, attempts: Attempts, error: NotSent | Resting) -> None:
        """The job waits, and what stands behind it, until its service may be tried again."""
        self._tell_of_service(waiting, attempts)
        rest = Rest(error.until, new=False) if isinstance(error, Resting) else attempts.refused()
        if attempts.made:
            queue.dispatched(waiting.job)
        queue.put_back(attrs.evolve(waiting, made=attempts.made), rest.until)
        self._tell_of_rest(waiting, attempts, rest, str(error))

    def _tell_of_service(self, waiting: Waiting, attempts: Attempts) -> None:
        if attempts.is_back:
            self._log.info("service.back", service=attempts.service)
        if attempts.rest is not None:
            self._tell_of_rest(waiting, attempts, attempts.rest, "too much goes wrong")

    def _tell_of_rest(self, waiting: Waiting, attempts: Attempts, rest: Rest, reason: str) -> None:
        tell = self._log.info if rest.new else self._log.debug
        seconds = round(rest.until - self._clock.monotonic(), 2)
        tell("service.rests", service=attempts.service, seconds=seconds, job=waiting.job.id, reason=reason)

    def _give_up(self, queue: PartitionQueue, waiting: Waiting, error: JournalError) -> None:
        self._lose(queue, error, job=waiting.job.id)

    def _lose(self, queue: PartitionQueue, error: JournalError, **facts: str) -> None:
        """Our own state is unknown now: the partition's next owner, or we ourselves, read it again."""
        queue.lost = True
        event = "partition.lost" if isinstance(error, LeaseLost) else "journal.trouble"
        self._log.warning(event, partition=queue.partition, detail=str(error), **facts)

    def _settle(
        self,
        queue: PartitionQueue,
        waiting: Waiting,
        attempts: Attempts,
        replayed: Replayed,
        *,
        writes: bool | None = None,
    ) -> None:
        job, plan = waiting.job, attempts.plan
        replayed = judged(replayed, job, lambda keys: self._tainted(queue, keys))
        kept = tally(replayed)
        settlement = Settlement(
            entry=waiting.claimed.entry, add=kept.add, first=kept.first, last=kept.last, samples=kept.samples,
            taint=taints(job, replayed, plan, has_happened=attempts.has_happened, writes=writes),
            heal=heals(job, replayed, plan),
        )  # fmt: skip
        # What taints is known before the next difference is judged; what a process died with is not risked again.
        wait = plan is not None and not plan.writes and not settlement.taint and not waiting.claimed.crashes
        self._settling.add(queue, settlement, replayed, wait=wait)

    def _settled(self, replayed: Replayed) -> None:
        self._log.debug(
            "job.settled",
            job=replayed.job,
            experiment=replayed.experiment,
            outcome=replayed.outcome.value,
            reason=replayed.reason,
        )
        self._progress(replayed)

    def _tainted(self, queue: PartitionQueue, keys: Iterable[str]) -> Mapping[str, str]:
        return insisting(lambda: self._journal.tainted(queue.lease, keys), queue, self._clock)

    def _ended(self, waiting: Waiting, outcome: Outcome, reason: str | None, detail: str) -> Replayed:
        return Replayed(
            job=waiting.job.id,
            experiment=waiting.job.experiment,
            outcome=outcome,
            reason=reason,
            detail=detail,
            settled_at=self._clock.wall(),
        )


def _places() -> list[str]:
    """Where the current error was raised, innermost last. No texts of errors, no values: they may be anybody's."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-5:]]
