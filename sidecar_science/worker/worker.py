"""The worker: it owns partitions, feeds lanes, and ends by one deadline."""

from __future__ import annotations

import functools
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalError, JournalMisconfigured, NeverJoined, UsageError
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.outcome import Replayed
from sidecar_science.worker.circuit import Circuit
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.lane import Lane
from sidecar_science.worker.ownership import Ownership
from sidecar_science.worker.pace import Pace
from sidecar_science.worker.queue import PartitionQueue
from sidecar_science.worker.replay import Replay
from sidecar_science.worker.supervising.slots import Slots

_BLOCK: Final = 0.1
_TICK: Final = 0.02
_TROUBLE_PAUSE: Final = 0.5
_TRIM_EVERY: Final = 1.0
_DRAINED_EVERY: Final = 0.25
_FEWEST_STUCK: Final = 4


class Filling(Protocol):
    """Where jobs come from."""

    def fill(self, queues: Sequence[PartitionQueue], block: float) -> int: ...


class Worker:
    """Takes jobs from the journal in their order and replays them, until it is told to end.

    ``quiet()`` takes nothing new; ``stop(deadline)`` waits for what runs until ``deadline`` (monotonic). ``told`` is
    given every job's ending, and ``join_again`` why it is called: the environment's group is gone. Times are seconds.
    ``is_worn_out`` once as many lanes are stuck for good as it has: then it is quiet by itself, and another process
    should take its place.
    """

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        intake: Filling,
        replay: Callable[[], Replay],
        lanes: int,
        lease: float,
        renew_every: float,
        window: float,
        clock: Clock,
        log: Any,
        pace: Pace | None = None,
        deadlines: Deadlines | None = None,
        told: Callable[[Replayed], object] = lambda _: None,
        join_again: Callable[[Exception], object] | None = None,
        ownership: Ownership | None = None,
        drained: Callable[[], bool] | None = None,
        slots: Slots | None = None,
        failpoint: Failpoint = no_failpoint,
        exhausted: Callable[[], object] = lambda: None,
        orphaned: Callable[[], bool] = lambda: False,
        most_stuck: int | None = None,
    ) -> None:
        self.settled = 0
        self.outcomes: Counter[str] = Counter()
        self.lease = lease
        self.is_quiet = False
        self.is_worn_out = False
        self._journal = journal
        self._intake = intake
        self._clock = clock
        self._log = log
        self._deadlines = deadlines
        self._orphaned = orphaned
        self._most_stuck = most_stuck or max(_FEWEST_STUCK, lanes)
        self._told = told
        self._join_again = join_again or (lambda _: journal.join())
        self._quiet = threading.Event()
        self._never = threading.Event()
        self._ending = False
        self._ready: deque[PartitionQueue] = deque()
        self._change = threading.Condition()
        self._drained = drained or self._is_drained
        self._ownership = ownership or Ownership(
            journal=journal, worker=name, lease=lease, renew_every=renew_every, window=window, clock=clock, log=log
        )
        circuit = Circuit(clock)
        noted = slots or Slots(lanes + 1)
        self._new_lane: Callable[[int], Lane] = lambda number: Lane(
            number=number, journal=journal, replay=replay(), circuit=circuit, clock=clock, log=log, lease=lease,
            next_partition=self._next_partition, done=self._done, progress=self._progress,
            quiet=self._quiet, pace=pace, slot=noted.slot(number + 1), failpoint=failpoint, exhausted=exhausted,
        )  # fmt: skip
        self._lanes = [self._new_lane(number) for number in range(lanes)]
        self._given_up: list[Lane] = []
        self._trim_at = 0.0
        self._drained_at = 0.0
        self._pending = -1
        self._progress_at = clock.monotonic()
        self._trouble: str | None = None

    # -- endings -------------------------------------------------------------------------------------------------

    def quiet(self) -> None:
        """Take nothing new. A signal handler may call it: it takes no lock, and whoever waits looks by itself."""
        self.is_quiet = True

    def stop(self, deadline: float) -> bool:
        """Wait until ``deadline`` (monotonic) for what runs, give all partitions back; whether all of it ended."""
        self.quiet()
        self._quiet.set()
        with self._change:
            self._ending = True
            self._change.notify_all()
        while self._is_working() and self._clock.monotonic() < deadline:
            # Until its last job is settled this worker holds its leases, and its deadlines are kept.
            self._trying(self._ownership.keep)
            self._give_up_stuck_lanes()
            self._clock.wait(self._never, _TICK)
        self._trying(self._ownership.leave)
        self._trying(self._journal.trim)
        if self._deadlines is not None:
            self._deadlines.stop()
        return not self._is_working()

    def _is_working(self) -> bool:
        return any(lane.thread.is_alive() for lane in self._lanes)

    def _trying(self, verb: Callable[[], object]) -> None:
        try:
            verb()
        except (JournalError, UsageError) as error:
            # The latter while somebody resets the environment: it cannot be joined before that is done.
            self._in_trouble(error)

    # -- running -------------------------------------------------------------------------------------------------

    def run(self, *, burst: bool = False, give_up_after: float = 60.0) -> bool:
        """Work until told to be quiet; with ``burst`` until the journal is drained.

        Whether it ended as it should: False when a burst saw no progress for ``give_up_after`` seconds. Raises
        `JournalMisconfigured` when the journal says that trying again is of no use.
        """
        if self._deadlines is not None:
            self._deadlines.start()
        for lane in self._lanes:
            lane.start()
        while not self.is_quiet:
            try:
                self._round()
                if burst and self._drained():
                    break
                self._out_of_trouble()
            except NeverJoined as error:
                self._ownership.forget()
                self._trying(functools.partial(self._join_again, error))
                self._clock.wait(self._never, _TROUBLE_PAUSE)
            except JournalMisconfigured:
                raise
            except JournalError as error:
                self._in_trouble(error)
                self._ownership.forget()
                self._clock.wait(self._never, _TROUBLE_PAUSE)
            if burst and self._clock.monotonic() - self._progress_at > give_up_after:
                self._log.error("burst.gave_up", seconds=give_up_after)
                return False
        self._quiet.set()
        return True

    def _round(self) -> None:
        if self._orphaned():
            self.quiet()
            return
        self._give_up_stuck_lanes()
        self._ownership.tend()
        owned = self._owned()
        wanting = [queue for queue in owned if queue.wants_more()]
        busy = any(len(queue) for queue in owned)
        came = self._intake.fill(wanting, 0.0 if busy else _BLOCK)
        self._offer()
        now = self._clock.monotonic()
        if now >= self._trim_at:
            self._trim_at = now + _TRIM_EVERY
            self._journal.trim()
        if not came and (busy or not wanting):
            self._clock.wait(self._never, _TICK)

    def _in_trouble(self, error: JournalError | UsageError) -> None:
        """Once for each change of state: a journal that is away for an hour is no news every second."""
        state = type(error).__name__
        if state != self._trouble:
            self._trouble = state
            self._log.warning("journal.trouble", state=state, detail=str(error))

    def _out_of_trouble(self) -> None:
        if self._trouble is not None:
            self._log.info("journal.recovered", after=self._trouble)
            self._trouble = None

    def _give_up_stuck_lanes(self) -> None:
        """A lane whose replay did not end when it was told to is given up, and another one takes its place."""
        for thread, job in self._deadlines.stuck() if self._deadlines is not None else ():
            for number, lane in enumerate(self._lanes):
                if lane.thread.ident == thread and lane.abandon(job):
                    self._log.error("lane.abandoned", lane=number, job=job)
                    self._given_up.append(lane)
                    self._lanes[number] = self._new_lane(number)
                    self._lanes[number].start()
        self._given_up = [lane for lane in self._given_up if lane.thread.is_alive()]
        if len(self._given_up) >= self._most_stuck and not self.is_worn_out:
            self._log.warning("worker.worn_out", stuck=len(self._given_up))
            self.is_worn_out = True
            self.quiet()

    def _owned(self) -> Sequence[PartitionQueue]:
        return [queue for queue in self._ownership.queues.values() if not queue.lost]

    def _offer(self) -> None:
        """Hand every partition with due work, that no lane has, to the lanes; take back those that we have lost."""
        now = self._clock.monotonic()
        with self._change:
            for queue in [queue for queue in self._ready if queue.lost]:
                self._ready.remove(queue)
                queue.in_lane = False
            for queue in self._owned():
                if not queue.in_lane and queue.ready(now):
                    queue.in_lane = True
                    self._ready.append(queue)
                    self._change.notify()

    def _next_partition(self) -> PartitionQueue | None:
        """What a lane works on next; waits for it. None when the lane should end."""
        with self._change:
            while not self._ready:
                if self._ending:
                    return None
                self._change.wait(0.5)
            return self._ready.popleft()

    def _done(self, queue: PartitionQueue) -> None:
        """A lane has had its turn: the partition goes to the end of the line, if it has more."""
        with self._change:
            if not self._quiet.is_set() and queue.ready(self._clock.monotonic()):
                self._ready.append(queue)
                self._change.notify()
            else:
                queue.in_lane = False

    def _progress(self, replayed: Replayed) -> None:
        with self._change:
            self.settled += 1
            self.outcomes[replayed.outcome.value] += 1
            self._progress_at = self._clock.monotonic()
        self._told(replayed)

    def _is_drained(self) -> bool:
        """Whether nothing is left for anybody: asked of the journal, for other workers may hold partitions too."""
        now = self._clock.monotonic()
        if any(len(queue) or queue.in_lane for queue in self._owned()) or now < self._drained_at:
            return False
        self._drained_at = now + _DRAINED_EVERY
        pending = self._journal.accounts().pending
        if pending != self._pending:
            # Somebody else's progress is progress too.
            self._pending, self._progress_at = pending, now
        return pending == 0
