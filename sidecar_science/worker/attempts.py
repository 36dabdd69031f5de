"""The attempts at one job: marked in the journal before anything is sent, and bounded by what they may do to B."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalUnavailable, LeaseLost
from sidecar_science.journal.protocol import Journal, Started
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.circuit import Circuit, Pass, Rest
from sidecar_science.worker.endings import Ended
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.plan import Plan
from sidecar_science.worker.queue import PartitionQueue, Waiting

T = TypeVar("T")

MARGIN: Final = 1.0
"""Seconds by which a lease must outlast the time that a replay may take."""

MOST: Final = 2
"""How often a job may be sent that may be sent again."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Mark(Protocol):
    """Marks one more attempt in the journal: see `Marks.start`."""

    def __call__(self, queue: PartitionQueue, waiting: Waiting, plan: Plan, made: int) -> Started: ...


class BeforeSending(Protocol):
    """What a lane still has to do before something is sent: see `Settling.before_sending`."""

    def __call__(self, queue: PartitionQueue, *, writes: bool) -> None: ...


class Attempts:
    """What one job has been tried so far, under one lease. ``lease`` is how long a renewed one lasts, in seconds.

    ``made`` is how many attempts were made, by whomever; ``rest`` the rest that its service takes for what came of
    them, and ``is_back`` tells whether they have ended one. ``has_happened`` is set when B says that a write of which
    nobody knows how it ended did happen.
    """

    def __init__(
        self,
        journal: Journal,
        queue: PartitionQueue,
        waiting: Waiting,
        *,
        circuit: Circuit,
        lease: float,
        clock: Clock,
        mark: Mark,
        before_sending: BeforeSending,
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self.service: str | None = waiting.job.service
        self.plan: Plan | None = None
        self.made = waiting.made
        self.rest: Rest | None = None
        self.is_back = False
        self.has_happened = False
        self._journal = journal
        self._queue = queue
        self._entry = waiting.claimed.entry
        self._job = waiting.job
        self._circuit = circuit
        self._lease = lease
        self._clock = clock
        self._failpoint = failpoint
        self._waiting = waiting
        self._mark = mark
        self._before_sending = before_sending
        self._pass: Pass | None = None
        self._number = 0
        self._may_repeat = False

    def dispatch(self, plan: Plan) -> None:
        """Mark the job as dispatched. Raises `Ended` when nobody knows how an earlier attempt ended and one more is
        not allowed, and `Resting` when its service is to be left alone."""
        self.plan = plan
        self.service = plan.service
        self._pass = self._circuit.enter(plan.service)
        self._before_sending(self._queue, writes=plan.writes)
        self._start(plan)

    def hold(self, plan: Plan) -> None:
        """See to it that the lease lasts for as long as ``plan`` may take."""
        self._hold(plan.experiment.timeout + MARGIN)

    def _start(self, plan: Plan) -> None:
        self.hold(plan)
        limit = MOST if plan.repeatable else 1
        self._failpoint("before_start")
        started = self._mark(self._queue, self._waiting, plan, self.made)
        if not started.go:
            detail = "an earlier attempt was interrupted, and nobody knows how it ended"
            raise Ended(Outcome.UNKNOWN, None, detail) if plan.writes else Ended(Outcome.FAILED, "worker_error", detail)
        self.made, self._number = started.attempt, started.number
        self._may_repeat = started.attempt < limit
        self._failpoint("after_start")
        # Where the journal was away for a while, the mark itself may have taken what was left.
        self.hold(plan)

    def refused(self) -> Rest:
        """Nothing was sent after all: the mark goes, or a successor would take a write's end for unknown."""
        given, number = self._given(), self._number
        insisting(lambda: self._journal.withdraw(self._queue.lease, self._entry, number), self._queue, self._clock)
        self.made -= 1
        return self._circuit.refused(given)

    def answered(self, failing: bool) -> None:
        """B has answered; ``failing``: with an error of the server where A had none."""
        if failing:
            self.broke()
        else:
            self.is_back = self._circuit.answered(self._given()) or self.is_back

    def broke(self) -> None:
        """The connection broke."""
        self.rest = self._circuit.failed(self._given()) or self.rest

    def leave(self) -> None:
        """Whatever came of it, nobody waits for it any more."""
        if self._pass is not None:
            self._circuit.leave(self._pass)

    def may_repeat(self) -> bool:
        """Whether one more attempt is allowed: a read's, or that of a write that B recognizes."""
        return self._may_repeat

    def broken(self) -> tuple[Outcome, str | None]:
        """How a job ends of which no attempt brought an answer: a write may have happened."""
        if self.plan is not None and self.plan.writes:
            return Outcome.UNKNOWN, None
        return Outcome.FAILED, "unreachable"

    def _given(self) -> Pass:
        assert self._pass is not None, "nothing was dispatched"
        return self._pass

    def _hold(self, seconds: float) -> None:
        """See to it that the lease lasts for ``seconds``: a replay that outlives it meets a successor's."""
        now = self._clock.monotonic()
        if now + seconds <= self._queue.held_until:
            return
        if self._journal.renew([self._queue.lease], self._lease):
            raise LeaseLost(f"the lease of partition {self._queue.partition} ended before a job could be sent")
        self._queue.held_until = now + self._lease


def insisting(verb: Callable[[], T], queue: PartitionQueue, clock: Clock) -> T:
    """What ``verb`` gives, tried again while the journal does not answer and ``queue``'s lease may still be held.

    A mark or a settlement of which the reply was lost is repeated under the lease under which it was made; the next
    lease could only take it for somebody else's. Raises `JournalUnavailable` when that time is over.
    """
    pause, never = _FIRST_PAUSE, threading.Event()
    while True:
        try:
            return verb()
        except JournalUnavailable:
            if clock.monotonic() + pause >= queue.held_until:
                raise
        clock.wait(never, pause)
        pause = min(_LONGEST_PAUSE, pause * 2)
